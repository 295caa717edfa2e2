"""Labels of pictures from a CSV: one reader for data sets, which also want groups, and for directions."""

import csv
import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError
from engine.files.disk import TooLarge, read_text

MAX_LABELS_BYTES: Final = 256 * 2**20
FILE_COLUMNS: Final = ("file", "filename", "file_name", "image", "image_id", "path", "name")
BY_FOLDER: Final = "(folder)"
"""As `group`: pictures of one folder stay in one split."""
GROUP_COLUMNS: Final = ("identity", "group")
"""Columns that the split goes by where none is named."""
SAYS: Final = {
    **dict.fromkeys(("1", "+1", "1.0", "yes", "true", "y"), 1),
    **dict.fromkeys(("-1", "0", "0.0", "-1.0", "no", "false", "n"), -1),
    "": 0,
}
"""What a cell of an attribute says of its picture: with, without, or nothing."""

Row = Mapping[str, str | None]
"""A picture's cells by column; None where the line is too short."""


@dataclass(frozen=True, eq=False)
class LabelTable:
    """A CSV of labels: a row a picture, named in column `file`; `columns` are the others.

    `attributes` are those of them that hold nothing but the words of `SAYS`, and "with" at least once.
    """

    file: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """The columns that say with or without."""
        return tuple(column for column in self.columns if self._says_with(column))

    def _says_with(self, column: str) -> bool:
        words = {(row.get(column) or "").strip().lower() for row in self.rows}
        return words <= SAYS.keys() and any(SAYS[word] == 1 for word in words)

    def counts(self, column: str) -> tuple[int, int]:
        """(rows with, rows without)."""
        values = [value(row, column) for row in self.rows]
        return values.count(1), values.count(-1)

    def row_of(self, name: str, *, alone: bool = True) -> Row | None:
        """The row of a picture: by its whole name, else by its last part.

        If it is `alone` with this last part, the row may name another folder; None where two of them contradict.
        """
        by_name, by_tail = self._by_name
        tail = _tail(name)
        return by_name.get(name) or by_name.get(tail) or (by_tail.get(tail) if alone else None)

    @cached_property
    def _by_name(self) -> tuple[dict[str, Row], dict[str, Row | None]]:
        by_name = {row[self.file] or "": row for row in self.rows}
        by_tail: dict[str, Row | None] = {}
        for name, row in by_name.items():
            other = by_tail.setdefault(_tail(name), row)
            if other is not row and (other is None or any(other.get(c) != row.get(c) for c in self.columns)):
                by_tail[_tail(name)] = None
        return by_name, by_tail


def value(row: Row, column: str) -> int:
    """+1, -1 or 0: with, without, or not said."""
    text = row.get(column) or ""
    return SAYS[text] if text in SAYS else SAYS.get(text.strip().lower(), 0)


def _tail(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def read_table(text: str, name: str = "labels.csv") -> LabelTable:
    """The labels in the text of a CSV; `name` is for sentences.

    Raises:
        DataError: no row, or no column of file names.
        csv.Error: it is no CSV.
    """
    rows = tuple(csv.DictReader(io.StringIO(text, newline=None)))
    columns = tuple(column for column in (rows[0] if rows else ()) if column)
    by_lower = {column.lower().strip(): column for column in columns}
    file = next((by_lower[column] for column in FILE_COLUMNS if column in by_lower), None)
    if file is None:
        raise DataError(f"{name} has no column of file names: call it 'file', one picture a row.")
    return LabelTable(file, tuple(column for column in columns if column != file), rows)


def label_text(path: Path) -> str:
    """The text of a CSV in UTF-8, as `engine.files.disk.read_text`; the mark that Excel puts before it is left out."""
    return read_text(path, most=MAX_LABELS_BYTES).removeprefix("\ufeff")


def read_label_file(path: Path) -> LabelTable:
    """The labels in a CSV in UTF-8 with at least one attribute.

    Raises:
        DataError: it cannot be read, or has no such columns.
    """
    try:
        table = read_table(label_text(path), path.name)
    except TooLarge as error:
        raise DataError(f"{error}: choose a CSV of labels.") from error
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{path.name} cannot be read as labels ({error}): it must be a CSV in UTF-8.") from error
    if not table.attributes:
        raise DataError(f"{path.name} has no column of 1 and -1: add one for the attribute.")
    return table


@dataclass(frozen=True, eq=False)
class Labels:
    """`values` (N, A) are +1, -1 or 0 (not said); `groups` (N,) names what a picture belongs to.

    `count` is how many groups there are, 0 where each picture stands alone; `columns` could name the groups.
    """

    attributes: tuple[str, ...]
    values: NDArray[np.int8]
    groups: tuple[str, ...]
    count: int = 0
    columns: tuple[str, ...] = ()


def read_labels(text: str | None, names: tuple[str, ...], group: str = "") -> Labels:
    """The labels of the pictures `names` from the text of a CSV, None where there is none.

    `group` is the column that says what a picture belongs to (empty: `identity` or `group` where there is one;
    `BY_FOLDER`: its folder). Rows whose `label_source` is "predicted" are not trusted.

    Raises:
        DataError: no column of file names, or none that is called `group`.
        csv.Error: it is no CSV.
    """
    table = LabelTable("file", (), ()) if text is None else read_table(text)
    column = group or next((c for c in GROUP_COLUMNS if c in table.columns), "")
    if column and column != BY_FOLDER and column not in table.columns:
        known = ", ".join((*table.columns, BY_FOLDER))
        raise DataError(f"There is no column {column!r} to split by: choose one of {known}.")
    attributes = tuple(c for c in table.attributes if c not in (*GROUP_COLUMNS, column))
    values = np.zeros((len(names), len(attributes)), np.int8)
    groups: list[str] = []
    known_groups: set[str] = set()
    tails = Counter(map(_tail, names))
    for i, name in enumerate(names):
        row: Row = table.row_of(name, alone=tails[_tail(name)] == 1) or {}
        folder = name.rsplit("/", 1)[0] if "/" in name else "."
        own = folder if column == BY_FOLDER else (row.get(column) or "") if column else ""
        if own:
            known_groups.add(own)
        groups.append(own or name)
        if row and row.get("label_source", "") != "predicted":
            values[i] = [value(row, c) for c in attributes]
    free = tuple(c for c in table.columns if c not in attributes and c != "label_source")
    return Labels(attributes, values, tuple(groups), len(known_groups), free)
