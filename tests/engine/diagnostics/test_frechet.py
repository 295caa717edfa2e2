"""Frechet distance and KID: properties, textbook formulas written anew, bias, intervals, cancel."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.diagnostics.frechet import frechet, frechet_distance, kernel_distance, moments
from engine.errors import Cancelled, DataError
from engine.progress import Progress

FEATURES = 12


def rows(n: int, *, seed: int = 0, size: int = FEATURES, spread: float = 1.0, shift: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mix = np.random.default_rng(99).normal(size=(size, size)) / size**0.5
    return (rng.normal(size=(n, size)) @ mix * spread + shift).astype(np.float32)


def textbook_frechet(a: np.ndarray, b: np.ndarray) -> float:
    """As public code has it: the trace of the root by the eigenvalues of the product of covariances."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    left, right = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = np.sqrt(np.linalg.eigvals(left @ right).astype(complex)).real.sum()
    apart = a.mean(0) - b.mean(0)
    return float(apart @ apart + np.trace(left) + np.trace(right) - 2 * root)


def textbook_kid(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a.astype(np.float64), b.astype(np.float64)

    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (x @ y.T / x.shape[1] + 1) ** 3

    n, m = len(a), len(b)
    own, other = kernel(a, a), kernel(b, b)
    return float(
        (own.sum() - np.trace(own)) / (n * (n - 1))
        + (other.sum() - np.trace(other)) / (m * (m - 1))
        - 2 * kernel(a, b).mean()
    )


@pytest.mark.parametrize(("n", "m"), [(400, 400), (300, 170), (40, 25)])
def test_the_formulas_are_those_of_the_textbook(n: int, m: int):
    a, b = rows(n, seed=1), rows(m, seed=2, spread=1.3, shift=0.2)
    assert frechet_distance(a, b).plain.value == pytest.approx(textbook_frechet(a, b), rel=1e-6)
    assert kernel_distance(a, b).value == pytest.approx(textbook_kid(a, b), rel=1e-6)


def test_equal_sets_have_distance_zero_in_any_order():
    a = rows(300)
    assert frechet_distance(a, a).plain.value == pytest.approx(0, abs=1e-6)
    again = np.random.default_rng(3).permutation(a)
    assert frechet_distance(a, again).plain.value == pytest.approx(0, abs=1e-6)
    b = rows(300, seed=4, shift=0.5)
    assert frechet_distance(again, b).plain.value == pytest.approx(frechet_distance(a, b).plain.value, rel=1e-9)
    assert kernel_distance(again, b).value == pytest.approx(kernel_distance(a, b).value, rel=1e-9)


def test_the_distance_is_symmetric_and_never_negative():
    a, b = rows(100, seed=1), rows(150, seed=2)
    assert frechet(moments(a), moments(b)) == pytest.approx(frechet(moments(b), moments(a)), rel=1e-8)
    assert frechet(moments(a), moments(a)) >= 0


def test_a_shift_adds_its_squared_length():
    a = rows(500)
    step = np.linspace(-1, 2, FEATURES, dtype=np.float32)
    assert frechet_distance(a, a + step).plain.value == pytest.approx(float((step**2).sum()), rel=1e-5)


def test_fewer_rows_than_features_stay_finite_and_real():
    a, b = rows(20, size=50), rows(30, seed=1, size=50)
    found = frechet_distance(a, b)
    assert math.isfinite(found.plain.value)
    assert found.plain.value > 0
    assert found.limit is None


def test_the_limit_has_no_bias_where_the_plain_distance_has():
    limits, plains = [], []
    for seed in range(12):
        found = frechet_distance(rows(150, seed=2 * seed), rows(150, seed=2 * seed + 1))
        assert found.limit is not None
        limits.append(found.limit.value)
        plains.append(found.plain.value)
    assert np.mean(plains) > 0.1
    assert abs(np.mean(limits)) < 0.15 * np.mean(plains)


def test_intervals_hold_the_true_distance():
    # N(0, C) against N(d, C): the distance is |d|^2 whatever C is.
    held = 0
    for seed in range(20):
        found = frechet_distance(rows(400, seed=2 * seed), rows(400, seed=2 * seed + 1, shift=0.4))
        assert found.limit is not None
        held += found.limit.low <= FEATURES * 0.4**2 <= found.limit.high
    assert held >= 16


@pytest.mark.slow
def test_kid_is_without_bias_at_any_size():
    small = [kernel_distance(rows(20, seed=2 * s), rows(20, seed=2 * s + 1)).value for s in range(60)]
    assert abs(np.mean(small)) < 3 * np.std(small) / 60**0.5


def test_a_dropped_half_is_farther_than_another_draw():
    both = np.concatenate([rows(300, seed=1, shift=1.0), rows(300, seed=2, shift=-1.0)])
    again = np.concatenate([rows(300, seed=3, shift=1.0), rows(300, seed=4, shift=-1.0)])
    for distance in (lambda x: frechet_distance(x, both).plain.value, lambda x: kernel_distance(x, both).value):
        assert distance(again[:300]) > 10 * abs(distance(again))


@pytest.mark.parametrize("broken", [np.full((30, FEATURES), np.nan), np.zeros((3, FEATURES)), np.zeros((30, 5))])
def test_sets_that_cannot_be_compared_are_refused_in_a_sentence(broken: np.ndarray):
    for distance in (frechet_distance, kernel_distance):
        with pytest.raises(DataError, match=r"\w+: "):
            distance(broken, rows(40))


def test_sets_without_any_spread_are_compared_by_their_means():
    found = frechet_distance(np.zeros((20, 3)), np.ones((20, 3)))
    assert found.plain.value == pytest.approx(3)
    assert found.limit is not None
    assert found.limit.value == pytest.approx(3)


@pytest.mark.parametrize("distance", [frechet_distance, kernel_distance])
def test_both_can_be_cancelled(distance):
    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        distance(rows(100), rows(100, seed=1), progress=Progress(stop))
