"""Precision, recall, density and coverage: the papers' formulas written anew, and what they say of known sets."""

from __future__ import annotations

import numpy as np
import pytest

from engine.diagnostics.manifold import manifolds, wilson
from engine.errors import Cancelled, DataError
from engine.progress import Progress


def cloud(n: int, *, seed: int, at: float = 0.0, size: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).normal(at, 1, (n, size))


def textbook(samples: np.ndarray, real: np.ndarray) -> tuple[float, float, float, float]:
    """Kynkaanniemi et al. 2019 with k = 3, Naeem et al. 2020 with k = 5, all distances at once."""

    def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))

    def radii(x: np.ndarray, k: int) -> np.ndarray:
        return np.sort(distances(x, x), axis=1)[:, k]

    between = distances(samples, real)
    precision = (between <= radii(real, 3)).any(1).mean()
    recall = (between.T <= radii(samples, 3)).any(1).mean()
    density = (between <= radii(real, 5)).sum() / (5 * len(samples))
    coverage = (between.min(0) <= radii(real, 5)).mean()
    return precision, recall, density, coverage


@pytest.mark.parametrize(("n", "m", "at"), [(200, 200, 0.0), (120, 600, 0.4), (700, 90, 1.0)])
def test_the_formulas_are_those_of_the_papers(n: int, m: int, at: float):
    samples, real = cloud(n, seed=1, at=at), cloud(m, seed=2)
    found = manifolds(samples, real)
    ours = (found.precision.value, found.recall.value, found.density.value, found.coverage.value)
    assert ours == pytest.approx(textbook(samples, real), abs=1e-9)


def test_a_copy_of_the_real_set_has_all_of_it():
    real = cloud(300, seed=1).astype(np.float32) + 50
    found = manifolds(np.random.default_rng(0).permutation(real), real)
    assert found.coverage.value == found.precision.value == found.recall.value == 1
    assert found.reached.all()
    assert found.nearest.max() == pytest.approx(0, abs=1e-4)


def test_repeated_real_pictures_are_covered_by_themselves():
    real = np.repeat(cloud(20, seed=1), 10, axis=0)
    assert manifolds(real, real).coverage.value == 1


def test_a_dropped_mode_costs_recall_and_coverage_but_not_precision():
    real = np.concatenate([cloud(300, seed=1, at=0), cloud(300, seed=2, at=20)])
    full = manifolds(np.concatenate([cloud(300, seed=3, at=0), cloud(300, seed=4, at=20)]), real)
    half = manifolds(cloud(600, seed=5, at=0), real)
    assert half.precision.value > full.precision.value - 0.1
    assert half.recall.value < 0.6 * full.recall.value
    assert half.coverage.value < 0.6 * full.coverage.value
    assert not half.reached[300:].any()
    assert half.nearest[300:].min() > half.nearest[:300].max()


def test_samples_of_something_else_lose_precision():
    found = manifolds(cloud(200, seed=1, at=30), cloud(200, seed=2))
    assert found.precision.value == found.density.value == found.coverage.value == 0
    assert not found.inside.any()


def test_one_sample_again_and_again_covers_next_to_nothing():
    real = cloud(400, seed=1)
    found = manifolds(np.repeat(real[:1], 400, axis=0), real)
    assert found.precision.value == 1
    assert found.coverage.value < 0.1


def test_wilson_keeps_an_interval_at_the_ends():
    for count, low, high in ((0, 0.0, 0.0370), (20, 0.1334, 0.2888)):
        assert (wilson(count, 100).low, wilson(count, 100).high) == pytest.approx((low, high), abs=1e-3)
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0.0, 1.0)
    none, every = wilson(0, 100), wilson(100, 100)
    assert (none.value, none.low, every.value, every.high) == (0, 0, 1, 1)
    assert none.high == pytest.approx(0.037, abs=0.001)
    assert every.low == pytest.approx(1 - none.high)


def test_it_can_be_cancelled_and_refuses_what_cannot_be_compared():
    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        manifolds(cloud(50, seed=1), cloud(50, seed=2), progress=Progress(stop))
    with pytest.raises(DataError):
        manifolds(cloud(50, seed=1), cloud(50, seed=2, size=5))
    with pytest.raises(DataError):
        manifolds(cloud(3, seed=1), cloud(50, seed=2))
