"""Names of truths that a person brings along: a file of numbers, or what was drawn by hand. Values without torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.errors import UsageError

CSV: Final = "csv:"
DRAWN: Final = "drawn:"
MOST_STAMPS: Final = 600
REACH: Final = 4.0
"""How far from the middle a stamp may be set, along each coordinate."""
WIDTHS: Final = (0.05, 1.0)
WEIGHTS: Final = (1e-3, 1e3)


@dataclass(frozen=True)
class Stamp:
    """One touch of the brush: a round Gaussian of standard deviation `width` around (x, y), as likely as its `weight`
    is of all weights. All are numbers within `REACH`, `WEIGHTS` and `WIDTHS`."""

    x: float
    y: float
    weight: float = 1.0
    width: float = 0.2


def csv_name(path: Path) -> str:
    """The name of the truth that a file of numbers is, by its whole path."""
    return f"{CSV}{path.expanduser().absolute()}"


def drawn_name(stamps: Sequence[Stamp]) -> str:
    """The name of the truth that these stamps are, from which `stamps_of` reads them back to four digits.

    Raises:
        UsageError: none, too many, or one that is out of range; the sentence says which.
    """
    name = DRAWN + ";".join(f"{one.x:.4g},{one.y:.4g},{one.weight:.4g},{one.width:.4g}" for one in stamps)
    stamps_of(name)
    return name


def stamps_of(name: str) -> tuple[Stamp, ...]:
    """The stamps of a drawn truth.

    Raises:
        UsageError: they cannot be read; the sentence says which one and why.
    """
    rows = [row for row in name.removeprefix(DRAWN).split(";") if row.strip()]
    if not 1 <= len(rows) <= MOST_STAMPS:
        raise UsageError(f"A drawing has between 1 and {MOST_STAMPS} stamps, this one has {len(rows):,}.")
    return tuple(_stamp(row, place) for place, row in enumerate(rows, 1))


def _stamp(row: str, place: int) -> Stamp:
    parts = row.split(",")
    try:
        if len(parts) != 4:
            raise ValueError
        x, y, weight, width = map(float, parts)
    except ValueError:
        raise UsageError(
            f"Stamp {place} of the drawing is {row[:40]!r}: it needs four numbers, x,y,weight,width."
        ) from None
    limits = (
        ("x", x, (-REACH, REACH)),
        ("y", y, (-REACH, REACH)),
        ("weight", weight, WEIGHTS),
        ("width", width, WIDTHS),
    )
    for word, value, (low, high) in limits:
        if not (math.isfinite(value) and low <= value <= high):
            raise UsageError(f"{word} of stamp {place} must be between {low:g} and {high:g}, got {value:g}.")
    return Stamp(x, y, weight, width)
