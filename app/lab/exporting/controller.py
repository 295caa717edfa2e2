"""Writes what the Lab shows: drawn on the window's thread where Qt wants it so, encoded and written on lanes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

from app.core.export_job import export_file
from app.core.file_kinds import JSON_FILES, PLOTS, TABLES, ask_animation, ask_save
from app.core.store import Store
from app.core.workspace import Actions
from app.lab.controller import LabController
from app.lab.exporting import tables
from app.lab.exporting.feed import Feed
from app.lab.setups import engine_setups
from app.lab.state import SEEDS, LabState
from app.widgets.pixels import png_bytes
from engine.errors import UserError
from engine.events import Failed
from engine.exploring import save_animation
from engine.files.disk import told_as, write_bytes
from engine.lab import Maps, Span, setup_line
from engine.lanes import Context, Progress

if TYPE_CHECKING:
    from app.lab.exporting.pictures import Stages
    from app.lab.view import LabView

RATIO: Final = 2.0
"""Pixels of a picture for one of the screen."""
MOST_FRAMES: Final = 120
FRAMES_PER_SECOND: Final = 15
ROWS: Final = 64
LOOP: Final = "lab loop"
FEED_MS: Final = 5
FEW: Final = "There is one moment only: let the stages learn for a while, then export the loop."


class Exporting(QObject):
    """Asks for a place and writes; what the disk does not take is said in a sentence."""

    def __init__(self, store: Store, lab: LabController, window: QWidget, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._lab, self._window = store, lab, window
        self._view: LabView | None = None

    def connect_view(self, view: LabView) -> Actions:
        """The entries of the menu, and their keys."""
        self._view = view
        ways: dict[str, Callable[[], object]] = {
            "lab.picture": self.ask_picture,
            "lab.loop": self.ask_loop,
            "lab.curves": self.ask_curves,
            "lab.numbers": self.ask_numbers,
        }
        view.transport.exportWanted.connect(lambda name: ways[name]() if name in ways else None)
        return ways

    @property
    def _state(self) -> LabState:
        return self._lab.state

    def name(self) -> str:
        """What a file is called at first: data, what learns it, and the moment."""
        state = self._state
        presets = [stage.setup.preset for stage in state.stages[: 1 if state.seeded else None]]
        lesson = state.lessons.open
        known = bool(lesson) and all(name.startswith(f"lesson-{lesson}-") for name in presets)
        stages = f"lesson-{lesson}" if known else "-against-".join(presets)
        if state.seeded:
            stages = f"{stages}-{SEEDS}-seeds"
        # Of data the name is a path, of a drawing all that was drawn.
        truth = re.sub(r"[^a-z0-9]+", "-", (state.truth if state.info is None else state.info.title).lower())[:24]
        return f"lab-{truth.strip('-')}-{stages}-{state.clock_shown}"

    # asking
    def ask_picture(self) -> None:
        """Asks where the picture goes to."""
        self._ask("Save the stages as a picture", PLOTS, "png", self.save_picture)

    def ask_curves(self) -> None:
        """Asks where the table goes to."""
        self._ask("Save all curves as a table", TABLES, "csv", self.save_curves)

    def ask_numbers(self) -> None:
        """Asks where the numbers go to."""
        self._ask("Save set-up and numbers", JSON_FILES, "json", self.save_numbers)

    def ask_loop(self) -> None:
        """Asks where the loop goes to."""
        if len(self._state.kept) < 2:
            self._store.notices.warn(FEW)
            return
        ask_animation(self._window, "Save a loop through all that was kept", use=self.save_loop, name=self.name())

    def _ask(self, title: str, filters: str, suffix: str, use: Callable[[Path], object]) -> None:
        if self._state.made:
            ask_save(self._window, title, filters, suffix=suffix, use=use, name=f"{self.name()}.{suffix}")

    # writing
    def save_picture(self, path: Path) -> None:
        """The stages as they are drawn, twice as fine as the screen."""
        from app.lab.exporting.pictures import caption

        image = self._stages(RATIO).drawn(self._state, caption(self._state))
        self._write(path, lambda: png_bytes(image))

    def save_curves(self, path: Path) -> None:
        """Every curve of every stage."""
        state = self._state
        self._write(path, lambda: tables.curves_csv(state).encode())

    def save_numbers(self, path: Path) -> None:
        """Set-up, clock, and all numbers with their floors."""
        state, bench = self._state, self._lab.bench
        # The numbers are of the stages that were made, where the knobs beside them may ask for what cannot be.
        line = setup_line(engine_setups(state) if bench is None else bench.setups)

        def made() -> bytes:
            return (json.dumps(tables.numbers(state, line), indent=1, allow_nan=False) + "\n").encode()

        self._write(path, made)

    def _write(self, path: Path, made: Callable[[], bytes]) -> None:
        def work(context: Context) -> None:
            with told_as(UserError, f"{path} could not be written", "choose another place."):
                write_bytes(path, made())

        def done(_: object) -> None:
            self._store.notices.info(f"Saved {path.name} in {path.parent}.")

        self._store.tasks.submit("files", "export from the Lab", work, done=done)

    def _stages(self, ratio: float) -> Stages:
        from app.lab.exporting.pictures import Stages

        assert self._view is not None
        cards = self._view.cards[: len(self._state.stages)]
        return Stages([card.geometry() for card in cards], ratio=ratio)

    # the loop
    def save_loop(self, path: Path) -> None:
        """A frame for each kept moment, `MOST_FRAMES` at most, drawn with the layers on show."""
        state, bench, span = self._state, self._lab.bench, self._lab.looking.span
        if bench is None or span is None or len(state.kept) < 2:
            self._store.notices.warn(FEW)
            return
        self._lab.pause()
        places = np.unique(np.linspace(0, len(state.kept) - 1, MOST_FRAMES).round().astype(int))
        feed, stages = Feed(len(places)), self._stages(1.0)

        def work(progress: Progress) -> Path:
            return save_animation(
                path, feed.frames(progress), count=feed.count, frames_per_second=FRAMES_PER_SECOND, progress=progress
            )

        export_file(
            self._store,
            path,
            work,
            said=lambda made: f"Saved {made.name} in {made.parent}: {feed.count} moments.",
            key=LOOP,
            what="A loop",
            unit="moments",
            at_first="The first moment",
        )
        whole = replace(state, depth=1.0)
        _Drawing(self._store, self._lab, whole, span, feed, partial(_frame, stages), places.tolist(), self)


class _Drawing(QObject):
    """Draws the moments of a loop one after the other, as the feed has room for them: the maps of each on the lane that
    looks, the rest here."""

    def __init__(
        self,
        store: Store,
        lab: LabController,
        state: LabState,
        span: Span,
        feed: Feed,
        frame: Callable[[LabState], Any],
        places: list[int],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._store, self._lab, self._state, self._feed, self._frame = store, lab, state, feed, frame
        # Other data may come meanwhile: the loop stays with those that it began with.
        self._bench, self._span, self._places, self._busy = lab.bench, span, places, False
        self._timer = QTimer(self, interval=FEED_MS)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def _tick(self) -> None:
        waits = any(job.key == LOOP for job in self._store.state.jobs)
        if self._feed.ended or not waits or not self._places or self._store.state.closing:
            self._timer.stop()
            self.deleteLater()
        elif self._feed.room and not self._busy:
            self._busy = True
            self._next(self._places[0])

    def _next(self, place: int) -> None:
        bench, looking = self._bench, self._lab.looking
        assert bench is not None
        state = replace(self._state, at=place)
        requests = looking.requests(state, span=self._span, rows=ROWS)

        def work(context: object) -> list[Maps]:
            return looking.draw(bench, requests)

        def done(found: list[Maps]) -> None:
            self._places.pop(0)
            past = tuple(
                replace(
                    stage, maps=maps.maps, arrows=maps.arrows, grid=maps.grid, past=maps.trace, figures=(), probe=None
                )
                for stage, maps in zip(state.stages, found, strict=True)
            )
            self._feed.put(self._frame(replace(state, stages=past)))
            self._busy = False

        def failed(event: Failed) -> None:
            self._feed.fail(event.message)

        self._store.tasks.submit("look", "draw a moment", work, done=done, failed=failed)


def _frame(stages: Stages, state: LabState) -> Any:
    from app.lab.exporting.pictures import caption, pixels

    return pixels(stages.drawn(state, caption(state)))
