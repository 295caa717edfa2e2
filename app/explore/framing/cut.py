"""How a photo is cut for a model: which of its faces, by clicked eyes, or its middle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Point = tuple[float, float]
MIDDLE: Final = "centre"
"""The way of aligning that takes the middle square and looks for no face."""


@dataclass(frozen=True)
class Cut:
    """A choice of the person. `align` as in `Session.load_photo`; `face` counts from 0, the largest.

    `points` are the eye at the left, the eye at the right and, if there is a third, the middle of the mouth, as (x, y)
    in the photo's pixels; empty where the face was found without help.
    """

    align: str = "auto"
    face: int = 0
    points: tuple[Point, ...] = ()

    def tag(self) -> str:
        """What tells this cut from the others of its photo, for its key; empty for the first choice."""
        if self.points:
            return "eyes " + " ".join(f"{x:.1f},{y:.1f}" for x, y in self.points)
        if self.align == MIDDLE:
            return "middle"
        return f"face {self.face + 1}" if self.face else ""

    def label(self) -> str:
        """Two words for the history; empty for the first choice."""
        if self.points:
            return "eyes clicked"
        return "middle" if self.align == MIDDLE else f"face {self.face + 1}" if self.face else ""


FIRST_CUT: Final = Cut()
"""What is done with a photo of which nothing was chosen."""


def by_hand(points: tuple[Point, ...]) -> Cut:
    """The cut by two eyes and perhaps a mouth. Eyes clicked the wrong way round are put right.

    With a mouth its side of the eyes' line decides, so that a face on its head is understood too; without one the eye
    further left is taken for the left one.
    """
    left, right, *mouth = points
    if mouth:
        # The cross product of eyes and mouth is positive when the mouth lies below the eyes (y grows downwards).
        (lx, ly), (rx, ry), (mx, my) = left, right, mouth[0]
        swapped = (rx - lx) * (my - ly) - (ry - ly) * (mx - lx) < 0
    else:
        swapped = left[0] > right[0]
    if swapped:
        left, right = right, left
    return Cut(points=(left, right, *mouth))
