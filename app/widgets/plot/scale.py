"""Axes in numbers: what part of a run is on show, where its ticks stand, and how they read."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.series import Floats

Words = Callable[[Sequence[float]], list[str]]
_NICE: Final = (1.0, 2.0, 5.0)
_NICE_SECONDS: Final = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200, 86400)


def figure(value: float) -> str:
    """A y value in at most seven characters."""
    if value != 0 and not 0.001 <= abs(value) < 10_000:
        return f"{value:.1e}"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def tick_words(values: Sequence[float]) -> list[str]:
    """An axis's numbers with a true minus: as `figure` has them, or with as many digits as tell them apart."""
    words, digits = [figure(value + 0.0) for value in values], 3
    while len(set(words)) < len(words) and digits < 12:
        digits += 1
        words = [f"{value + 0.0:,.{digits}g}" for value in values]
    return [word.replace("-", "\u2212") for word in words]


def count_words(values: Sequence[float]) -> list[str]:
    """Steps or images as ticks read, all in one unit: 1,200 and 150k and 2.5M."""
    largest = max((abs(value) for value in values), default=0.0)
    size, letter = next((pair for pair in ((1e9, "G"), (1e6, "M"), (1e3, "k")) if largest >= 10 * pair[0]), (1.0, ""))
    return [f"{value / size:,.6g}{letter if value else ''}" for value in values]


def time_words(values: Sequence[float]) -> list[str]:
    """Seconds as ticks read."""
    return [duration_words(value) for value in values]


def duration_words(seconds: float) -> str:
    """Seconds as a person reads them: 40 s, 2:30 min, 1:05 h, 2.5 d."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    if seconds < 3600:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes}:{rest:02} min" if rest else f"{minutes} min"
    if seconds < 2 * 86400:
        hours, rest = divmod(round(seconds / 60), 60)
        return f"{hours}:{rest:02} h" if rest else f"{hours} h"
    return f"{seconds / 86400:.3g} d"


@dataclass(frozen=True)
class Axis:
    """What x counts: its word for the readout, and how a row of its ticks reads; `seconds` has ticks at minutes."""

    name: str = "step"
    words: Words = count_words
    seconds: bool = False
    unit: str = ""

    def place(self, x: float) -> str:
        """One x in full, for the readout: "step 1,240"."""
        shown = duration_words(x) if self.seconds else f"{x:,.6g}"
        return f"{shown} {self.unit}" if self.unit else f"{self.name} {shown}"


STEPS: Final = Axis()
TIME: Final = Axis("time", time_words, seconds=True)
IMAGES: Final = Axis("images", unit="images")


@dataclass(frozen=True)
class Span:
    """The part of the x axis on show; with `log` its ends are positive. Its pixels are even in `placed` units."""

    low: float
    high: float
    log: bool = False

    def placed(self, xs: NDArray[Any] | float) -> Any:
        """x to the unit in which pixels are even."""
        if not self.log:
            return xs
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log10(xs)

    def back(self, places: NDArray[Any] | float) -> Any:
        """The inverse of `placed`."""
        return np.power(10.0, places) if self.log else places

    def ends(self) -> tuple[float, float]:
        """Both ends, placed."""
        return float(self.placed(self.low)), float(self.placed(self.high))

    def edges(self, pixels: int) -> Floats:
        """The x at the edges of so many pixels, rising."""
        low, high = self.ends()
        out: Floats = np.asarray(self.back(np.linspace(low, high, max(2, pixels + 1))), np.float64)
        return out

    def at(self, share: float) -> float:
        """The x at a share 0..1 of the width."""
        low, high = self.ends()
        return float(self.back(low + share * (high - low)))

    def share(self, x: float) -> float:
        """Where x is, as a share of the width; outside 0..1 it is not on show."""
        low, high = self.ends()
        if self.log and x <= 0:
            return -1.0
        return (float(self.placed(x)) - low) / max(high - low, 1e-300)

    def zoomed(self, factor: float, around: float) -> Span:
        """Narrower (factor below 1) or wider, with the x at the share `around` where it was."""
        low, high = self.ends()
        middle = low + around * (high - low)
        return self._from(middle - (middle - low) * factor, middle + (high - middle) * factor)

    def moved(self, share: float) -> Span:
        """Moved right by a share of its width."""
        low, high = self.ends()
        by = share * (high - low)
        return self._from(low + by, high + by)

    def within(self, whole: Span) -> Span | None:
        """Pushed into `whole` without being narrowed; None where it would show all of it."""
        low, high = self.ends()
        least, most = whole.ends()
        width = max(high - low, (most - least) * 1e-6)
        if width >= (most - least) * 0.999:
            return None
        low = min(max(low, least), most - width)
        return self._from(low, low + width)

    def _from(self, low: float, high: float) -> Span:
        return Span(float(self.back(low)), float(self.back(high)), self.log)


def whole_span(longest: float, shortest: float, *, log: bool, grows: bool) -> Span:
    """All of a run up to `longest`. While it `grows` the end is rounded up: the lines do not shift at every step."""
    high = max(longest, 1e-9)
    if grows:
        part = 10.0 ** math.floor(math.log10(high)) / 20
        high = math.ceil(high / part) * part
    if log:
        low = shortest if shortest > 0 else high / 1e4
        return Span(min(low, high / 1.01), high, True)
    return Span(0.0, high)


def ticks(low: float, high: float, most: int) -> list[float]:
    """At most about `most` round values between low and high."""
    width = high - low
    if not (math.isfinite(width) and width > 0):
        return []
    least = width / max(1, most)
    size = 10.0 ** math.floor(math.log10(least))
    step = next((size * nice for nice in _NICE if size * nice >= least), size * 10)
    return _multiples(low, high, step)


def second_ticks(low: float, high: float, most: int) -> list[float]:
    """Ticks at whole seconds, minutes, hours or days."""
    least = (high - low) / max(1, most)
    step = next((nice for nice in _NICE_SECONDS if nice >= least), 0)
    if not step:
        return [86400 * day for day in ticks(low / 86400, high / 86400, most)]
    return ticks(low, high, most) if least < 1 else _multiples(low, high, step)


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Round values (not their logarithms) between 10**low and 10**high: decades, or finer where those are few."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low or abs(low) > 300 or abs(high) > 300:
        return []
    decades = list(range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1))
    if len(decades) >= 3 or (len(decades) == 2 and most < 4):
        every = -(-len(decades) // max(1, most))
        return [10.0**decade for decade in decades[::every]]
    fine = [
        nice * 10.0**decade
        for decade in range(math.floor(low), math.ceil(high) + 1)
        for nice in _NICE
        if low <= math.log10(nice) + decade <= high
    ]
    if len(fine) >= 2:
        return fine[:: -(-len(fine) // max(1, most))]
    return ticks(10.0**low, 10.0**high, most)


def _multiples(low: float, high: float, step: float) -> list[float]:
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    # Multiples of a tenth are not exact: 0.30000000000000004 reads badly.
    return [float(f"{index * step:.12g}") for index in range(first, last + 1)] if last - first < 200 else []
