"""A growing curve in bounded memory, and its smoothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Series:
    """Points (x, y) of one curve; when full, pairs become their mean, so a run of any length fits.

    A curve of n points never holds more than ``capacity``; each kept point is the mean of ``stride`` points.
    """

    def __init__(self, capacity: int = 4096) -> None:
        if capacity < 4 or capacity % 2:
            raise ValueError("A series needs an even capacity of four points or more.")
        self._xs, self._ys = np.empty(capacity), np.empty(capacity)
        self._count = 0
        self._sum_x = self._sum_y = 0.0
        self._waiting = 0
        self.stride = 1
        self.last: tuple[float, float] | None = None

    def append(self, x: float, y: float) -> None:
        """Add a point; a y that is not finite leaves a gap."""
        self.last = (float(x), float(y))
        self._sum_x += x
        self._sum_y += y
        self._waiting += 1
        if self._waiting == self.stride:
            self._keep(self._sum_x / self.stride, self._sum_y / self.stride)
            self._sum_x = self._sum_y = 0.0
            self._waiting = 0

    def _keep(self, x: float, y: float) -> None:
        self._xs[self._count], self._ys[self._count] = x, y
        self._count += 1
        if self._count == len(self._xs):
            half = self._count // 2
            self._xs[:half] = self._xs.reshape(half, 2).mean(axis=1)
            self._ys[:half] = self._ys.reshape(half, 2).mean(axis=1)
            self._count = half
            self.stride *= 2

    def arrays(self) -> tuple[Floats, Floats]:
        """Copies of xs and ys; the newest point is always the last one, also inside an unfinished mean."""
        xs, ys = self._xs[: self._count].copy(), self._ys[: self._count].copy()
        if self.last is not None and (not len(xs) or xs[-1] != self.last[0]):
            return np.append(xs, self.last[0]), np.append(ys, self.last[1])
        return xs, ys

    def __len__(self) -> int:
        return self._count + bool(self._waiting)


def from_arrays(xs: Sequence[float] | Floats, ys: Sequence[float] | Floats, capacity: int = 4096) -> Series:
    """A series holding the given points; raises ValueError when the lengths differ."""
    x, y = np.asarray(xs, np.float64), np.asarray(ys, np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"A series needs as many x as y, not {x.shape} and {y.shape}.")
    series = Series(capacity)
    for a, b in zip(x.tolist(), y.tolist(), strict=True):
        series.append(a, b)
    return series


def smoothed(ys: Floats, amount: float) -> Floats:
    """Exponential mean with weight ``amount`` in 0..1 on the past, its start corrected as in Adam.

    Values that are not finite stay gaps and do not poison what follows.
    """
    if amount <= 0 or not len(ys):
        return ys
    out, state, weight = np.empty_like(ys), 0.0, 0.0
    for index, y in enumerate(ys.tolist()):
        if np.isfinite(y):
            state = amount * state + (1 - amount) * y
            weight = amount * weight + (1 - amount)
            out[index] = state / weight
        else:
            out[index] = np.nan
    return out


def value_at(xs: Floats, ys: Floats, x: float) -> float | None:
    """The y of the point whose x is nearest, or None for an empty or gappy place; ``xs`` must not fall."""
    if not len(xs):
        return None
    right = int(np.clip(np.searchsorted(xs, x), 1, max(1, len(xs) - 1)))
    left = right - 1
    nearest = left if len(xs) == 1 or x - xs[left] <= xs[right] - x else right
    return float(ys[nearest]) if np.isfinite(ys[nearest]) else None
