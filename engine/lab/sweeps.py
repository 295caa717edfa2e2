"""What is read of two Gaussians while one moves away: curves over their distance, all of closed forms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Final

import numpy as np

from engine.errors import UsageError
from engine.lab import closed
from engine.lab.seen import Series, SweepSeen

COUNT: Final = 101
CELLS: Final = 4000
"""Of a curve: right to four digits."""


@dataclass(frozen=True)
class Sweep:
    """One row. `series` are (title, unit, value at a distance); `log`: their scale is logarithmic. `pull`: they are how
    strongly a generator is pulled back."""

    title: str
    low: float
    high: float
    start: float
    series: tuple[tuple[str, str, Callable[[float], float]], ...]
    log: bool = False
    pull: bool = False


SWEEPS: Final[dict[str, Sweep]] = {
    "distances": Sweep(
        "Distance of N(0, 1) and N(theta, 1)",
        0.0,
        10.0,
        3.0,
        (
            ("JS", "nats", lambda theta: closed.shifted(theta, cells=CELLS).js),
            ("TV", "", lambda theta: closed.shifted(theta, cells=CELLS).tv),
            ("W1", "", closed.shifted_w1),
        ),
    ),
    "pulls": Sweep(
        "Pull on a generator N(theta, 1), data N(0, 1), best discriminator",
        0.2,
        10.0,
        3.0,
        (
            ("Minimax", "", partial(closed.pull, "minimax")),
            ("Non-saturating", "", partial(closed.pull, "non-saturating")),
            ("Wasserstein", "", partial(closed.pull, "wasserstein")),
        ),
        log=True,
        pull=True,
    ),
}


@cache
def swept(name: str) -> SweepSeen:
    """The curves of a row.

    Raises:
        UsageError: there is none of this name.
    """
    if name not in SWEEPS:
        raise UsageError(f"sweep must be one of {', '.join(SWEEPS)}, got {name!r}.")
    row = SWEEPS[name]
    at = np.linspace(row.low, row.high, COUNT)
    series = tuple(
        Series(title, unit, np.array([value(theta) for theta in at.tolist()])) for title, unit, value in row.series
    )
    return SweepSeen(name, row.title, at, series, row.start, row.log, row.pull)
