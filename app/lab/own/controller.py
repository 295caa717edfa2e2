"""Makes a person's own data the Lab's: read from a file, or drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.core.file_kinds import COLUMNS, ask_file
from app.core.model_host import ModelHost
from app.core.notices import A_TABLE
from app.core.store import Store
from app.core.workspace import Actions
from app.lab.controller import LabController
from app.lab.own.pad import width_within
from app.lab.state import Drawing, LabState
from app.state import AppState
from engine.events import Failed
from engine.lab import DRAWN, MOST_STAMPS, Stamp, TruthInfo, csv_name, drawn_name, stamps_of
from engine.lanes import Context

if TYPE_CHECKING:
    from app.lab.view import LabView


class OwnData(QObject):
    """What cannot be read is said in a sentence, and the stages keep their data."""

    def __init__(self, store: Store, lab: LabController, window: QWidget, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._lab, self._window = store, lab, window
        self._host = ModelHost(device="cpu")
        self._left: Drawing | None = None
        store.changed.connect(self._changed)

    def connect_view(self, view: LabView) -> Actions:
        """The buttons under the tiles, drops, and the page to draw on."""
        view.own.drawWanted.connect(self.draw)
        view.own.fileWanted.connect(self.ask)
        view.filesDropped.connect(self.take)
        page = view.drawing
        page.brushChosen.connect(lambda erasing: self._draw(erasing=erasing))
        page.widthChosen.connect(lambda width: self._draw(width=width))
        page.undoWanted.connect(self.undo)
        page.clearWanted.connect(self.clear)
        page.cancelWanted.connect(self.cancel)
        page.learnWanted.connect(self.learn)
        page.pad.stamped.connect(self.stamp)
        page.pad.erased.connect(self.erase)
        page.pad.strokeBegun.connect(self.begin_stroke)
        page.pad.widthTurned.connect(self.turn)
        return {"lab.draw": self.draw, "lab.csv": self.ask}

    @property
    def _state(self) -> LabState:
        return self._lab.state

    # files
    def ask(self) -> None:
        """Asks for a file of numbers."""
        ask_file(self._window, "Numbers in one or two columns", COLUMNS, use=self.open)

    def take(self, files: Sequence[Path]) -> None:
        """The first of the files that were dropped; it is said when there are more."""
        if len(files) > 1:
            self._store.notices.info(f"One file at a time: {files[0].name} is read, {len(files) - 1} more are left.")
        if files:
            self.open(files[0])

    def open(self, path: Path) -> None:
        """Reads a file and lets the stages learn it."""
        self._read(csv_name(path))

    def _read(self, name: str, *, play: bool = False) -> None:
        def work(context: Context) -> TruthInfo:
            return self._host.session().truth_info(name)

        def done(info: TruthInfo) -> None:
            known = [one for one in self._state.own if one != name and not (_drawn(one) and _drawn(name))]
            self._store.notices.table_read()
            self._lab.take_truth(info, own=(*known, name), drawing=None)
            if play:
                self._lab.play()

        def failed(event: Failed) -> None:
            self._store.notices.failed(event, about=A_TABLE)

        self._store.tasks.submit("look", "read data", work, done=done, failed=failed, latest="lab own data")

    # drawing
    def draw(self) -> None:
        """Opens the page to draw on, with what was drawn before or left; opened already, it stays."""
        state = self._state
        if state.drawing is not None or state.catalogue is None:
            return
        self._lab.pause()
        if self._left is not None:
            drawing, self._left = self._left, None
            self._store.update_part(LabState, drawing=drawing)
            return
        before = next((stamps_of(one) for one in state.own if _drawn(one)), ())
        if _drawn(state.truth):
            before = stamps_of(state.truth)
        self._store.update_part(LabState, drawing=Drawing(before))

    def _changed(self, before: AppState, now: AppState) -> None:
        """Other data, a lesson or stages that learn are to be seen: the drawing is put aside."""
        old, new = before.part(LabState), now.part(LabState)
        if old.drawing is None or new.drawing is None:
            return
        if (old.truth, old.lessons.open) != (new.truth, new.lessons.open) or (new.playing and not old.playing):
            self._left = new.drawing
            self._store.update_part(LabState, drawing=None)

    def _draw(self, **changes: Any) -> None:
        drawing = self._state.drawing
        if drawing is not None:
            self._store.update_part(LabState, drawing=replace(drawing, **changes))

    def begin_stroke(self) -> None:
        """What comes next is taken back at once."""
        drawing = self._state.drawing
        if drawing is not None and drawing.strokes[-1:] != (drawing.stamps,):
            self._draw(strokes=(*drawing.strokes, drawing.stamps))

    def stamp(self, x: float, y: float) -> None:
        """One touch of the brush, as long as there is room for one."""
        drawing = self._state.drawing
        if drawing is not None and len(drawing.stamps) < MOST_STAMPS:
            self._draw(stamps=(*drawing.stamps, Stamp(x, y, width=drawing.width)))

    def erase(self, x: float, y: float) -> None:
        """Takes away the touches whose middle is under the brush."""
        drawing = self._state.drawing
        if drawing is not None:
            left = tuple(one for one in drawing.stamps if math.hypot(one.x - x, one.y - y) > drawing.width)
            if len(left) < len(drawing.stamps):
                self._draw(stamps=left)

    def turn(self, factor: float) -> None:
        """A wider or a narrower brush."""
        drawing = self._state.drawing
        if drawing is not None:
            self._draw(width=width_within(drawing.width * factor))

    def clear(self) -> None:
        """Nothing is drawn; it is taken back as a stroke is."""
        self.begin_stroke()
        self._draw(stamps=())

    def undo(self) -> None:
        """As it was before the last stroke."""
        drawing = self._state.drawing
        if drawing is not None and drawing.changed:
            # A stroke that left all as it was is none.
            strokes = drawing.strokes if drawing.strokes[-1] != drawing.stamps else drawing.strokes[:-1]
            self._draw(stamps=strokes[-1], strokes=strokes[:-1])

    def cancel(self) -> None:
        """Back to the data of before."""
        self._store.update_part(LabState, drawing=None)

    def learn(self) -> None:
        """Lets the stages learn what was drawn."""
        drawing = self._state.drawing
        if drawing is not None and drawing.stamps:
            self._read(drawn_name(drawing.stamps), play=True)


def _drawn(name: str) -> bool:
    return name.startswith(DRAWN)
