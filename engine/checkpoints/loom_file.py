"""The container of a session: a zip of one JSON document, arrays without pickle, cut photos as PNG, and the files of
photos as they were. It holds no code.

A session that the window keeps by itself has the files of photos beside it instead, each under its digest.
Nothing is ever unpacked to the disk, so no name in the zip can lead out of a folder; what is not in the list of names
below is refused, and every size is checked before a byte of it is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import re
import struct
import time
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.errors import CheckpointError, ImageError
from engine.files.disk import MALFORMED, TooLarge, read_bytes, reason, told_as, write_bytes

SUFFIX: Final = ".loom"
FORMAT: Final = "latent-loom/session"
VERSION: Final = 3
"""1 kept no files of photos, 2 none beside the session."""
ALL_INSIDE: Final = 2
DOCUMENT: Final = "session.json"
ARRAYS: Final = "arrays.npz"
PHOTO: Final = re.compile(r"photos/[0-9]{1,5}\.png")
ORIGINAL: Final = re.compile(r"originals/[0-9]{1,5}")
OUTSIDE: Final = re.compile(r"originals/[0-9]{1,5}\.sha256")
"""Holds the digest of a photo's file that lies in `BESIDE`, next to the session."""
DIGEST: Final = re.compile(rb"[0-9a-f]{64}")
BESIDE: Final = "photos"
ARRAY: Final = re.compile(r"a[0-9]{1,6}\.npy")
MAX_FILE_BYTES: Final = 256 * 2**20
MAX_DOCUMENT_BYTES: Final = 32 * 2**20
MAX_BYTES: Final = 512 * 2**20
"""Of all that the zip unpacks to."""
MAX_ORIGINAL_BYTES: Final = 20 * 10**6
"""Of a photo's file."""
MAX_MEMBERS: Final = 5000
MAX_PHOTO_PX: Final = 4096
KINDS: Final = ("<f4", "|u1")

Array = NDArray[np.float32] | NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class LoomFile:
    """A session's parts. Arrays are float32 or uint8 of any shape, named a0, a1, ...; photos are (H, W, 3) uint8.

    `originals` are files of photos as they were; nobody has looked into them. `digests` are their SHA-256, as far as
    they are known.
    """

    document: Mapping[str, Any]
    arrays: Mapping[str, Array] = field(default_factory=dict)
    photos: tuple[NDArray[np.uint8], ...] = ()
    originals: tuple[bytes, ...] = ()
    digests: tuple[str, ...] = ()


def save_loom(path: Path, content: LoomFile, *, beside: bool = False) -> None:
    """Writes the session, whole or not at all.

    `beside`: for a session that is written again and again, whose photos' files are written once and next to it.

    Raises:
        CheckpointError: it cannot be written.
    """
    arrays = io.BytesIO()
    np.savez(arrays, allow_pickle=False, **dict(content.arrays))
    outside = beside and bool(content.originals)
    document = {"format": FORMAT, "version": VERSION if outside else ALL_INSIDE, **content.document}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr(DOCUMENT, json.dumps(document, ensure_ascii=False, allow_nan=False))
        file.writestr(ARRAYS, arrays.getvalue())
        for index, photo in enumerate(content.photos):
            png = io.BytesIO()
            Image.fromarray(np.ascontiguousarray(photo)).save(png, "PNG", compress_level=1)
            file.writestr(f"photos/{index}.png", png.getvalue(), compress_type=zipfile.ZIP_STORED)
        digests = content.digests or tuple(hashlib.sha256(data).hexdigest() for data in content.originals)
        for index, (data, digest) in enumerate(zip(content.originals, digests, strict=True)):
            name, inside = (f"originals/{index}.sha256", digest) if outside else (f"originals/{index}", data)
            file.writestr(name, inside, compress_type=zipfile.ZIP_STORED)
    with told_as(
        CheckpointError, f"The session {path.name} could not be written", "free some space or choose another place."
    ):
        for data, digest in zip(content.originals, digests, strict=True) if outside else ():
            _write_once(path.parent / BESIDE / digest, data)
        write_bytes(path, buffer.getvalue())


def _write_once(file: Path, data: bytes) -> None:
    """Its name is its digest: what is there with all its bytes is the same."""
    if file.is_file() and file.stat().st_size == len(data):
        file.touch()
    else:
        write_bytes(file, data)


def forget_photos(folder: Path, *, older_s: float) -> None:
    """Takes away the photos' files in `folder` that none of its sessions names and nobody wrote for `older_s` seconds.

    Where a session cannot be read all stay.
    """
    with contextlib.suppress(OSError, zipfile.BadZipFile, *MALFORMED, RuntimeError):
        _forget_photos(folder, older_s)


def _forget_photos(folder: Path, older_s: float) -> None:
    named: set[str] = set()
    for session in folder.glob(f"*{SUFFIX}"):
        with zipfile.ZipFile(session) as file:
            members = [name for name in file.namelist() if OUTSIDE.fullmatch(name)]
            named.update(_bytes(file, name, 64).decode() for name in members)
    for photo in (folder / BESIDE).glob("*"):
        if photo.name not in named and time.time() - photo.stat().st_mtime > older_s:
            photo.unlink(missing_ok=True)


def load_loom(path: Path) -> LoomFile:
    """Reads a session.

    Raises:
        CheckpointError: unreadable, no session, half-written, damaged, of a newer version, or larger than one can be.
    """
    try:
        data = read_bytes(path, most=MAX_FILE_BYTES)
    except TooLarge as error:
        raise _refused(path, f"it is over {MAX_FILE_BYTES >> 20} MB") from error
    except OSError as error:
        raise CheckpointError(
            f"The session {path.name} cannot be read ({reason(error)}): check the path and its permissions."
        ) from error
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            return _read(file, path)
    except zipfile.BadZipFile as error:
        raise CheckpointError(
            f"{path.name} is no session, or only a part of one: open an earlier copy of it."
        ) from error
    except (
        *MALFORMED,
        OSError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        struct.error,
        zlib.error,
        ImageError,
    ) as error:
        raise CheckpointError(
            f"The session {path.name} is damaged ({reason(error)}): open an earlier copy of it."
        ) from error


def _read(file: zipfile.ZipFile, path: Path) -> LoomFile:
    members = file.infolist()
    names = [member.filename for member in members]
    if len(members) > MAX_MEMBERS or len(set(names)) != len(names):
        raise _refused(path, "it lists too many files, or one of them twice")
    for name in names:
        if name not in (DOCUMENT, ARRAYS) and not any(form.fullmatch(name) for form in (PHOTO, ORIGINAL, OUTSIDE)):
            raise _refused(path, f"it holds {name[:60]!r}, which no session has")
    if sum(member.file_size for member in members) > MAX_BYTES:
        raise _refused(path, f"it unpacks to more than {MAX_BYTES >> 20} MB")
    if DOCUMENT not in names:
        raise _refused(path, f"it has no {DOCUMENT}")
    document = json.loads(_bytes(file, DOCUMENT, MAX_DOCUMENT_BYTES))
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise _refused(path, "its document is not a session's")
    if not isinstance(document.get("version"), int) or document["version"] > VERSION:
        raise CheckpointError(f"The session {path.name} was written by a newer Latent Loom: update this one.")
    arrays = _arrays(_bytes(file, ARRAYS, MAX_BYTES)) if ARRAYS in names else {}
    photos = sorted((name for name in names if PHOTO.fullmatch(name)), key=lambda name: int(name[7:-4]))
    forms = (ORIGINAL, OUTSIDE)
    kept = [name for name in names if any(form.fullmatch(name) for form in forms)]
    kept.sort(key=lambda name: int(name[10:].removesuffix(".sha256")))
    return LoomFile(
        document,
        arrays,
        tuple(_photo(_bytes(file, name, MAX_FILE_BYTES)) for name in photos),
        _originals(file, kept, path),
    )


def _originals(file: zipfile.ZipFile, names: Sequence[str], path: Path) -> tuple[bytes, ...]:
    """Files of photos; what lies beside the session is read once, however often it is named."""
    outside: dict[bytes, bytes] = {}
    found: list[bytes] = []
    for name in names:
        if not OUTSIDE.fullmatch(name):
            found.append(_bytes(file, name, MAX_ORIGINAL_BYTES))
            continue
        digest = _bytes(file, name, 64)
        if digest not in outside:
            outside[digest] = _beside(digest, name, path)
            if sum(map(len, outside.values())) > MAX_BYTES:
                raise ValueError("its photos are too large")
        found.append(outside[digest])
    return tuple(found)


def _beside(digest: bytes, name: str, path: Path) -> bytes:
    """The file of a photo next to the session at `path`."""
    if not DIGEST.fullmatch(digest):
        raise ValueError(f"{name} is no digest")
    try:
        data = read_bytes(path.parent / BESIDE / digest.decode(), most=MAX_ORIGINAL_BYTES)
    except (OSError, TooLarge) as error:
        raise CheckpointError(
            f"The session {path.name} lacks a photo of the folder {BESIDE} beside it: copy that along, or open a "
            "session that was saved by hand."
        ) from error
    if hashlib.sha256(data).hexdigest() != digest.decode():
        raise ValueError("the file of a photo is another one than was kept")
    return data


def _bytes(file: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """A member's bytes; what a bomb unpacks to beyond its stated size is never held."""
    with file.open(name) as member:
        data = member.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"{name} is too large")
    return data


def _arrays(data: bytes) -> dict[str, Array]:
    found: dict[str, Array] = {}
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        if len(file.infolist()) > MAX_MEMBERS or sum(m.file_size for m in file.infolist()) > MAX_BYTES:
            raise ValueError("its arrays are too large")
        for member in file.infolist():
            if not ARRAY.fullmatch(member.filename):
                raise ValueError(f"an array is called {member.filename[:60]!r}")
            found[member.filename[:-4]] = _array(_bytes(file, member.filename, MAX_BYTES))
    return found


def _array(data: bytes) -> Array:
    """One .npy of a kind that we write; shape and kind are compared with the bytes there are before it is made."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise ValueError(f"an array has format {version}")
    shape, fortran, kind = np.lib.format.read_array_header_1_0(stream, max_header_size=4096)
    if kind.str not in KINDS or fortran or len(shape) > 4:
        raise ValueError(f"an array holds {kind}")
    count = math.prod(shape)
    if count * kind.itemsize != len(data) - stream.tell():
        raise ValueError("an array is cut short")
    values = np.frombuffer(data, kind, count, stream.tell()).reshape(shape)
    if kind.kind == "f" and not np.isfinite(values).all():
        raise ValueError("an array holds numbers that are not finite")
    return values.copy()


def _photo(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        if max(image.size) > MAX_PHOTO_PX:
            raise ValueError(f"a photo has {image.width} x {image.height} pixels")
        return np.array(image.convert("RGB"), np.uint8)


def _refused(path: Path, why: str) -> CheckpointError:
    return CheckpointError(f"{path.name} is not opened as a session because {why}: choose a .loom file of Latent Loom.")
