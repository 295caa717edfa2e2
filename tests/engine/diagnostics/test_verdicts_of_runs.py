"""Verdicts on models that are made to fail and on healthy ones: each gets its own, through a real subject."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.diagnostics.diagnose import QUICK_SET, diagnose
from engine.report import Report
from tests.engine.diagnostics.cartoons import Draws, cartoons, opened, save_set, subject, trained

pytestmark = pytest.mark.timeout(600)  # Real training: a busy machine takes its time.

COUNT = 700
SEEDS = pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory):
    """A folder with a cache of its own: the data set is decoded once for all tests here."""
    folder = tmp_path_factory.mktemp("verdicts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENT_LOOM_CACHE", str(folder / "cache"))
        yield folder


@pytest.fixture(scope="module")
def path(place: Path) -> Path:
    return save_set(place, COUNT)


@pytest.fixture
def data(path: Path, place: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LATENT_LOOM_CACHE", str(place / "cache"))
    return opened(path)


def judged(model: Draws, data, *, seed: int = 0, **origin) -> Report:
    return diagnose(subject(model, data, **origin), QUICK_SET, quick=True, seed=seed)


@SEEDS
def test_one_picture_with_a_little_noise_is_one_mode(data, seed: int) -> None:
    verdict = judged(Draws(cartoons(2000 + seed, 1)), data, seed=seed).verdict
    assert (verdict.kind, verdict.level) == ("one-mode", "bad")
    assert {"spread", "birthday"} <= set(verdict.evidence)


@pytest.mark.slow
def test_a_dozen_pictures_are_few_and_not_one(data) -> None:
    verdict = judged(Draws(cartoons(2000, 12)), data).verdict
    assert (verdict.kind, verdict.level) == ("low-diversity", "bad")
    assert "support" in verdict.paragraph


@SEEDS
def test_a_copier_memorises(data, seed: int) -> None:
    rows = np.flatnonzero(data.splits == 0)
    report = judged(Draws(np.asarray(data.images[rows])), data, seed=seed)
    assert (report.verdict.kind, report.verdict.level) == ("memorising", "bad")
    assert "memorisation" in report.verdict.evidence


@SEEDS
@pytest.mark.slow
def test_pictures_that_training_never_saw_are_healthy(data, seed: int) -> None:
    verdict = judged(Draws(cartoons(1000, 900)), data, seed=seed).verdict
    assert (verdict.kind, verdict.level) == ("healthy", "good"), verdict.paragraph
    assert "Not measured: fidelity, coverage." in verdict.paragraph


@pytest.mark.slow
def test_noise_is_underfitting(data) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (500, 32, 32, 3), dtype=np.uint8)
    assert judged(Draws(noise), data).verdict.kind == "underfitting"


@pytest.mark.slow
def test_a_copier_of_other_images_is_no_copier_of_these(data) -> None:
    rows = np.flatnonzero(data.splits == 0)
    verdict = judged(Draws(np.asarray(data.images[rows])), data, trained_on="no").verdict
    assert verdict.kind == "unclear"
    assert "not those that it learned from" in verdict.paragraph


def of_run(session, run: Path) -> Report:
    return diagnose(session.subject(run), QUICK_SET, quick=True)


VAE = {"width": 8, "code": 16}


@pytest.mark.slow
@SEEDS
def test_a_kl_weight_of_1000_is_a_posterior_collapse(path: Path, data, tmp_path: Path, seed: int) -> None:
    session, run = trained(tmp_path, path, "vae", steps=150, beta=1000.0, training={"seed": seed}, **VAE)
    report = of_run(session, run)
    assert (report.verdict.kind, report.verdict.level) == ("posterior-collapse", "bad"), report.verdict.paragraph
    assert "kl_nats" in report.verdict.evidence


@pytest.mark.slow
@SEEDS
def test_a_rate_a_hundred_times_too_high_is_never_healthy(path: Path, data, tmp_path: Path, seed: int) -> None:
    session, run = trained(tmp_path, path, "vae", steps=150, training={"learning_rate": 0.1, "seed": seed}, **VAE)
    report = of_run(session, run)
    # A guard that speaks at a tick, and ticks come by the clock, may halve the rate in time: then less is wrong.
    expected = {("diverged", "bad"), ("low-diversity", "bad"), ("low-diversity", "watch")}
    assert (report.verdict.kind, report.verdict.level) in expected, report.verdict.paragraph


@pytest.mark.slow
@SEEDS
def test_a_usual_run_is_healthy(path: Path, data, tmp_path: Path, seed: int) -> None:
    session, run = trained(tmp_path, path, "vae", steps=260, training={"seed": seed}, **VAE)
    report = of_run(session, run)
    assert report.verdict.kind == "healthy", report.verdict.paragraph
    assert report.verdict.level in ("good", "watch")


@pytest.mark.slow
def test_a_flow_on_a_handful_of_images_learns_them_by_heart(data, tmp_path: Path) -> None:
    few = save_set(tmp_path, 100)
    session, run = trained(
        tmp_path, few, "flow", steps=900, depth=4, extra_depth=0, hidden=64, training={"flip": False}
    )
    report = of_run(session, run)
    assert (report.verdict.kind, report.verdict.level) == ("memorising", "bad"), report.verdict.paragraph
    assert "likelihood" in report.verdict.evidence
