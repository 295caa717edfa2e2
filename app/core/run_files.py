"""What a run's folder holds, read part by part on the files lane. The same reader for live and old runs.

What has not changed is not read again: a file by its mark (time, size, number), a line file by its size.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from app.core.heartbeats import HEARTBEATS
from app.series import Trace, empty_trace
from engine import runs
from engine.diagnostics import REPORTS_FOLDER, ReportEntry, list_reports
from engine.errors import ImageError
from engine.runs import NOTES_FILE, Note, PinnedPhoto, read_notes

Part = Literal["metrics", "previews", "notes", "pins", "weights", "reports"]
"""metrics; previews of samples; notes with notices and charts; pinned photos with their sheets; the newest weights;
diagnoses."""
ROWS: Final = 20_000
"""So many rows are read at once: a long run appears bit by bit, and the lane is free in between."""
MAX_STEP: Final = 2**53
CLOCK: Final = "time"
"""Among the fresh columns: when the rows were written, in seconds."""
MOST_NOTICES: Final = 500
MOST_CHARTS: Final = 2000
"""Of each name; a run with more previews loses its earliest."""
UNSURE_SECONDS: Final = 3.0
"""So long after a change a file is read again although its mark is the same: disks round times, some to two seconds."""
AGAIN_SECONDS: Final = 10.0
"""So often it is read again in any case."""

Series = Mapping[str, Trace]
Fresh = Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]]
Steps = tuple[tuple[int, Path], ...]
EMPTY: Final = empty_trace()


@dataclass(frozen=True, eq=False)
class RunRecord:
    """What is known of a run: `series` are its metrics by name, `previews` and `sheets` (step, picture) of samples and
    pinned photos, `charts` by name with rising steps. A part that nobody asked for is empty."""

    info: runs.RunInfo
    series: Series = field(default_factory=dict)
    previews: Steps = ()
    notes: tuple[Note, ...] = ()
    notices: tuple[runs.NoticeRow, ...] = ()
    charts: Mapping[str, tuple[runs.FigureRow, ...]] = field(default_factory=dict)
    pins: tuple[PinnedPhoto, ...] = ()
    sheets: Steps = ()
    weights: runs.Weights | None = None
    reports: tuple[ReportEntry, ...] = ()


@dataclass(frozen=True, eq=False)
class Difference:
    """What a look at a run found beyond the one before; `changes` are fields of `RunRecord` that are others now.

    Metrics were read up to byte `offset`; with `more` there are rows beyond these. `whole`: the run is another one, or
    is read for the first time.
    """

    info: runs.RunInfo
    fresh: Fresh
    offset: int
    more: bool
    notices: Sequence[runs.NoticeRow]
    charts: Sequence[runs.FigureRow]
    changes: Mapping[str, object]
    whole: bool


def applied(record: RunRecord | None, found: Difference) -> RunRecord:
    """The record with what was found."""
    if record is None or found.whole:
        record = RunRecord(found.info)
    changes: dict[str, object] = {**found.changes, "info": found.info}
    if found.fresh:
        changes["series"] = extended(record.series, found.fresh)
    if found.notices:
        changes["notices"] = (*record.notices, *found.notices)[-MOST_NOTICES:]
    if found.charts:
        changes["charts"] = with_charts(record.charts, found.charts)
    return replace(record, **changes)  # type: ignore[arg-type]


class RunReader:
    """Reads one run again and again. Lives on the files lane."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder: tuple[int, int] | None = None
        self._begin()

    def _begin(self) -> None:
        self._marks: dict[str, _Mark] = {}
        self._config: runs.RunConfig | None = None
        self._status: runs.RunStatus | None = None
        self._notices = self._figures = 0
        self._known: dict[str, object] = {}
        self._pinned: tuple[PinnedPhoto, ...] = ()
        self._pin_files: Steps = ()

    def read(self, parts: frozenset[Part], offset: int, status: runs.RunStatus | None = None) -> Difference:
        """What `parts` of the run hold beyond the look before, with metrics from byte `offset` on.

        `status` is given where it is known already.

        Raises:
            RunError: the run is damaged or gone.
        """
        path = self._path
        try:
            folder = path.stat()
        except OSError:
            runs.read_config(path)  # Its error is the sentence for the person.
            raise
        whole = (folder.st_dev, folder.st_ino) != self._folder
        if whole:
            self._folder = (folder.st_dev, folder.st_ino)
            self._begin()
            offset, status = 0, None
        # Marks are taken before what they stand for is read, so that no change falls between.
        if self._changed("config.json") or self._config is None:
            self._config = runs.read_config(path)
        rows: list[runs.MetricsRow] = []
        if "metrics" in parts and self._size("metrics.jsonl") > offset:
            rows, offset = runs.read_metrics(path, offset, most=ROWS)
        # A writer may go without a word, so a live one is asked for again and again.
        if status is None and (self._changed("status.json") or self._status is None or self._status.alive):
            self._status = runs.read_status(path, HEARTBEATS)
        now = status or self._status
        assert now is not None
        info = runs.RunInfo(path, path.name, self._config, now, folder.st_mtime)
        notices: list[runs.NoticeRow] = []
        charts: list[runs.FigureRow] = []
        found: dict[str, object] = {}
        if "notes" in parts:
            if self._size("notices.jsonl") > self._notices:
                notices, self._notices = runs.read_notices(path, self._notices)
            if self._size("figures.jsonl") > self._figures:
                charts, self._figures = runs.read_figures(path, self._figures)
            if self._changed(NOTES_FILE):
                found["notes"] = read_notes(path)
        if parts & {"previews", "pins"} and self._changed("previews"):
            found["previews"], found["sheets"] = tuple(runs.previews(path)), tuple(runs.sheets(path))
        if "pins" in parts:
            found["pins"] = self._pins(self._config.image_shape[1])
        if "weights" in parts and self._changed(f"{runs.LIVE_FOLDER}/{runs.LIVE_STEP}", "checkpoints"):
            found["weights"] = runs.newest_weights(path)
        if "reports" in parts and self._changed(REPORTS_FOLDER):
            found["reports"] = list_reports(path)
        changes = {
            name: value for name, value in found.items() if name not in self._known or self._known[name] != value
        }
        self._known |= changes
        return Difference(info, columns(rows), offset, len(rows) >= ROWS, notices, charts, changes, whole)

    def _pins(self, size: int) -> tuple[PinnedPhoto, ...]:
        """A pinned photo that has not changed is not read again."""
        before = {(photo.number, photo.mark): photo for photo in self._pinned}
        found = []
        if self._changed("pins"):
            self._pin_files = runs.pinned(self._path)
        for number, file in self._pin_files:
            try:
                stat = file.stat()
                mark = (stat.st_mtime_ns, stat.st_size)
                found.append(before.get((number, mark)) or PinnedPhoto(number, runs.read_pin(file, size=size), mark))
            except (OSError, ImageError):
                continue  # The run says what is wrong with it; here it is left out.
        self._pinned = tuple(found)
        return self._pinned

    def _size(self, name: str) -> int:
        try:
            return (self._path / name).stat().st_size
        except OSError:
            return 0

    def _changed(self, *names: str) -> bool:
        """Whether any of these may be others than at the last look."""
        stamps, now = tuple(_stamp(self._path / name) for name in names), time.monotonic()
        before = self._marks.get(names[0])
        if before is None or before.stamps != stamps:
            self._marks[names[0]] = _Mark(stamps, now, now)
            return True
        if now - before.since >= UNSURE_SECONDS and now - before.read < AGAIN_SECONDS:
            return False
        self._marks[names[0]] = replace(before, read=now)
        return True


@dataclass(frozen=True)
class _Mark:
    """What files looked like, since when, and when they were read last, by the monotonic clock in seconds."""

    stamps: tuple[tuple[int, int, int] | None, ...]
    since: float
    read: float


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


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


def with_charts(
    known: Mapping[str, tuple[runs.FigureRow, ...]], fresh: Sequence[runs.FigureRow]
) -> dict[str, tuple[runs.FigureRow, ...]]:
    """The charts with newer ones; after a resume from an earlier step the newer ones replace the older."""
    out = dict(known)
    for row in fresh:
        before = out.get(row.name, ())
        while before and before[-1].step >= row.step:
            before = before[:-1]
        out[row.name] = (*before, row)[-MOST_CHARTS:]
    return out
