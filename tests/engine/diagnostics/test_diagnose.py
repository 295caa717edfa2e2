"""Diagnosing: one row that fails leaves the others, progress only rises, and the cheap row knows a collapse."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.diagnostics import diagnose as module
from engine.diagnostics import spread
from engine.diagnostics.base import Diagnostic, Request, Subject
from engine.diagnostics.diagnose import added, chosen, diagnose, judged_again
from engine.diagnostics.facts import Origin
from engine.errors import Cancelled, DataError, UsageError
from engine.knobs import Knob
from engine.progress import Progress
from engine.report import Finding
from tests.contract.tiny import make


def pictures(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 216, (n, 4, 4, 3)).repeat(8, 1).repeat(8, 2)
    return np.clip(coarse + rng.normal(0, 4, (n, 32, 32, 3)), 0, 255).astype(np.uint8)


class Shown(Subject):
    """A subject whose samples are given."""

    def samples(self, n: int, **_: object) -> np.ndarray:
        return SAMPLES[: max(n, 1)]


SAMPLES = pictures(200, 5)


@pytest.fixture
def subject() -> Shown:
    model = make("vae", shape=(3, 32, 32)).eval()
    return Shown(model, pictures(120, 1), pictures(90, 2), origin=Origin("ab", "Tiny", "vae", "boxes", "yes", 7, 10))


def row(name: str, run, *, why: str = "", knobs: tuple[Knob, ...] = ()) -> Diagnostic:
    return Diagnostic(name, name.title(), "", run, lambda subject: why, knobs)


def fine(request: Request) -> Finding:
    for done in range(5):
        request.progress.check()
        request.progress.step(done, 4)
    return Finding("fine", "Fine", "good", f"seed {request.seed}, {request.values}")


def raises(error: Exception):
    def run(request: Request) -> Finding:
        raise error

    return run


KNOB = Knob(name="many", kind=int, default=3, title="Many", help="", low=1, high=9)


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> None:
    table = (
        row("lost", raises(ZeroDivisionError("by nothing"))),
        row("told", raises(DataError("The data are gone: bring them back."))),
        row("torch", raises(torch.OutOfMemoryError("no memory"))),
        row("not", fine, why="It has no code."),
        row("fine", fine, knobs=(KNOB,)),
    )
    monkeypatch.setattr(module, "DIAGNOSTICS", table)


def test_a_row_that_fails_leaves_the_others(rows: None, subject: Shown) -> None:
    report = diagnose(subject, seed=4, values={"fine": {"many": 5}})
    assert [finding.diagnostic for finding in report.findings] == ["fine"]
    assert report.findings[0].sentence == "seed 4, {'many': 5}"
    assert set(report.skipped) == {"lost", "told", "torch", "not"}
    assert report.skipped["told"] == "The data are gone: bring them back."
    assert report.skipped["not"] == "It has no code."
    assert "ZeroDivisionError" in report.skipped["lost"]
    assert (report.title, report.family, report.data, report.step) == ("Tiny", "vae", "boxes", 7)


def test_progress_rises_to_its_end(rows: None, subject: Shown) -> None:
    told: list[tuple[int, int, str]] = []
    diagnose(subject, progress=Progress(tell=lambda step: told.append((step.done, step.total, step.text))))
    shares = [done / total for done, total, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert {"Fine", "Lost", "Verdict"} <= {text for _, _, text in told}


def test_cancelling_ends_all(rows: None, subject: Shown) -> None:
    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        diagnose(subject, ("fine",), progress=Progress(stop))


def test_wrong_names_and_knobs_are_told_before_anything_runs(rows: None, subject: Shown) -> None:
    with pytest.raises(UsageError, match="no diagnostic 'fin'"):
        chosen(("fin",))
    with pytest.raises(UsageError, match="between 1 and 9"):
        diagnose(subject, ("fine",), values={"fine": {"many": 10}})
    with pytest.raises(UsageError, match="no knob 'more'"):
        diagnose(subject, ("fine",), values={"fine": {"more": 1}})


@pytest.mark.slow
def test_a_changed_finding_is_judged_again(subject: Shown) -> None:
    before = diagnose(subject, ("spread",), quick=True)
    alike = Finding("birthday", "Birthday test", "bad", "Few.", ())
    after = judged_again(before, subject, alike)
    assert [finding.diagnostic for finding in after.findings] == ["spread", "birthday"]
    assert judged_again(after, subject, alike).findings[1] is alike
    assert len(added(after, Finding("ranking", "Photos", "unknown", "")).findings) == 3
    assert added(after, alike).verdict is after.verdict


def measured(samples: np.ndarray, subject: Shown, monkeypatch: pytest.MonkeyPatch) -> Finding:
    monkeypatch.setitem(globals(), "SAMPLES", samples)
    return spread.run(Request(subject, quick=True))


@pytest.mark.slow
def test_samples_as_varied_as_the_data_are_told_from_repeats_and_from_one(
    subject: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    varied = measured(pictures(200, 5), subject, monkeypatch)
    assert varied.level == "good"
    assert varied.value("diversity") == pytest.approx(1.0, abs=0.05)
    assert varied.value("nearest") == pytest.approx(1.0, abs=0.15)
    assert varied.value("texture") < varied.value("texture_pca")
    rng = np.random.default_rng(0)
    few = np.clip(pictures(6, 7)[rng.integers(0, 6, 200)] + rng.normal(0, 2, (200, 32, 32, 3)), 0, 255).astype(np.uint8)
    repeats = measured(few, subject, monkeypatch)
    assert repeats.level == "bad"
    assert repeats.value("nearest") < 0.2
    assert repeats.value("diversity") > 0.5
    left, right = repeats.evidence[0].rows
    assert np.abs(left.astype(int) - right).mean() < 5
    one = measured(np.repeat(pictures(1, 7), 200, 0), subject, monkeypatch)
    assert (one.level, one.value("diversity"), one.value("nearest")) == ("bad", 0.0, 0.0)


@pytest.mark.slow
def test_values_that_are_not_finite_are_found(subject: Shown) -> None:
    with torch.no_grad():
        subject.model.log_std.fill_(0.0)
        next(iter(subject.model.decoder.parameters())).fill_(float("nan"))
    assert spread.run(Request(subject, quick=True)).value("finite") == 0.0


def test_data_of_one_picture_cannot_be_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make("vae", shape=(3, 32, 32)).eval()
    same = np.full((60, 32, 32, 3), 90, np.uint8)
    report = diagnose(Shown(model, same, same), ("spread",), quick=True)
    assert report.findings == ()
    assert list(report.skipped) == ["spread"]
    assert report.verdict.kind == "unclear"
