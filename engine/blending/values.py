"""What blending works on and gives back: frozen values, without OpenCV."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from engine.api import Pictures

if TYPE_CHECKING:
    from engine.photos.similarity import Similarity

BACKGROUNDS: Final = ("faded", "first", "last")
"""What can be behind the heads of a morph."""
Floats = NDArray[np.float32]
Window = tuple[float, float, float, float]
"""Left, top, width and height of a part of a photo, in its pixels; not always whole."""


@dataclass(frozen=True, eq=False)
class Face:
    """One face of a photo, for every model. The part of the photo that its frame touches, upright as the photo is, is
    looked at on a grid of (h, w) cells: about `grid.SIDE` to the frame's side, whatever the photo's size.

    `left`, `top`, `width`, `height`: that part in the photo's pixels. `frame` brings the unit square of the models'
    framing into the photo. `part` (h, w, 3) is the photo there. `head` (h, w), 0 to 1, is what is no background; `mask`
    (h, w), how much of a change is let through, fades to 0 a little beyond the frame's edge, too. `used` are the left,
    top, right and bottom of the cells with any mask; these and h and w are even. Of a `grey` photo only the lightness
    changes.
    """

    left: int
    top: int
    width: int
    height: int
    frame: Similarity
    part: Pictures
    head: Floats
    mask: Floats
    used: tuple[int, int, int, int]
    grey: bool


@dataclass(frozen=True, eq=False)
class Canvas:
    """One face of a photo for one code of one model, prepared once, and a picture to lay edits on.

    `picture` (H, W, 3) is the photo, or what `scaled` made of the part `window` of it. `base` (S, S, 3) is what the
    model decodes of the unedited code. On the used cells of the face's grid: `low` (h, w, 3) is what of the photo such
    a model can see, the rest is the photo's detail; `before` is the lightness of `base`, at half the grid's size.
    `edges` is its structure. `inner` (S, S), 0 to 1, is 1 where all of a model's pixel is on the head. `half` is the
    same on a grid of half as many cells each way, for while a hand drags; it has no half. No array of it may be
    changed.
    """

    picture: Pictures
    window: Window
    face: Face
    base: Pictures
    low: Floats
    before: Floats
    edges: Floats
    inner: Floats
    half: Canvas | None


@dataclass(frozen=True, eq=False)
class Patch:
    """What an edit changes of a picture: `change` (h, w, 3) int16 in grey levels, its corner at `left`, `top`.

    (0, 0, 3) where nothing changes. Patches of several faces add up, in any order.
    """

    left: int
    top: int
    change: NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class Corner:
    """A photo of a morph, cut along its frame at P pixels. `size` is the side of the model's pictures.

    `detail` (P, P, 3) is all that the model's picture lacks of the photo, in parts of a grey level; `behind` (P, P, 3)
    is the photo without its head, which is 1 in `head` at the grid's side, and `photo` with it. `light` is the
    lightness of the model's picture at half the grid's side. 12 bytes a pixel.
    """

    size: int
    detail: NDArray[np.int16]
    photo: Pictures
    behind: Pictures
    head: Floats
    light: Floats
