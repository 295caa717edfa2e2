"""Photos of two groups: from two folders, or chosen by a column of a CSV of labels."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.data.sources import MAX_LABELS_BYTES, PICTURE_SUFFIXES, Picture, open_source
from engine.errors import DataError
from engine.progress import SILENT, Progress

MOST_IN_A_GROUP: Final = 300
"""More photos hardly turn the direction, and each has to be encoded."""
FILE_COLUMNS: Final = ("file", "filename", "file_name", "image", "image_id", "path", "name")
WITH: Final = frozenset({"1", "+1", "1.0", "yes", "true", "y"})
WITHOUT: Final = frozenset({"-1", "0", "0.0", "-1.0", "no", "false", "n"})


@dataclass(frozen=True, eq=False)
class Example:
    """A photo of a group: `source` is a file, its bytes, or a picture (H, W, 3)."""

    name: str
    source: Path | bytes | NDArray[np.uint8]


@dataclass(frozen=True)
class Labels:
    """A CSV of labels: `columns` that say with or without, and (`file`, value by column) a row; +1, -1 or 0."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]

    def counts(self, column: str) -> tuple[int, int]:
        """(rows with, rows without)."""
        at = self.columns.index(column)
        values = [row[at] for _, row in self.rows]
        return values.count(1), values.count(-1)


def photos_in(paths: Iterable[Path], *, most: int = MOST_IN_A_GROUP) -> list[Path]:
    """The pictures among these files and (at any depth) folders, sorted, each once, at most `most`.

    Raises:
        DataError: a folder that cannot be read.
    """
    found: dict[Path, None] = {}
    for path in paths:
        try:
            if path.is_dir():
                inside = (p for p in sorted(path.rglob("*")) if p.suffix.lower() in PICTURE_SUFFIXES and p.is_file())
                found.update(dict.fromkeys(inside))
            else:
                found[path] = None
        except OSError as error:
            raise DataError(f"{path.name} cannot be read ({error.strerror}): choose another folder.") from error
    return list(found)[:most]


def read_labels(path: Path) -> Labels:
    """The labels of a CSV in UTF-8: a column of file names, and columns of 1 and -1 (or 0), yes and no, true and false.

    Raises:
        DataError: it cannot be read, or has no such columns.
    """
    try:
        if path.stat().st_size > MAX_LABELS_BYTES:
            raise DataError(f"{path.name} is larger than {MAX_LABELS_BYTES >> 20} MB: choose a CSV of labels.")
        table = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{path.name} cannot be read as labels ({error}): it must be a CSV in UTF-8.") from error
    names = [name for name in (table[0] if table else {}) if name]
    by_lower = {name.lower().strip(): name for name in names}
    file_column = next((by_lower[name] for name in FILE_COLUMNS if name in by_lower), None)
    if file_column is None:
        raise DataError(f"{path.name} has no column of file names: call it 'file', one picture a row.")
    columns = tuple(name for name in names if name != file_column and _says_with(name, table))
    if not columns:
        raise DataError(f"{path.name} has no column of 1 and -1: add one for the attribute.")
    rows = tuple((str(row[file_column] or ""), tuple(_value(row.get(c)) for c in columns)) for row in table)
    return Labels(columns, rows)


def _says_with(column: str, table: list[dict[str, str]]) -> bool:
    values = {(row.get(column) or "").strip().lower() for row in table}
    return values <= WITH | WITHOUT | {""} and bool(values & WITH)


def _value(text: str | None) -> int:
    word = (text or "").strip().lower()
    return 1 if word in WITH else -1 if word in WITHOUT else 0


def labelled(
    data: Path,
    labels: Labels,
    column: str,
    *,
    most: int = MOST_IN_A_GROUP,
    seed: int = 0,
    progress: Progress = SILENT,
) -> tuple[list[Example], list[Example]]:
    """(with, without) from a folder, zip, npz or idx, at most `most` of each, drawn at random by `seed`.

    A row's file is looked for by its whole name within the data, then by its last part.

    Raises:
        DataError: no such column, data that cannot be read, or not one picture of it in the CSV.
    """
    if column not in labels.columns:
        raise DataError(f"The labels have no column {column!r}: choose one of {', '.join(labels.columns)}.")
    at = labels.columns.index(column)
    source = open_source(data)
    by_name = {name: row[at] for name, row in labels.rows}
    by_tail = {name.rsplit("/", 1)[-1]: row[at] for name, row in labels.rows}
    chance = random.Random(seed)
    groups: dict[int, list[Example]] = {1: [], -1: []}
    seen = {1: 0, -1: 0}
    named = False
    for name, picture in source.pictures():
        progress.check()
        tail = name.rsplit("/", 1)[-1]
        named = named or name in by_name or tail in by_tail
        value = by_name.get(name, by_tail.get(tail, 0))
        if value == 0:
            continue
        # Reservoir sampling (Vitter 1985, algorithm R): one pass, and no more in memory than is used.
        group, seen[value] = groups[value], seen[value] + 1
        place = len(group) if len(group) < most else chance.randrange(seen[value])
        if place < most:
            group[place : place + 1] = [Example(tail, _rgb(picture))]
    if not named:
        raise DataError(f"Not one picture of {data.name} is named in the labels: choose the CSV that belongs to it.")
    return groups[1], groups[-1]


def _rgb(picture: Picture) -> bytes | NDArray[np.uint8]:
    if isinstance(picture, bytes) or picture.shape[-1] == 3:
        return picture
    return np.repeat(picture[..., :1], 3, axis=-1)
