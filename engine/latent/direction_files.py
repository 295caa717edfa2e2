"""Directions on disk: one safetensors file, bound to the model whose codes they were fitted to.

One tensor "vectors" (N, D), float32, or float16 where D is above 1,024 (a unit vector loses less than 0.1 %
of its length and is made unit again when read). The header's metadata holds the schema, the model's SHA-256
and the facts of each direction as JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import CheckpointError
from engine.files import tensors
from engine.files.disk import MALFORMED, TooLarge, read_bytes, reason, replacing, told_as
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
    """Writes the set, whole or not at all.

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
    with told_as(CheckpointError, f"{path.name} cannot be written", "choose another folder."):
        with replacing(path) as temporary:
            temporary.write_bytes(tensors.save_arrays({"vectors": vectors.astype(kind)}, metadata))


def load_directions(path: Path, *, model_sha256: str, size: int | None = None) -> DirectionSet:
    """The set in the file, for the model with this SHA-256 and, if given, the code size D = `size`.

    Raises:
        CheckpointError: unreadable, damaged, not a directions file, of another model or of another code size.
    """
    try:
        content = read_bytes(path, most=_FILE_CAP)
    except TooLarge as error:
        raise CheckpointError(f"{error}, too large for directions: choose another file.") from error
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read ({reason(error)}): choose another file.") from error
    with told_as(CheckpointError, f"{path.name} is not a whole directions file", "make it again.", errors=MALFORMED):
        header = tensors.read_header(content, most=_HEADER_CAP)
        metadata, vectors = header.metadata, header.entries["vectors"]
        if metadata["schema"] != SCHEMA:
            raise ValueError(f"its schema is {metadata['schema']!r:.60}")
        found = metadata["model_sha256"]
        facts = json.loads(metadata["directions"])
        shape = vectors.shape
        if vectors.dtype not in ("F16", "F32") or len(shape) != 2 or shape[0] != len(facts) or len(header.entries) != 1:
            raise ValueError("its vectors do not match their description")
    if found != model_sha256:
        raise CheckpointError(
            f"{path.name} belongs to another model ({found[:12]}, this one is {model_sha256[:12]}),"
            " whose codes mean something else: make the directions again for this model."
        )
    if size is not None and shape[1] != size:
        raise CheckpointError(f"{path.name} holds codes of {shape[1]} numbers, this model has {size}: make it again.")
    with told_as(CheckpointError, f"{path.name} is damaged", "make the directions again.", errors=MALFORMED):
        rows = tensors.load_arrays(content)["vectors"].astype(np.float32)
        return DirectionSet(found, tuple(_direction(row, fact) for row, fact in zip(rows, facts, strict=True)))


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
