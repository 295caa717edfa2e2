"""What blending is asked for. Safe to call from several threads; nothing is kept between calls."""

from __future__ import annotations

from collections.abc import Sequence

from engine.api import Framing, Pictures
from engine.blending.values import Canvas, Patch


def prepare(rgb: Pictures, framing: Framing, base: Pictures) -> Canvas:
    """A face of a photo (H, W, 3), ready for edits by one model.

    `framing` says where the model's picture was cut out and `base` (S, S, 3) is the model's decoding of the unedited
    code. `rgb` is kept and not copied.
    """
    raise NotImplementedError


def rebased(canvas: Canvas, base: Pictures) -> Canvas:
    """The same face for another model, or another code: only its decoding `base` (S, S, 3) is new. Costs nothing."""
    raise NotImplementedError


def scaled(rgb: Pictures, window: tuple[float, float, float, float], size: tuple[int, int]) -> Pictures:
    """The part `window` (left, top, width, height; in the photo's pixels) of a photo at `size` (width, height) pixels.

    Averaged where it shrinks; what lies outside the photo repeats its edge.
    """
    raise NotImplementedError


def shown(canvas: Canvas, picture: Pictures, window: tuple[float, float, float, float]) -> Canvas:
    """The canvas of `picture` (h, w, 3), which `scaled` made of `window` of the photo: edits are composed at its size.

    Costs nothing: make it anew whenever zoom or place change.
    """
    raise NotImplementedError


def patch(canvas: Canvas, edited: Pictures, *, strength: float = 1.0) -> Patch:
    """What the edit changes in `canvas.photo`: `edited` (S, S, 3) is the model's decoding of the edited code.

    Where `edited` is `canvas.base`, number by number, nothing. `strength` 0 to 1 takes a part of the change.
    """
    raise NotImplementedError


def over(picture: Pictures, patches: Sequence[Patch]) -> Pictures:
    """A copy of `picture` (H, W, 3), that of the patches' canvases, with all of them laid on it."""
    raise NotImplementedError


def blended(rgb: Pictures, edits: Sequence[tuple[Canvas, Pictures]]) -> Pictures:
    """The whole photo (H, W, 3) at its own size with the edits of its faces: pairs of canvas and edited picture.

    Outside the masks, and without a change, it is the photo bit for bit.
    """
    raise NotImplementedError
