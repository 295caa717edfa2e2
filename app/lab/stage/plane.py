"""Geometry of a stage: the part of the plane or line that it shows, and its pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.lab import Points, Span, TruthInfo

CODE_VIEW: Final = (-3.5, 3.5)
"""The stretch that shows all but a hair of a standard normal code."""
EDGE: Final = 0.02
"""Of the points of a layer between, so many may lie outside on either side."""


@dataclass(frozen=True)
class Plane:
    """A span drawn over so many pixels, y upwards."""

    span: Span
    width_px: float
    height_px: float

    def to_px(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """Pixels (..., 2) of points (..., 2)."""
        span = self.span
        x = (points[..., 0].astype(np.float64) - span.left) * (self.width_px / (span.right - span.left))
        y = (span.top - points[..., 1].astype(np.float64)) * (self.height_px / (span.top - span.bottom))
        return np.stack([x, y], -1)

    def to_point(self, x_px: float, y_px: float) -> tuple[float, float]:
        """The point at a pixel."""
        span = self.span
        x = span.left + x_px * (span.right - span.left) / self.width_px
        return x, span.top - y_px * (span.top - span.bottom) / self.height_px


def span_of(view: tuple[float, float], width_px: float, height_px: float, *, dimension: int) -> Span:
    """The view, widened along the longer side so that a unit has as many pixels both ways; the line keeps its view."""
    low, high = view
    width_px, height_px = max(1.0, width_px), max(1.0, height_px)
    if dimension == 1:
        return Span(low, high, 0.0, 1.0)
    middle, half = (low + high) / 2, (high - low) / 2
    across = half * max(1.0, width_px / height_px)
    up = half * max(1.0, height_px / width_px)
    return Span(middle - across, middle + across, middle - up, middle + up)


def in_units(info: TruthInfo, axis: int, value: float) -> float:
    """A coordinate in the units of the person's own data."""
    return info.shift[axis] + info.scale[axis] * value if info.scale else value


def volume(info: TruthInfo) -> float:
    """What a density here is divided by where it is to be one in those units."""
    return math.prod(info.scale)


def at_depth(trace: Points, depth: float) -> tuple[Points, float]:
    """The points (N, d) of a trace (K, N, d) at a depth of 0 to 1, in straight lines between its layers, and the layer
    that they are at, counted from 0 with its fraction."""
    layer = depth * (len(trace) - 1)
    below = min(int(layer), max(0, len(trace) - 2))
    share = np.float32(layer - below)
    if len(trace) == 1 or share == 0:
        return trace[below], layer
    return (1 - share) * trace[below] + share * trace[below + 1], layer


def view_at(view: tuple[float, float], trace: Points, depth: float) -> tuple[float, float]:
    """What is shown at a depth: the truth's view at the data's end, the code's at the other, wide enough between."""
    if depth == 1.0:
        return view
    low = CODE_VIEW[0] + depth * (view[0] - CODE_VIEW[0])
    high = CODE_VIEW[1] + depth * (view[1] - CODE_VIEW[1])
    points, _ = at_depth(trace, depth)
    finite = points[np.isfinite(points).all(1)]
    if len(finite):
        # Fades in and out, so that both ends keep their views.
        weight = min(1.0, 8 * depth, 8 * (1 - depth))
        low = min(low, low + weight * (float(np.quantile(finite, EDGE)) - low))
        high = max(high, high + weight * (float(np.quantile(finite, 1 - EDGE)) - high))
    return low, high
