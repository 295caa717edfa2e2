"""Level lines of a map, and the levels that hold a share of its mass."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.lab import Map

Segments = NDArray[np.float64]
# For each of the 16 cases of a cell the edges that its line crosses: bottom 0, right 1, top 2, left 3.
_CASES: Final = {
    **{1: ((3, 0),), 2: ((0, 1),), 3: ((3, 1),), 4: ((1, 2),), 5: ((3, 2), (0, 1)), 6: ((0, 2),), 7: ((3, 2),)},
    **{8: ((2, 3),), 9: ((2, 0),), 10: ((0, 3), (1, 2)), 11: ((2, 1),), 12: ((1, 3),), 13: ((1, 0),), 14: ((0, 3),)},
}


def level_lines(drawn: Map, level: float) -> Segments:
    """Segments (S, 2, 2) in the plane along which the map has this value (marching squares, linear between middles)."""
    values = np.nan_to_num(drawn.values.astype(np.float64), nan=0.0)
    rows, columns = values.shape
    corners = (values[:-1, :-1], values[:-1, 1:], values[1:, 1:], values[1:, :-1])
    case = np.zeros(corners[0].shape, np.int64)
    for bit, corner in enumerate(corners):
        case |= (corner > level).astype(np.int64) << bit
    found = []
    for kind, pairs in _CASES.items():
        row, column = np.nonzero(case == kind)
        if len(row):
            four = [corner[row, column] for corner in corners]
            found += [np.stack([_crossing(edge, row, column, four, level) for edge in pair], 1) for pair in pairs]
    cells = np.concatenate(found) if found else np.empty((0, 2, 2))
    span = drawn.span
    wide, high = (span.right - span.left) / columns, (span.top - span.bottom) / rows
    found_at: Segments = cells * (wide, high) + (span.left + wide / 2, span.bottom + high / 2)
    return found_at


def _crossing(edge: int, row: NDArray[Any], column: NDArray[Any], four: list[NDArray[Any]], level: float) -> Segments:
    """Where the level crosses an edge of cells, in cells (x, y)."""
    a, b = ((0, 1), (1, 2), (3, 2), (0, 3))[edge]
    share = (level - four[a]) / (four[b] - four[a])
    x = column + (share if edge in (0, 2) else np.full(len(row), 1.0 if edge == 1 else 0.0))
    y = row + (share if edge in (1, 3) else np.full(len(row), 1.0 if edge == 2 else 0.0))
    return np.stack([x, y], 1)


def mass_level(drawn: Map, share: float) -> float:
    """The density above which this share of the map's mass lies."""
    values = np.sort(drawn.values.ravel().astype(np.float64))[::-1]
    held = values.cumsum()
    if held[-1] <= 0:
        return 0.0
    return float(values[int(np.searchsorted(held, share * held[-1]))])
