"""A stage of the Lab becomes a run: opened, held against its truth, trained on; and nothing is left of a failed one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.control import Control
from engine.data import Split
from engine.errors import DataError, RunError, UserError
from engine.lab.bench import Bench
from engine.lab.kept import point_set
from engine.lab.lines import read
from engine.lab.names import csv_name
from engine.lab.setup import LabTraining, Setup
from engine.runs import directory as runs
from engine.session import Session

FLOW = Setup(
    "moons", "stack", {"recipe": "actnorm, 2 x (coupling(affine, 8), swap)"}, LabTraining(steps=60, batch=64, seed=3)
)
GAN = Setup("bumps", "gan", {"code": 2, "width": 8, "discriminator_width": 8}, LabTraining(steps=60, optimiser="sgd"))
ROWS = [(0, {"loss": 3.0, "lab/gap": 1.0}), (40, {"loss": float("nan")})]


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(device="cpu", home=tmp_path)


def kept(session: Session, setup: Setup, steps: int = 40) -> tuple[Path, Bench]:
    bench = Bench([setup])
    for _ in range(steps):
        bench.step()
    return session.keep_stage(bench, 0, "Kept", ROWS), bench


@pytest.mark.parametrize("setup", [FLOW, GAN], ids=["flow", "gan"])
def test_a_kept_stage_is_opened_judged_and_trained_on(session, setup):
    run, bench = kept(session, setup)
    stage = bench.stages[0]
    # The same points, of the averaged weights.
    opened = session.open_run(run)
    codes = opened.sample(8, seed=1)
    with torch.no_grad():
        assert np.allclose(opened.values(codes), stage.shown.decode(torch.from_numpy(codes)).numpy(), atol=1e-6)
    with pytest.raises(UserError, match="draws points and no pictures"):
        opened.decode(codes)
    # Its curves, and the set-up that makes it again.
    assert [row.step for row in runs.read_metrics(run)[0]] == [0, 40]
    assert read(json.loads((run / "lab.json").read_text())["setup"]) == setup
    # A diagnosis says what cannot be examined, and how near the truth it is.
    report = session.diagnose(session.subject(run), quick=True)
    assert report.skipped
    assert all("draws points" in why for why in report.skipped.values())
    assert [finding.diagnostic for finding in report.findings] == ["truth"]
    figures = {one.name: one.value for one in stage.figures()}
    assert report.findings[0].value("sliced_w1") == pytest.approx(figures["sliced_w1"], rel=1e-3)
    # Train goes on from here.
    status = runs.read_status(run)
    assert (status.state, status.step, status.steps) == ("stopped", 40, 60)
    ended = session.train(run, control=Control(), emit=lambda event: None)
    assert (ended.state, ended.step) == ("done", 60)
    with torch.no_grad():
        after = session.open_run(run).values(codes)
    assert not np.allclose(after, opened.values(codes))


def test_points_of_a_run_are_the_truth_and_repeat():
    data = point_set("lab:moons")
    assert np.array_equal(data.images, point_set("lab:moons").images)
    assert data.images.shape[1:] == (1, 1, 2)
    with pytest.raises(DataError, match="nowhere"):
        point_set("lab:nowhere")


def test_rows_that_judge_are_never_learned_and_a_file_that_has_changed_is_told(session, tmp_path):
    file = tmp_path / "waits.csv"
    rows = np.random.default_rng(0).normal(size=50)
    file.write_text("".join(f"{value:.6f}\n" for value in rows))
    name = csv_name(file)
    data = point_set(f"lab:{name}")
    learned, judges = ({*data.images[data.indices(split)].flatten().tolist()} for split in (Split.TRAIN, Split.TEST))
    assert (len(learned), len(judges), learned & judges) == (40, 10, set())
    assert {*data.images[data.indices(Split.VALIDATION)].flatten().tolist()} == judges
    run, _ = kept(session, Setup(name, "stack", {"recipe": "actnorm"}, LabTraining(steps=4, batch=16)), 2)
    found = session.diagnose(session.subject(run), quick=True).findings[0]
    assert "whose density is an estimate" in found.sentence
    assert all(one.note.startswith("the estimate: ") for one in found.figures)
    file.write_text("".join(f"{value:.6f}\n" for value in rows + 1.0))
    with pytest.raises(RunError, match="changed"):
        session.train(run, control=Control(), emit=lambda event: None)


def test_where_the_disk_takes_nothing_nothing_is_left(session, monkeypatch):
    def full(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.training.keeping.write_json", full)
    with pytest.raises(RunError, match="No space left"):
        kept(session, FLOW, 1)
    assert list(session.runs_folder.iterdir()) == []
