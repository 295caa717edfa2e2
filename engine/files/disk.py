"""Writes that appear whole or not at all, and reads that no file can make hang or exhaust the memory."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from engine.errors import UserError

SMALL_BYTES: Final = 2**20
"""More than any of our notes on a run, a model or a session needs."""

MALFORMED: Final = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)
"""What parsing a torn or hostile document may raise."""


class NotPlain(OSError):
    """A pipe or a device stands where a plain file was expected."""


class TooLarge(ValueError):
    """A file, or a part of one, that is beyond its cap."""


def reason(error: BaseException) -> str:
    """Why it failed, in a few words for the middle of a sentence; never empty and never None."""
    if isinstance(error, KeyError) and error.args:
        return f"{error.args[0]!r:.60} is missing"
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return text.partition("\n")[0][:120] or type(error).__name__


@contextmanager
def told_as(
    kind: type[UserError], what: str, mend: str, *, errors: type[Exception] | tuple[type[Exception], ...] = OSError
) -> Iterator[None]:
    """What fails within is raised as `kind`, in one sentence: what failed, the reason, and how to mend it."""
    try:
        yield
    except errors as error:
        raise kind(f"{what} ({reason(error)}): {mend}") from error


# reading
def read_bytes(path: Path, *, most: int) -> bytes:
    """The whole of a plain file of at most `most` bytes; links are followed.

    Raises:
        OSError: it cannot be read, or is a folder, pipe or device, which is not even opened.
        TooLarge: it is larger.
    """
    check_plain(path, os.stat(path))
    # If a pipe takes its place just now, opening must not wait for a writer.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        check_plain(path, found)
        # read() reserves all that it is asked for: so not `most`, but the size of the file and some room to grow.
        if found.st_size <= most and len(data := file.read(min(most, found.st_size + 2**20) + 1)) <= most:
            return data
    raise TooLarge(f"{path.name} is larger than {size_words(most)}")


def read_text(path: Path, *, most: int = SMALL_BYTES) -> str:
    """The UTF-8 text of a plain file, as `read_bytes`.

    Raises:
        OSError, TooLarge: as there.
        ValueError: it is not UTF-8.
    """
    return read_bytes(path, most=most).decode("utf-8")


def read_json(path: Path, *, most: int = SMALL_BYTES) -> Any:
    """The JSON in a plain file, as `read_bytes`. Its content is not to be trusted: see `MALFORMED`.

    Raises:
        OSError, TooLarge: as there.
        ValueError, RecursionError: it is not JSON.
    """
    return json.loads(read_text(path, most=most))


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_plain(path: Path, found: os.stat_result) -> None:
    """Raises NotPlain where `found` is a pipe or a device, or IsADirectoryError: reading one could wait for ever."""
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        raise NotPlain(errno.EINVAL, "it is no regular file", str(path))


def size_words(most: int) -> str:
    """A size in the largest unit that divides it: "8 MiB", "1 MB"."""
    units = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10), ("MB", 10**6), ("KB", 1000))
    return next((f"{most // size} {unit}" for unit, size in units if most and most % size == 0), f"{most} bytes")


# writing
def _beside(path: Path) -> Path:
    """A new name in the folder of `path`; "." and "/" have no name, and are no place for a file."""
    if not path.name:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")


@contextmanager
def replacing(path: Path, *, sync: bool = True) -> Iterator[Path]:
    """A temporary place to write to; it becomes `path` by one rename when the block ends without an error.

    `sync` waits until the bytes are on the disk, so that a power cut leaves the old file or the new one. The folder
    must be there.
    """
    temporary = _beside(path)
    try:
        yield temporary
        if sync:
            _sync(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes, *, sync: bool = True) -> None:
    """Replaces `path` by `data` in one rename, see `replacing`; folders that are missing are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, sync=sync) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path, value: object) -> None:
    """`value` as indented JSON, atomically."""
    write_bytes(path, (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode())


@contextmanager
def publish_folder(folder: Path, *, sync: bool = True) -> Iterator[Path]:
    """A temporary folder to fill; it becomes `folder` by one rename when the block ends without an error.

    `sync` as for `replacing`.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = _beside(folder)
    work.mkdir()
    try:
        yield work
        for file in work.iterdir() if sync else ():
            _sync(file)
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(work, folder)
        if sync and os.name == "posix":
            # The rename itself is durable only when the folder around it is on the disk too.
            _sync(folder.parent)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Removes what a killed writer left behind."""
    for orphan in folder.glob(".*.tmp"):
        shutil.rmtree(orphan) if orphan.is_dir() else orphan.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    # Windows wants the right to write to what it flushes, and folders cannot be opened for that.
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
