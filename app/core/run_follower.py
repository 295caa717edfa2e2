"""Following runs: one timer, one read of a run at a time, one difference for all who look at it.

A run that this window trains tells its metrics and its state by events: its files are read to catch up alone, when
somebody begins to look, and after a gap. The byte where an event's line begins says whether it continues what is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QTimer

from app.core.bridge import Bridge
from app.core.run_files import Difference, Part, RunReader, RunRecord, applied, columns, extended
from app.core.store import Store
from app.state import AppState
from engine import runs
from engine.events import Failed, TrainingEvent, TrainingMetrics, TrainingPreview, TrainingSaved, TrainingState

FOLLOW_MS: Final = 500
MOST_WAITING: Final = 1000
"""So many events wait for a read that is under way; with more, the files are read again."""

Take = Callable[[RunRecord], None]


def in_progress(state: AppState) -> bool:
    """Whether Train is on show with a run that is written, by this window or by others."""
    view, training = state.run_view, state.training
    if view is None or state.workspace != "train" or state.closing:
        return False
    return view.info.status.alive or (training is not None and training.run == view.path)


class Watch:
    """Somebody's look at a run: `take` gets what is known of it after every look, `failed` why it cannot be read.

    A new watch looks once; it is told of every later look while it follows.
    """

    def __init__(
        self,
        follower: RunFollower,
        path: Path,
        parts: frozenset[Part],
        take: Take,
        failed: Callable[[Failed], None] | None,
    ) -> None:
        self.path, self.parts, self.take, self.failed = path, parts, take, failed
        self.following, self.asked = False, True
        self._follower = follower

    def follow(self, on: bool) -> None:
        """Looks now and at every tick, or no longer."""
        if on != self.following:
            self.following = on
            if on:
                self.look()
            self._follower.update_timer()

    def look(self) -> None:
        """Looks once more, also where it does not follow."""
        self.asked = True
        self._follower.poll_soon()

    def close(self) -> None:
        """Looks no more."""
        self._follower.forget(self)


class _Run:
    """A run that is looked at."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.watches: list[Watch] = []
        self.begin()

    def begin(self) -> None:
        """Nothing is known of it; a read under way comes to nothing."""
        self.reader = RunReader(self.path)
        self.record: RunRecord | None = None
        self.offset = 0
        self.gap = True
        self.reading = False
        self.due = False
        self.events: list[TrainingMetrics | TrainingState] = []

    def follows(self, part: Part) -> bool:
        return any(watch.following and part in watch.parts for watch in self.watches)


class RunFollower(QObject):
    """Reads every run that somebody watches, and tells them."""

    def __init__(self, store: Store, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._runs: dict[Path, _Run] = {}
        self._timer = QTimer(self, interval=FOLLOW_MS)
        self._timer.timeout.connect(self._tick)
        self._soon = QTimer(self, interval=0, singleShot=True)
        self._soon.timeout.connect(self._go_on)
        bridge.trained.connect(self._trained)
        store.changed.connect(self._changed)

    def watch(
        self, path: Path, *parts: Part, take: Take, failed: Callable[[Failed], None] | None = None, anew: bool = False
    ) -> Watch:
        """Begins to look at these parts of the run in `path`; `anew` reads all of it again."""
        run = self._runs.setdefault(path, _Run(path))
        if anew:
            run.begin()
        watch = Watch(self, path, frozenset(parts), take, failed)
        run.watches.append(watch)
        run.gap = True
        self.poll_soon()
        return watch

    def look(self, path: Path) -> None:
        """All who watch this run look once more."""
        run = self._runs.get(path)
        for watch in run.watches if run is not None else ():
            watch.look()

    def forget(self, watch: Watch) -> None:
        """See `Watch.close`."""
        run = self._runs.get(watch.path)
        if run is not None and watch in run.watches:
            run.watches.remove(watch)
            if not run.watches:
                del self._runs[watch.path]
            self.update_timer()

    def poll_soon(self) -> None:
        """Goes on as soon as the window has come to rest: those who ask together are answered by one read."""
        self._soon.start()

    def update_timer(self) -> None:
        """The timer runs while somebody follows."""
        wanted = not self._store.state.closing and any(w.following for run in self._runs.values() for w in run.watches)
        if wanted != self._timer.isActive():
            self._timer.start() if wanted else self._timer.stop()

    def _changed(self, before: AppState, now: AppState) -> None:
        if now.closing:
            self._timer.stop()

    def _tick(self) -> None:
        for run in self._runs.values():
            run.due = not run.reading
        self._go_on()

    def _go_on(self) -> None:
        if self._store.state.closing:
            return
        for run in list(self._runs.values()):
            if not run.reading:
                self._take_events(run)
                if run.due or any(watch.asked for watch in run.watches):
                    self._read(run)

    # files
    def _read(self, run: _Run) -> None:
        told = [watch for watch in run.watches if watch.following or watch.asked]
        run.due = False
        if not told:
            return
        parts = frozenset[Part]().union(*(watch.parts for watch in told))
        asked = any(watch.asked for watch in told)
        status = None
        if self._trains(run.path) and run.record is not None and not asked:
            status = run.record.info.status
            if not run.gap:
                parts -= {"metrics"}
                if not parts:
                    return
        for watch in told:
            watch.asked = False
        reader, offset = run.reader, run.offset

        def done(found: Difference) -> None:
            if run.reader is not reader:
                return
            run.reading = False
            run.record, run.offset = applied(run.record, found), found.offset
            if "metrics" in parts:
                run.gap = found.more
            elif found.whole:
                run.gap = True
            if found.more:
                for watch in told:
                    watch.asked = watch.asked or "metrics" in watch.parts
            self._tell(run, told)
            self._go_on()

        def failed(event: Failed) -> None:
            if run.reader is not reader:
                return
            run.begin()
            for watch in told:
                if watch in run.watches and watch.failed is not None:
                    watch.failed(event)

        def stopped() -> None:
            if run.reader is reader:
                run.reading = False

        run.reading = True
        self._store.tasks.submit(
            "files",
            "read the run",
            lambda context: reader.read(parts, offset, status),
            done=done,
            failed=failed,
            stopped=stopped,
        )

    def _tell(self, run: _Run, told: list[Watch]) -> None:
        for watch in told:
            # Whoever is told may close other watches, or have all be read anew.
            if watch in run.watches and run.record is not None:
                watch.take(run.record)

    # events of the run that this window trains
    def _trains(self, path: Path) -> bool:
        training = self._store.state.training
        return training is not None and training.run == path

    def _trained(self, event: TrainingEvent) -> None:
        run = self._runs.get(event.run)
        if run is None or run.record is None:
            return
        if isinstance(event, TrainingPreview | TrainingSaved):
            run.due = True
        elif isinstance(event, TrainingMetrics | TrainingState):
            if not run.follows("metrics"):
                return  # It catches up when somebody looks.
            run.events.append(event)
            if len(run.events) > MOST_WAITING:
                run.events, run.gap = [], True
        else:
            return
        self.poll_soon()

    def _take_events(self, run: _Run) -> None:
        events, run.events = run.events, []
        record = run.record
        if record is None or not events:
            return
        rows: list[runs.MetricsRow] = []
        for event in events:
            if isinstance(event, TrainingState):
                alive = event.state in runs.ACTIVE
                status = runs.RunStatus(event.state, event.step, event.steps, alive)
                record = replace(record, info=replace(record.info, status=status))
            elif event.begin == run.offset and not run.gap:
                rows.append(runs.MetricsRow(event.step, dict(event.values), event.time))
                run.offset = event.end
            elif event.end > run.offset:
                run.gap = run.due = True
        if rows:
            record = replace(record, series=extended(record.series, columns(rows)))
        run.record = record
        self._tell(run, [watch for watch in run.watches if watch.following])
