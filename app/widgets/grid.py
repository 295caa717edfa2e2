"""Many small pictures painted in one go: live samples, and neighbours of a code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QSizePolicy

from app.theme import tokens, ui_font
from app.widgets import paint
from app.widgets.painted import ARROWS, Key, PaintedItems
from app.widgets.picture import CAPTION_PX, NOTCHES
from app.widgets.pixels import Picture8, checked, paint_rounded, resized

_CORNER_PX: Final = 4.0
_NAMES_PX: Final = 112
_LINE_PX: Final = 18


class PictureGrid(PaintedItems):
    """Shows (N, H, W, 3) uint8 in rows; ``columns=0`` takes the number that makes them largest."""

    cellClicked = Signal(int)
    cellDoubleClicked = Signal(int)
    panned = Signal(float, float)
    zoomed = Signal(float)
    handled_keys = (*ARROWS, Key.Key_Return, *NOTCHES)

    def __init__(
        self,
        columns: int = 8,
        *,
        gap_px: int = 4,
        caption: str = "",
        empty_text: str = "",
        centred: bool = False,
        room_for: int = 0,
    ) -> None:
        super().__init__()
        self._centred, self._room_for = centred, room_for
        self._columns, self._gap = max(0, columns), gap_px
        self._left, self._right, self._empty_text = caption, "", empty_text
        self._cells: list[Picture8 | None] = []
        self._images: list[QImage | None] = []
        self._pannable = False
        self._press: QPoint | None = None
        self._moved = False
        self._images_px = (0, 0)
        self._best = ((0, 0, 0), 1)
        self._chosen = -1
        self._names: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
        self.setMinimumSize(96, 96)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setToolTip("Arrows move, Enter chooses.")

    def set_pictures(self, pictures: NDArray[Any] | None) -> None:
        """Show ``pictures`` (uint8 NxHxWx3; None: the empty text); raises ValueError for another shape."""
        if pictures is not None and (
            pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[3] != 3 or 0 in pictures.shape
        ):
            raise ValueError(f"A grid must be uint8 NxHxWx3, not {pictures.dtype} {pictures.shape}.")
        self._cells = [] if pictures is None else list(np.ascontiguousarray(pictures))
        self._images = [None] * self.count()
        self._keep_marks()

    def set_cells(self, pictures: Sequence[NDArray[Any] | None]) -> None:
        """Show these (uint8 HxWx3, all of one size); None is an empty place. What stays is not scaled again."""
        images: list[QImage | None] = [None] * len(pictures)
        if len(pictures) == self.count():
            pairs = zip(pictures, self._cells, self._images, strict=True)
            images = [image if new is old else None for new, old, image in pairs]
        self._cells = [None if picture is None else checked(picture) for picture in pictures]
        self._images = images
        self._keep_marks()

    def _keep_marks(self) -> None:
        self._chosen = min(self._chosen, self.count() - 1)
        self._cursor = min(self._cursor, max(0, self.count() - 1))
        self.update()

    def count(self) -> int:
        """How many pictures there are."""
        return len(self._cells)

    def set_pannable(self, pannable: bool) -> None:
        """Whether a drag and the wheel move a window over the pictures; a click then counts when it is let go."""
        self._pannable = pannable

    def set_names(self, rows: Sequence[str], columns: Sequence[str]) -> None:
        """Words before the rows and above the columns; empty takes them away."""
        if (tuple(rows), tuple(columns)) != self._names:
            self._names = (tuple(rows), tuple(columns))
            self._best = ((0, 0, 0), 1)
            self.update()

    def _names_px(self) -> tuple[int, int]:
        """What the words take at the left and above."""
        rows, columns = self._names
        font = ui_font(tokens().small_px)
        wide = max((paint.width_of(word, font) for word in rows), default=0.0)
        return (min(_NAMES_PX, round(wide) + 10) if rows else 0), (_LINE_PX if columns else 0)

    def _shape(self) -> tuple[int, int]:
        """Rows and columns of pixels of a picture."""
        first = next((cell for cell in self._cells if cell is not None), None)
        return (1, 1) if first is None else (first.shape[0], first.shape[1])

    def set_columns(self, columns: int) -> None:
        """Pictures in a row; 0 takes the number that makes them largest."""
        self._columns = max(0, columns)
        self.update()

    def set_empty_text(self, text: str) -> None:
        """What stands there while there are no pictures."""
        if text != self._empty_text:
            self._empty_text = text
            self.update()

    def set_caption(self, left: str, right: str = "") -> None:
        """The line under the pictures."""
        self._left, self._right = left, right
        self.update()

    def set_selected(self, index: int) -> None:
        """Mark a cell without emitting; -1 marks none."""
        self._chosen = min(max(-1, index), self.count() - 1)
        self.update()

    def selected_index(self) -> int:
        """The marked cell, or -1."""
        return self._chosen

    def item_count(self) -> int:
        return self.count()

    def item_rect(self, index: int) -> QRect:
        width, height = self._cell_px()
        across = self._across()
        row, column = divmod(index, across)
        beside, above = self._names_px()
        spare = self.width() - beside - across * (width + self._gap) + self._gap
        left = beside + (max(0, spare // 2) if self._centred else 0)
        return QRect(left + column * (width + self._gap), above + row * (height + self._gap), width, height)

    def _caption_px(self) -> int:
        return CAPTION_PX if self._left or self._right else 0

    def _places(self) -> int:
        """So many pictures must find room: a last page keeps the size of the others."""
        return max(self.count(), self._room_for)

    def _across(self) -> int:
        """Pictures in a row; the best number is found again when the place or the count changes."""
        if self._columns:
            return self._columns
        key = (self.width(), self.height(), self._places())
        if key != self._best[0]:
            wide = range(1, max(1, self._places()) + 1)
            self._best = (key, max(wide, key=lambda n: self._cell_for(n)[0]))
        return self._best[1]

    def _cell_px(self) -> tuple[int, int]:
        """Width and height of one cell, in whole pixels."""
        return self._cell_for(self._across())

    def _cell_for(self, columns: int) -> tuple[int, int]:
        rows = max(1, -(-self._places() // columns))
        beside, above = self._names_px()
        room_w = (self.width() - beside - self._gap * (columns - 1)) / columns
        room_h = (self.height() - above - self._caption_px() - self._gap * (rows - 1)) / rows
        tall, wide = self._shape()
        scale = min(room_w / wide, room_h / tall)
        return max(1, int(wide * scale)), max(1, int(tall * scale))

    def cell_px(self) -> int:
        """The side of a cell, in widget pixels."""
        return self._cell_px()[0]

    def pictures_px(self) -> int:
        """How wide the pictures stand together, in widget pixels."""
        return self._across() * (self._cell_px()[0] + self._gap) - self._gap

    def height_for(self, width_px: int) -> int:
        """The height in pixels at which the pictures fill ``width_px``."""
        columns = self._across()
        rows = max(1, -(-self.count() // columns))
        tall, wide = self._shape()
        cell = (width_px - self._gap * (columns - 1)) / columns
        return int(cell * tall / wide) * rows + self._gap * (rows - 1) + self._caption_px()

    def sizeHint(self) -> QSize:
        return QSize(384, self.height_for(384))

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens()
        painter = paint.smooth(self)
        if not self._cells:
            rect = QRectF(self.rect()).adjusted(0, 0, 0, -self._caption_px())
            paint.box(painter, rect, fill=theme.panel, line=theme.line, radius_px=theme.picture_radius_px)
            room = rect.adjusted(16, 16, -16, -16)
            paint.paragraph(painter, room, self._empty_text, font=ui_font(), ink=theme.faint)
        for index in range(self.count()):
            cell = self.item_rect(index)
            if cell.intersects(event.rect()):
                if self._cells[index] is None:
                    paint.box(painter, QRectF(cell), fill=theme.panel, line=theme.line, radius_px=_CORNER_PX)
                else:
                    paint_rounded(painter, QRectF(cell), self._image(index, cell), _CORNER_PX)
        if self.count():
            for index, ink in ((self._hover, theme.muted), (self._cursor if self.hasFocus() else -1, theme.text)):
                if index >= 0 and index != self._chosen:
                    paint.ring(painter, QRectF(self.item_rect(index)), ink, _CORNER_PX)
            if self._chosen >= 0:
                paint.focus_ring(painter, QRectF(self.item_rect(self._chosen)), _CORNER_PX)
        self._paint_names(painter)
        self._paint_caption(painter)
        painter.end()

    def _paint_names(self, painter: QPainter) -> None:
        theme, font = tokens(), ui_font(tokens().small_px)
        beside, above = self._names_px()
        across = self._across()
        for row, word in enumerate(self._names[0]):
            cell = self.item_rect(row * across)
            line = QRectF(cell.x() - beside, cell.y(), beside - 8, cell.height())
            paint.text(painter, line, word, font=font, ink=theme.muted, align=Qt.AlignmentFlag.AlignRight)
        for column, word in enumerate(self._names[1]):
            cell = self.item_rect(column)
            line = QRectF(cell.x(), cell.y() - above, cell.width(), above - 2)
            paint.text(painter, line, word, font=font, ink=theme.muted, align=Qt.AlignmentFlag.AlignHCenter)

    def _paint_caption(self, painter: QPainter) -> None:
        if not self._caption_px():
            return
        theme, font = tokens(), ui_font(tokens().text_px - 1)
        last = self.item_rect(max(0, self.count() - 1))
        left = self.item_rect(0).x() if self._cells else 0
        across = self.item_rect(self._across() - 1).right() + 1 - left if self._cells else self.width()
        top = last.bottom() + 5 if self._cells else self.height() - CAPTION_PX + 4
        line = QRectF(left, top, across, CAPTION_PX - 4)
        right_px = min(paint.width_of(self._right, font) + 1, line.width() * 0.6) if self._right else 0.0
        paint.text(painter, line.adjusted(0, 0, -right_px, 0), self._left, font=font, ink=theme.muted)
        paint.text(painter, line, self._right, font=font, ink=theme.muted, align=Qt.AlignmentFlag.AlignRight)

    def _image(self, index: int, cell: QRect) -> QImage:
        ratio = self.devicePixelRatioF()
        size = (round(cell.width() * ratio), round(cell.height() * ratio))
        if size != self._images_px:
            self._images_px, self._images = size, [None] * self.count()
        image = self._images[index]
        if image is None:
            picture = self._cells[index]
            assert picture is not None
            image = self._images[index] = resized(picture, *size)
        return image

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.index_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self._cursor = index
            self.update()
            if self._pannable:
                self._press, self._moved = event.position().toPoint(), False
            else:
                self.cellClicked.emit(index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        if self._press is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        spot = event.position().toPoint()
        by = spot - self._press
        if not self._moved and by.manhattanLength() < QApplication.startDragDistance():
            return
        self._moved, self._press = True, spot
        place = self._place_px()
        # The window moves against the hand, so that what is under it stays under it.
        self.panned.emit(-by.x() / place[0], by.y() / place[1])

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._press = self._press, None
        if pressed is not None and not self._moved and event.button() == Qt.MouseButton.LeftButton:
            index = self.index_at(event.position().toPoint())
            if index >= 0:
                self.cellClicked.emit(index)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not self._pannable:
            event.ignore()
            return
        self.zoomed.emit(event.angleDelta().y() / 120)
        event.accept()

    def _place_px(self) -> tuple[int, int]:
        """Width and height of all the pictures."""
        last = self.item_rect(max(0, self.count() - 1))
        across = self.item_rect(self._across() - 1).right() + 1 - self.item_rect(0).x()
        return max(1, across), max(1, last.bottom() + 1)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        index = self.index_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self.cellDoubleClicked.emit(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if self._pannable and key in NOTCHES:
            self.zoomed.emit(NOTCHES[key])
        elif self._pannable and key in ARROWS and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            right, down = ARROWS[key]
            self.panned.emit(0.1 * right, -0.1 * down)
        elif key in ARROWS and self.count():
            self._step_cursor(key, self._across())
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.count():
            self.cellClicked.emit(self._cursor)
        else:
            super().keyPressEvent(event)
