"""A run survives being killed: at a random moment, and between any two acts of writing a checkpoint."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.errors import RunError
from engine.events import TrainingNotice
from engine.families import FAMILIES
from engine.runs import directory as runs
from engine.runs.checkpoints import newest_snapshot
from engine.runs.library import RunListing, read_listing
from engine.session import Session
from tests.contract.tiny import environment
from tests.engine.training.runner import digests, new_run, of, steps_saved, train

STEPS = 48


def child(run: Path, program: str | None = None, *arguments: str) -> subprocess.Popen[str]:
    """A process of its own that resumes the run, as a person would; `program` runs before the command."""
    start = ["-c", program] if program else ["-m", "engine.cli"]
    return subprocess.Popen(
        [sys.executable, *start, "train", "--run", str(run), "--resume", "--device", "cpu", *arguments],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition, process: subprocess.Popen[str], seconds: float = 400.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            pytest.fail(f"the child ended early: {process.communicate()}")
        time.sleep(0.003)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.slow
def test_a_killed_run_ends_bit_for_bit_as_if_it_had_not_been_killed(family, tmp_path):
    _, killed = new_run(tmp_path, family, name="killed", steps=STEPS, save_every=6)
    # The child waits, paused, while the run to compare with is made: two processors, half the time.
    (killed / "PAUSE").touch()
    process = child(killed)
    session, whole = new_run(tmp_path, family, name="whole", steps=STEPS, save_every=6)
    train(session, whole)
    wait_for(lambda: runs.read_status(killed).state == "paused", process)
    (killed / "PAUSE").unlink()
    at = random.Random().choice((6, 12, 18))
    wait_for((killed / "checkpoints" / f"step_{at:06d}").exists, process)
    time.sleep(random.Random().random() * 0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "it was done before it could be killed"
    assert runs.read_status(killed).state == "stopped"
    assert at <= max(steps_saved(killed)) < STEPS
    runs.read_metrics(killed)
    state, events = train(session, killed)
    assert (state.state, state.step) == ("done", STEPS)
    assert not of(TrainingNotice, events)
    assert digests(killed, STEPS) == digests(whole, STEPS), f"killed after step {at}"
    assert not list((killed / "checkpoints").glob(".*"))


@pytest.mark.slow
def test_a_second_process_is_refused_and_a_termination_is_an_orderly_stop(tmp_path):
    session, run = new_run(tmp_path, steps=100_000, save_every=100_000)
    process = child(run)
    wait_for(lambda: runs.read_status(run).state == "running", process)
    with pytest.raises(RunError, match="another process"):
        train(session, run)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "stopped at step" in out
    step = runs.read_status(run).step
    assert steps_saved(run) == [0, step]
    assert session.open_run(run).info.step == step > 0


# Ends the process, as a power cut would, at the n-th act of writing the checkpoint of step 8.
# One child costs seconds, so the acts are cut in forks of one process that has torch in it already.
FORKS = """
import os, sys, shutil
import torch
torch.set_num_threads(1)
import tensorboardX
from engine import cli
from engine.training import job
from pathlib import Path

cli.parser()
run = Path(sys.argv[1])
backup = run.parent / "backup"
shutil.copytree(run, backup)
kept = job.save_snapshot
# The first run of a process costs ten times the others; the forks inherit what it has warmed up.
words, sys.stdout, sys.stderr = sys.stdout, open(os.devnull, "w"), open(os.devnull, "w")
assert cli.main(["train", "--run", str(run), "--resume", "--device", "cpu"]) == 0
sys.stdout = words
for at in range(1, 60):
    shutil.rmtree(run)
    shutil.copytree(backup, run)
    pid = os.fork()
    if pid == 0:
        acts = -10**9
        def cut(name, module):
            original = getattr(module, name)
            def act(*args, **kwargs):
                global acts
                acts += 1
                if acts == at:
                    os._exit(9)
                return original(*args, **kwargs)
            setattr(module, name, act)
        for name in ("fsync", "replace"):
            cut(name, os)
        cut("rmtree", shutil)
        def counted(run, progress, **words):
            global acts
            acts = 0 if progress.step == 8 else -10**9
            try:
                return kept(run, progress, **words)
            finally:
                acts = -10**9
        job.save_snapshot = counted
        sys.stdout = sys.stderr
        os._exit(cli.main(["train", "--run", str(run), "--resume", "--device", "cpu"]))
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    shutil.copytree(run, run.parent / f"cut{at:02d}" / run.name)
    print(at, code, flush=True)
    if code != 9:
        break
"""


@pytest.mark.slow
def test_a_cut_at_any_act_of_writing_a_checkpoint_leaves_a_good_one(tmp_path):
    session, run = new_run(tmp_path, keep=2, steps=8)
    train(session, run)
    whole = digests(run, 8)
    shutil.rmtree(run / "checkpoints/step_000008")
    done = subprocess.run(
        [sys.executable, "-c", FORKS, str(run)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    codes = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    assert codes[-1][1] == 0, done.stderr
    assert len(codes) > 6, "the acts were not cut"
    seen = set()
    for at, code in codes:
        cut = run.parent / f"cut{at:02d}" / run.name
        folder, problems = newest_snapshot(cut)
        assert folder is not None
        assert not problems, problems
        if code == 9:
            assert folder.name in ("step_000004", "step_000008")
            seen.add(folder.name)
    assert seen == {"step_000004", "step_000008"}
    # Resuming after one early and one late cut gives the very same end.
    for at in (1, len(codes) - 1):
        cut = run.parent / f"cut{at:02d}" / run.name
        train(session, cut)
        assert digests(cut, 8) == whole
        assert not list((cut / "checkpoints").glob(".*"))


@pytest.mark.slow
def test_a_reader_leaves_a_writers_half_made_checkpoint_alone(tmp_path):
    session, run = new_run(tmp_path)
    train(session, run)
    half = run / "checkpoints" / ".step_000016.abcd.tmp"
    half.mkdir()
    session.open_run(run)
    assert half.exists(), "the window that looks at a live run must not break its saving"
    session.extend_run(run, {"steps": 13})
    train(session, run)
    assert not half.exists()


def test_a_session_needs_no_home_to_be_made(tmp_path):
    assert read_listing(Session(device="cpu", home=tmp_path / "not" / "there").runs_folder) == RunListing()
