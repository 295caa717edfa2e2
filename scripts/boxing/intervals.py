"""Figures with their 95 % intervals: means over images, over repeats, and of ratios by the bootstrap."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Value = dict[str, Any]
"""`mean`, `low`, `high` (95 %), `n` and, of repeats, `repeats`."""

STUDENT: Final = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"""97.5 % points of Student's t with 1 to 10 degrees of freedom."""
RESAMPLES: Final = 1000
Z95: Final = 1.959964


def value(mean: float, low: float, high: float, n: int, **more: Any) -> Value:
    return {"mean": round(mean, 5), "low": round(low, 5), "high": round(high, 5), "n": n, **more}


def over_images(values: Sequence[float] | NDArray[Any]) -> Value:
    """Mean of a figure of each image, with the normal interval of the mean."""
    array = np.asarray(values, np.float64)
    half = Z95 * float(array.std(ddof=1)) / math.sqrt(len(array)) if len(array) > 1 else math.inf
    return value(float(array.mean()), float(array.mean()) - half, float(array.mean()) + half, len(array))


def over_repeats(values: Sequence[float], n: int) -> Value:
    """Mean of a figure of whole sets of `n` samples, with Student's interval over the sets (at most 11), from 0 on."""
    array = np.asarray(values, np.float64)
    mean = float(array.mean())
    if len(array) < 2:
        return value(mean, mean, mean, n, repeats=len(array))
    half = STUDENT[len(array) - 2] * float(array.std(ddof=1)) / math.sqrt(len(array))
    # None of these figures can be below zero.
    return value(mean, max(0.0, mean - half), mean + half, n, repeats=len(array))


def bootstrap(figure: Callable[..., float], *groups: NDArray[Any], seed: int = 0, resamples: int = RESAMPLES) -> Value:
    """A figure of one or more groups of rows, with the percentile interval of resampled rows (Efron 1979)."""
    random = np.random.default_rng(seed)
    found = [figure(*(rows[random.integers(0, len(rows), len(rows))] for rows in groups)) for _ in range(resamples)]
    low, high = np.quantile(found, (0.025, 0.975))
    return value(figure(*groups), float(low), float(high), min(map(len, groups)))


def ratio_of_means(ours: NDArray[Any], theirs: NDArray[Any]) -> float:
    """Mean of the one over mean of the other."""
    return float(ours.mean() / theirs.mean())
