"""The runs to choose from, in the left panel of Train."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.state import AppState, moved
from app.views.library import run_card
from app.widgets.cards import CardList
from app.widgets.layout import scrolled, vbox


class RunsPanel(QWidget):
    """Emits the folder of the run that was chosen."""

    runChosen = Signal(str)

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.runs = CardList(empty_text="Runs appear here.")
        self.runs.activated.connect(self.runChosen)
        inner = QWidget()
        inner.setLayout(vbox(self.runs, None))
        column = vbox(scrolled(inner), gap_px=0)
        column.setContentsMargins(16, 8, 8, 8)
        self.setLayout(column)

    def show_state(self, now: AppState, before: AppState | None) -> None:
        """Shows the state."""
        if moved(now, before, "runs", "training"):
            self.runs.set_cards([run_card(card, now) for card in now.runs])
        if moved(now, before, "runs", "run_view"):
            key = str(now.run_view.path) if now.run_view is not None else None
            self.runs.set_selected(key if any(card.key == key for card in self.runs.cards()) else None)
