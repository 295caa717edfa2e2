"""Blending for the screen: what of a photo is shown, and an edit laid on it. All of it runs on the model lane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.explore.fullsize.state import Blended, FaceEdit, Layer, Piece, Scene
from app.explore.fullsize.zoom import Size, Zoom, part_of, place_of
from engine.api import Framing, PhotoSource, Pictures
from engine.blending import Canvas, Patch, over, patch, prepare, rebased, scaled, shown

KEPT: Final = 12
"""Canvases; each takes some megabytes beside its photo."""
KEPT_BYTES: Final = 256 * 2**20
"""Of their photos; the newest canvas always stays."""


@dataclass(frozen=True, eq=False)
class Wish:
    """What a scene is made of: the active face `key` of a photo, the edits of its other faces, and the zoom."""

    key: str
    source: PhotoSource
    framing: Framing
    base: Pictures
    others: tuple[FaceEdit, ...]
    zoom: Zoom
    room: Size

    def means(self, other: Wish | None) -> bool:
        """Whether the other one asks for the same."""
        if other is None or (self.key, self.zoom, self.room) != (other.key, other.zoom, other.room):
            return False
        same = self.framing is other.framing and self.base is other.base and self.source is other.source
        if not same or len(self.others) != len(other.others):
            return False
        return all(
            one.key == two.key and one.look == two.look and one.picture is two.picture and one.framing is two.framing
            for one, two in zip(self.others, other.others, strict=True)
        )


class Canvases:
    """Canvases of faces by their framing and base, the newest few. Every method runs on one lane's thread."""

    def __init__(self, whole: Callable[[PhotoSource], Pictures]) -> None:
        self._whole = whole
        self._kept: dict[tuple[int, int], tuple[Framing, Pictures, Canvas]] = {}

    def canvas(self, source: PhotoSource, framing: Framing, base: Pictures) -> Canvas:
        """Raises UserError where the photo can no longer be read."""
        at = (id(framing), id(base))
        # What is kept holds its framing and base, so their ids stay theirs.
        found = self._kept.pop(at, None)
        if found is None:
            face = next((kept for kept in self._kept.values() if kept[0] is framing), None)
            # Another code, or another model: where the face is stays as it was.
            made = rebased(face[2], base) if face is not None else prepare(self._whole(source), framing, base)
            found = (framing, base, made)
        self._kept[at] = found
        while len(self._kept) > 1 and (len(self._kept) > KEPT or self._photo_bytes() > KEPT_BYTES):
            del self._kept[next(iter(self._kept))]
        return found[2]

    def _photo_bytes(self) -> int:
        photos = {id(one[2].picture): one[2].picture.nbytes for one in self._kept.values()}
        return sum(photos.values())


def make_scene(
    wish: Wish, canvases: Canvases, *, old: Scene | None, draw: Callable[[FaceEdit], Pictures], fine: bool = True
) -> Scene:
    """The scene that is wished for; what of the `old` one is still right is not made again.

    Raises:
        UserError: the photo can no longer be read.
    """
    canvas = canvases.canvas(wish.source, wish.framing, wish.base)
    size = (canvas.picture.shape[1], canvas.picture.shape[0])
    part = part_of(place_of(wish.zoom, size, wish.room), size, wish.room)
    if old is not None and old.window == part.window and _same_photo(old, canvas, part.size):
        photo = old.photo
    else:
        photo = scaled(canvas.picture, part.window, part.size)
    patches = []
    for one in wish.others:
        other = shown(canvases.canvas(one.source, one.framing, one.base), photo, part.window)
        picture = one.picture if one.picture is not None else draw(one)
        patches.append(patch(other, picture, strength=one.look.strength, fine=fine))
    patches = [one for one in patches if one.change.size]
    ground = over(photo, patches) if patches else photo
    return Scene(wish.key, photo, part.window, size, ground, tuple(patches), shown(canvas, photo, part.window))


def _same_photo(old: Scene, canvas: Canvas, size: Size) -> bool:
    same = old.canvas.face is canvas.face and old.size == (canvas.picture.shape[1], canvas.picture.shape[0])
    return same and (old.photo.shape[1], old.photo.shape[0]) == size


def blend(scene: Scene, layer: Layer, *, reference: Layer | None, last: Blended | None, fine: bool) -> Blended:
    """What the model decoded, laid on a scene, and `reference` for the left of the split handle.

    What of the `last` one is still right is not made again.
    """
    if last is not None and last.scene is scene and alike(last.reference, reference):
        before = last.before
    else:
        before = None if reference is None else _layer_piece(scene, reference, fine=True)
    return Blended(scene, layer, _layer_piece(scene, layer, fine=fine), reference, before, fine)


def alike(one: Layer | None, other: Layer | None) -> bool:
    """Whether both are the same layer, or none."""
    return other is None if one is None else one.same(other)


def _layer_piece(scene: Scene, layer: Layer, *, fine: bool) -> Piece | None:
    return _piece(scene, patch(scene.canvas, layer.picture, strength=layer.strength, fine=fine))


def _piece(scene: Scene, one: Patch) -> Piece | None:
    """The pixels that a patch changes, with those of the other faces that reach into them."""
    high, wide = one.change.shape[:2]
    if not one.change.size:
        return None
    part = scene.photo[one.top : one.top + high, one.left : one.left + wide]
    cut = [_cut(other, one.left, one.top, size=(wide, high)) for other in scene.patches]
    return Piece(one.left, one.top, over(part, [Patch(0, 0, one.change), *(c for c in cut if c.change.size)]))


def _cut(one: Patch, left: int, top: int, *, size: Size) -> Patch:
    """What of a patch lies in a part of the picture, from that part's corner."""
    high, wide = one.change.shape[:2]
    x, y = max(left, one.left), max(top, one.top)
    right, bottom = min(left + size[0], one.left + wide), min(top + size[1], one.top + high)
    if x >= right or y >= bottom:
        return Patch(0, 0, np.zeros((0, 0, 3), np.int16))
    return Patch(x - left, y - top, one.change[y - one.top : bottom - one.top, x - one.left : right - one.left])
