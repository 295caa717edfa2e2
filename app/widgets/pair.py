"""Two pictures side by side, large, and the row of dots that tells how many pairs have been answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import tokens, ui_font
from app.widgets import paint
from app.widgets.pixels import paint_rounded, to_qimage

GAP_PX: Final = 8
SMALLEST_PX: Final = 96
LARGEST_PX: Final = 360
_DOT_PX: Final = 14


class PairView(QWidget):
    """Two uint8 (H, W, 3) pictures as large as the width allows; without pictures an empty place with words."""

    def __init__(self) -> None:
        super().__init__()
        self._images: tuple[QImage, ...] = ()
        self._words = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(SMALLEST_PX)

    def show_pair(self, left: NDArray[Any], right: NDArray[Any]) -> None:
        """Shows two pictures."""
        self._images, self._words = (to_qimage(left), to_qimage(right)), ""
        self.setAccessibleName("Two pictures to be compared")
        self.update()

    def show_words(self, words: str) -> None:
        """Shows words instead of pictures."""
        self._images, self._words = (), words
        self.setAccessibleName(words)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # Never higher than two squares need; the place under them goes to whoever wants it.
        self.setMaximumHeight(max(SMALLEST_PX, min((self.width() - GAP_PX) // 2, LARGEST_PX)))

    def sizeHint(self) -> QSize:
        return QSize(2 * 220 + GAP_PX, 220)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens()
        painter = paint.smooth(self)
        side = max(32, min((self.width() - GAP_PX) // 2, self.height(), LARGEST_PX))
        x, y = (self.width() - 2 * side - GAP_PX) / 2, 0.0
        for at in range(2):
            place = QRectF(x + at * (side + GAP_PX), y, side, side)
            if self._images:
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
                paint_rounded(painter, place, self._images[at], theme.picture_radius_px)
        if not self._images:
            place = QRectF(x, y, 2 * side + GAP_PX, side)
            paint.box(painter, place, fill=theme.raised, radius_px=theme.picture_radius_px)
            paint.text(
                painter, place, self._words, font=ui_font(), ink=theme.muted, align=Qt.AlignmentFlag.AlignHCenter
            )
        painter.end()


class AnswerDots(QWidget):
    """One dot a pair: filled for the same, open for different, faint for what is to come; the next one is ringed."""

    def __init__(self) -> None:
        super().__init__()
        self._answers: tuple[bool, ...] = ()
        self._total = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(_DOT_PX)

    def set_answers(self, answers: Sequence[bool], total: int) -> None:
        """`answers` True for the same; `total` pairs in all."""
        self._answers, self._total = tuple(answers), total
        self.setAccessibleName(f"{len(self._answers)} of {total} pairs answered")
        self.setToolTip(f"{len(self._answers)} of {total} pairs answered, {sum(self._answers)} the same.")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens()
        painter = paint.smooth(self)
        step = min(_DOT_PX + 2.0, self.width() / max(1, self._total))
        x = (self.width() - step * self._total) / 2 + step / 2
        for at in range(self._total):
            centre = QPointF(x + at * step, _DOT_PX / 2)
            if at < len(self._answers) and self._answers[at]:
                paint.dot(painter, centre, theme.accent_line, 4.5)
            elif at < len(self._answers):
                paint.circle(painter, centre, theme.muted, 3.6, width_px=1.6)
            else:
                paint.dot(painter, centre, theme.track, 3.0)
                if at == len(self._answers):
                    paint.circle(painter, centre, theme.accent_line, 5.5, width_px=1.4)
        painter.end()
