"""Two processes train one model: the same weights in both, and the losses of one process with the same batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.families import FAMILIES
from engine.runs import directory as runs
from engine.session import Session
from tests.contract.tiny import environment
from tests.engine.training.runner import digests, new_run, steps_saved, train

pytestmark = pytest.mark.slow  # Two processes that import torch, and seven runs.

SCRIPT = Path(__file__).with_name("job_of_two.py")
SHORT = {"batch": 8, "steps": 4, "save_every": 1, "preview_every": 1000}
# Seven images do not share out evenly among two processes of two parts each.
CASES = {
    "vae": ("vae", SHORT),
    "flow": ("flow", SHORT),
    "gan": ("gan", SHORT),
    "vae, uneven and in parts": ("vae", {**SHORT, "batch": 7, "accumulate": 2}),
    "flow, recomputed": ("flow", {**SHORT, "checkpointing": True}),
    "gan, in parts": ("gan", {**SHORT, "accumulate": 2}),
}
ASKED = {"stopped": {"at": 2, "touch": "STOP"}, "paused": {"at": 2, "touch": "PAUSE"}, "short of memory": {"memory": 1}}


@dataclass(frozen=True)
class Pair:
    """What both processes told, and where the runs are."""

    folder: Path
    session: Session
    told: tuple[dict, dict]

    def run(self, name: str) -> Path:
        return self.folder / name / "tiny"


def torchrun(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", *arguments]


@pytest.fixture(scope="module")
def pair():
    """One job for all tests of this file: starting two processes costs more than all that they train."""
    # Leaves no run behind where a person keeps theirs: homes of a module's fixture are not yet those of a test.
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        for part in ("HOME", "CACHE", "CONFIG"):
            patch.setenv(f"LATENT_LOOM_{part}", str(folder / part.lower()))
        session, rows = None, []
        for case, (family, training) in CASES.items():
            session, run = new_run(folder, family, name=case, **training)
            rows.append({"name": case, "run": str(run)})
        for case, asked in ASKED.items():
            _, run = new_run(folder, "vae", name=case, **SHORT)
            rows.append({"name": case, "run": str(run), **asked})
        (folder / "runs.json").write_text(json.dumps(rows))
        done = subprocess.run(
            torchrun(str(SCRIPT), str(folder)),
            env={**environment(), "PYTHONWARNINGS": "ignore"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert session is not None
        told = tuple(json.loads((folder / f"rank{rank}.json").read_text()) for rank in (0, 1))
        yield Pair(folder, session, told)


@pytest.mark.parametrize("case", list(CASES))
def test_both_processes_hold_the_same_weights_average_and_moments(case, pair):
    one, other = (told[case] for told in pair.told)
    assert one["state"] == "done"
    assert one["digest"] == other["digest"]
    assert steps_saved(pair.run(case)) == [0, 1, 2, 3, 4]


def losses(run: Path) -> dict[int, dict[str, float]]:
    """The training metrics of every step that are sums over images."""
    linear = ("loss", "bits_per_dim", "elbo_bits_per_dim", "kl_nats", "gradient_norm", "code_norm")
    found: dict[int, dict[str, float]] = {}
    for row in runs.read_metrics(run)[0]:
        found.setdefault(row.step, {}).update({k: v for k, v in row.values.items() if k in linear})
    return found


@pytest.mark.parametrize("case", ["vae", "flow", "vae, uneven and in parts", "flow, recomputed"])
def test_the_batch_of_two_processes_gives_the_losses_of_one(case, pair, monkeypatch):
    monkeypatch.setattr("engine.training.tick.TICK_SECONDS", 1000.0)
    family, training = CASES[case]
    _, alone = new_run(
        pair.folder, family, name=f"{case} alone", **{**training, "accumulate": 1, "checkpointing": False}
    )
    train(pair.session, alone)
    wanted, found = losses(alone), losses(pair.run(case))
    assert sorted(wanted) == sorted(found) == [1, 2, 3, 4]
    for step, values in wanted.items():
        assert "loss" in values
        assert found[step] == pytest.approx(values, abs=1e-5, rel=1e-5), f"step {step}"


def test_a_stop_file_stops_both_at_the_same_step(pair):
    one, other = (told["stopped"] for told in pair.told)
    assert (one["state"], one["step"], other["state"], other["step"]) == ("stopped", 2, "stopped", 2)
    assert one["digest"] == other["digest"]
    assert runs.read_status(pair.run("stopped")).state == "stopped"


def test_a_pause_file_holds_both_and_changes_nothing(pair):
    one, other = (told["paused"] for told in pair.told)
    assert one["states"].count("paused") == 1
    assert one["states"][one["states"].index("paused") + 1] == "running"
    assert other["states"] == [], "rank 1 is to say nothing"
    assert one["digest"] == other["digest"] == pair.told[0]["vae"]["digest"]


def test_memory_that_runs_out_in_one_process_makes_the_parts_smaller_in_both(pair):
    one, other = (told["short of memory"] for told in pair.told)
    assert (one["state"], one["accumulate"], other["accumulate"]) == ("done", 2, 2)
    assert one["digest"] == other["digest"]
    run = pair.run("short of memory")
    assert runs.read_config(run).training["accumulate"] == 2
    assert "Memory ran out at step 1" in (run / "log.txt").read_text()


@pytest.mark.parametrize("family", list(FAMILIES))
def test_a_run_of_two_processes_goes_on_with_one(family, pair):
    run = pair.run(family)
    pair.session.extend_run(run, {"steps": 5})
    state, _ = train(pair.session, run)
    assert (state.state, state.step) == ("done", 5)
    assert digests(run, 5)
    assert os.listdir(run / "checkpoints")
