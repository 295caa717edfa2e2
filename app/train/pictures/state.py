"""What the Pictures panel of Train shows."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.look import Look
from engine.api import Pictures
from engine.runs import PinnedPhoto

TABS: Final = (("samples", "Samples"), ("pins", "Pinned photos"), ("look", "Yours"))
"""(key, label) of the picture tabs."""
PLAY_RATES: Final = (4, 10, 24)


@dataclass(frozen=True, eq=False)
class Shot:
    """The user's look as the weights of a step drew it, (S, S, 3)."""

    step: int
    picture: Pictures


@dataclass(frozen=True, eq=False)
class LookInRun:
    """The current look of Explore in the run on show: now, and at the preview before. `note` says what is left out of
    the look or why it cannot be drawn."""

    run: Path | None = None
    look: Look | None = None
    now: Shot | None = None
    before: Shot | None = None
    note: str = ""


@dataclass(frozen=True)
class TimelapseChoice:
    """How a time-lapse is written: previews per second, whole-number enlargement, and the step in a corner."""

    fps: int = 10
    scale: int = 2
    stamp: bool = True


@dataclass(frozen=True, eq=False)
class PicturesState:
    """`pins` are those of the run on show, `sheets` its (step, file) of drawn pins, and `sheet` the rows
    (n, 3, S, S, 3) at `sheet_step`, the newest no later than the step on show. `playing`: the history moves by itself.
    """

    tab: str = "samples"
    run: Path | None = None
    pins: tuple[PinnedPhoto, ...] = ()
    sheets: tuple[tuple[int, Path], ...] = ()
    sheet: Pictures | None = None
    sheet_step: int = -1
    playing: bool = False
    timelapse: TimelapseChoice = field(default_factory=TimelapseChoice)
    look_in_run: LookInRun = field(default_factory=LookInRun)
