"""Reading runs on the files lane: the lists, and one run's news. The same reader for live and old runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from app.state import RunCard
from engine import runs
from engine.api import Pictures
from engine.errors import RunError

CARD_LIMIT: Final = 30

Series = Mapping[str, tuple[list[int], list[float]]]


@dataclass(frozen=True, eq=False)
class News:
    """What a run wrote since `offset` was read last."""

    info: runs.RunInfo
    rows: list[runs.MetricsRow]
    offset: int
    previews: tuple[tuple[int, Path], ...]


def list_cards(folder: Path) -> tuple[RunCard, ...]:
    """The newest runs with a thumbnail each."""
    return tuple(RunCard(info, _thumb(info)) for info in runs.list_runs(folder)[:CARD_LIMIT])


def _thumb(info: runs.RunInfo) -> Pictures | None:
    found = runs.previews(info.path)
    try:
        changed_ns = found[-1][1].stat().st_mtime_ns if found else 0
    except OSError:
        return None
    return None if not found else _first_tile(found[-1][1], info.config.image_shape[1], changed_ns)


@lru_cache(maxsize=64)
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
    config, status = runs.read_config(path), runs.read_status(path)
    rows, offset = runs.read_metrics(path, offset)
    info = runs.RunInfo(path, path.name, config, status, path.stat().st_mtime)
    return News(info, rows, offset, tuple(runs.previews(path)))


def merged(series: Series, rows: list[runs.MetricsRow]) -> Series:
    """The series with new rows; after a resume from an earlier step the newer rows replace the older ones."""
    out = {name: (list(steps), list(values)) for name, (steps, values) in series.items()}
    for row in rows:
        for name, value in row.values.items():
            steps, values = out.setdefault(name, ([], []))
            while steps and steps[-1] >= row.step:
                steps.pop()
                values.pop()
            steps.append(row.step)
            values.append(value)
    return out
