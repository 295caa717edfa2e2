"""Where a morph is in each frame: easing, rests at its corners, loops; plain numbers, no torch."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from engine.api import Pictures
from engine.errors import UsageError

EASINGS: Final[Mapping[str, Callable[[float], float]]] = {
    "linear": lambda t: t,
    "smooth": lambda t: t * t * (3 - 2 * t),
    "smoother": lambda t: t * t * t * (t * (6 * t - 15) + 10),
    "sine": lambda t: (1 - math.cos(math.pi * t)) / 2,
}
"""Monotone maps of [0, 1] onto itself; all but "linear" start and end at rest."""
LOOPS: Final = ("once", "loop", "there-and-back")
FRAMES: Final = (2, 10_000)
KEEP_BYTES: Final = 64 * 2**20
"""Pictures that a way back will show again are kept up to this size, in bytes."""
CHUNK: Final = 16
LARGE_BYTES: Final = 256 * 2**20
"""`KEEP_BYTES` for frames at full size, of which each costs much more to make again."""


@dataclass(frozen=True)
class Timeline:
    """How a path through `corners` corners is played.

    `frames` is the number of pictures of the whole animation, rests and the way back included. `loop` is once (first
    corner to last), loop (after the last corner a leg of its own leads back to the first), or there-and-back. `holds`
    are the frames for which each corner stands still beyond its own; missing ones are zero.
    """

    corners: int = 2
    frames: int = 60
    easing: str = "linear"
    loop: str = "once"
    holds: tuple[int, ...] = ()

    @property
    def closed(self) -> bool:
        """Whether the path itself leads back to its first corner."""
        return self.loop == "loop"

    def hold(self, corner: int) -> int:
        """Frames that a corner stands still."""
        return self.holds[corner] if corner < len(self.holds) else 0

    def stops(self) -> tuple[int, ...]:
        """The corners in the order in which they are met, the first again at the end where the animation repeats."""
        there = tuple(range(self.corners))
        if self.loop == "once":
            return there
        return (*there, 0) if self.closed else (*there, *there[-2::-1])

    def _resting(self) -> int:
        stops = self.stops()
        met = stops if self.loop == "once" else stops[:-1]
        return sum(self.hold(corner) for corner in met)

    def least_frames(self) -> int:
        """The fewest frames in which every leg moves."""
        return self._resting() + len(self.stops()) - 1 + (self.loop == "once")

    def fitted(self) -> Timeline:
        """The same with rests shortened until every leg can move."""
        line = self
        while line.least_frames() > line.frames and any(line.holds):
            longest = max(line.holds)
            line = replace(line, holds=tuple(h - (h == longest) for h in line.holds))
        return line if line.least_frames() <= line.frames else replace(line, frames=line.least_frames())

    def fractions(self) -> tuple[float, ...]:
        """Where on the path each frame is, in [0, 1]; `frames` numbers.

        Corners fall on whole frames. An animation that repeats does not show its first frame again at its end, and the
        turn of there-and-back shows the last corner once (plus its rest).

        Raises:
            UsageError: an unknown easing or loop, or rests that leave no frames to move in.
        """
        if self.easing not in EASINGS:
            raise UsageError(f"There is no easing called {self.easing!r}: choose one of {', '.join(EASINGS)}.")
        if self.loop not in LOOPS:
            raise UsageError(f"There is no way to repeat called {self.loop!r}: choose one of {', '.join(LOOPS)}.")
        if self.frames < self.least_frames():
            raise UsageError(
                f"{self.frames} frames are too few for {self.corners} corners with these rests: "
                f"ask for at least {self.least_frames()}, or for shorter rests."
            )
        stops, ease = self.stops(), EASINGS[self.easing]
        legs, length = len(stops) - 1, self.corners - (not self.closed)
        moving = self.frames - self._resting() - (self.loop == "once")
        found: list[float] = []
        for leg in range(legs):
            start, end = stops[leg], stops[leg + 1]
            if self.closed and leg == legs - 1:
                end = self.corners
            found += [start / length] * self.hold(start)
            # Frames are dealt out evenly, and the ones left over go to the first legs.
            count = moving // legs + (leg < moving % legs)
            found += [(start + (end - start) * ease(i / count)) / length for i in range(count)]
        if self.loop == "once":
            found += [1.0] * (1 + self.hold(stops[-1]))
        return tuple(found)


def frames_of(
    decode: Callable[[Sequence[float]], Pictures],
    fractions: Sequence[float],
    *,
    keep_bytes: int = KEEP_BYTES,
    chunk: int = CHUNK,
) -> Iterator[Pictures]:
    """The pictures (H, W, 3) at `fractions`, one after the other, decoded up to `chunk` at a time.

    A place that comes again (a rest, a way back) is decoded once as long as `keep_bytes` of pictures suffice. No more
    than those and a chunk are kept, and none that does not come again.
    """
    kept: OrderedDict[float, Pictures] = OrderedDict()
    last = {place: index for index, place in enumerate(fractions)}
    for index, fraction in enumerate(fractions):
        if fraction not in kept:
            wanted = list(dict.fromkeys(f for f in fractions[index : index + chunk] if f not in kept))
            for place, picture in zip(wanted, decode(wanted), strict=True):
                kept[place] = picture
            most = max(chunk, keep_bytes // max(1, kept[fraction].nbytes))
            while len(kept) > most:
                kept.popitem(last=False)
        picture = kept[fraction]
        if last[fraction] == index:
            del kept[fraction]
        yield picture


def distinct(fractions: Sequence[float]) -> tuple[tuple[float, ...], np.ndarray[tuple[int, ...], np.dtype[np.intp]]]:
    """The different places of an animation in rising order, and for each frame which of them it shows."""
    places, order = np.unique(np.asarray(fractions, np.float64), return_inverse=True)
    return tuple(float(place) for place in places), order.reshape(-1)
