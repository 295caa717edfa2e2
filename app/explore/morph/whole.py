"""A morph at full size: which photos its corners are, and its frames. What makes pixels runs on a lane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from app.explore.framing.cut import FIRST_CUT
from app.explore.morph.path import CodePath, filled, path_of
from app.explore.morph.shown import whole_shows
from app.explore.morph.state import MorphSlot
from app.explore.photos.controller import PhotoController
from app.state import AppState
from engine.api import Cut, Framing, PhotoSource, Pictures
from engine.blending import Canvas, Corner, blended, corner_of, drawn_canvas, morphed, prepare, shares
from engine.photos import PhotoLoader

if TYPE_CHECKING:
    from app.core.model_host import ModelHost

KEPT_SIDES: Final = 3
"""Sizes at which the corners of one morph are kept: under the hand, at rest, and for small pictures."""


@dataclass(frozen=True, eq=False)
class CornerPhoto:
    """What a corner is at full size: the photo `source`, cut where `framing` says, or by `cut` where that is not known
    any more. Where `source` is None it has no photo, and `base` (S, S, 3), what the model draws of its code, stands
    for it. `unedited` (S, S, 3) is what it draws of the photo's own code, where `base` is an edit of it,
    and `strength` (0 to 1) how much of that edit is in the photo."""

    base: Pictures
    source: PhotoSource | None = None
    framing: Framing | None = None
    cut: Cut = FIRST_CUT
    unedited: Pictures | None = None
    strength: float = 1.0


@dataclass(frozen=True, eq=False)
class WholePath:
    """A morph of photos as it was when it was asked for: later changes do not touch it."""

    path: CodePath
    photos: tuple[CornerPhoto, ...]
    background: str

    def frames(self, host: ModelHost, corners: Sequence[Corner], fractions: Sequence[float]) -> Pictures:
        """Frames (n, P, P, 3) at `fractions`, of corners that were made at P pixels; on a lane."""
        at = [shares(place, len(corners), loop=self.path.closed) for place in fractions]
        pairs = zip(self.path.pictures(host, fractions), at, strict=True)
        return np.stack([morphed(corners, one, part, background=self.background) for one, part in pairs])


class Corners:
    """The corners of the newest morph, at its newest few sizes. Every method runs on one lane's thread."""

    def __init__(self, loader: PhotoLoader) -> None:
        self._loader = loader
        self._kept: dict[tuple[int, int, float], tuple[CornerPhoto, Canvas, dict[int, Corner]]] = {}

    def at(self, photos: Sequence[CornerPhoto], side: int) -> tuple[Corner, ...]:
        """The corners at `side` pixels.

        Raises:
            UserError: a photo can no longer be read.
        """
        # What is kept holds its arrays, so their ids stay theirs. Of another morph nothing is kept.
        wanted = {_key(one): one for one in photos}
        self._kept = {key: found for key, found in self._kept.items() if key in wanted}
        for key, one in wanted.items():
            if key not in self._kept:
                self._kept[key] = (one, self._canvas(one), {})
            _, canvas, sizes = self._kept[key]
            found = sizes.pop(side) if side in sizes else corner_of(canvas, side)
            sizes[side] = found
            while len(sizes) > KEPT_SIDES:
                del sizes[next(iter(sizes))]
        return tuple(self._kept[_key(one)][2][side] for one in photos)

    def _canvas(self, one: CornerPhoto) -> Canvas:
        if one.source is None:
            return drawn_canvas(one.base)
        framing = one.framing or self._loader.load(one.source, size=len(one.base), cut=one.cut).framing
        if framing is None:
            return drawn_canvas(one.base)
        rgb = self._loader.whole(one.source)
        if one.unedited is not None:
            rgb = blended(rgb, [(prepare(rgb, framing, one.unedited), one.base)], strength=one.strength)
        return prepare(rgb, framing, one.base)


def _key(one: CornerPhoto) -> tuple[int, int, float]:
    return id(one.base), id(one.source if one.framing is None else one.framing), one.strength


def whole_of(state: AppState, photos: PhotoController) -> WholePath | None:
    """The morph at full size as it stands, or None where what the model sees is to be shown."""
    path = path_of(state)
    if path is None or not whole_shows(state):
        return None
    slots = [state.morph.slots[index] for index in filled(state.morph)]
    return WholePath(path, corner_photos(state, slots, photos), state.morph.background)


def corner_photos(
    state: AppState, slots: Sequence[MorphSlot | None], photos: PhotoController
) -> tuple[CornerPhoto, ...]:
    """What these corners are at full size; the current picture stands in for one that is empty."""
    return tuple(_corner_photo(state, slot, photos) for slot in slots)


def current_slot(state: AppState) -> MorphSlot:
    """The current picture as a corner: of a photo that is edited, with that photo's detail."""
    drawn, look = state.drawn, state.look
    assert drawn is not None
    assert look is not None
    # While a hand is faster than the picture, the code on show is not yet the look's.
    edit_of = look.photo if drawn.request == look.request() else None
    return MorphSlot(look.text(), drawn.picture, code=drawn.code, edit_of=edit_of, strength=look.strength)


def _corner_photo(state: AppState, slot: MorphSlot | None, photos: PhotoController) -> CornerPhoto:
    if slot is None:
        slot = current_slot(state)
    key = slot.photo or slot.edit_of
    item = None if key is None else photos.item(key)
    sha = "" if state.info is None else state.info.sha256
    encoded = None if item is None else photos.known(item.key, sha)
    if item is None or encoded is None:
        return CornerPhoto(slot.picture)
    framing = photos.framing_of(item.key)
    if framing is None and isinstance(item.source, np.ndarray):
        # Only what the model saw was kept of it.
        return CornerPhoto(encoded.reconstruction if slot.edit_of is None else slot.picture)
    if slot.edit_of is not None:
        return CornerPhoto(slot.picture, item.source, framing, item.cut, encoded.reconstruction, slot.strength)
    return CornerPhoto(encoded.reconstruction, item.source, framing, item.cut)
