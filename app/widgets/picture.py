"""One picture, large: shown, dragged, dropped on, copied; with captions, busy mark and message."""

from __future__ import annotations

from typing import Any, Final

from numpy.typing import NDArray
from PySide6 import QtGui
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication, QMenu, QSizePolicy, QWidget

from app.theme import color, tokens, ui_font
from app.widgets import paint
from app.widgets.painted import ARROWS
from app.widgets.pixels import Picture8, checked, dropped_files, dropped_image, paint_rounded, resized, to_qimage

CAPTION_PX: Final = 24
_BUSY_TICK_MS: Final = 40
# A short job must not flicker: the busy mark waits this long before it shows.
_BUSY_DELAY_MS: Final = 200
NOTCHES: Final = {Qt.Key.Key_Plus: 1.0, Qt.Key.Key_Equal: 1.0, Qt.Key.Key_Minus: -1.0}


class Picture(QWidget):
    """Shows a uint8 (H, W, 3) array as large as its place allows, keeping its shape."""

    filesDropped = Signal(list)
    imageDropped = Signal(object)
    dragStarted = Signal()
    dragged = Signal(float, float)
    dragFinished = Signal()
    wheelTurned = Signal(float)
    clicked = Signal()
    doubleClicked = Signal()

    def __init__(
        self,
        caption_left: str = "",
        caption_right: str = "",
        *,
        empty_text: str = "",
        smooth: bool = True,
        draggable: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._array: Picture8 | None = None
        self._scaled: QtGui.QImage | None = None
        self._left, self._right = caption_left, caption_right
        self._empty_text, self._message = empty_text, ""
        self._smooth, self._draggable = smooth, draggable
        self._busy = self._outlined = self._dropping = False
        self._busy_shown = False
        self._busy_angle = 0
        self._takes_files = self._takes_images = True
        self._align = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
        self._press: QPointF | None = None
        self._moved = False
        self._spinner = QTimer(self, interval=_BUSY_TICK_MS)
        self._spinner.timeout.connect(self._spin)
        self._delay = QTimer(self, interval=_BUSY_DELAY_MS, singleShot=True)
        self._delay.timeout.connect(self._show_busy)
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(64, 64)
        self._set_cursor()

    # values in
    def set_picture(self, array: NDArray[Any] | None) -> None:
        """Show ``array`` (uint8 HxWx3), or the empty text for None; raises ValueError for another shape."""
        self._array = None if array is None else checked(array)
        self._scaled = None
        self._set_cursor()
        self.update()

    def picture(self) -> Picture8 | None:
        """The array shown, or None."""
        return self._array

    def set_captions(self, left: str, right: str = "") -> None:
        """The line under the picture; both empty gives its room to the picture."""
        if (left, right) != (self._left, self._right):
            room = self._caption_px()
            self._left, self._right = left, right
            # During a drag the line changes with every move, before the picture: that one need not be painted twice.
            self.update() if self._caption_px() != room else self.update(self._caption_rect().toAlignedRect())

    def captions(self) -> tuple[str, str]:
        """The two captions as given, also when they are shown shortened."""
        return self._left, self._right

    def set_message(self, text: str) -> None:
        """A sentence over the picture (an error, a reason); empty text takes it away."""
        self._message = text
        self.setAccessibleDescription(text)
        self.update()

    def message(self) -> str:
        """The sentence over the picture, or empty."""
        return self._message

    def set_busy(self, busy: bool) -> None:
        """Show that a new picture is being made; the old one stays."""
        marked = self._busy_shown
        self._busy = busy
        self._busy_shown = marked and busy
        if busy and self.isVisible() and not self._busy_shown:
            self._delay.start()
        elif not busy:
            self._delay.stop()
            self._spinner.stop()
        if self._busy_shown != marked:
            self.update()

    def set_empty_text(self, text: str) -> None:
        """What is written where no picture is."""
        self._empty_text = text
        self.update()

    def set_accepts(self, *, files: bool = True, images: bool = True) -> None:
        """What may be dropped here."""
        self._takes_files, self._takes_images = files, images
        self.setAcceptDrops(files or images)

    def set_outlined(self, outlined: bool) -> None:
        """Mark this picture as the chosen one."""
        self._outlined = outlined
        self.update()

    def copy_to_clipboard(self) -> bool:
        """Put the array, unscaled, on the clipboard; False when there is none."""
        if self._array is None:
            return False
        QApplication.clipboard().setImage(to_qimage(self._array))
        return True

    # geometry
    def _caption_px(self) -> int:
        return CAPTION_PX if self._left or self._right else 0

    def height_for(self, width_px: int) -> int:
        """The height in pixels at which the picture fills ``width_px`` (square when there is none)."""
        ratio = 1.0 if self._array is None else self._array.shape[0] / self._array.shape[1]
        return round(width_px * ratio) + self._caption_px()

    def picture_rect(self) -> QRectF:
        """Where the picture is, in widget pixels, on whole pixels so that it stays sharp."""
        room_w, room_h = self.width(), self.height() - self._caption_px()
        rows, columns = (1, 1) if self._array is None else self._array.shape[:2]
        scale = min(room_w / columns, room_h / rows)
        w, h = max(1, round(columns * scale)), max(1, round(rows * scale))
        horizontal, vertical = self._align & Qt.AlignmentFlag.AlignHorizontal_Mask, self._align
        x = {Qt.AlignmentFlag.AlignHCenter: (room_w - w) // 2, Qt.AlignmentFlag.AlignRight: room_w - w}.get(
            horizontal, 0
        )
        y = (room_h - h) // 2 if vertical & Qt.AlignmentFlag.AlignVCenter else 0
        return QRectF(x, y, w, h)

    def _caption_rect(self) -> QRectF:
        rect = self.picture_rect()
        return QRectF(rect.x(), rect.bottom() + 4, rect.width(), CAPTION_PX - 4)

    def sizeHint(self) -> QSize:
        return QSize(320, 320 + self._caption_px())

    # painting
    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        theme = tokens()
        rect = self.picture_rect()
        painter = paint.smooth(self)
        radius = float(theme.picture_radius_px)
        if self._array is None:
            paint.box(painter, rect, fill=theme.panel, line=theme.line, radius_px=radius)
            if not self._message and not self._busy_shown:
                self._write(painter, rect, self._empty_text, theme.faint)
        else:
            paint_rounded(painter, rect, self._device_image(rect), radius)
        if self._message:
            self._paint_message(painter, rect)
        if self._busy_shown:
            self._paint_busy(painter, rect)
        if self._dropping or self._outlined or paint.tabbed_to(self):
            paint.focus_ring(painter, rect, radius)
        self._paint_captions(painter, rect)
        painter.end()

    def _device_image(self, rect: QRectF) -> QtGui.QImage:
        ratio = self.devicePixelRatioF()
        w, h = round(rect.width() * ratio), round(rect.height() * ratio)
        if self._scaled is None or (self._scaled.width(), self._scaled.height()) != (w, h):
            assert self._array is not None
            self._scaled = resized(self._array, w, h, smooth=self._smooth)
        return self._scaled

    def _write(self, painter: QtGui.QPainter, rect: QRectF, words: str, ink: str) -> None:
        tight = rect.width() < 160
        edge = 6 if tight else 16
        inner = rect.adjusted(edge, edge, -edge, -edge)
        paint.paragraph(painter, inner, words, font=ui_font(tokens().small_px) if tight else ui_font(), ink=ink)

    def _paint_message(self, painter: QtGui.QPainter, rect: QRectF) -> None:
        theme = tokens()
        paint.box(painter, rect, fill=theme.panel, alpha=0.88, radius_px=theme.picture_radius_px)
        self._write(painter, rect, self._message, theme.text)

    def _paint_busy(self, painter: QtGui.QPainter, rect: QRectF) -> None:
        theme = tokens()
        spot = QRectF(rect.right() - 36, rect.top() + 12, 24, 24)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color(theme.panel, 0.8))
        painter.drawEllipse(spot)
        painter.setPen(paint.pen(theme.accent_line, 2.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawArc(spot.adjusted(5, 5, -5, -5), -self._busy_angle * 16, 270 * 16)

    def _paint_captions(self, painter: QtGui.QPainter, rect: QRectF) -> None:
        if not self._caption_px():
            return
        theme, font = tokens(), ui_font(tokens().text_px - 1)
        line = self._caption_rect()
        right_px = min(paint.width_of(self._right, font) + 1, line.width() * (0.6 if self._left else 1.0))
        right = QRectF(line.right() - right_px, line.y(), right_px, line.height())
        left = line.adjusted(0, 0, -(right_px + 12 if self._right else 0), 0)
        paint.text(painter, left, self._left, font=font, ink=theme.muted)
        paint.text(painter, right, self._right, font=font, ink=theme.muted, align=Qt.AlignmentFlag.AlignRight)

    def _show_busy(self) -> None:
        self._busy_shown = True
        self._spinner.start()
        self.update()

    def _spin(self) -> None:
        self._busy_angle = (self._busy_angle + 15) % 360
        self.update(self.picture_rect().toRect())

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        super().showEvent(event)
        if self._busy:
            self._delay.start()

    def hideEvent(self, event: QtGui.QHideEvent) -> None:
        super().hideEvent(event)
        self._delay.stop()
        self._spinner.stop()
        self._busy_shown = False

    # hands
    def _set_cursor(self) -> None:
        grab = self._draggable and self._array is not None
        self.setCursor(Qt.CursorShape.OpenHandCursor if grab else Qt.CursorShape.ArrowCursor)

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not self.picture_rect().contains(event.position()):
            event.ignore()
            return
        self._press, self._moved = event.position(), False
        if self._draggable and self._array is not None:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:
        if self._press is None or not self._draggable or self._array is None:
            return
        step = event.position() - self._press
        if not self._moved:
            if step.manhattanLength() < QApplication.startDragDistance() / 2:
                return
            self._moved = True
            self.dragStarted.emit()
        self._press = event.position()
        width = self.picture_rect().width()
        self.dragged.emit(step.x() / width, step.y() / width)

    def mouseReleaseEvent(self, event: QtGui.QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self._press is None:
            return
        self._press = None
        self._set_cursor()
        (self.dragFinished if self._moved else self.clicked).emit()

    def mouseDoubleClickEvent(self, event: QtGui.QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.picture_rect().contains(event.position()):
            self.doubleClicked.emit()

    def wheelEvent(self, event: QtGui.QWheelEvent) -> None:
        notches = event.angleDelta().y() / 120.0
        if self._draggable and self._array is not None and notches:
            self.wheelTurned.emit(notches)
            event.accept()
        else:
            event.ignore()

    def event(self, event: QEvent) -> bool:
        keys = {*ARROWS, *NOTCHES} if self._draggable else set()
        return paint.keeps_key(event, {*keys, Qt.Key.Key_Return}) or super().event(event)

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:
        key = Qt.Key(event.key())
        ready = self._draggable and self._array is not None
        if key == Qt.Key.Key_C and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.copy_to_clipboard()
        elif key in ARROWS and ready:
            step = 0.1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0.02
            self.dragStarted.emit()
            self.dragged.emit(ARROWS[key][0] * step, ARROWS[key][1] * step)
            self.dragFinished.emit()
        elif key in NOTCHES and ready:
            self.wheelTurned.emit(NOTCHES[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.doubleClicked.emit()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QtGui.QContextMenuEvent) -> None:
        menu = QMenu(self)
        copy = menu.addAction("Copy picture", self.copy_to_clipboard)
        copy.setEnabled(self._array is not None)
        menu.addActions(self.actions())
        menu.exec(event.globalPos())
        menu.deleteLater()

    # drops
    def dragEnterEvent(self, event: QtGui.QDragEnterEvent) -> None:
        mime = event.mimeData()
        if (self._takes_files and dropped_files(mime)) or (self._takes_images and mime.hasImage()):
            event.acceptProposedAction()
            self._dropping = True
            self.update()

    def dragLeaveEvent(self, event: QtGui.QDragLeaveEvent) -> None:
        self._dropping = False
        self.update()

    def dropEvent(self, event: QtGui.QDropEvent) -> None:
        self._dropping = False
        self.update()
        files = dropped_files(event.mimeData()) if self._takes_files else []
        array = dropped_image(event.mimeData()) if self._takes_images and not files else None
        if files:
            self.filesDropped.emit(files)
        elif array is not None:
            self.imageDropped.emit(array)
        else:
            return
        event.acceptProposedAction()
