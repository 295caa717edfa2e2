"""The curves of Train: what else belongs to the run on show, other runs over it, notes, and what goes out as files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QObject, QTimer
from PySide6.QtGui import QImage, QImageWriter

from app.core.store import Store
from app.state import AppState
from app.train.curves.export import Sheet, write, write_table
from app.train.curves.state import AXES, MOST_RUNS, CurvesState, Overlay
from app.train.runs import reader as run_reader
from engine.runs.directory import FigureRow, NoticeRow, read_figures, read_notices
from engine.runs.notes import Note, read_notes, set_note

OVERLAY_MS: Final = 1000
MOST_NOTICES: Final = 500
MOST_CHARTS: Final = 2000
"""Of each name; a run with more previews loses its earliest."""


@dataclass(frozen=True, eq=False)
class Beside:
    """What a run's folder holds beside its metrics, since the offsets before."""

    notes: tuple[Note, ...]
    notices: list[NoticeRow]
    figures: list[FigureRow]
    offsets: tuple[int, int]


def read_beside(path: Path, offsets: tuple[int, int]) -> Beside:
    """Notes, and the news of notices and charts."""
    notices, first = read_notices(path, offsets[0])
    figures, second = read_figures(path, offsets[1])
    return Beside(read_notes(path), notices, figures, (first, second))


class CurvesController(QObject):
    """Reads beside the run on show each time it is read, and overlaid runs once a second while they are written."""

    def __init__(self, store: Store, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._offsets = (0, 0)
        self._reading: Path | None = None
        self._overlay_offsets: dict[Path, int] = {}
        self._overlays_reading: set[Path] = set()
        self._timer = QTimer(self, interval=OVERLAY_MS)
        self._timer.timeout.connect(self._read_live)
        store.changed.connect(self._changed)

    @property
    def _now(self) -> CurvesState:
        return self._store.state.curves

    def _set(self, **changes: Any) -> None:
        self._store.update(curves=replace(self._now, **changes))

    # how they are drawn
    def set_smoothing(self, amount: float) -> None:
        """0 draws the points as they are."""
        self._set(smoothing=min(0.99, max(0.0, amount)))

    def set_log(self, on: bool) -> None:
        """All plots on a logarithmic axis, or each as it likes."""
        self._set(log=on)

    def toggle_log(self) -> None:
        """The other of the two."""
        if self._store.state.workspace == "train":
            self.set_log(not self._now.log)

    def set_axis(self, axis: str) -> None:
        """What x counts, a key of `AXES`."""
        self._set(axis=axis)

    def next_axis(self) -> None:
        """The next thing that x may count."""
        if self._store.state.workspace == "train":
            keys = [key for key, _ in AXES]
            self.set_axis(keys[(keys.index(self._now.axis) + 1) % len(keys)])

    def set_log_x(self, on: bool) -> None:
        """A logarithmic x axis or not."""
        self._set(log_x=on)

    def show_metric(self, name: str, on: bool) -> None:
        """A plot of its own for a metric that no other plot draws."""
        others = tuple(more for more in self._now.more if more != name)
        self._set(more=(*others, name) if on else others)

    # the run on show
    def _changed(self, before: AppState, now: AppState) -> None:
        view, old = now.run_view, before.run_view
        if now.closing:
            self._timer.stop()
            return
        if view is None:
            return
        if view.path != self._now.path:
            self._offsets = (0, 0)
            self._set(
                path=view.path,
                notes=(),
                notices=(),
                figures={},
                overlays=tuple(one for one in self._now.overlays if one.path != view.path),
            )
            self._read_beside(view.path)
        elif old is not None and view.info is not old.info:
            self._read_beside(view.path)
        if now.workspace != before.workspace:
            self._keep_time()

    def _read_beside(self, path: Path) -> None:
        if self._reading == path:
            return
        self._reading = path
        offsets = self._offsets

        def done(found: Beside) -> None:
            self._reading = None
            # Another answer to the same question may have come first, when runs were switched to and fro.
            if self._now.path != path or self._offsets != offsets:
                return
            self._offsets = found.offsets
            state = self._now
            changes: dict[str, Any] = {}
            if found.notes != state.notes:
                changes["notes"] = found.notes
            if found.notices:
                changes["notices"] = (*state.notices, *found.notices)[-MOST_NOTICES:]
            if found.figures:
                changes["figures"] = with_charts(state.figures, found.figures)
            if changes:
                self._set(**changes)

        def ended(_: object = None) -> None:
            self._reading = None

        self._store.tasks.submit(
            "files",
            "read the run's notes",
            lambda context: read_beside(path, offsets),
            done=done,
            failed=ended,
            stopped=ended,
            latest="beside the run",
        )

    # notes
    def set_note(self, step: int, text: str) -> None:
        """Keeps a note at a step of the run on show; an empty text removes it."""
        path = self._now.path
        if path is None:
            return

        def done(notes: tuple[Note, ...]) -> None:
            if self._now.path == path:
                self._set(notes=notes)

        self._store.tasks.submit("files", "keep the note", lambda context: set_note(path, step, text), done=done)

    # other runs
    def compare(self, path: Path, on: bool) -> None:
        """Draws another run over the one on show, or no longer."""
        overlays = tuple(one for one in self._now.overlays if one.path != path)
        if not on:
            self._overlay_offsets.pop(path, None)
            self._set(overlays=overlays)
            self._keep_time()
            return
        card = next((card for card in self._store.state.runs if card.info.path == path), None)
        if card is None or path == self._now.path:
            return
        if len(overlays) >= MOST_RUNS - 1:
            self._store.notices.warn(f"{MOST_RUNS} runs are compared already: take one away before you add another.")
            return
        self._overlay_offsets[path] = 0
        self._set(overlays=(*overlays, Overlay(path, card.info)))
        self._read_overlay(path)

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

    def _read_live(self) -> None:
        for one in self._now.overlays:
            if one.info.status.alive:
                self._read_overlay(one.path)

    def _read_overlay(self, path: Path) -> None:
        if path in self._overlays_reading or path not in self._overlay_offsets:
            return
        self._overlays_reading.add(path)
        offset = self._overlay_offsets[path]

        def done(news: run_reader.News) -> None:
            self._overlays_reading.discard(path)
            shown = next((one for one in self._now.overlays if one.path == path), None)
            # It may have been taken away, or taken away and added again, while it was being read.
            if shown is None or self._overlay_offsets.get(path) != offset:
                return
            self._overlay_offsets[path] = news.offset
            changed = replace(shown, info=news.info, series=run_reader.extended(shown.series, news.fresh))
            self._set(overlays=tuple(changed if one.path == path else one for one in self._now.overlays))
            if news.more:
                self._read_overlay(path)
            self._keep_time()

        def failed(event: Any) -> None:
            self._overlays_reading.discard(path)
            self.compare(path, False)
            self._store.notices.failed(event)

        self._store.tasks.submit(
            "files",
            "read a run to compare",
            lambda context: run_reader.read_news(path, offset),
            done=done,
            failed=failed,
            stopped=lambda: self._overlays_reading.discard(path),
        )

    def _keep_time(self) -> None:
        state = self._store.state
        live = any(one.info.status.alive for one in state.curves.overlays)
        if live and state.workspace == "train" and not state.closing:
            if not self._timer.isActive():
                self._timer.start()
        else:
            self._timer.stop()

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


def png_bytes(image: QImage) -> bytes:
    """The image as PNG."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(image)
    return bytes(buffer.data().data())


def with_charts(known: Any, fresh: list[FigureRow]) -> dict[str, tuple[FigureRow, ...]]:
    """The charts with newer ones; after a resume from an earlier step the newer ones replace the older."""
    out: dict[str, tuple[FigureRow, ...]] = dict(known)
    for row in fresh:
        before = out.get(row.name, ())
        while before and before[-1].step >= row.step:
            before = before[:-1]
        out[row.name] = (*before, row)[-MOST_CHARTS:]
    return out
