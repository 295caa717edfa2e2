"""Photos of two groups: from two folders, or chosen by a column of a CSV of labels."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.api import Cut, PhotoSource
from engine.data.labels import LabelTable, value
from engine.data.sources import Picture, open_source
from engine.errors import DataError
from engine.files.disk import told_as
from engine.photos.kinds import is_picture
from engine.progress import SILENT, Progress

MOST_IN_A_GROUP: Final = 300
"""More photos hardly turn the direction, and each has to be encoded."""


@dataclass(frozen=True, eq=False)
class Example:
    """A photo of a group; `cut` where a person has chosen one."""

    name: str
    source: PhotoSource
    cut: Cut | None = None


def photos_in(paths: Iterable[Path], *, most: int = MOST_IN_A_GROUP) -> list[Path]:
    """The pictures among these files and (at any depth) folders, sorted, each once, at most `most`.

    Raises:
        DataError: a folder that cannot be read.
    """
    found: dict[Path, None] = {}
    for path in paths:
        with told_as(DataError, f"{path.name} cannot be read", "choose another folder."):
            if path.is_dir():
                inside = (p for p in sorted(path.rglob("*")) if is_picture(p) and p.is_file())
                found.update(dict.fromkeys(inside))
            else:
                found[path] = None
    return list(found)[:most]


def labelled(
    data: Path,
    labels: LabelTable,
    column: str,
    *,
    most: int = MOST_IN_A_GROUP,
    seed: int = 0,
    progress: Progress = SILENT,
) -> tuple[list[Example], list[Example]]:
    """(with, without) from a folder, zip, npz or idx, at most `most` of each, drawn at random by `seed`.

    A picture's row is found by its whole name within the data, then by its last part.

    Raises:
        DataError: no such column, data that cannot be read, or not one picture of it in the CSV.
    """
    if column not in labels.attributes:
        raise DataError(f"The labels have no column {column!r}: choose one of {', '.join(labels.attributes)}.")
    source = open_source(data)
    chance = random.Random(seed)
    groups: dict[int, list[Example]] = {1: [], -1: []}
    seen = {1: 0, -1: 0}
    named = False
    for name, picture in source.pictures():
        progress.check()
        row = labels.row_of(name)
        named = named or row is not None
        said = 0 if row is None else value(row, column)
        if said == 0:
            continue
        # Reservoir sampling (Vitter 1985, algorithm R): one pass, and no more in memory than is used.
        group, seen[said] = groups[said], seen[said] + 1
        place = len(group) if len(group) < most else chance.randrange(seen[said])
        if place < most:
            group[place : place + 1] = [Example(name.rsplit("/", 1)[-1], _rgb(picture))]
    if not named:
        raise DataError(f"Not one picture of {data.name} is named in the labels: choose the CSV that belongs to it.")
    return groups[1], groups[-1]


def _rgb(picture: Picture) -> bytes | NDArray[np.uint8]:
    if isinstance(picture, bytes) or picture.shape[-1] == 3:
        return picture
    return np.repeat(picture[..., :1], 3, axis=-1)
