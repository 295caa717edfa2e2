"""The framing panel as it stands."""

from dataclasses import dataclass

from app.explore.framing.cut import FIRST_CUT
from engine.api import Cut, Framing, Loaded, Point


@dataclass(frozen=True, eq=False)
class FrameState:
    """The framing panel, open for the photo `key`: the cut that is proposed and what it would give.

    `why` says why it opened by itself, empty when it was asked for. `points` are clicked so far, in the photo's pixels.
    """

    key: str
    name: str
    why: str = ""
    cut: Cut = FIRST_CUT
    framing: Framing | None = None
    proposed: Loaded | None = None
    clicking: bool = False
    points: tuple[Point, ...] = ()
    busy: bool = False
    message: str = ""
