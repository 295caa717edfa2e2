"""The curves of Train: what else belongs to the run on show, other runs over it, notes, and what goes out as files."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage

from app.core.run_files import RunRecord
from app.core.run_follower import RunFollower, Watch, in_progress
from app.core.store import Store
from app.state import AppState
from app.train.curves.export import Sheet, write, write_table
from app.train.curves.state import AXES, MOST_RUNS, CurvesState, Overlay
from app.widgets.pixels import png_bytes
from engine.events import Failed
from engine.runs import Note, set_note


class CurvesController(QObject):
    """Takes what is told beside the metrics of the run on show, and overlaid runs."""

    def __init__(self, store: Store, follower: RunFollower, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._follower = store, follower
        self._watch: Watch | None = None
        self._told: RunRecord | None = None
        self._overlaid: dict[Path, Watch] = {}
        store.changed.connect(self._changed)

    @property
    def _now(self) -> CurvesState:
        return self._store.state.curves

    # how they are drawn
    def toggle_log(self) -> None:
        """All plots on a logarithmic axis, or each as it likes."""
        self._store.change("curves", log=not self._now.log)

    def next_axis(self) -> None:
        """The next thing that x may count."""
        keys = [key for key, _ in AXES]
        self._store.change("curves", axis=keys[(keys.index(self._now.axis) + 1) % len(keys)])

    def show_metric(self, name: str, on: bool) -> None:
        """A plot of its own for a metric that no other plot draws."""
        others = tuple(more for more in self._now.more if more != name)
        self._store.change("curves", more=(*others, name) if on else others)

    # the run on show
    def _changed(self, before: AppState, now: AppState) -> None:
        path = now.run_view.path if now.run_view is not None else None
        if path is not None and path != self._now.path:
            if self._watch is not None:
                self._watch.close()
            overlays = tuple(one for one in self._now.overlays if one.path != path)
            self._store.change("curves", path=path, notes=(), notices=(), figures={}, overlays=overlays)
            self._told = None
            self._watch = self._follower.watch(path, "notes", take=self._take)
        if self._watch is not None:
            self._watch.follow(in_progress(now))
        overlaid = {one.path for one in self._now.overlays}
        if now.workspace != before.workspace or now.closing or self._overlaid.keys() != overlaid:
            self._keep_overlays()

    def _take(self, record: RunRecord) -> None:
        old, self._told = self._told, record
        if old is None or any(a is not b for a, b in zip(_beside(old), _beside(record), strict=True)):
            self._store.change("curves", notes=record.notes, notices=record.notices, figures=record.charts)

    # notes
    def set_note(self, step: int, text: str) -> None:
        """Keeps a note at a step of the run on show; an empty text removes it."""
        path = self._now.path
        if path is None:
            return

        def done(notes: tuple[Note, ...]) -> None:
            if self._now.path == path:
                self._store.change("curves", notes=notes)
                self._follower.look(path)

        self._store.tasks.submit("files", "keep the note", lambda context: set_note(path, step, text), done=done)

    # other runs
    def compare(self, path: Path, on: bool) -> None:
        """Draws another run over the one on show, or no longer."""
        overlays = tuple(one for one in self._now.overlays if one.path != path)
        if not on:
            self._store.change("curves", overlays=overlays)
            return
        card = next((card for card in self._store.state.runs if card.info.path == path), None)
        if card is None or path == self._now.path:
            return
        if len(overlays) >= MOST_RUNS - 1:
            self._store.notices.warn(f"{MOST_RUNS} runs are compared already: take one away before you add another.")
            return
        self._store.change("curves", overlays=(*overlays, Overlay(path, card.info)))

    def compare_only(self, paths: tuple[Path, ...]) -> None:
        """Draws just these runs over the one on show, as many as there is room for."""
        wanted = [path for path in paths if path != self._now.path][: MOST_RUNS - 1]
        for one in self._now.overlays:
            if one.path not in wanted:
                self.compare(one.path, False)
        shown = {one.path for one in self._now.overlays}
        for path in wanted:
            if path not in shown:
                self.compare(path, True)

    def _keep_overlays(self) -> None:
        """Watches the runs that are overlaid, the live ones while Train is on show."""
        state = self._store.state
        alive = {one.path: one.info.status.alive for one in self._now.overlays}
        for path in self._overlaid.keys() - alive.keys():
            self._overlaid.pop(path).close()
        for path in alive.keys() - self._overlaid.keys():
            self._overlaid[path] = self._follower.watch(
                path, "metrics", take=partial(self._take_overlay, path), failed=partial(self._lost, path)
            )
        for path, watch in self._overlaid.items():
            watch.follow(alive[path] and state.workspace == "train" and not state.closing)

    def _take_overlay(self, path: Path, record: RunRecord) -> None:
        changed = Overlay(path, record.info, record.series)
        self._store.change("curves", overlays=tuple(changed if one.path == path else one for one in self._now.overlays))
        self._keep_overlays()

    def _lost(self, path: Path, event: Failed) -> None:
        self.compare(path, False)
        self._store.notices.failed(event)

    # out
    def save_table(self, path: Path, sheet: Sheet) -> None:
        """What is shown as CSV."""
        self._store.tasks.submit(
            "files",
            "write the curves",
            lambda context: write_table(path, sheet),
            done=lambda rows: self._store.notices.info(f"Saved {rows:,} rows to {path.name}."),
        )

    def save_picture(self, path: Path, image: QImage) -> None:
        """What is shown as a picture. An image that nobody draws on any more may be encoded by another thread."""
        self._store.tasks.submit(
            "files",
            "write the picture",
            lambda context: write(path, png_bytes(image)),
            done=lambda _: self._store.notices.info(f"Saved {path.name}, {image.width()} × {image.height()} pixels."),
        )


def _beside(record: RunRecord) -> tuple[object, ...]:
    """What a record has beside its metrics."""
    return record.notes, record.notices, record.charts
