"""One photo through every model: a row each with reconstruction, error and figures."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRect, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QStackedWidget, QVBoxLayout, QWidget

from app.state import AppState, CompareRow, moved
from app.theme import set_kind
from app.widgets.empty import EmptyState
from app.widgets.layout import scrolled, vbox
from app.widgets.picture import CAPTION_PX, Picture
from app.words import ERROR_TITLE, decibels, milliseconds

GAP_PX: Final = 16
FIGURES_PX: Final = 152
SMALLEST_PX: Final = 112


class _Row(QWidget):
    """One model: name and figures, reconstruction, error map."""

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title, self.detail, self.figures = QLabel(), QLabel(), QLabel()
        set_kind(self.title, "title")
        set_kind(self.detail, "muted")
        set_kind(self.figures, "value")
        self.figures.setWordWrap(True)
        self.texts = QWidget(self)
        self.texts.setLayout(vbox(self.title, self.detail, 4, self.figures, None, gap_px=4))
        self.picture = Picture("Reconstruction", parent=self)
        self.error = Picture(ERROR_TITLE, parent=self)

    def show_row(self, row: CompareRow) -> None:
        self.title.setText(row.title)
        self.detail.setText(row.detail)
        found = row.encoded
        for picture in (self.picture, self.error):
            picture.set_busy(row.status in ("waiting", "working"))
        self.picture.set_picture(found.reconstruction if found is not None else None)
        self.error.set_picture(found.error_map if found is not None else None)
        waiting = {"waiting": "Waiting", "working": "Encoding…", "failed": row.message}.get(row.status, "")
        if row.fraction is not None:
            waiting = f"Searching {row.fraction:.0%}"
        self.picture.set_empty_text(waiting)
        self.error.set_empty_text("")
        if found is None:
            self.figures.setText("")
            return
        bits = "" if found.bits_per_dim is None else f"\n{found.bits_per_dim:.2f} bits/dim"
        self.figures.setText(
            f"{decibels(found.psnr_db)} PSNR\n{found.ssim:.3f} SSIM\n{milliseconds(found.milliseconds)}{bits}"
        )
        self.error.set_captions(ERROR_TITLE, decibels(found.psnr_db))

    def place(self, side_px: int) -> None:
        self.setFixedHeight(side_px + CAPTION_PX)
        self.texts.setGeometry(QRect(0, 0, FIGURES_PX, side_px))
        left = FIGURES_PX + GAP_PX
        self.picture.setGeometry(QRect(left, 0, side_px, side_px + CAPTION_PX))
        self.error.setGeometry(QRect(left + side_px + GAP_PX, 0, side_px, side_px + CAPTION_PX))


class _Board(QWidget):
    """The photo at the left, the rows at the right, as large as the room allows."""

    def __init__(self) -> None:
        super().__init__()
        self.photo = Picture("Photo", parent=self)
        self.rows: list[_Row] = []

    def set_rows(self, count: int) -> None:
        while len(self.rows) > count:
            self.rows.pop().deleteLater()
        while len(self.rows) < count:
            row = _Row(parent=self)
            row.show()
            self.rows.append(row)
        self.place(self.width(), self._room_px)

    _room_px = 480

    def place(self, width_px: int, height_px: int) -> None:
        self._room_px = height_px
        count = max(1, len(self.rows))
        by_height = (height_px - (count - 1) * GAP_PX) // count - CAPTION_PX
        # Three squares and the figures share the width; what is left over enlarges the photo.
        by_width = (width_px - FIGURES_PX - 4 * GAP_PX) // 3
        side = max(SMALLEST_PX, min(by_height, by_width))
        spare = width_px - FIGURES_PX - 2 * side - 4 * GAP_PX
        large = max(SMALLEST_PX, min(spare, 2 * side + CAPTION_PX + GAP_PX))
        self.photo.setGeometry(QRect(0, 0, large, large + CAPTION_PX))
        left = large + 2 * GAP_PX
        for index, row in enumerate(self.rows):
            row.place(side)
            row.setGeometry(QRect(left, index * (side + CAPTION_PX + GAP_PX), width_px - left, side + CAPTION_PX))
        self.setMinimumHeight(count * (side + CAPTION_PX + GAP_PX) - GAP_PX)


class CompareView(QWidget):
    """Empty until a photo is chosen."""

    sampleWanted = Signal()
    filesDropped = Signal(list)
    imageDropped = Signal(object)

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.empty = EmptyState(
            "One photo through every model",
            "Choose a photo at the left, or drop one. Each model shows what it makes of it, its error and its time.",
            "Take a portrait from the box",
        )
        self.empty.actionClicked.connect(self.sampleWanted)
        self.board = _Board()
        self.board.photo.filesDropped.connect(self.filesDropped)
        self.board.photo.imageDropped.connect(self.imageDropped)
        self._scroll = scrolled(self.board)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.empty)
        self._pages.addWidget(self._scroll)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        room = self._scroll.viewport().size()
        self.board.place(room.width(), self.height())

    def show_state(self, now: AppState, before: AppState | None) -> None:
        """Shows the state."""
        if moved(now, before, "photo"):
            self._pages.setCurrentIndex(0 if now.photo is None else 1)
        if moved(now, before, "photo", "loaded", "encoded", "photos"):
            item = next((p for p in now.photos if p.key == now.photo), None)
            best = (
                now.encoded.photo if now.encoded is not None else now.loaded.picture if now.loaded is not None else None
            )
            self.board.photo.set_picture(best if best is not None else item.thumb if item is not None else None)
            self.board.photo.set_captions(item.name if item is not None else "Photo")
        if moved(now, before, "compare"):
            if len(self.board.rows) != len(now.compare):
                self.board.set_rows(len(now.compare))
                self._place()
            for widget, row in zip(self.board.rows, now.compare, strict=True):
                widget.show_row(row)
