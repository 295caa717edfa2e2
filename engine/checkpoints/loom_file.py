"""The container of a session: a zip of one JSON document, arrays without pickle, cut photos as PNG, and the files of
photos as they were. It holds no code.

Nothing is ever unpacked to the disk, so no name in the zip can lead out of a folder; what is not in the list of names
below is refused, and every size is checked before a byte of it is read.
"""

from __future__ import annotations

import io
import json
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
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
VERSION: Final = 2
"""1 kept no files of photos."""
DOCUMENT: Final = "session.json"
ARRAYS: Final = "arrays.npz"
PHOTO: Final = re.compile(r"photos/[0-9]{1,5}\.png")
ORIGINAL: Final = re.compile(r"originals/[0-9]{1,5}")
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

    `originals` are files of photos as they were; nobody has looked into them.
    """

    document: Mapping[str, Any]
    arrays: Mapping[str, Array] = field(default_factory=dict)
    photos: tuple[NDArray[np.uint8], ...] = ()
    originals: tuple[bytes, ...] = ()


def save_loom(path: Path, content: LoomFile) -> None:
    """Writes the session, whole or not at all.

    Raises:
        CheckpointError: it cannot be written.
    """
    arrays = io.BytesIO()
    np.savez(arrays, allow_pickle=False, **dict(content.arrays))
    document = {"format": FORMAT, "version": VERSION, **content.document}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr(DOCUMENT, json.dumps(document, ensure_ascii=False, allow_nan=False))
        file.writestr(ARRAYS, arrays.getvalue())
        for index, photo in enumerate(content.photos):
            png = io.BytesIO()
            Image.fromarray(np.ascontiguousarray(photo)).save(png, "PNG", compress_level=1)
            file.writestr(f"photos/{index}.png", png.getvalue(), compress_type=zipfile.ZIP_STORED)
        for index, data in enumerate(content.originals):
            file.writestr(f"originals/{index}", data, compress_type=zipfile.ZIP_STORED)
    with told_as(
        CheckpointError, f"The session {path.name} could not be written", "free some space or choose another place."
    ):
        write_bytes(path, buffer.getvalue())


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
        if name not in (DOCUMENT, ARRAYS) and not PHOTO.fullmatch(name) and not ORIGINAL.fullmatch(name):
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
    kept = sorted((name for name in names if ORIGINAL.fullmatch(name)), key=lambda name: int(name[10:]))
    return LoomFile(
        document,
        arrays,
        tuple(_photo(_bytes(file, name, MAX_FILE_BYTES)) for name in photos),
        tuple(_bytes(file, name, MAX_ORIGINAL_BYTES) for name in kept),
    )


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
