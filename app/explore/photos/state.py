"""The photos of the library, the one on show, and the search for its code."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from app.explore.framing.cut import FIRST_CUT
from engine.api import Cut, PhotoSource, Pictures

THUMB_PX: Final = 96
NO_THUMB: Final = np.zeros((1, 1, 3), np.uint8)
"""Shown until the photo has been read."""


@dataclass(frozen=True, eq=False)
class PhotoItem:
    """A photo of the library; `thumb` is (H, W, 3).

    Another face of the same photo is an item of its own: `base` is then the key of the first one, `cut` says which
    part of `source` it is. `faces` were found in the whole photo (0: not looked for yet). One that is not `listed` is
    only kept for the history.
    """

    key: str
    name: str
    thumb: Pictures
    source: PhotoSource
    shipped: bool = False
    cut: Cut = FIRST_CUT
    base: str = ""
    faces: int = 0
    listed: bool = True


@dataclass(frozen=True)
class Search:
    """A search for the photo's code while it runs: RMS errors by step. `job` is its row in the jobs bar."""

    job: str
    text: str
    done: int = 0
    total: int = 0
    steps: tuple[int, ...] = ()
    errors: tuple[float, ...] = ()

    @property
    def fraction(self) -> float | None:
        """0..1, None while it is not known."""
        return self.done / self.total if self.total else None


PASTED: Final = "pasted:"


def is_pasted(key: str) -> bool:
    """Whether a photo has no file, and its key says so."""
    return key.startswith(PASTED)


def pasted_key(picture: Pictures) -> str:
    """The key of a picture that has no file: equal pictures are one photo."""
    return PASTED + hashlib.sha1(np.ascontiguousarray(picture).tobytes(), usedforsecurity=False).hexdigest()


def put_beside(
    library: tuple[PhotoItem, ...], item: PhotoItem, made: PhotoItem, *, instead: bool
) -> tuple[PhotoItem, ...]:
    """The library with `made` after the item that it was made from, or in its place."""
    photos = [p for p in library if p.key != made.key]
    at = next((i for i, p in enumerate(photos) if p.key == item.key), -1)
    photos.insert(at + 1, made)
    if instead and at >= 0 and not item.shipped:
        # At the end, where no other view takes it for the next photo.
        photos.append(replace(photos.pop(at), listed=False))
    return tuple(photos)


def resized_half(picture: Pictures, side_px: int) -> Pictures:
    """The picture thinned to about `side_px` by leaving pixels out: for thumbnails of thumbnails."""
    step = max(1, min(picture.shape[:2]) // side_px)
    return np.ascontiguousarray(picture[::step, ::step])
