"""The photos of a session as files: kept as they were or, where they are too large, as a copy; and found again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np

from app.explore.photos.state import PhotoItem
from engine.api import Cut, PhotoSource
from engine.errors import ImageError, UserError
from engine.files.disk import TooLarge, read_bytes
from engine.photos import check_photo, photo_bytes, thumbnail

MOST_BYTES: Final = 20 * 10**6
"""Of one photo: a larger one is kept as a copy."""
MOST_TOGETHER: Final = 160 * 10**6
"""Bytes of all photos of a session."""
LARGEST_FILE: Final = 256 * 2**20
COPIES_PX: Final = (4096, 2048, 1024)
"""The longer side of a copy: the first that is small enough."""


@dataclass(frozen=True)
class SavedOriginal:
    """A photo's file in the session: its number there and its SHA-256.

    `width` and `height` are of a copy, and `scale` its pixels over the photo's; 0, 0 and 1 where it is the file itself.
    """

    index: int
    sha256: str
    width: int = 0
    height: int = 0
    scale: float = 1.0


@dataclass(frozen=True, eq=False)
class KeptFile:
    """A photo's bytes for a session; `sha256` of the file as it is on disk, empty where it has none."""

    data: bytes
    sha256: str = ""
    width: int = 0
    height: int = 0
    scale: float = 1.0

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the bytes."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, eq=False)
class Originals:
    """What a session keeps of its photos: files and their SHA-256, where they are by the photo's key, and the digest of
    the one on disk.

    `notes` are sentences about what is not kept as it was.
    """

    files: tuple[bytes, ...] = ()
    by_key: dict[str, SavedOriginal] = field(default_factory=dict)
    on_disk: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()


class OriginalKeeper:
    """Makes the files of photos for sessions. Pictures without a file are encoded once, and their bytes stay."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[PhotoSource, KeptFile]] = {}

    def keep(self, items: Iterable[PhotoItem], *, files: bool) -> Originals:
        """The files of these photos. Without `files` only of those that have none on this machine.

        A file is read and a copy made here: not while a hand waits.
        """
        data: list[KeptFile] = []
        made: dict[int | Path, SavedOriginal | None] = {}
        digests: dict[int | Path, str] = {}
        by_key: dict[str, SavedOriginal] = {}
        on_disk: dict[str, str] = {}
        notes, left_out, room = [], 0, MOST_TOGETHER
        # Nothing is kept of a photo that has left the library.
        items = tuple(items)
        ids = {id(item.source) for item in items}
        self._made = {at: found for at, found in self._made.items() if at in ids}
        for item in items:
            source = item.source
            if item.shipped:
                continue
            if isinstance(source, str | Path) and not files:
                continue
            at = Path(source) if isinstance(source, str | Path) else id(source)
            if at not in made:
                kept = self._kept(source)
                made[at] = None
                if kept is None:
                    notes.append(f"{item.name} could not be read, so only what the model saw of it is kept.")
                elif len(kept.data) > room:
                    left_out += 1
                else:
                    room -= len(kept.data)
                    made[at] = SavedOriginal(len(data), kept.digest, kept.width, kept.height, kept.scale)
                    data.append(kept)
                    if kept.width:
                        notes.append(_copy_note(item.name, kept))
                    digests[at] = kept.sha256
            saved = made[at]
            if saved is not None:
                by_key[item.key], on_disk[item.key] = saved, digests[at]
        if left_out:
            notes.append(f"The session is full: {left_out} of its photos stay where they are and are not kept in it.")
        contents, sums = zip(*((one.data, one.digest) for one in data), strict=True) if data else ((), ())
        return Originals(tuple(contents), by_key, on_disk, tuple(notes), tuple(sums))

    def _kept(self, source: PhotoSource) -> KeptFile | None:
        if isinstance(source, str | Path):
            return _read(Path(source))
        if id(source) not in self._made:
            # A source that is freed could give its id to another one.
            self._made[id(source)] = (source, _packed(source))
        return self._made[id(source)][1]


def _read(path: Path) -> KeptFile | None:
    try:
        data = read_bytes(path, most=LARGEST_FILE)
    except (OSError, TooLarge):
        return None
    sha256 = hashlib.sha256(data).hexdigest()
    if len(data) <= MOST_BYTES:
        return KeptFile(data, sha256)
    try:
        return replace(_copy(data), sha256=sha256)
    except UserError:
        return None


def _packed(source: PhotoSource) -> KeptFile:
    if isinstance(source, bytes):
        return KeptFile(source)
    assert isinstance(source, np.ndarray)
    data = photo_bytes(source, ".png")
    return KeptFile(data) if len(data) <= MOST_BYTES else _copy(source)


def _copy(source: PhotoSource) -> KeptFile:
    """A smaller JPEG of a photo.

    Raises:
        ImageError: it is no picture.
    """
    whole = thumbnail(source, 10**6)
    longest = max(whole.shape[:2])
    for side in COPIES_PX:
        copy = thumbnail(whole, side)
        data = photo_bytes(copy, ".jpg")
        if len(data) <= MOST_BYTES:
            break
    height, width = copy.shape[:2]
    return KeptFile(data, width=width, height=height, scale=max(width, height) / longest)


def _copy_note(name: str, kept: KeptFile) -> str:
    size = f"{kept.width:,} × {kept.height:,} pixels"
    return f"{name} has more than {MOST_BYTES // 10**6} MB, so a copy of {size} is kept."


def check_originals(saved: Sequence[SavedOriginal | None], files: Sequence[bytes]) -> None:
    """Whether what a session says of its files is so, and each can be a picture that is opened.

    Raises:
        ValueError: it is not.
    """
    seen: set[tuple[int, str]] = set()
    for one in saved:
        if one is None or (one.index, one.sha256) in seen:
            continue
        seen.add((one.index, one.sha256))
        if not 0 <= one.index < len(files):
            raise ValueError("the file of a photo is missing")
        if hashlib.sha256(files[one.index]).hexdigest() != one.sha256:
            raise ValueError("the file of a photo is another one than was kept")
        if not 0.0 < one.scale <= 1.0 or not (0 <= one.width <= 10**5 and 0 <= one.height <= 10**5):
            raise ValueError("a copy of a photo has no size")
        try:
            check_photo(files[one.index], "a photo in it")
        except ImageError as error:
            raise ValueError(str(error).partition(":")[0]) from error


def is_unchanged(path: Path, sha256: str) -> bool:
    """Whether this file is there and, where its digest is known, is the one that was kept."""
    if not path.is_file():
        return False
    if not sha256:
        return True
    try:
        return hashlib.sha256(read_bytes(path, most=LARGEST_FILE)).hexdigest() == sha256
    except (OSError, TooLarge):
        return False


def cut_in_copy(cut: Cut, scale: float) -> Cut:
    """The same cut of a copy that is `scale` times as large."""
    return replace(cut, points=tuple((x * scale, y * scale) for x, y in cut.points))
