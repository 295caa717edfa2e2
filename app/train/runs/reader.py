"""Reading runs on the files lane: the lists, and one run's news. The same reader for live and old runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.series import Trace, empty_trace
from engine.runs import directory as runs
from engine.api import Pictures
from engine.errors import RunError
from engine.runs.heartbeat import Heartbeats
from engine.runs.library import Entry, Shelf, read_shelf

ROWS: Final = 20_000
"""So many rows are read at once: a long run appears bit by bit, and the lane is free in between."""

Series = Mapping[str, Trace]
Fresh = Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]]
EMPTY: Final = empty_trace()
MAX_STEP: Final = 2**53
CLOCK: Final = "time"
"""Among the fresh columns: when the rows were written, in seconds."""


@dataclass(frozen=True, eq=False)
class News:
    """What a run wrote since `offset` was read last."""

    info: runs.RunInfo
    rows: list[runs.MetricsRow]
    offset: int
    previews: tuple[tuple[int, Path], ...]
    fresh: Fresh
    more: bool = False
    """The run has rows beyond these, to be read next."""


HEARTBEATS: Final = Heartbeats()
"""What the files lane has seen of heartbeats: of the lists and of the run on show alike."""


class Lists:
    """The library's lists, read again and again: what has not changed is not read twice. Lives on the files lane."""

    def __init__(self) -> None:
        self._before: Mapping[Path, Entry] = {}

    def read(self, folder: Path, attached: tuple[Path, ...]) -> Shelf:
        """All runs, without their thumbnails."""
        shelf = read_shelf(folder, attached, before=self._before, heartbeats=HEARTBEATS)
        self._before = {entry.info.path: entry for entry in shelf.entries}
        return shelf


def read_thumbs(infos: Sequence[runs.RunInfo]) -> dict[Path, Pictures | None]:
    """The first picture of each run's newest preview, None where there is none yet or it is torn."""
    return {info.path: _thumb(info) for info in infos}


def _thumb(info: runs.RunInfo) -> Pictures | None:
    try:
        found = runs.previews(info.path)
        changed_ns = found[-1][1].stat().st_mtime_ns if found else 0
    except OSError:
        return None
    return None if not found else _first_tile(found[-1][1], info.config.image_shape[1], changed_ns)


@lru_cache(maxsize=1024)
def _first_tile(file: Path, size: int, changed_ns: int) -> Pictures | None:
    """`changed_ns` makes a preview that was read while it was being written be read again."""
    try:
        pictures: Pictures = runs.read_preview(file, size)
        return np.ascontiguousarray(pictures[0])
    except (RunError, IndexError):
        return None  # A torn preview costs its thumbnail only.


def read_news(path: Path, offset: int) -> News:
    """Config, status, new metrics and the list of previews.

    Raises:
        RunError: the run is damaged or gone.
    """
    config, status = runs.read_config(path), runs.read_status(path, HEARTBEATS)
    rows, offset = runs.read_metrics(path, offset, most=ROWS)
    info = runs.RunInfo(path, path.name, config, status, path.stat().st_mtime)
    more = len(rows) >= ROWS
    return News(info, rows, offset, tuple(runs.previews(path)), columns(rows), more)


def columns(rows: Sequence[runs.MetricsRow]) -> Fresh:
    """The rows as (steps, values) by name, steps rising; what is not finite or no step of ours is left out."""
    found: dict[str, tuple[list[int], list[float]]] = {}
    for row in rows:
        if not 0 <= row.step < MAX_STEP:
            continue
        named = {**row.values, CLOCK: row.time} if row.time is not None else row.values
        for name, value in named.items():
            if value is None or not math.isfinite(value):
                continue
            steps, values = found.setdefault(name, ([], []))
            while steps and steps[-1] >= row.step:
                steps.pop()
                values.pop()
            steps.append(row.step)
            values.append(value)
    return {name: (np.array(steps, np.int64), np.array(values, np.float64)) for name, (steps, values) in found.items()}


def extended(series: Series, fresh: Fresh) -> Series:
    """The series with newer columns; after a resume from an earlier step the newer points replace the older ones."""
    out = dict(series)
    for name, (steps, values) in fresh.items():
        out[name] = out.get(name, EMPTY).extended(steps, values)
    return out


def merged(series: Series, rows: Sequence[runs.MetricsRow]) -> Series:
    """The series with new rows, see `extended`."""
    return extended(series, columns(rows))
