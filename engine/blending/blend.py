"""What blending is asked for. Safe to call from several threads; nothing is kept between calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.api import Framing, Pictures
from engine.blending.values import Canvas, Corner, Face, Patch, Window

# OpenCV is imported where it is used: a first picture does not wait for it.


def prepare(rgb: Pictures, framing: Framing, base: Pictures) -> Canvas:
    """A face of a photo (H, W, 3), ready for edits by one model.

    `framing` says where the model's picture was cut out, and `base` (S, S, 3) is the model's decoding of the unedited
    code. `rgb` is kept and not copied. 50 to 110 ms, whatever the photo's size. Where a face was found, only it, its
    hair and what it wears change, as far as they can be told from what is behind them; else all of the frame.
    """
    from engine.blending.grid import face_of
    from engine.photos.similarity import Similarity

    corners = [complex(x, y) for x, y in framing.corners]
    head = framing.how in ("face", "points") or (framing.how == "none" and bool(framing.faces))
    face = face_of(rgb, Similarity(corners[1] - corners[0], corners[0]), head=head)
    return _canvas(rgb, (0.0, 0.0, float(rgb.shape[1]), float(rgb.shape[0])), face, base)


def rebased(canvas: Canvas, base: Pictures) -> Canvas:
    """The same face for another model, or another code: only its decoding `base` (S, S, 3) is new. 2 ms."""
    return _canvas(canvas.picture, canvas.window, canvas.face, base)


def _canvas(picture: Pictures, window: Window, face: Face, base: Pictures) -> Canvas:
    from engine.blending.change import edges_of, halved, inner_pixels, lightness, seen
    from engine.blending.grid import SIDE, half_of

    size = base.shape[0]
    low, light, inner = seen(face, size), lightness(face, base), inner_pixels(face, size)
    edges = edges_of(light, SIDE / 2 / size)
    half = Canvas(picture, window, half_of(face), base, halved(low), light, edges, inner, None)
    return Canvas(picture, window, face, base, low, light, edges, inner, half)


def scaled(rgb: Pictures, window: Window, size: tuple[int, int]) -> Pictures:
    """The part `window` of a photo (H, W, 3), whole pixels of it, at `size` (width, height): averaged where it shrinks.

    It must lie in the photo.
    """
    from engine.blending.grid import resized

    left, top, wide, high = (round(value) for value in window)
    return resized(rgb[top : top + high, left : left + wide], size)


def shown(canvas: Canvas, picture: Pictures, window: Window) -> Canvas:
    """The canvas for `picture` (h, w, 3), which shows the part `window` of the photo, as a screen does.

    Edits are then composed at its resolution and only within it. Costs nothing: make it anew whenever the zoom or the
    place changes, from the canvas of the photo or from another shown one.
    """
    return replace(canvas, picture=picture, window=window)


def patch(canvas: Canvas, edited: Pictures, *, strength: float = 1.0, fine: bool = True) -> Patch:
    """What an edit changes in `canvas.picture`: `edited` (S, S, 3) is the model's decoding of the edited code.

    Nothing where `edited` is `canvas.base`, number by number. `strength`, 0 to 1, takes a part of the change. `fine`
    keeps all the sharpness of what is moved; without it, for while a hand drags, it takes a third of the time.
    """
    from engine.blending.compose import composed

    return composed(canvas, edited, strength=strength, fine=fine)


def over(picture: Pictures, patches: Sequence[Patch]) -> Pictures:
    """A copy of `picture` (H, W, 3), that of the patches' canvases, with all of them laid on it."""
    from engine.blending.compose import add

    result = picture.copy()
    if len(patches) == 1:
        add(result, patches[0])
    elif patches:
        # Where faces overlap, what is clipped must be their sum.
        total = np.zeros(picture.shape, np.int16)
        for one in patches:
            high, wide = one.change.shape[:2]
            total[one.top : one.top + high, one.left : one.left + wide] += one.change
        add(result, Patch(0, 0, total))
    return result


def blended(rgb: Pictures, edits: Sequence[tuple[Canvas, Pictures]], *, strength: float = 1.0) -> Pictures:
    """The whole photo (H, W, 3) at its own size with the edits of its faces: pairs of its canvas and edited picture.

    Outside the masks, and without a change, it is the photo bit for bit.
    """
    return over(rgb, [patch(canvas, edited, strength=strength) for canvas, edited in edits])


def corner_of(canvas: Canvas, side: int) -> Corner:
    """A photo, by its canvas at its own size, ready to be a corner of a morph in pictures of `side` pixels.

    It takes 12 bytes a pixel of those.

    Raises:
        UsageError: a side beyond 16 to 4,096.
    """
    from engine.blending import morph

    return morph.corner_of(canvas, side)


def drawn_canvas(picture: Pictures) -> Canvas:
    """A model's own picture (S, S, 3) of a face, as if it were a photo: for a corner of a morph that has none.

    It has no detail, so the morph is as soft as the model where it is near.
    """
    side = float(len(picture))
    framing = Framing("face", ((0.0, 0.0), (side, 0.0), (side, side), (0.0, side)))
    return prepare(picture, framing, picture)


def shares(place: float, corners: int, *, loop: bool = False) -> tuple[float, ...]:
    """How much of each corner there is at `place`, 0 to 1 of the way through all; `loop` leads back to the first."""
    legs = corners if loop else corners - 1
    leg = min(int(place * legs), legs - 1)
    along = place * legs - leg
    found = [0.0] * corners
    found[leg] += 1 - along
    found[(leg + 1) % corners] += along
    return tuple(found)


def pad_shares(x: float, y: float, corners: int) -> tuple[float, ...]:
    """How much of each of two to four corners there is at a place of the pad, as `paths.pad` has them."""
    found = [0.0] * corners
    four = ((1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y)
    for index, share in zip({2: (0, 1, 0, 1), 3: (0, 1, 2, 2), 4: (0, 1, 2, 3)}[corners], four, strict=True):
        found[index] += share
    return tuple(found)


def morphed(
    corners: Sequence[Corner], decoded: Pictures, shares: Sequence[float], *, background: str = "faded"
) -> Pictures:
    """A picture (side, side, 3) on the way between two to four photos, of which `shares` say how near each is.

    What the model sees is `decoded` (S, S, 3), its picture of the code there; the photos' detail is moved along with
    it. `background`: of the first photo, of the last, or faded from one to the other.

    Raises:
        UsageError: another background, or not one share a corner.
    """
    from engine.blending import morph

    return morph.morphed(corners, decoded, shares, background)
