"""The grid: samples, neighbours of the current code, or the manifold; a click takes one."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QMenu, QWidget

from app.explore.grid.recipe import axes_of, axis_name, axis_options, caption, edit_names, strength_words
from app.explore.grid.shown import whole_shows
from app.explore.grid.state import (
    EDITS,
    FEWEST_SIDE,
    GRID_KINDS,
    MANIFOLD,
    MOST_ROWS,
    MOST_SIDE,
    NEIGHBOURS,
    SAMPLES,
    GridCell,
)
from app.state import AppState, moved
from app.widgets.buttons import button, tick
from app.widgets.form import Combo
from app.widgets.grid import PictureGrid
from app.widgets.layout import hbox, held, vbox
from app.widgets.segmented import Segmented
from app.widgets.slider import ValueSlider
from app.words import nice
from engine.api import Pictures

WEAKEST: Final = 0.5
STRONGEST: Final = 4.0
SHEETS: Final = (128, 256, 384, 512)
NEAREST: Final = 0.05
FARTHEST: Final = 1.5
KIND_TIP: Final = (
    "Samples of the prior; neighbours on the shell around the current code; or the plane of two directions, for a "
    "code of two numbers all of it; or edits, one direction a row, on the photo where there is one."
)
TIPS: Final = {
    SAMPLES: "A click takes a sample as the current code, a double click shows it large.",
    NEIGHBOURS: "The current code is in the middle, and rings farther out are farther away. A click takes one.",
    EDITS: "One direction a row, from weak to strong; the middle is as it was. A click moves the slider there.",
    MANIFOLD: "Drag moves the window, the wheel zooms; Shift with arrows and + − do the same. A click goes there.",
}


class GridView(QWidget):
    """Emits the index of the cell that was taken, and what the grid is to show."""

    axisChosen = Signal(int, str)
    directionToggled = Signal(str, bool)
    roomChanged = Signal(int)

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._columns = 1
        self.kind = Segmented(GRID_KINDS, tooltip=KIND_TIP)
        self.side = ValueSlider(
            "Size",
            FEWEST_SIDE,
            MOST_SIDE,
            default=6,
            decimals=0,
            label_px=32,
            value_px=20,
            tooltip="Pictures in a row and in a column (4 to 10).",
        )
        self.side.setFixedWidth(148)
        self.roll = button("Others", "Other samples, or neighbours in other directions (R)")
        self.radius = ValueSlider(
            "Radius",
            NEAREST,
            FARTHEST,
            default=0.5,
            unit="rad",
            label_px=48,
            value_px=64,
            tooltip="How far the outermost neighbours are, as an angle along the shell (0.05 to 1.5 radians).",
        )
        self.axes = [self._axis(which) for which in (0, 1)]
        self.whole = button("Whole", "The window as at the start", kind="quiet")
        self.reach = ValueSlider(
            "Strength",
            WEAKEST,
            STRONGEST,
            default=2.0,
            unit="σ",
            decimals=1,
            label_px=56,
            value_px=44,
            tooltip="How far the outermost columns go to either side, in sigmas (0.5 to 4).",
        )
        self.reach.setMaximumWidth(300)
        self.rows = button("Rows…", "Which attributes and main axes have a row")
        self.menu = QMenu(self)
        self.rows.setMenu(self.menu)
        self.sheet = Combo([(str(n), f"{n} px") for n in SHEETS], tooltip="Side of each picture of an exported sheet")
        self.sheet.setAccessibleName("Side of each picture of an exported sheet")
        self.export = button("Export…", "Write these pictures as one sheet, with names and strengths")
        self._edits = (self.reach, self.rows, self.sheet, self.export)
        self.grid = PictureGrid(columns=6, empty_text="Drawing samples…", centred=True)
        self._words = [QLabel("Right"), QLabel("Up")]
        head = hbox(self.kind, None, self.side, self.roll)
        axes = (self._words[0], self.axes[0], self._words[1], self.axes[1])
        self._below = held(hbox(self.radius, *axes, self.whole, self.reach, self.rows, None, self.sheet, self.export))
        self.radius.setMaximumWidth(360)
        self.setLayout(vbox(head, self._below, self.grid, gap_px=8, stretch={2: 1}))

    def _axis(self, which: int) -> Combo:
        combo = Combo([("", "–")])
        way = "upwards" if which else "to the right"
        combo.setToolTip(f"The direction {way}: an attribute, a main axis, or the wandering plane.")
        combo.setFixedWidth(148)
        combo.changed.connect(lambda key: self.axisChosen.emit(which, key))
        return combo

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Samples may stand in any whole rows, the others are a square."""
        count = max(1, self.grid.count())
        side = round(count**0.5)
        columns = [side]
        if self.kind.current() == EDITS:
            columns = [self._columns]
        elif self.kind.current() == SAMPLES:
            columns = [n for n in range(1, count + 1) if count % n == 0]
        room_w, room_h = self.grid.width(), self.grid.height()
        self.grid.set_columns(max(columns, key=lambda n: min(room_w / n, room_h / (count / n))))
        if self.kind.current() == EDITS and self.grid.count():
            self.roomChanged.emit(round(self.grid.cell_px() * self.devicePixelRatioF()))

    def show_state(self, now: AppState, before: AppState | None) -> None:
        """Shows the state."""
        if not moved(now, before, "grid", "temperature", "info", "look", "full", "jobs"):
            return
        grid, info = now.grid, now.info
        whole = whole_shows(now)
        turned = before is None or whole != whole_shows(before)
        if moved(now, before, "grid", "info", "jobs") or turned:
            self.kind.set_current(grid.kind)
            self.side.set_value(grid.side)
            self.radius.set_value(grid.radius)
            plane = info is not None and info.code_size == 2
            self.radius.setVisible(grid.kind == NEIGHBOURS)
            for widget in (*self._words, *self.axes):
                widget.setVisible(grid.kind == MANIFOLD and not plane)
            self.whole.setVisible(grid.kind == MANIFOLD)
            for part in self._edits:
                part.setVisible(grid.kind == EDITS)
            self._show_edits(now)
            self.whole.setEnabled(grid.span != 1.0 or grid.centre != (0.0, 0.0))
            self._below.setVisible(grid.kind != SAMPLES)
            self.roll.setEnabled(grid.kind not in (MANIFOLD, EDITS))
            self.grid.setToolTip(TIPS[grid.kind])
            self.grid.set_pannable(grid.kind == MANIFOLD)
            self._show_axes(now)
            if before is None or grid.cells is not before.grid.cells or turned:
                self.grid.set_cells([_picture(cell, whole=whole) for cell in grid.cells])
                self._arrange()
            self.grid.set_selected(grid.chosen)
        if info is not None:
            self.grid.set_caption(*caption(grid, info, now))

    def _show_edits(self, now: AppState) -> None:
        """The rows' names, the columns' strengths, and what can be chosen of them."""
        grid, info = now.grid, now.info
        if info is None or grid.kind != EDITS:
            self.grid.set_names((), ())
            return
        names, self._columns = edit_names(info, grid), grid.shown_side
        steps = [strength_words(grid.reach, column, self._columns) for column in range(self._columns)]
        self.grid.set_names([nice(name) for name in names], steps)
        self.reach.set_value(grid.reach)
        self.sheet.set_current(str(grid.sheet))
        self.export.setEnabled(bool(names) and not any(job.key == "sheet" for job in now.jobs))
        wanted = [(d.name, d.name in names) for d in (*info.attributes, *info.components)]
        if [(action.data(), action.isChecked()) for action in self.menu.actions()] == wanted:
            return
        self.menu.clear()
        for name, checked in wanted:
            free = len(names) > 1 if checked else len(names) < MOST_ROWS
            made = tick(self.menu, nice(name), on=checked, enabled=free, do=partial(self.directionToggled.emit, name))
            made.setData(name)

    def _show_axes(self, now: AppState) -> None:
        if now.info is None or now.grid.kind != MANIFOLD:
            return
        options = [(name, axis_name(name)) for name in axis_options(now.info)]
        for combo, chosen in zip(self.axes, axes_of(now.info, now.grid.axes), strict=True):
            combo.set_options(options)
            combo.set_current(chosen)


def _picture(cell: GridCell | None, *, whole: bool) -> Pictures | None:
    """What of a cell is on show; nothing where the photo is, and its change is not there yet."""
    if cell is None:
        return None
    return cell.whole if whole else cell.picture
