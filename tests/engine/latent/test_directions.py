"""Directions find what was planted, report it honestly, and move codes by what the slider says."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from engine.errors import UsageError, UserError
from engine.latent.directions import (
    METHODS,
    Direction,
    apply,
    area_under_curve,
    auc_interval,
    fit_attribute,
    pca_directions,
)


def planted(count: int, size: int, *, gap: float = 3.0, seed: int = 0, stretch: float = 1.0):
    """Codes of two classes that differ along one known unit vector; the other axes have unequal spread."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=size)
    truth /= np.linalg.norm(truth)
    labels = rng.random(count) < 0.4
    codes = rng.normal(size=(count, size)) * np.linspace(1, stretch, size)
    return (codes + gap * labels[:, None] * truth).astype(np.float32), labels, truth


def degrees(a: np.ndarray, b: np.ndarray) -> float:
    return math.degrees(math.acos(min(1.0, float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))))


def along(name: str, vector: list[float], sigma: float = 1.0) -> Direction:
    array = np.array(vector, dtype=np.float32)
    return Direction(name, array / np.linalg.norm(array), sigma)


@pytest.mark.parametrize("method", list(METHODS))
def test_planted_direction_is_found_within_five_degrees(method: str):
    codes, labels, truth = planted(6000, 16)
    found = fit_attribute(codes, labels, name="planted", method=method)
    assert degrees(found.vector, truth) < 5
    assert found.sigma == pytest.approx(float(np.std(codes @ found.vector)), rel=1e-4)
    assert (found.positives, found.negatives) == (labels.sum(), (~labels).sum())
    assert (found.auc, found.method, found.vector.dtype) == (None, method, np.float32)


@pytest.mark.parametrize("method", list(METHODS))
def test_held_out_auc_is_near_the_theory_and_inside_its_interval(method: str):
    codes, labels, _ = planted(6000, 16, gap=1.5)
    found = fit_attribute(
        codes[:3000], labels[:3000], name="x", method=method, held_out_codes=codes[3000:], held_out_labels=labels[3000:]
    )
    # Two unit normals 1.5 apart: AUC = Phi(1.5 / sqrt 2).
    theory = 0.5 * (1 + math.erf(1.5 / 2))
    assert found.auc == pytest.approx(theory, abs=0.03)
    assert found.auc_low < theory < found.auc_high
    assert found.auc_high - found.auc_low < 0.05


def test_lda_sees_through_correlation_that_misleads_the_mean():
    rng = np.random.default_rng(1)
    labels = np.arange(8000) % 2 == 0
    noise = rng.normal(size=8000)
    # The second number carries only noise that the first shares: the best direction subtracts it.
    codes = np.stack([labels + 2 * noise, 2 * noise + 0.1 * rng.normal(size=8000)], axis=1).astype(np.float32)
    score = {
        m: area_under_curve(codes @ fit_attribute(codes, labels, name="x", method=m).vector, labels) for m in METHODS
    }
    assert score["mean"] < 0.7
    assert score["lda"] > 0.99
    assert score["logistic"] > 0.85


@pytest.mark.parametrize("method", list(METHODS))
def test_more_numbers_than_codes_still_generalises(method: str):
    codes, labels, _ = planted(700, 2500, gap=8.0)
    found = fit_attribute(
        codes[:400], labels[:400], name="x", method=method, held_out_codes=codes[400:], held_out_labels=labels[400:]
    )
    assert found.auc > 0.95
    # Calibrated on what it was not fitted to: the spread there is what a slider step means.
    assert found.sigma == pytest.approx(float(np.std(codes[400:] @ found.vector)), rel=1e-4)


def test_dual_lda_equals_the_direct_inverse():
    codes, labels, _ = planted(60, 61, gap=2.0)
    x, positive = torch.from_numpy(codes), torch.from_numpy(labels)
    wide = METHODS["lda"](x, positive)
    # One more column of zeros changes neither the classes nor the rank; 61 x 61 by hand.
    within = np.where(labels[:, None], codes - codes[labels].mean(0), codes - codes[~labels].mean(0)).astype(float)
    cov = within.T @ within / 60
    level = np.trace(cov) / 61
    to_white = np.sum((cov - level * np.eye(61)) ** 2) / 61
    noise = np.mean([np.sum((np.outer(r, r) - cov) ** 2) for r in within]) / 61 / 60
    shrink = min(1.0, noise / to_white)
    by_hand = np.linalg.inv((1 - shrink) * cov + shrink * level * np.eye(61)) @ (
        codes[labels].mean(0) - codes[~labels].mean(0)
    )
    np.testing.assert_allclose(wide.numpy(), by_hand, rtol=1e-3, atol=1e-4 * np.abs(by_hand).max())
    narrow = METHODS["lda"](x[:, :40], positive)
    cov = cov[:40, :40]
    assert narrow.shape == (40,)
    assert float(narrow.double() @ torch.from_numpy(cov) @ narrow.double()) > 0


@pytest.mark.slow
def test_logistic_is_a_minimum_of_its_own_loss():
    codes, labels, _ = planted(500, 6, gap=1.0)
    x, positive = torch.from_numpy(codes), torch.from_numpy(labels)
    slope = METHODS["logistic"](x, positive).double().numpy()
    centred = codes - codes.mean(0)
    centred = centred / np.sqrt(np.mean(centred**2))
    signs = np.where(labels, 1.0, -1.0)
    weights = np.where(labels, 0.5 / labels.sum(), 0.5 / (~labels).sum())

    def loss(at: np.ndarray) -> float:
        offsets = np.linspace(-2, 2, 4001)
        margins = signs[:, None] * ((centred @ at)[:, None] + offsets)
        misfit = (weights[:, None] * np.logaddexp(0, -margins)).sum(0).min()
        return float(misfit + 0.5 * 0.25 * 6 / 500 * at @ at)

    rng = np.random.default_rng(0)
    best = loss(slope)
    assert all(loss(slope + 0.05 * rng.normal(size=6)) > best for _ in range(20))


def test_fitting_works_in_inference_mode_and_with_flipped_labels():
    codes, labels, _ = planted(300, 8)
    with torch.inference_mode():
        there = fit_attribute(torch.from_numpy(codes), labels, name="x")
    back = fit_attribute(codes, np.where(labels, -1, 1), name="not x")
    np.testing.assert_allclose(there.vector, -back.vector, atol=1e-3)


@pytest.mark.parametrize("ups", [0, 4])
def test_too_few_of_a_class_is_refused(ups: int):
    codes = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    with pytest.raises(UserError, match=f"{ups} pictures with it and {40 - ups} without"):
        fit_attribute(codes, np.arange(40) < ups, name="hat")
    with pytest.raises(UserError, match="too few"):
        fit_attribute(codes, np.arange(40) >= ups, name="hat")


def test_bad_codes_and_methods_are_refused():
    codes = np.ones((20, 3), dtype=np.float32)
    labels = np.arange(20) % 2
    with pytest.raises(UserError, match="do not differ"):
        fit_attribute(codes, labels, name="hat", method="mean")
    with pytest.raises(UserError, match="not finite"):
        fit_attribute(codes * np.nan, labels, name="hat")
    with pytest.raises(UsageError, match="mean, logistic, lda"):
        fit_attribute(codes, labels, name="hat", method="svm")


def test_auc_equals_brute_force_with_ties():
    rng = np.random.default_rng(2)
    scores, labels = rng.integers(0, 6, 200), rng.random(200) < 0.3
    pairs = [(p > n) + 0.5 * (p == n) for p in scores[labels] for n in scores[~labels]]
    assert area_under_curve(scores, labels) == pytest.approx(np.mean(pairs), abs=1e-12)
    assert area_under_curve(np.zeros(10), np.arange(10) < 3) == 0.5


def test_auc_interval_narrows_with_pictures_and_doubts_a_perfect_few():
    low, high = auc_interval(1.0, 6, 6)
    assert low < 0.85
    assert high == 1.0
    few, many = auc_interval(0.8, 20, 20), auc_interval(0.8, 2000, 2000)
    assert few[0] < many[0] < 0.8 < many[1] < few[1]
    assert auc_interval(0.2, 30, 50)[0] == pytest.approx(1 - auc_interval(0.8, 50, 30)[1], abs=1e-9)


def test_auc_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(5)
    truth = 0.5 * (1 + math.erf(0.5))
    held = 0
    for _ in range(400):
        scores = np.concatenate([rng.normal(1, 1, 40), rng.normal(0, 1, 60)])
        low, high = auc_interval(area_under_curve(scores, np.arange(100) < 40), 40, 60)
        held += low <= truth <= high
    assert 0.91 <= held / 400 <= 0.99


@pytest.mark.parametrize("kind", ["array", "tensor"])
def test_a_slider_moves_by_sigmas_along_the_unit_vector(kind: str):
    z = np.zeros((2, 3), dtype=np.float32) if kind == "array" else torch.zeros(2, 3)
    moved = apply(z, {"hat": 2.0, "smile": -1.0}, [along("hat", [3, 0, 0], 1.5), along("smile", [0, 1, 0], 0.5)])
    np.testing.assert_allclose(np.asarray(moved), [[3.0, -0.5, 0.0]] * 2)
    assert type(moved) is type(z)
    assert not np.asarray(z).any()


def test_a_lock_keeps_its_attribute_whatever_else_moves():
    hat, smile, age = along("hat", [1, 1, 0, 0]), along("smile", [0, 1, 1, 0]), along("age", [1, 0, 2, 3])
    z = np.zeros(4)
    moved = apply(z, {"hat": 3.0}, [hat, smile, age], locked={"smile", "age"})
    assert abs(moved @ smile.vector) < 1e-6
    assert abs(moved @ age.vector) < 1e-6
    assert moved @ hat.vector > 0.1
    own = apply(z, {"hat": 3.0, "smile": 2.0}, [hat, smile], locked={"smile"})
    assert own @ smile.vector == pytest.approx(2.0, abs=1e-6)


def test_unknown_names_and_wrong_sizes_are_one_sentence():
    with pytest.raises(UsageError, match="the directions are hat"):
        apply(np.zeros(3), {"beard": 1.0}, [along("hat", [1, 0, 0])])
    with pytest.raises(UserError, match="codes of 3 numbers, not 5"):
        apply(np.zeros(5), {"hat": 1.0}, [along("hat", [1, 0, 0])])


def test_pca_directions_are_those_of_numpy():
    rng = np.random.default_rng(3)
    codes = (rng.normal(size=(400, 12)) * np.linspace(4, 1, 12)).astype(np.float32)
    found = pca_directions(codes, 3)
    _, lengths, rows = np.linalg.svd(codes - codes.mean(0), full_matrices=False)
    assert [d.name for d in found] == ["PC 1", "PC 2", "PC 3"]
    for i, direction in enumerate(found):
        assert abs(float(direction.vector @ rows[i])) == pytest.approx(1, abs=1e-4)
        assert direction.sigma == pytest.approx(lengths[i] / math.sqrt(400), rel=1e-4)
        assert direction.share == pytest.approx(lengths[i] ** 2 / np.sum(lengths**2), rel=1e-4)
        assert direction.vector[np.abs(direction.vector).argmax()] > 0


def test_pca_of_codes_that_lie_on_a_line_gives_one_direction():
    codes = np.outer(np.arange(10.0), [1.0, 2.0, 2.0]).astype(np.float32)
    found = pca_directions(codes, 3)
    assert len(found) == 1
    np.testing.assert_allclose(found[0].vector, [1 / 3, 2 / 3, 2 / 3], atol=1e-6)
    with pytest.raises(UserError, match="at least two"):
        pca_directions(np.ones((5, 3), dtype=np.float32), 2)
