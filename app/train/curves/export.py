"""The curves on show as a CSV table; nothing here knows the window."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import UserError
from engine.files.disk import told_as, write_bytes


@dataclass(frozen=True, eq=False)
class Sheet:
    """Columns to write: of each line its name, steps and values, and the x of each step in other units by name.

    Only steps from `low` to `high` are written, each line's in its own units of the axis if it has one.
    """

    lines: tuple[tuple[str, NDArray[np.int64], NDArray[np.float64]], ...]
    clocks: tuple[tuple[str, NDArray[np.float64], NDArray[np.float64]], ...] = ()


def table(sheet: Sheet) -> str:
    """One row a step, one column a line; empty where a line has no value. Numbers are those of the run, unsmoothed."""
    steps = np.unique(np.concatenate([at for _, at, _ in sheet.lines])) if sheet.lines else np.empty(0, np.int64)
    columns: list[Sequence[object]] = [steps.astype(np.int64).tolist()]
    for _, known, xs in sheet.clocks:
        columns.append([round(x, 3) for x in np.interp(steps, known, xs).tolist()])
    for _, at, values in sheet.lines:
        column: list[object] = [""] * len(steps)
        for place, value in zip(np.searchsorted(steps, at).tolist(), values.tolist(), strict=True):
            column[place] = value if np.isfinite(value) else ""
        columns.append(column)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["step", *(_plain(name) for name, _, _ in (*sheet.clocks, *sheet.lines))])
    writer.writerows(zip(*columns, strict=True))
    return out.getvalue()


def _plain(name: str) -> str:
    """A heading that a spreadsheet will not take for a formula."""
    return f"'{name}" if name[:1] in ("=", "+", "-", "@", "\t") else name


def write_table(path: Path, sheet: Sheet) -> int:
    """Writes the table whole or not at all and says how many rows it has.

    Raises:
        UserError: the place cannot be written.
    """
    text = table(sheet)
    write(path, text.encode("utf-8"))
    return text.count("\n") - 1


def write(path: Path, data: bytes) -> None:
    """Replaces a file in one step.

    Raises:
        UserError: the place cannot be written.
    """
    with told_as(UserError, f"{path} could not be written", "choose another place."):
        write_bytes(path, data)
