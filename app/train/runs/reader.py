"""Reading the lists of runs on the files lane."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from app.core.heartbeats import HEARTBEATS
from engine import runs
from engine.api import Pictures
from engine.errors import RunError
from engine.runs import Entry, RunListing, read_listing


class Lists:
    """The library's lists, read again and again: what has not changed is not read twice. Lives on the files lane."""

    def __init__(self) -> None:
        self._before: Mapping[Path, Entry] = {}

    def read(self, folder: Path, attached: tuple[Path, ...]) -> RunListing:
        """All runs, without their thumbnails."""
        listing = read_listing(folder, attached, before=self._before, heartbeats=HEARTBEATS)
        self._before = {entry.info.path: entry for entry in listing.entries}
        return listing


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
