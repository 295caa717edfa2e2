"""A photo at its own size as it stands: what of it is on screen, and what the edits make of that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.explore.fullsize.zoom import Place, Size, Zoom
from app.look import Look
from engine.api import Framing, PhotoSource, Pictures
from engine.blending import Canvas, Patch

Corners = tuple[tuple[float, float], ...]

WHOLE: Final = Zoom()


@dataclass(frozen=True, eq=False)
class Face:
    """A face of the photo on screen: its frame's `corners`, or the box it was found in, in the photo's pixels.

    `number` counts from 1, the largest first, and is 0 where the frame is no found face's. `edited`: it is not as the
    photo has it.
    """

    number: int
    corners: Corners
    active: bool = False
    edited: bool = False


@dataclass(frozen=True, eq=False)
class FaceEdit:
    """An edited face of the photo on show, for whoever blends it in. `picture` (S, S, 3) is the decoded edit, None
    where it is still to be drawn from `look`; `base` (S, S, 3) the decoding of the unedited code by the same model,
    whose SHA-256 is `sha256`. `key` is the item of the library, `framing` where in `source` its picture was cut out.
    """

    key: str
    look: Look
    sha256: str
    picture: Pictures | None
    base: Pictures
    framing: Framing
    source: PhotoSource


@dataclass(frozen=True, eq=False)
class Layer:
    """What the model decoded, (S, S, 3), and how much of its change is blended in, 0 to 1."""

    picture: Pictures
    strength: float = 1.0

    def same(self, other: Layer | None) -> bool:
        """Whether the other one is of this picture, and as strong."""
        return other is not None and other.picture is self.picture and other.strength == self.strength


@dataclass(frozen=True, eq=False)
class Piece:
    """A part of the picture on screen: its pixels (h, w, 3), and where its corner is in that picture."""

    left: int
    top: int
    picture: Pictures


@dataclass(frozen=True, eq=False)
class Scene:
    """What of a photo is on screen, ready for edits of the face `key` to be laid on it.

    `photo` (h, w, 3) shows the part `window` of it (left, top, width, height, in its whole pixels); its whole `size` is
    (width, height). `ground` is `photo` with the other faces as they are edited, by their `patches`. `canvas` is that
    of the face `key`, on `photo`.
    """

    key: str
    photo: Pictures
    window: tuple[int, int, int, int]
    size: Size
    ground: Pictures
    patches: tuple[Patch, ...]
    canvas: Canvas


@dataclass(frozen=True, eq=False)
class Blended:
    """What is on screen: a scene with the edit `layer`, in the one `piece` that it changes (None: nothing).

    `before` is that of the state left of the split handle, from `reference`; both None without. `fine`: all sharp, and
    not only quick.
    """

    scene: Scene
    layer: Layer
    piece: Piece | None
    reference: Layer | None
    before: Piece | None
    fine: bool

    @property
    def picture(self) -> Pictures:
        """What the model decoded, (S, S, 3)."""
        return self.layer.picture


@dataclass(frozen=True, eq=False)
class FullState:
    """`wanted`: photo, or model for what the model sees. `why` says why there is no photo to show; empty otherwise.

    `room` is what the widget has, in pixels of the screen, `size` the photo's; `place` where the one is in the other,
    None before anything is known of them. `before`: the untouched photo, while a key is held. `folded`: whether the
    card with what the model sees is; None where there is no choice yet, so that it unfolds where there is room.
    """

    wanted: str = "photo"
    why: str = ""
    zoom: Zoom = WHOLE
    room: Size = (0, 0)
    size: Size = (0, 0)
    place: Place | None = None
    faces: tuple[Face, ...] = ()
    before: bool = False
    folded: bool | None = None
