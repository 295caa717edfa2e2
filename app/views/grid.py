"""Thirty-six samples at the current temperature; a click takes one."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from app.state import AppState, moved
from app.widgets.buttons import button
from app.widgets.grid import PictureGrid
from app.widgets.layout import hbox, vbox

COUNT: Final = 36
COLUMNS: Final = (4, 6, 9, 12)


class GridView(QWidget):
    """Emits the index of the sample that was taken, and of the one to see large."""

    picked = Signal(int)
    opened = Signal(int)
    rollWanted = Signal()

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.grid = PictureGrid(columns=6, empty_text="Drawing samples…")
        self.grid.setToolTip("A click takes a sample as the current code, a double click shows it large.")
        self.grid.cellClicked.connect(self.picked)
        self.grid.cellDoubleClicked.connect(self.opened)
        self.roll = button("Others", "Thirty-six other samples at this temperature")
        self.roll.clicked.connect(lambda: self.rollWanted.emit())
        column = vbox(self.grid, hbox(None, self.roll), gap_px=8)
        column.setStretch(0, 1)
        self.setLayout(column)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # Only whole rows: 36 divides by these.
        room_w, room_h = self.grid.width(), self.grid.height()
        self.grid.set_columns(max(COLUMNS, key=lambda n: min(room_w / n, room_h / (COUNT // n))))

    def show_state(self, now: AppState, before: AppState | None) -> None:
        """Shows the state."""
        if moved(now, before, "grid", "temperature"):
            self.grid.set_pictures(now.grid.pictures)
            self.grid.set_selected(now.grid.chosen)
            mean = sum(now.temperature) / len(now.temperature)
            self.grid.set_caption("Samples of the prior", f"temperature {mean:.2f} · set {now.grid.seed}")
