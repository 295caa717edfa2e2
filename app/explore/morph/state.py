"""What Morph shows: corners, timing, pictures along the path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.api import Codes, Pictures

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MorphSlot:
    """A corner of the path: a photo by its key, or a code taken as it was; `edit_of` is the photo that such a code is
    an edit of, and `strength` (0 to 1) how much of that edit is in the photo."""

    name: str
    picture: Pictures
    photo: str | None = None
    code: Codes | None = None
    busy: bool = False
    hold: int = 0
    edit_of: str | None = None
    strength: float = 1.0

    @property
    def has_photo(self) -> bool:
        """Whether there is a photo whose detail it can have."""
        return self.photo is not None or self.edit_of is not None


@dataclass(frozen=True)
class MorphTiming:
    """How a morph is played and written: pictures in all, how legs start and end, how it repeats, pictures per second.

    `loop` is once, loop (a last leg leads back to the first corner) or there-and-back; see `engine.exploring.timeline`.
    """

    frames: int = 120
    easing: str = "smooth"
    loop: str = "there-and-back"
    fps: int = 30


@dataclass(frozen=True)
class MorphExport:
    """How a morph is written: `kind` is the file's suffix, empty for a folder; `scale` enlarges what the model sees,
    `side` is that of a frame of photos in pixels."""

    kind: str = ".gif"
    scale: int = 4
    smooth: bool = True
    side: int = 512


@dataclass(frozen=True, eq=False)
class Whole:
    """A frame at full size: `picture` (P, P, 3), and the corners' photos as they are cut, (P, P, 3) each; of a corner
    without one the model's picture. `fine`: as large as there is room, and not only quick. `place`: at which fraction
    of the path it is, or where on the pad."""

    picture: Pictures
    ends: tuple[Pictures, ...]
    fine: bool
    place: float | tuple[float, float] = 0.0


@dataclass(frozen=True, eq=False)
class MorphState:
    """`fraction` 0..1 along the whole path; `strip` are its pictures at even steps, `frames` those for playing.

    `pad` is the pad's place (x, y), None while the path is on show. `norms` has |z| / sqrt(D) along the path by method,
    of the whole code and then of its levels. A corner's `hold` is its rest in frames; `rate` the pictures per second
    shown.

    At full size: `whole` is the frame on show, `whole_strip` those of the strip, `background` one of
    `engine.blending.BACKGROUNDS`, `tiles` the frame with each of them, and `room` the side that there is for a frame,
    in pixels of the screen. `frames` are then of photos, too. `why`: why photos cannot be shown.
    """

    slots: tuple[MorphSlot | None, ...] = (None, None)
    chosen: int = 0
    fraction: float = 0.5
    method: str = "slerp"
    picture: Pictures | None = None
    strip: Pictures | None = None
    frames: Pictures | None = None
    playing: bool = False
    timing: MorphTiming = MorphTiming()
    export: MorphExport = MorphExport()
    pad: tuple[float, float] | None = None
    norms: Mapping[str, Floats] | None = None
    rate: float | None = None
    whole: Whole | None = None
    whole_strip: Pictures | None = None
    tiles: tuple[Pictures, ...] | None = None
    background: str = "faded"
    room: int = 0
    why: str = ""
