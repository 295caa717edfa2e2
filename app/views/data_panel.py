"""What a data set holds before it is trained on: counts, sizes, labels, splits, duplicates and broken files."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.state import AppState


class DataPanel(QWidget):
    """The data set browser."""

    def show_state(self, now: AppState, before: AppState | None) -> None:
        """Shows the state."""
