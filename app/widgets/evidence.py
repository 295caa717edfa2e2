"""Rows of small pictures under each other, such as samples over their nearest training images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import tokens, ui_font
from app.widgets import paint
from app.widgets.pixels import paint_rounded, to_qimage

LARGEST_PX: Final = 72
SMALLEST_PX: Final = 28
GAP_PX: Final = 4
CAPTION_PX: Final = 16
_FIGURES_PX: Final = 34


class EvidenceRows(QWidget):
    """Pictures (N, H, W, 3) uint8 a row, all rows of one length; captions stand under the columns.

    As many columns are shown as fit; the tooltip says how many there are.
    """

    def __init__(self) -> None:
        super().__init__()
        self._images: list[list[QImage]] = []
        self._captions: tuple[str, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_rows(self, rows: Sequence[NDArray[Any]], captions: Sequence[str] = ()) -> None:
        """Shows other pictures."""
        self._images = [[to_qimage(picture) for picture in row] for row in rows]
        self._captions = tuple(captions)
        self._fit()
        self.update()

    @property
    def columns(self) -> int:
        """Pictures of a row."""
        return min((len(row) for row in self._images), default=0)

    def _cell_px(self) -> int:
        count = max(1, self.columns)
        fits = (self.width() + GAP_PX) // count - GAP_PX
        return max(SMALLEST_PX, min(LARGEST_PX, fits))

    def shown(self) -> int:
        """How many columns fit."""
        return max(1, min(self.columns, (self.width() + GAP_PX) // (self._cell_px() + GAP_PX)))

    def sizeHint(self) -> QSize:
        return QSize(240, self._height_px())

    def _height_px(self) -> int:
        rows = len(self._images)
        caption = CAPTION_PX if self._captions else 0
        return rows * (self._cell_px() + GAP_PX) - (GAP_PX if rows else 0) + caption

    def _fit(self) -> None:
        self.setFixedHeight(max(1, self._height_px()))
        more = self.columns - self.shown()
        self.setToolTip(f"{more} more do not fit here." if more > 0 else "")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint.smooth(self)
        cell = self._cell_px()
        for at in range(self.shown() if self.columns else 0):
            x = at * (cell + GAP_PX)
            for row, images in enumerate(self._images):
                paint_rounded(painter, QRectF(x, row * (cell + GAP_PX), cell, cell), images[at], 3)
            if at < len(self._captions) and cell >= _FIGURES_PX:
                place = QRectF(x, len(self._images) * (cell + GAP_PX) - 2, cell, CAPTION_PX)
                # A long caption loses its words, not its figure.
                words = self._captions[at] if cell >= LARGEST_PX else _short(self._captions[at])
                paint.text(
                    painter, place, words, font=ui_font(10), ink=tokens().muted, align=Qt.AlignmentFlag.AlignHCenter
                )
        painter.end()


def _short(caption: str) -> str:
    """The figure of a caption, or all of it where it has none."""
    return next((word for word in caption.split() if any(letter.isdigit() for letter in word)), caption)
