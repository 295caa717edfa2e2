"""A face of a photo with what is around it, small: for views that show many of them. All of it runs on a lane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from app.explore.framing.cut import FIRST_CUT
from app.explore.fullsize.scene import Canvases
from app.explore.photos.controller import PhotoController
from engine.api import Cut, Framing, PhotoSource, Pictures
from engine.blending import Canvas, over, patch, scaled, shown
from engine.errors import UserError
from engine.photos import PhotoLoader

AROUND: Final = 1.2
"""Sides of what is shown over the frame's."""
KEPT: Final = 12
ONLY_CUT: Final = "Only the part of the photo that the model saw was kept, so there is no whole photo to show."


@dataclass(frozen=True, eq=False)
class CloseUpPhoto:
    """Which photo, and where in it the model's picture was cut out: `framing`, or `cut` where that is not known any
    more."""

    source: PhotoSource
    framing: Framing | None
    cut: Cut = FIRST_CUT


def close_up_photo(key: str, photos: PhotoController) -> CloseUpPhoto | None:
    """The photo of this key; None where it is no longer in the library."""
    item = photos.item(key)
    return None if item is None else CloseUpPhoto(item.source, photos.framing_of(key), item.cut)


class CloseUps:
    """Makes and keeps them. Every method runs on one lane's thread."""

    def __init__(self, loader: PhotoLoader) -> None:
        self._loader = loader
        self._canvases = Canvases(loader.whole)
        self._crops: dict[tuple[int, int], tuple[object, Pictures]] = {}
        self._found: list[tuple[PhotoSource, Cut, Framing]] = []

    def canvas(self, photo: CloseUpPhoto, base: Pictures, side: int) -> Canvas:
        """What is around the face at `side` pixels, ready for edits that come from `base` (S, S, 3).

        Raises:
            UserError: the photo can no longer be read, or is no whole one.
        """
        whole = self._canvases.canvas(photo.source, self.framing(photo, len(base)), base)
        window = window_of(whole)
        at = (id(whole.face), side)
        if at not in self._crops:
            # What is kept holds its face, so its id stays its own.
            self._crops[at] = (whole.face, scaled(whole.picture, window, (side, side)))
            while len(self._crops) > KEPT:
                del self._crops[next(iter(self._crops))]
        return shown(whole, self._crops[at][1], window)

    def framing(self, photo: CloseUpPhoto, size: int) -> Framing:
        """Where the photo was cut; looked for again where that came with a session.

        Raises:
            UserError: the photo can no longer be read, or is no whole one.
        """
        if photo.framing is not None:
            return photo.framing
        if isinstance(photo.source, np.ndarray):
            raise UserError(ONLY_CUT)
        for source, cut, known in self._found:
            if source == photo.source and cut == photo.cut:
                return known
        found = self._loader.load(photo.source, size=size, cut=photo.cut).framing
        if found is None:
            raise UserError(ONLY_CUT)
        self._found = [*self._found[-3:], (photo.source, photo.cut, found)]
        return found


def window_of(canvas: Canvas) -> tuple[int, int, int, int]:
    """The square around the face (left, top, side, side) in whole pixels of the photo, which it does not leave."""
    height, width = canvas.picture.shape[:2]
    frame = canvas.face.frame
    side = max(1, min(round(AROUND * frame.side), width, height))
    middle = frame(0.5 + 0.5j)
    left = min(max(0, round(middle.real - side / 2)), width - side)
    top = min(max(0, round(middle.imag - side / 2)), height - side)
    return left, top, side, side


def changed(canvas: Canvas, decoded: Pictures, *, strength: float, fine: bool = True) -> Pictures:
    """A close-up (P, P, 3) with `strength` (0 to 1) of what the model changes to `decoded` (S, S, 3)."""
    one = patch(canvas, decoded, strength=strength, fine=fine)
    return over(canvas.picture, [one]) if one.change.size else canvas.picture
