"""Colour scales of maps, one for each theme.

Lightness alone tells a density, and both ends of a critic's scale stay apart for people who confuse red and green.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from engine.lab import Map

DENSITY: Final = {
    "dark": ("#111216", "#1b2238", "#27407a", "#3f6fbe", "#86b3ec", "#dce9fa"),
    "light": ("#ffffff", "#dfe8f6", "#a9c5ec", "#6797da", "#2f64b5", "#173a77"),
}
CRITIC: Final = {"dark": ("#7450b8", "#1b1c21", "#a08326"), "light": ("#9f86dc", "#ffffff", "#d3b13c")}
DIFFERENCE: Final = {"dark": ("#c2447a", "#1b1c21", "#2f9c82"), "light": ("#d2578c", "#ffffff", "#3fa58d")}
"""Too thin, as the truth, too dense."""
QUARTERS: Final = ("#ef7d78", "#5b9bf0", "#e0c65a", "#52c476")
LEVELS: Final = 256
Colours = NDArray[np.uint8]


@cache
def scale(stops: tuple[str, ...]) -> Colours:
    """LEVELS colours (LEVELS, 3) evenly along the stops."""
    ends = np.array([[int(stop[place : place + 2], 16) for place in (1, 3, 5)] for stop in stops], np.float64)
    at = np.linspace(0, len(stops) - 1, LEVELS)
    mixed = [np.interp(at, np.arange(len(stops)), ends[:, channel]) for channel in range(3)]
    return np.stack(mixed, 1).round().astype(np.uint8)


def stops(kind: str, theme: str) -> tuple[str, ...]:
    """The stops of a layer's scale."""
    return {"critic": CRITIC, "difference": DIFFERENCE}.get(kind, DENSITY)[theme]


def coloured(values: NDArray[np.float32], low: float, high: float, *, kind: str, theme: str) -> Colours:
    """Colours (..., 3) of values, cut to the ends of the scale."""
    share = np.nan_to_num((values - low) / max(high - low, 1e-30), nan=0.0)
    found: Colours = scale(stops(kind, theme))[(share.clip(0, 1) * (LEVELS - 1)).round().astype(np.intp)]
    return found


def picture(drawn: Map, *, high: float, kind: str, theme: str) -> QImage:
    """A map of the plane as a small image, its first row at the top; `high` is the end of a density's scale, and of a
    difference's on both sides."""
    values, low, top = drawn.values[::-1], drawn.low, drawn.high
    if kind == "density":
        # By its root, so that faint parts are seen beside peaks: the middle of the scale is a quarter of its end.
        values, low, top = np.sqrt(np.maximum(values, 0)), 0.0, float(np.sqrt(high))
    if kind == "difference":
        values, low, top = np.sign(values) * np.sqrt(np.abs(values)), -float(np.sqrt(high)), float(np.sqrt(high))
    colours = np.ascontiguousarray(coloured(values, low, top, kind=kind, theme=theme))
    rows, columns, _ = colours.shape
    return QImage(colours.data, columns, rows, 3 * columns, QImage.Format.Format_RGB888).copy()
