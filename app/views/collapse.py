"""Is it any good? The verdict about the run on show and what it rests on."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QWidget

from app.state import AppState
from app.widgets.layout import vbox


class CollapsePanel(QWidget):
    """The verdict and its findings."""

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setLayout(vbox(QLabel(), None, gap_px=8))

    def show_state(self, now: AppState, before: AppState | None) -> None:
        """Shows the state."""
