"""What a support size is told as: rounded, as figures with an interval, and how it is to be read."""

import math
from typing import Final

from engine.diagnostics.support import Support, half_size
from engine.report import Figure, Level

FEW: Final = 20_000
"""A support below this, and below half the training images, is a collapse."""


def support_level(support: Support, training: int, *, blind: bool = False) -> Level:
    """How a support is to be read beside the number of training images.

    `blind`: duplicates would not have been noticed, so that seeing none means nothing.
    """
    if support.high is not None and support.high < min(training / 2, FEW):
        return "bad"
    if blind and support.estimate is None:
        return "unknown"
    if support.low >= training:
        return "good"
    if support.estimate is None:
        return "unknown"
    return "watch" if support.estimate < 5 * training else "good"


def support_figures(support: Support, *, n: int | None = None, prefix: str = "", of: str = "") -> tuple[Figure, ...]:
    """The support size as figures: the likeliest with its interval and the paper's s^2, or a lower bound where no
    duplicate was seen (value and `low` are then the bound)."""
    if support.estimate is None:
        bound = "no repeat was seen: this is a lower bound"
        return (
            Figure(f"{prefix}support", f"Support size{of}, at least", support.low, low=support.low, n=n, note=bound),
        )
    size = half_size(support.estimate)
    exact = f"s²/(2 ln 2) = {rounded(size * size / (2 * math.log(2)))}; a lower bound where some pictures are rarer"
    return (
        Figure(
            f"{prefix}support",
            f"Support size{of}",
            support.estimate,
            low=support.low,
            high=support.high,
            n=n,
            better="higher",
            note=exact,
        ),
        Figure(
            f"{prefix}support_squared",
            f"Support size{of} by s²",
            size * size,
            n=n,
            better="higher",
            note=f"s = {rounded(size)}: a repeat in half of all batches; an order of magnitude",
        ),
    )


def rounded(value: float) -> str:
    """A support size in two figures, with separators: 12,000."""
    if value < 10:
        return f"{value:.1f}".removesuffix(".0")
    return f"{float(f'{value:.2g}'):,.0f}"
