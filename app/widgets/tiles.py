"""A choice by picture: a row of tiles of which one is on, with a word under each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from numpy.typing import NDArray
from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import color, tokens, ui_font
from app.widgets import paint
from app.widgets.painted import PaintedItems
from app.widgets.pixels import paint_rounded, resized

_GAP_PX: Final = 8
_LABEL_PX: Final = 20
_LARGEST_PX: Final = 96


class Tiles(PaintedItems):
    """Options (key, word, tooltip) side by side, each with its picture; click, or arrows when focused."""

    changed = Signal(str)
    handled_keys = (Qt.Key.Key_Left, Qt.Key.Key_Right)

    def __init__(self, options: Sequence[tuple[str, str, str]], *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._options = tuple(options)
        self._pictures: tuple[NDArray[Any] | None, ...] = (None,) * len(self._options)
        self._images: dict[int, QImage] = {}
        self._chosen = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._tell()

    def set_words(self, words: Sequence[str]) -> None:
        """Other words under the tiles."""
        options = tuple((key, word, tip) for (key, _, tip), word in zip(self._options, words, strict=True))
        if options != self._options:
            self._options = options
            self._tell()
            self.update()

    def set_pictures(self, pictures: Sequence[NDArray[Any]] | None) -> None:
        """A square picture (uint8 HxWx3) for each tile, or None while there are none."""
        self._pictures = (None,) * len(self._options) if pictures is None else tuple(pictures)
        self._images.clear()
        self.update()

    def set_current(self, key: str) -> None:
        """Choose without emitting; raises ValueError for an unknown key."""
        self._chosen = [own for own, _, _ in self._options].index(key)
        self._tell()
        self.update()

    def current(self) -> str:
        """The key of the choice that is on."""
        return self._options[self._chosen][0]

    def _tell(self) -> None:
        self.setAccessibleDescription(self._options[self._chosen][1])

    def _side(self) -> int:
        count = len(self._options)
        return max(16, min(_LARGEST_PX, (self.width() - _GAP_PX * (count - 1)) // count))

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._images.clear()
        self.setFixedHeight(self._side() + _LABEL_PX)

    def sizeHint(self) -> QSize:
        return QSize(len(self._options) * (_LARGEST_PX + _GAP_PX) - _GAP_PX, self._side() + _LABEL_PX)

    def minimumSizeHint(self) -> QSize:
        return QSize(96, 16)

    def item_count(self) -> int:
        return len(self._options)

    def item_rect(self, index: int) -> QRect:
        side = self._side()
        return QRect(index * (side + _GAP_PX), 0, side, side + _LABEL_PX)

    def item_tooltip(self, index: int) -> str:
        return self._options[index][2]

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme, side = paint.smooth(self), tokens(), self._side()
        for index, (_, word, _) in enumerate(self._options):
            cell = QRectF(self.item_rect(index))
            spot = QRectF(cell.x(), cell.y(), side, side)
            picture = self._pictures[index]
            if picture is None:
                paint.box(painter, spot, fill=theme.raised, radius_px=6)
            else:
                paint_rounded(painter, spot, self._image(index, picture, side), 6)
            if index == self._hover and index != self._chosen:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(color("#ffffff", 0.10))
                painter.drawRoundedRect(spot, 6, 6)
            if index == self._chosen:
                paint.focus_ring(painter, spot, 6)
            if index == self._chosen and paint.tabbed_to(self):
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(paint.pen(theme.text, 2.0))
                painter.drawRoundedRect(spot.adjusted(3, 3, -3, -3), 4, 4)
            line = QRectF(cell.x(), side, side, _LABEL_PX)
            ink = theme.text if index == self._chosen else theme.muted
            centre = Qt.AlignmentFlag.AlignHCenter
            paint.text(painter, line, word, font=ui_font(theme.small_px), ink=ink, align=centre)
        painter.end()

    def _image(self, index: int, picture: NDArray[Any], side: int) -> QImage:
        if index not in self._images:
            wanted = round(side * self.devicePixelRatioF())
            self._images[index] = resized(picture, wanted, wanted)
        return self._images[index]

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.index_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self._choose(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        if step:
            self._choose(min(max(0, self._chosen + step), len(self._options) - 1))
        else:
            super().keyPressEvent(event)

    def _choose(self, index: int) -> None:
        if index != self._chosen:
            self._chosen = index
            self._tell()
            self.update()
            self.changed.emit(self._options[index][0])
