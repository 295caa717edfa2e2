"""Numbers behind bars and histograms: sorting, gathering to pixels, and a picture of how they change with time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.series import Floats

_HISTOGRAM_BINS: Final = 48
_MOST_COLUMNS: Final = 240


@dataclass(frozen=True, eq=False)
class Shown:
    """One chart of one step: `edges` (len(values) + 1, rising) for a histogram, None for bars."""

    label: str
    values: Floats
    edges: Floats | None = None


def ordered(values: Floats, *, by_size: bool) -> Floats:
    """Bars by their index, or the largest first."""
    return np.sort(values)[::-1] if by_size else values


def gathered(values: Floats, most: int) -> Floats:
    """At most `most` bars: neighbours become their largest, so that no peak is lost."""
    if len(values) <= most:
        return values
    starts = np.linspace(0, len(values), most + 1).astype(int)[:-1]
    largest: Floats = np.maximum.reduceat(values, starts)
    return largest


def shares(shown: Shown) -> Floats:
    """A histogram's counts as heights whose area is 1, so that histograms of different counts compare."""
    assert shown.edges is not None
    area = shown.values / np.maximum(np.diff(shown.edges), 1e-12)
    return area / max(float(shown.values.sum()), 1e-12)


def common_edges(charts: Sequence[Shown]) -> Floats:
    """Even edges over all that the histograms cover."""
    known = [chart.edges for chart in charts if chart.edges is not None]
    low, high = min(float(edges[0]) for edges in known), max(float(edges[-1]) for edges in known)
    return np.linspace(low, high, _HISTOGRAM_BINS + 1)


def onto(shown: Shown, edges: Floats) -> Floats:
    """The share of a histogram's counts in each interval of other edges; counts are even within an interval."""
    assert shown.edges is not None
    below = np.concatenate([[0.0], np.cumsum(shown.values)])
    part: Floats = np.diff(np.interp(edges, shown.edges, below)) / max(float(shown.values.sum()), 1e-12)
    return part


def through_time(history: Sequence[Shown], *, by_size: bool) -> NDArray[np.uint8]:
    """Columns are steps, rows from the top: histogram intervals from high to low, or bars from first to last.

    uint8, 255 the largest of all; the square root keeps small values visible. Of many steps some even ones are taken.
    """
    taken = np.unique(np.linspace(0, len(history) - 1, min(len(history), _MOST_COLUMNS)).astype(int))
    charts = [history[index] for index in taken]
    if charts[0].edges is not None:
        edges = common_edges(charts)
        columns = [onto(chart, edges)[::-1] for chart in charts if chart.edges is not None]
    else:
        size = max(len(chart.values) for chart in charts)
        columns = [np.pad(ordered(chart.values, by_size=by_size), (0, size - len(chart.values))) for chart in charts]
    heights = np.sqrt(np.maximum(np.stack(columns, axis=1), 0.0))
    return (heights / max(float(heights.max()), 1e-12) * 255).astype(np.uint8)
