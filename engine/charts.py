"""Bars and histograms as values: what a model or a run shows of itself beside its curves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

ChartKind = Literal["bars", "histogram"]


@dataclass(frozen=True)
class Chart:
    """Bars (one value each) or a histogram (counts between neighbouring `edges`), by a metric-like name."""

    name: str
    kind: ChartKind
    values: tuple[float, ...]
    edges: tuple[float, ...] | None = None


def shared_histograms(
    named: Mapping[str, NDArray[Any]], *, low: float | None = None, high: float | None = None, cells: int = 40
) -> tuple[Chart, ...]:
    """One histogram for each of the value sets, all with the same edges, so that they can be drawn over each other.

    The edges run from `low` to `high`, or where these are None over all finite values; values beyond them are counted
    in the outermost cells. A set without a finite value gives no histogram.
    """
    finite = {name: values[np.isfinite(values)].astype(np.float64) for name, values in named.items()}
    finite = {name: values for name, values in finite.items() if len(values)}
    if not finite:
        return ()
    first = min(float(v.min()) for v in finite.values()) if low is None else low
    last = max(float(v.max()) for v in finite.values()) if high is None else high
    if last - first < 1e-6 * max(1.0, abs(first)):
        first, last = first - 0.5, last + 0.5
    edges = np.linspace(first, last, cells + 1)
    return tuple(
        Chart(
            name,
            "histogram",
            tuple(np.histogram(values.clip(first, last), edges)[0].astype(float).tolist()),
            tuple(edges.tolist()),
        )
        for name, values in finite.items()
    )
