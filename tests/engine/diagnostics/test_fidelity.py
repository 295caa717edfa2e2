"""Fidelity and coverage as findings: real draws are good, a lost mode is seen and shown, noise is far, it can stop."""

from __future__ import annotations

import numpy as np
import pytest

from engine.diagnostics.base import Request, Subject
from engine.diagnostics.fidelity import COVERAGE, FIDELITY, run_coverage, run_fidelity
from engine.errors import Cancelled
from engine.progress import Progress
from engine.report import Finding
from tests.engine.diagnostics.shapes import drawn, features_once, random_labels, subject

__all__ = ["features_once"]


@pytest.fixture(scope="module")
def fresh() -> np.ndarray:
    return drawn(random_labels(240, seed=11), seed=12)


@pytest.fixture(scope="module")
def good(fresh: np.ndarray) -> tuple[Finding, Finding]:
    whose = subject(fresh)
    request = Request(whose, {"samples": 240})
    return run_fidelity(request), run_coverage(request)


@pytest.fixture(scope="module")
def lost(fresh: np.ndarray) -> tuple[Finding, Finding]:
    labels = random_labels(240, seed=13)
    labels[:, 2] = -1
    request = Request(subject(drawn(labels, seed=14)), {"samples": 240})
    return run_fidelity(request), run_coverage(request)


def value(finding: Finding, name: str) -> float:
    found = finding.value(name)
    assert found is not None
    return found


@pytest.mark.slow
def test_another_draw_of_the_data_is_as_near_as_held_out_pictures(good: tuple[Finding, Finding]):
    fidelity, coverage = good
    assert fidelity.level == coverage.level == "good"
    assert value(fidelity, "frechet") < 0.2 * value(fidelity, "frechet_pca")
    assert value(coverage, "coverage") == pytest.approx(value(coverage, "coverage_real"), abs=0.1)
    assert value(coverage, "precision") == pytest.approx(value(coverage, "precision_real"), abs=0.1)


@pytest.mark.slow
def test_every_figure_says_on_how_many_and_how_surely(good: tuple[Finding, Finding]):
    for finding in good:
        for figure in finding.figures:
            assert figure.n is not None
            assert figure.n >= 240
            assert figure.low is not None
            assert figure.high is not None
            assert figure.low <= figure.value <= figure.high


def test_a_lost_mode_costs_coverage_and_not_precision(good: tuple[Finding, Finding], lost: tuple[Finding, Finding]):
    assert value(lost[0], "frechet") > 5 * abs(value(good[0], "frechet"))
    assert value(lost[0], "kid") > 5 * abs(value(good[0], "kid"))
    assert value(lost[1], "precision") > 0.9 * value(good[1], "precision")
    assert value(lost[1], "coverage") < 0.8 * value(good[1], "coverage")
    assert value(lost[1], "recall") < 0.8 * value(good[1], "recall")


def test_the_pictures_shown_are_of_what_is_missing(lost: tuple[Finding, Finding]):
    missed = next(row for row in lost[1].evidence if "Real pictures" in row.title).rows[0]
    # Bright grounds are never drawn: that is what the missed pictures have.
    assert np.mean(missed[:, 0, 0].mean(-1) > 115) > 0.9


@pytest.mark.slow
def test_noise_is_farther_than_a_pca():
    noise = np.random.default_rng(0).integers(0, 256, (220, 32, 32, 3)).astype(np.uint8)
    request = Request(subject(noise), {"samples": 220})
    fidelity, coverage = run_fidelity(request), run_coverage(request)
    assert fidelity.level == "bad"
    assert "no nearer to real pictures" in fidelity.sentence
    assert coverage.level == "bad"
    assert value(coverage, "coverage") == 0


@pytest.mark.slow
def test_few_pictures_are_not_judged(fresh: np.ndarray):
    request = Request(subject(fresh[:60], n=60, held=60), {"samples": 60})
    for run in (run_fidelity, run_coverage):
        finding = run(request)
        assert finding.level == "unknown"
        assert "too little to judge" in finding.sentence


@pytest.mark.slow
def test_grey_pictures_are_shown_in_three_channels(fresh: np.ndarray):
    whole = subject(fresh)
    grey = type(whole)(whole.model[..., :1], whole.training[..., :1], whole.heldout[..., :1])  # type: ignore[index]
    for run in (run_fidelity, run_coverage):
        for evidence in run(Request(grey, {"samples": 60})).evidence:
            assert all(row.shape[-1] == 3 for row in evidence.rows)


@pytest.mark.parametrize("row", [FIDELITY, COVERAGE])
@pytest.mark.slow
def test_progress_rises_to_the_end_and_a_cancel_is_heard(row, fresh: np.ndarray):
    told: list[float] = []
    row.run(
        Request(
            subject(fresh), {"samples": 60}, progress=Progress(tell=lambda step: told.append(step.done / step.total))
        )
    )
    assert told == sorted(told)
    assert told[-1] == 1

    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        row.run(Request(subject(fresh), {"samples": 60}, progress=Progress(stop)))


def test_a_set_of_nothing_says_why_not(fresh: np.ndarray):
    none = Subject(fresh, fresh[:3], fresh)  # type: ignore[arg-type]
    for row in (FIDELITY, COVERAGE):
        assert "training pictures" in row.why_not(none)
        assert row.why_not(subject(fresh)) == ""
