"""Small pictures to choose from, and the dashed place to drop new ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from numpy.typing import NDArray
from PySide6 import QtGui
from PySide6.QtCore import QEvent, QMimeData, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtWidgets import QAbstractButton, QApplication, QMenu, QSizePolicy

from app.theme import color, tokens, ui_font
from app.widgets import paint
from app.widgets.painted import ARROWS, CHOOSING, Key, PaintedItems
from app.widgets.pixels import KEY_MIME, SmallImages, dropped_files, paint_rounded, small_image, take_drop

_GAP_PX: Final = 6


@dataclass(frozen=True, eq=False)
class Thumb:
    """One small picture (uint8 HxWx3) with the key that the signals carry."""

    key: str
    picture: NDArray[Any]
    tooltip: str = ""
    count: int = 0
    """How many there are to choose from in it; a number from 2 on is shown in a corner."""


class ThumbGrid(PaintedItems):
    """Square thumbnails in columns; as high as its rows need."""

    activated = Signal(str)
    removed = Signal(str)
    handled_keys = (*ARROWS, *CHOOSING, Key.Key_Delete)

    def __init__(self, *, columns: int = 4, removable: bool = True, empty_text: str = "") -> None:
        super().__init__()
        self._columns, self._removable, self._empty_text = max(1, columns), removable, empty_text
        self._thumbs: tuple[Thumb, ...] = ()
        self._images: SmallImages[str] = {}
        self._selected: str | None = None
        self._press: QPoint | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip("Arrows move, Enter opens." + (" Delete takes away." if removable else ""))

    def set_thumbs(self, thumbs: Sequence[Thumb]) -> None:
        """Replace all thumbnails; raises ValueError when two share a key."""
        if len({thumb.key for thumb in thumbs}) != len(thumbs):
            raise ValueError("Two thumbnails share one key.")
        kept = {thumb.key for thumb in thumbs} & {thumb.key for thumb in self._thumbs}
        self._images = {key: image for key, image in self._images.items() if key[0] in kept}
        self._thumbs = tuple(thumbs)
        self._cursor = min(self._cursor, max(0, len(thumbs) - 1))
        self._hover = -1
        self._fit_height()
        self.update()

    def set_selected(self, key: str | None) -> None:
        """Mark one thumbnail without emitting."""
        self._selected = key
        self.update()

    def selected(self) -> str | None:
        """The key of the marked thumbnail."""
        return self._selected

    def thumb_rect(self, key: str) -> QRect:
        """Where the thumbnail ``key`` is; raises KeyError when there is none."""
        for index, thumb in enumerate(self._thumbs):
            if thumb.key == key:
                return self.item_rect(index)
        raise KeyError(key)

    def _side(self) -> int:
        return max(16, (self.width() - _GAP_PX * (self._columns - 1)) // self._columns)

    def _fit_height(self) -> None:
        rows = -(-len(self._thumbs) // self._columns)
        self.setFixedHeight(rows * self._side() + max(0, rows - 1) * _GAP_PX if rows else 32 if self._empty_text else 0)

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit_height()

    def sizeHint(self) -> QSize:
        return QSize(208, self.height())

    def minimumSizeHint(self) -> QSize:
        return QSize(96, 0)

    def item_count(self) -> int:
        return len(self._thumbs)

    def item_rect(self, index: int) -> QRect:
        side, (row, column) = self._side(), divmod(index, self._columns)
        return QRect(column * (side + _GAP_PX), row * (side + _GAP_PX), side, side)

    def item_tooltip(self, index: int) -> str:
        return self._thumbs[index].tooltip

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        theme = tokens()
        painter = paint.smooth(self)
        if not self._thumbs and self._empty_text:
            rect = QRectF(self.rect()).adjusted(4, 0, -4, 0)
            paint.text(painter, rect, self._empty_text, font=ui_font(theme.text_px - 1), ink=theme.faint)
        for index, thumb in enumerate(self._thumbs):
            spot = self.item_rect(index)
            if not spot.intersects(event.rect()):
                continue
            rect = QRectF(spot)
            paint_rounded(painter, rect, self._image(thumb, spot.width()), 6)
            if index == self._hover:
                paint.box(painter, rect, fill="#ffffff", alpha=0.10)
            if thumb.count > 1:
                _paint_count(painter, rect, thumb.count)
            if thumb.key == self._selected:
                paint.focus_ring(painter, rect, 6)
            elif self.hasFocus() and index == self._cursor:
                paint.ring(painter, rect, theme.text)
        painter.end()

    def _image(self, thumb: Thumb, side_px: int) -> QtGui.QImage:
        return small_image(self._images, thumb.key, thumb.picture, side_px * self.devicePixelRatioF())

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        index = self.index_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self._cursor, self._press = index, event.position().toPoint()
            self.update()

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        spot = event.position().toPoint()
        if self._press is None or (spot - self._press).manhattanLength() < QApplication.startDragDistance():
            return
        self._press = None
        thumb = self._thumbs[self._cursor]
        mime = QMimeData()
        mime.setData(KEY_MIME, thumb.key.encode())
        drag = QtGui.QDrag(self)
        drag.setMimeData(mime)
        drag.setPixmap(QtGui.QPixmap.fromImage(self._image(thumb, self._side())))
        drag.exec(Qt.DropAction.CopyAction)

    def mouseReleaseEvent(self, event: QtGui.QMouseEvent) -> None:
        index = self.index_at(event.position().toPoint())
        if self._press is not None and event.button() == Qt.MouseButton.LeftButton and index == self._cursor:
            self.activated.emit(self._thumbs[index].key)
        self._press = None

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:
        key = Key(event.key())
        if self._thumbs and key in ARROWS:
            self._step_cursor(key, self._columns)
        elif self._thumbs and key in (*CHOOSING, Key.Key_Enter):
            self.activated.emit(self._thumbs[self._cursor].key)
        elif self._thumbs and key == Key.Key_Delete and self._removable:
            self.removed.emit(self._thumbs[self._cursor].key)
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QtGui.QContextMenuEvent) -> None:
        index = self.index_at(event.pos())
        if index < 0:
            return
        key = self._thumbs[index].key
        menu = QMenu(self)
        menu.addAction("Open", lambda: self.activated.emit(key))
        if self._removable:
            menu.addAction("Take away", lambda: self.removed.emit(key))
        menu.exec(event.globalPos())
        menu.deleteLater()


def _paint_count(painter: QtGui.QPainter, rect: QRectF, count: int) -> None:
    font = ui_font(tokens().small_px - 1)
    width = max(15.0, paint.width_of(str(count), font) + 7)
    badge = QRectF(rect.right() - width - 3, rect.bottom() - 18, width, 15)
    paint.box(painter, badge, fill="#16181c", alpha=0.8, radius_px=7.5)
    paint.text(painter, badge, str(count), font=font, ink="#ffffff", align=Qt.AlignmentFlag.AlignHCenter)


class DropZone(QAbstractButton):
    """A dashed place that takes files and pictures, and opens a chooser when clicked."""

    filesDropped = Signal(list)
    imageDropped = Signal(object)

    def __init__(self, text: str = "Drop photos here") -> None:
        super().__init__()
        self._over = False
        self.setAcceptDrops(True)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip("Drop here, or click to choose (Space).")
        self.set_text(text)

    def set_text(self, text: str) -> None:
        """What the zone says."""
        self.setText(text)
        self.setAccessibleName(text)

    def sizeHint(self) -> QSize:
        return QSize(208, 64)

    def minimumSizeHint(self) -> QSize:
        return QSize(96, 48)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        theme = tokens()
        painter = paint.smooth(self)
        rect = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        live = self._over or self.underMouse()
        line = paint.pen(theme.accent_line if self._over else theme.faint if live else theme.track, 1.2)
        line.setDashPattern([4, 4])
        painter.setPen(line)
        painter.setBrush(color(theme.selected) if self._over else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(rect, theme.radius_px, theme.radius_px)
        if paint.tabbed_to(self):
            paint.focus_ring(painter, QRectF(self.rect()))
        room, ink = rect.adjusted(8, 4, -8, -4), theme.text if live else theme.muted
        paint.paragraph(painter, room, self.text(), font=ui_font(theme.text_px - 1), ink=ink)
        painter.end()

    def _set_over(self, over: bool) -> None:
        self._over = over
        self.update()

    def dragEnterEvent(self, event: QtGui.QDragEnterEvent) -> None:
        if dropped_files(event.mimeData()) or event.mimeData().hasImage():
            event.acceptProposedAction()
            self._set_over(True)

    def dragLeaveEvent(self, event: QtGui.QDragLeaveEvent) -> None:
        self._set_over(False)

    def dropEvent(self, event: QtGui.QDropEvent) -> None:
        self._set_over(False)
        take_drop(event, self.filesDropped.emit, self.imageDropped.emit)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        self.update()
