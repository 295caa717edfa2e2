"""Diagnosing while training: the numbers of training stay, reports appear, never two at once, and the end is clean."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import numpy as np
import pytest

from engine.api import TrainRequest
from engine.diagnostics.report_files import list_reports, read_report
from engine.errors import Cancelled
from engine.events import TrainingNotice, TrainingPreview
from engine.report import Report, Verdict
from engine.session import Session
from engine.training import diagnosing
from tests.contract.tiny import tiny_config
from tests.engine.training.runner import digests, of, train


def images(folder: Path, n: int = 120) -> Path:
    rng = np.random.default_rng(0)
    coarse = rng.integers(30, 220, (n, 4, 4, 3)).repeat(8, 1).repeat(8, 2)
    path = folder / "data.npz"
    np.savez(path, images=(coarse + rng.integers(0, 9, coarse.shape)).astype(np.uint8))
    return path


@pytest.fixture
def run(tmp_path: Path):
    """Makes runs on a set that is large enough to be diagnosed."""
    data = images(tmp_path)

    def make(name: str, **training):
        session, path = _new(tmp_path, data, name, training)
        return session, path

    return make


def _new(tmp_path: Path, data: Path, name: str, training: dict):
    session = Session(device="cpu", home=tmp_path / "home")
    knobs = {"batch": 8, "steps": 12, "save_every": 12, "preview_every": 4, **training}
    request = TrainRequest(
        family="vae",
        data=str(data),
        size=32,
        model=tiny_config("vae"),
        training=knobs,
        folder=tmp_path / name,
        title="Tiny",
    )
    return session, session.new_run(request)


def diagnosed() -> None:
    """Waits for the end of the diagnosis at work, whose thread has a low priority: a busy machine lets it wait long."""
    for thread in threading.enumerate():
        if thread.name == "diagnosing":
            thread.join()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look of the hook finds the diagnosis before it at its end: a short run does not give it the time."""
    look = diagnosing.Diagnosing._look

    def patient_look(hook, context) -> None:
        diagnosed()
        look(hook, context)

    monkeypatch.setattr(diagnosing.Diagnosing, "_look", patient_look)


@pytest.mark.slow
def test_reports_appear_and_training_goes_the_same_way(run, patient) -> None:
    session, plain = run("plain")
    train(session, plain)
    session, watched = run("watched", diagnose_every=4)
    train(session, watched)
    assert [entry.step for entry in list_reports(watched)] == [4, 8]
    report = read_report(list_reports(watched)[0].folder)
    assert (report.step, report.title, report.data) == (4, "Tiny", "data")
    assert report.findings
    assert digests(plain, 12) == digests(watched, 12)
    assert not any(thread.name == "diagnosing" for thread in threading.enumerate())


@pytest.mark.slow
def test_a_run_without_the_knob_has_no_reports(run) -> None:
    session, path = run("plain")
    train(session, path)
    assert not (path / "diagnostics").exists()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch):
    """A diagnosis that lasts until it is cancelled or let go; gives the steps that were asked for, and when the first
    has begun.
    """
    asked: list[int] = []
    begun, go = threading.Event(), threading.Event()

    def work(subject, names, *, progress, **_):
        asked.append(subject.origin.step)
        begun.set()
        while not go.wait(0.01):
            progress.check()
        verdict = Verdict("one-mode", "bad", "Collapsed to nearly one picture", "They are alike.")
        return Report("", "run", "vae", "data", (), verdict, subject.origin.step)

    monkeypatch.setattr(diagnosing, "diagnose", work)
    return asked, begun, go


@pytest.mark.slow
def test_a_diagnosis_at_work_makes_the_next_be_left_out_and_ends_with_the_run(run, slow, caplog) -> None:
    asked, begun, _ = slow
    session, path = run("busy", diagnose_every=4)
    with caplog.at_level(logging.INFO, "engine.training.diagnosing"):
        state, _ = train(session, path, hear=lambda event: _until(begun, event))
    assert state.state == "done"
    assert asked == [4]
    assert "step 8 is not diagnosed" in caplog.text
    assert "step 4 was stopped with its run" in caplog.text
    assert list_reports(path) == ()
    assert not any(thread.name == "diagnosing" for thread in threading.enumerate())


def _until(begun: threading.Event, event) -> None:
    if isinstance(event, TrainingPreview) and event.step == 8:
        begun.wait()


@pytest.mark.slow
def test_a_bad_verdict_is_told_once(run, slow, patient) -> None:
    _, _, go = slow
    go.set()
    session, path = run("bad", diagnose_every=4, steps=16)
    _, events = train(session, path)
    told = [notice for notice in of(TrainingNotice, events) if "Diagnosis" in notice.text]
    assert [entry.step for entry in list_reports(path)] == [4, 8, 12]
    assert len(told) == 1
    assert "Collapsed to nearly one picture" in told[0].text


@pytest.mark.slow
def test_a_diagnosis_that_fails_is_a_notice_and_training_goes_on(run, monkeypatch: pytest.MonkeyPatch) -> None:
    done = threading.Event()

    def fails(*_, **__):
        done.set()
        raise ValueError("it cannot be")

    monkeypatch.setattr(diagnosing, "diagnose", fails)
    session, path = run("fails", diagnose_every=4)

    def hear(event) -> None:
        if isinstance(event, TrainingPreview) and event.step == 8:
            done.wait()
            diagnosed()

    state, events = train(session, path, hear=hear)
    assert state.state == "done"
    assert any("it cannot be" in notice.text for notice in of(TrainingNotice, events))


def test_cancelled_is_no_error_of_ours() -> None:
    assert not issubclass(Cancelled, ValueError | RuntimeError | OSError)
