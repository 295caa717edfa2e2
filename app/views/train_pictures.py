"""What the run on show draws: samples from fixed codes, with the history scrubber beneath them."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from app.state import AppState, RunView, moved
from app.widgets.grid import PictureGrid
from app.widgets.layout import vbox
from app.widgets.slider import ValueSlider

CAPTION_PX: Final = 28


class TrainPictures(QWidget):
    """The grid as large as its room allows, the scrubber close beneath it. Emits the preview that is wanted."""

    scrubbed = Signal(int)

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.grid = PictureGrid(columns=5, empty_text="Samples appear here with the first preview.")
        self.scrubber = ValueSlider(
            "History", 0, 1, value=0, decimals=0, tooltip="The samples as they were at this step.", label_px=64
        )
        self.scrubber.changed.connect(self._scrub)
        self._steps: list[int] = []
        column = vbox(self.grid, self.scrubber, None, gap_px=8)
        column.setStretch(0, 1000)
        self.setLayout(column)

    def show_state(self, now: AppState, before: AppState | None) -> None:
        """Shows the state."""
        if moved(now, before, "run_view") and now.run_view is not None:
            self._show_samples(now.run_view)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.grid.setMaximumHeight(self.width() + CAPTION_PX)

    def _show_samples(self, view: RunView) -> None:
        self.grid.set_pictures(view.pictures)
        step = view.previews[view.shown][0] if 0 <= view.shown < len(view.previews) else None
        self.grid.set_caption("Samples from fixed codes", "" if step is None else f"step {step:,}")
        self._steps = [at for at, _ in view.previews]
        self.scrubber.setEnabled(len(self._steps) > 1)
        if len(self._steps) > 1:
            self.scrubber.set_range(self._steps[0], self._steps[-1])
        if step is not None:
            self.scrubber.set_value(step)

    def _scrub(self, step: float) -> None:
        """The preview nearest to a step."""
        if self._steps:
            self.scrubbed.emit(min(range(len(self._steps)), key=lambda i: abs(self._steps[i] - step)))
