"""Directions on disk: one safetensors file, bound to the model whose codes they were fitted to.

One tensor "vectors" (N, D), float32, or float16 where D is above 1,024 (a unit vector loses less than 0.1 %
of its length and is made unit again when read). The header's metadata holds the schema, the model's SHA-256
and the facts of each direction as JSON.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from engine.errors import CheckpointError
from engine.latent.directions import Direction

SCHEMA = "latent-loom/directions/1"
_HEADER_CAP = 1_000_000
_FILE_CAP = 256 * 2**20
_HALF_ABOVE = 1024
_FACTS = ("name", "sigma", "auc", "auc_low", "auc_high", "positives", "negatives", "method", "share")


@dataclass(frozen=True, eq=False)
class DirectionSet:
    """The directions of one model, with unique names. Iterating gives them; an index is a name."""

    model_sha256: str
    directions: tuple[Direction, ...]

    def __post_init__(self) -> None:
        if len({len(direction.vector) for direction in self.directions}) > 1:
            raise ValueError("the directions of a set must have one code size")
        if len(set(self.names)) != len(self.directions):
            raise ValueError("the directions of a set must have different names")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(direction.name for direction in self.directions)

    def __getitem__(self, name: str) -> Direction:
        for direction in self.directions:
            if direction.name == name:
                return direction
        raise KeyError(name)

    def __iter__(self) -> Iterator[Direction]:
        return iter(self.directions)

    def __len__(self) -> int:
        return len(self.directions)


def save_directions(path: Path, directions: DirectionSet) -> None:
    """Writes the set, whole or not at all: a temporary file beside it, flushed to the disk, then one rename.

    Raises:
        CheckpointError: there is nothing to save, too much text for the header, or the file cannot be
        written.
    """
    if not directions.directions:
        raise CheckpointError(f"{path.name} was not written because there is no direction to save: make one first.")
    vectors = np.stack([direction.vector for direction in directions])
    kind = np.float16 if vectors.shape[1] > _HALF_ABOVE else np.float32
    facts = [{fact: getattr(direction, fact) for fact in _FACTS} for direction in directions]
    metadata = {
        "schema": SCHEMA,
        "model_sha256": directions.model_sha256,
        "directions": json.dumps(facts, allow_nan=False),
    }
    if len(json.dumps(metadata)) > _HEADER_CAP - 1000:
        raise CheckpointError(
            f"{path.name} was not written because its header would be over 1 MB: save fewer directions."
        )
    try:
        _replace(path, save({"vectors": vectors.astype(kind)}, metadata))
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be written ({error.strerror}): choose another folder.") from error


def _replace(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes private files; a model's directions are as readable as the model.
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
    if os.name == "posix":
        # The rename itself is safe only when the folder is on the disk too.
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def load_directions(path: Path, *, model_sha256: str, size: int | None = None) -> DirectionSet:
    """The set in the file, for the model with this SHA-256 and, if given, the code size D = `size`.

    Raises:
        CheckpointError: unreadable, damaged, not a directions file, of another model or of another code size.
    """
    try:
        if path.stat().st_size > _FILE_CAP:
            raise CheckpointError(f"{path.name} is over 256 MB, too large for directions: choose another file.")
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read ({error.strerror}): choose another file.") from error
    try:
        header = _header(content)
        metadata = header["__metadata__"]
        if metadata["schema"] != SCHEMA:
            raise ValueError(f"its schema is {metadata['schema']!r:.60}")
        found = str(metadata["model_sha256"])
        facts = json.loads(metadata["directions"])
        shape, kind = header["vectors"]["shape"], header["vectors"]["dtype"]
        if kind not in ("F16", "F32") or len(shape) != 2 or shape[0] != len(facts) or len(header) != 2:
            raise ValueError("its vectors do not match their description")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{path.name} is not a whole directions file ({_why(error)}): make it again.") from error
    if found != model_sha256:
        raise CheckpointError(
            f"{path.name} belongs to another model ({found[:12]}, this one is {model_sha256[:12]}),"
            " whose codes mean something else: make the directions again for this model."
        )
    if size is not None and shape[1] != size:
        raise CheckpointError(f"{path.name} holds codes of {shape[1]} numbers, this model has {size}: make it again.")
    try:
        vectors = load(content)["vectors"].astype(np.float32)
        return DirectionSet(found, tuple(_direction(row, fact) for row, fact in zip(vectors, facts, strict=True)))
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path.name} is damaged ({_why(error)}): make the directions again.") from error


def _header(content: bytes) -> dict[str, Any]:
    """The header's JSON, read only when its stated length is below the cap and inside the file."""
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > _HEADER_CAP or length > len(content) - 8:
        raise ValueError("its header is cut short or over 1 MB")
    header = json.loads(content[8 : 8 + length])
    if not isinstance(header, dict):
        raise ValueError("its header is not an object")
    return header


def _direction(row: np.ndarray[Any, np.dtype[np.float32]], fact: dict[str, Any]) -> Direction:
    if not isinstance(fact["name"], str) or not isinstance(fact["method"], str):
        raise ValueError("a name is not a word")
    numbers = {name: _number(fact[name]) for name in ("auc", "auc_low", "auc_high", "share")}
    sigma = _number(fact["sigma"])
    length = float(np.linalg.norm(row.astype(np.float64)))
    # Half precision rounds the length by less than this; more is damage.
    if not abs(length - 1) < 1e-2 or sigma is None:
        raise ValueError(f"the vector of {fact['name']!r:.60} is not of length 1")
    return Direction(
        name=fact["name"],
        vector=(row / length).astype(np.float32),
        sigma=sigma,
        positives=int(fact["positives"]),
        negatives=int(fact["negatives"]),
        method=fact["method"],
        **numbers,
    )


def _number(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r:.60} is not a number")
    return float(value)


def _why(error: BaseException) -> str:
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error).split("\n")[0][:120]
