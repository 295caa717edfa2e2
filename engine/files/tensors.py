"""safetensors files: the header read within caps and without torch, the numbers, and their digest.

The format: 8 bytes with the header's length, little-endian; the header, a JSON object of
`name: {dtype, shape, data_offsets}` with texts in `__metadata__`; the numbers. Nothing in it is ever run.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from safetensors import SafetensorError

from engine.files.disk import MALFORMED, TooLarge, check_plain, read_bytes, size_words, write_bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

MAX_HEADER_BYTES: Final = 8 * 2**20
MAX_TENSORS: Final = 20_000


class NoHeader(ValueError):
    """The first bytes, `start`, are no safetensors header's, or those of one beyond its cap."""

    def __init__(self, start: bytes, most: int) -> None:
        super().__init__(f"its header is cut short or over {size_words(most)}")
        self.start = start


@dataclass(frozen=True)
class Entry:
    """A tensor as the header has it: its type in safetensors' own word ("F16"), and where its bytes are behind it."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Header:
    """What a file says of itself before any number is read."""

    metadata: Mapping[str, str]
    entries: Mapping[str, Entry]

    @property
    def numbers(self) -> int:
        """How many numbers all tensors have."""
        return sum(math.prod(entry.shape) for entry in self.entries.values())


def read_header(source: Path | bytes, *, most: int = MAX_HEADER_BYTES, whole: bool = False) -> Header:
    """The header of a file, or of its bytes; the numbers are not looked at. `whole` also checks that the file is long
    enough for what it promises.

    Raises:
        OSError: it cannot be read, or is no plain file.
        NoHeader: its first bytes promise no header of 2 to `most` bytes.
        TooLarge: it lists more than `MAX_TENSORS` tensors.
        ValueError, RecursionError: it is damaged.
    """
    if isinstance(source, bytes):
        size, start = len(source), source[:8]
        text = source[8 : 8 + _length(start, most)]
    else:
        check_plain(source, source.stat())
        with source.open("rb") as file:
            size, start = os.fstat(file.fileno()).st_size, file.read(8)
            text = file.read(_length(start, most))
    if 8 + _length(start, most) > size:
        raise ValueError(str(NoHeader(start, most)))
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("its header is no object")
    metadata = found.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("its metadata are no texts")
    if len(found) > MAX_TENSORS:
        raise TooLarge(f"it lists over {MAX_TENSORS:,} tensors")
    entries = {name: _entry(name, values) for name, values in found.items()}
    room = size - 8 - len(text)
    if whole and any(entry.end > room for entry in entries.values()):
        raise ValueError("a tensor lies outside of the file")
    return Header(metadata, entries)


def _length(start: bytes, most: int) -> int:
    length = int.from_bytes(start, "little")
    if len(start) < 8 or not 2 <= length <= most:
        raise NoHeader(start, most)
    return length


def _entry(name: str, values: Any) -> Entry:
    try:
        (start, end), shape, dtype = values["data_offsets"], tuple(values["shape"]), values["dtype"]
        # The smallest numbers have a bit, so that no shape promises more than its bytes can hold.
        if all(type(n) is int and n >= 0 for n in (start, end, *shape)) and isinstance(dtype, str):
            if start <= end and math.prod(shape) <= 8 * (end - start):
                return Entry(dtype, shape, start, end)
    except MALFORMED:
        pass
    raise ValueError(f"what it says of {name[:60]!r} is impossible")


def load(data: bytes) -> dict[str, Tensor]:
    """The tensors in the bytes of a file, on the CPU.

    Raises:
        ValueError: they are damaged.
    """
    from safetensors.torch import load

    with _damaged():
        return load(data)


def load_file(path: Path) -> dict[str, Tensor]:
    """The same from a file; the tensors use its pages as long as they live.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged.
    """
    from safetensors.torch import load_file

    with _damaged():
        return load_file(path)


def load_arrays(data: bytes) -> dict[str, NDArray[Any]]:
    """The same as arrays, without torch."""
    from safetensors.numpy import load

    with _damaged():
        return load(data)


@contextmanager
def _damaged() -> Iterator[None]:
    try:
        yield
    except (SafetensorError, LookupError, TypeError, RuntimeError) as error:
        raise ValueError(str(error).removeprefix("Error while deserializing: ")) from error


def save(tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a file. Tensors may lie on any device, but no two of them may share memory."""
    from safetensors.torch import save

    state = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    return save(state, metadata=None if metadata is None else dict(metadata))


def save_arrays(arrays: Mapping[str, NDArray[np.generic]], metadata: Mapping[str, str]) -> bytes:
    """The same of arrays, without torch."""
    from safetensors.numpy import save

    return save(dict(arrays), dict(metadata))


# networks in the box, with their own SHA-256 in the header: safetensors does not notice a flipped bit
def digest_of(state: Mapping[str, Tensor], *, types: bool = False) -> str:
    """SHA-256 over names, shapes, (with `types`) kinds, and bytes of the tensors."""
    found = hashlib.sha256()
    for name in sorted(state):
        kind = f" {state[name].dtype}\n" if types else ""
        found.update(f"{name} {tuple(state[name].shape)}{kind}".encode())
        found.update(state[name].contiguous().numpy().tobytes())
    return found.hexdigest()


def save_sealed(path: Path, state: Mapping[str, Tensor], form: str, *, types: bool = False) -> str:
    """Writes weights as those of a network called `form`, and returns their SHA-256."""
    digest = digest_of(state, types=types)
    write_bytes(path, save(state, {"format": form, "sha256": digest}))
    return digest


def load_sealed(path: Path, form: str, *, most: int, types: bool = False) -> dict[str, Tensor]:
    """The weights of a network called `form`, as they were written.

    Raises:
        OSError: it cannot be read.
        ValueError, RecursionError: damaged, of another network, or larger than `most` bytes.
    """
    data = read_bytes(path, most=most)
    said, state = read_header(data).metadata, load(data)
    if said.get("format") != form or said.get("sha256") != digest_of(state, types=types):
        raise ValueError("its checksum is wrong")
    return state
