"""What blending works on and gives back: frozen values, without OpenCV."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.api import Pictures

if TYPE_CHECKING:
    from engine.photos.similarity import Similarity

Floats = NDArray[np.float32]
Rectangle = tuple[int, int, int, int]
"""(left, top, width, height) in pixels."""


@dataclass(frozen=True, eq=False)
class Face:
    """What is known of one face of a photo, for every model: its frame upright at `SIDE` pixels, P for short.

    `low` (P, P, 3) is what of it a small model can see, in grey levels; `mask` (P, P), 0 to 1, is how much of a change
    is let through, 0 at and beyond the frame's edge.
    """

    low: Floats
    mask: Floats


@dataclass(frozen=True, eq=False)
class Canvas:
    """One face of one photo for one model, prepared once; or a part of that photo as it is on a screen, see `shown`.

    `photo` (H, W, 3); `frame` brings the unit square of the model's framing into its pixels; `base` (S, S, 3) is what
    the model decodes of the unedited code. No array of it may be changed.
    """

    photo: Pictures
    frame: Similarity
    base: Pictures
    face: Face


@dataclass(frozen=True, eq=False)
class Patch:
    """What an edit changes of a picture: `change` (h, w, 3) int16 in grey levels, its corner at `left`, `top`.

    Empty (0, 0, 3) where nothing changes. Patches of several faces add up, in any order.
    """

    left: int
    top: int
    change: NDArray[np.int16]

    @property
    def box(self) -> Rectangle:
        return self.left, self.top, self.change.shape[1], self.change.shape[0]
