"""How a photo is cut for a model: which of its faces, by clicked eyes, or its middle."""

from typing import Final

from engine.api import Cut, Point

MIDDLE: Final = "centre"
"""The way of aligning that takes the middle square and looks for no face."""
FIRST_CUT: Final = Cut()
"""What is done with a photo of which nothing was chosen."""


def cut_tag(cut: Cut) -> str:
    """What tells this cut from the others of its photo, for its key; empty for the first choice."""
    if cut.points:
        return "eyes " + " ".join(f"{x:.1f},{y:.1f}" for x, y in cut.points)
    if cut.align == MIDDLE:
        return "middle"
    return f"face {cut.face + 1}" if cut.face else ""


def cut_label(cut: Cut) -> str:
    """Two words for the history; empty for the first choice."""
    return "eyes clicked" if cut.points else cut_tag(cut)


def by_hand(points: tuple[Point, ...]) -> Cut:
    """The cut by two eyes and perhaps a mouth. Eyes clicked the wrong way round are put right.

    With a mouth its side of the eyes' line decides, so that an upside-down face is understood too; without one the eye
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
