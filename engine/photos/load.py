"""A photo from outside: read once, its faces looked for once, and cut to a model's framing as often as needed."""

from __future__ import annotations

import os
import threading
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.api import Cut, Loaded, PhotoSource, Pictures

if TYPE_CHECKING:
    from engine.photos.heads import Head

# OpenCV and the readers are imported where they are used: a first picture does not wait for them.

KEPT_PIXELS: Final = 24_000_000
"""How many pixels of photos are kept for another cut, three bytes each; the newest photo always stays."""


@dataclass(eq=False)
class _Read:
    """A photo as it was read, (H, W, 3), and its heads once they have been looked for."""

    rgb: Pictures
    name: str
    found: tuple[Head, ...] | None = field(default=None)

    def heads(self) -> tuple[Head, ...]:
        if self.found is None:
            from engine.photos.heads import find_heads

            self.found = find_heads(self.rgb)
        return self.found


class PhotoLoader:
    """Reads and cuts photos; the newest ones stay, so that another size, face or pair of eyes reads no file again.

    Safe to call from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[Hashable, _Read] = {}

    def load(self, source: PhotoSource, *, size: int, cut: Cut | None = None, name: str = "") -> Loaded:
        """A photo cut and scaled to `size` pixels, by default by its largest face; `name` instead of its file's.

        Raises:
            ImageError: it is no picture, or must not be opened.
            UsageError: an unknown way of aligning, a face that was not found, or points that no face can have.
        """
        from engine.photos.align import align

        photo = self._read(source)
        found = align(photo.rgb, cut, size=size, heads=photo.heads)
        return Loaded(found.rgb, name or photo.name, found.note, found.how, found.framing)

    def whole(self, source: PhotoSource) -> Pictures:
        """The whole photo (H, W, 3), upright and in sRGB, as `load` cuts it. It may be kept: do not change it.

        Raises:
            ImageError: it is no picture, or must not be opened.
        """
        return self._read(source).rgb

    def _read(self, source: PhotoSource) -> _Read:
        with self._lock:
            key = _key(source)
            photo = self._kept.pop(key, None) or _read(source)
            if key is not None:
                self._kept[key] = photo
                while len(self._kept) > 1 and sum(kept.rgb.size for kept in self._kept.values()) > 3 * KEPT_PIXELS:
                    del self._kept[next(iter(self._kept))]
        return photo


def load_photo(source: PhotoSource, *, size: int, cut: Cut | None = None, name: str = "") -> Loaded:
    """One photo, of which nothing is kept; see `PhotoLoader.load`."""
    return PhotoLoader().load(source, size=size, cut=cut, name=name)


def thumbnail(source: PhotoSource, side_px: int) -> Pictures:
    """The whole photo (H, W, 3), not cut, its longer side at most `side_px`.

    Raises:
        ImageError: it is no picture, or must not be opened.
    """
    from PIL import Image

    image = Image.fromarray(_read(source).rgb)
    image.thumbnail((side_px, side_px))
    return np.asarray(image, np.uint8)


def check_photo(data: bytes, name: str) -> None:
    """Whether the file with these bytes can be a picture of a size that is opened. No pixel of it is decoded.

    Raises:
        ImageError: as `load` would, as far as its head tells.
    """
    from engine.photos import decode

    decode.check_photo(data, name)


def _read(source: PhotoSource) -> _Read:
    if isinstance(source, np.ndarray):
        return _Read(source, "pasted picture")
    from engine.photos.decode import read_photo

    found = read_photo(source)
    return _Read(found.rgb, found.name)


def _key(source: PhotoSource) -> Hashable:
    """What tells this photo from others; None where it is not worth keeping. A kept array keeps its id."""
    if isinstance(source, np.ndarray):
        return id(source)
    if isinstance(source, bytes):
        # Their hash is taken once.
        return source
    try:
        found = os.stat(os.path.expanduser(source))
    except (OSError, ValueError):
        return None
    return os.fspath(source), found.st_mtime_ns, found.st_size
