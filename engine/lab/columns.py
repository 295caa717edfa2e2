"""Reads a file of one or two columns of numbers that a person brings along. It may hold anything."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import UsageError
from engine.files import disk

MOST_BYTES: Final = 128 * 2**20
MOST_LINES: Final = 2_000_000
MOST_ROWS: Final = 20_000
"""Rows that are kept; of more, so many are drawn."""
LEAST_ROWS: Final = 20
LARGEST: Final = 1e100
_NO_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_GAPS: Final = {"", "na", "n/a", "nan", "null", "none", "-", "?", "."}


@dataclass(frozen=True, eq=False)
class Columns:
    """`rows` (N, 1 or 2) float64 in the order of the file, `of` rows that it has; `names` are those of its header,
    empty without one."""

    rows: NDArray[np.float64]
    of: int
    names: tuple[str, ...]


def read_columns(path: Path) -> Columns:
    """The numbers of a file: columns apart by comma, semicolon, tab or space, with or without a header.

    Beside semicolons and tabs a decimal comma counts as well.

    Raises:
        UsageError: what it holds cannot be used; the sentence says where and why.
    """
    text = _text(path)
    separator = _separator(text)
    names: tuple[str, ...] = ()
    found: list[tuple[float, ...]] = []
    width = 0
    # Python reads 1_000 as a number, and digits of other scripts.
    plain = text.isascii() and "_" not in text
    for line, fields in _fields(path, text, separator):
        if not width:
            width = len(fields)
            if width > 2:
                raise UsageError(f"{path.name} has {width} columns, and one or two can be learned: keep one or two.")
            if not all(_is_number(field, separator) or field.lower() in _GAPS for field in fields):
                names = tuple(field[:40] for field in fields)
                continue
        if len(fields) != width:
            raise UsageError(
                f"Line {line} of {path.name} has {len(fields)} columns, and the first has {width}: make them the same."
            )
        quick = _quick(fields) if plain else None
        found.append(quick or tuple(_number(field, separator, f"line {line} of {path.name}") for field in fields))
    if len(found) < LEAST_ROWS:
        raise UsageError(
            f"{path.name} has {len(found)} row{'s' * (len(found) != 1)} of numbers, and a distribution needs at least "
            f"{LEAST_ROWS}: bring more."
        )
    rows = np.array(found, dtype=np.float64)
    for column in range(width):
        low, high = float(rows[:, column].min()), float(rows[:, column].max())
        if high - low <= 1e-12 * max(abs(low), abs(high)):
            mend = "take that column out" if width == 2 else "bring numbers that differ"
            raise UsageError(f"Column {column + 1} of {path.name} is {low:g} in every row: {mend}.")
    count = len(rows)
    if count > MOST_ROWS:
        rows = rows[np.sort(np.random.default_rng(0).choice(count, MOST_ROWS, replace=False))]
    return Columns(rows, count, names)


def _text(path: Path) -> str:
    with disk.told_as(UsageError, f"{path.name} cannot be read", "choose a CSV file.", errors=(OSError, ValueError)):
        data = disk.read_bytes(path, most=MOST_BYTES)
    lines = max(data.count(b"\n"), data.count(b"\r"))
    if lines > MOST_LINES:
        raise UsageError(f"{path.name} has {lines:,} lines, and {MOST_LINES:,} can be read: bring fewer.")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("latin-1")  # Numbers are the same in all of these; only a header can look odd.
    if _NO_TEXT.search(text):
        raise UsageError(f"{path.name} is no text: bring a CSV file with one or two columns of numbers.")
    if not text.strip():
        raise UsageError(f"{path.name} is empty: bring a CSV file with one or two columns of numbers.")
    return text


def _separator(text: str) -> str:
    """That of the first line with anything on it; a line without any has one column."""
    line = text.lstrip().partition("\n")[0]
    return next((sign for sign in (";", "\t", ",") if sign in line), " " if " " in line.strip() else ",")


def _fields(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """(line, values) of each row that has any."""
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=separator, skipinitialspace=True)
    try:
        for fields in reader:
            stripped = [field.strip() for field in fields]
            if separator == " ":
                stripped = [field for field in stripped if field]
            if any(stripped):
                yield reader.line_num, stripped
    except csv.Error as error:
        raise UsageError(
            f"Line {reader.line_num} of {path.name} cannot be read ({error}): write one row of numbers a line."
        ) from error


def _quick(fields: list[str]) -> tuple[float, ...] | None:
    """The numbers of a row, None where one needs a closer look."""
    try:
        values = tuple(map(float, fields))
    except ValueError:
        return None
    return values if all(-LARGEST <= value <= LARGEST for value in values) else None


def _is_number(field: str, separator: str) -> bool:
    try:
        _value(field, separator)
    except ValueError:
        return False
    return True


def _value(field: str, separator: str) -> float:
    if separator != "," and field.count(",") == 1 and "." not in field:
        field = field.replace(",", ".")
    if "_" in field or not field.isascii():
        raise ValueError
    return float(field)


def _number(field: str, separator: str, where: str) -> float:
    if not field:
        raise UsageError(f"There is a gap in {where}: fill it in, or take the line out.")
    try:
        value = _value(field, separator)
    except ValueError:
        raise UsageError(
            f"There is {field[:40]!r} in {where}, which is no number: take out the line, or that column."
        ) from None
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise UsageError(f"There is {field[:40]} in {where}, which no model can learn: take the line out.")
    return value
