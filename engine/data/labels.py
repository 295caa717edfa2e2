"""Labels of a data set from a CSV: attributes of each picture, and which pictures belong together."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError

BY_FOLDER: Final = "(folder)"
"""As `group`: pictures of one folder stay in one split."""
GROUP_COLUMNS: Final = ("identity", "group")
"""Columns that the split goes by where none is named."""
YES: Final = ("1", "+1")
NO: Final = ("-1", "0")


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

    The column `file` names the picture (with or without its folder); `group` the column that says what a picture
    belongs to (empty: `identity` or `group` where there is one; `BY_FOLDER`: its folder); other columns that hold +1,
    -1 (or 1, 0) are attributes. Rows whose `label_source` is "predicted" are not trusted.

    Raises:
        DataError: no column `file`, or none that is called `group`.
        csv.Error: it is no CSV.
    """
    rows = list(csv.DictReader(io.StringIO(text))) if text is not None else []
    if text is not None and (not rows or "file" not in rows[0]):
        raise DataError("labels.csv has no column 'file': name the pictures there, one row each.")
    columns = tuple(c for c in (rows[0] if rows else ()) if c and c != "file")
    column = group or next((c for c in GROUP_COLUMNS if c in columns), "")
    if column and column != BY_FOLDER and column not in columns:
        known = ", ".join((*columns, BY_FOLDER))
        raise DataError(f"There is no column {column!r} to split by: choose one of {known}.")
    attributes = tuple(c for c in columns if c not in (*GROUP_COLUMNS, column) and _is_attribute(c, rows))
    by_name = {row["file"]: row for row in rows}
    values = np.zeros((len(names), len(attributes)), np.int8)
    groups: list[str] = []
    known_groups: set[str] = set()
    for i, name in enumerate(names):
        row = by_name.get(name) or by_name.get(name.rsplit("/", 1)[-1]) or {}
        folder = name.rsplit("/", 1)[0] if "/" in name else "."
        own = folder if column == BY_FOLDER else (row.get(column) or "") if column else ""
        if own:
            known_groups.add(own)
        groups.append(own or name)
        if row and row.get("label_source", "") != "predicted":
            values[i] = [1 if row[c] in YES else -1 if row[c] in NO else 0 for c in attributes]
    free = tuple(c for c in columns if c not in attributes and c != "label_source")
    return Labels(attributes, values, tuple(groups), len(known_groups), free)


def _is_attribute(column: str, rows: list[dict[str, str]]) -> bool:
    values = {row.get(column) or "" for row in rows}
    return values <= {*YES, *NO, ""} and bool(values & set(YES))
