"""One picture beside another over the same square: an upright handle shows the older one at its left."""

from __future__ import annotations

from typing import Any, Final

from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent

from app.theme import color, tokens, ui_font
from app.widgets import paint
from app.widgets.picture import Picture
from app.widgets.pixels import Picture8, checked, paint_rounded, resized

GRAB_PX: Final = 10.0
KNOB_PX: Final = 11.0
PILL_PX: Final = 20.0
STEP: Final = 0.02
LARGE_STEP: Final = 0.1
_KEYS: Final = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End)


def step_of(event: QKeyEvent) -> float:
    """How far a key goes, of the picture's width: further with Shift."""
    return LARGE_STEP if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else STEP


def shares_by_key(share: float, step: float) -> dict[Qt.Key, float]:
    """Where each key moves the handle that is at `share`, 0 to 1; not limited to that."""
    return {Qt.Key.Key_Left: share - step, Qt.Key.Key_Right: share + step, Qt.Key.Key_Home: 0.0, Qt.Key.Key_End: 1.0}


class SplitPicture(Picture):
    """A ``Picture`` which, while split, shows a reference left of its handle; drags beside the handle still drag."""

    shareChanged = Signal(float)
    # Of the class, too: Qt may send a last event to an object that is already being taken apart.
    _split = False

    def __init__(self, caption: str = "", *, draggable: bool = False, empty_text: str = "") -> None:
        super().__init__(caption, draggable=draggable, empty_text=empty_text)
        self._grabbed = False
        self._reference: Picture8 | None = None
        self._fitted: QImage | None = None
        self._label = ""
        self._share = 0.5
        self.setMouseTracking(True)

    # values in
    def set_split(self, on: bool) -> None:
        """Shows the handle, or the current picture alone."""
        self._split, self._grabbed = on, self._grabbed and on
        self._set_cursor()
        self.update()

    def set_reference(self, array: NDArray[Any] | None, label: str) -> None:
        """What stands left of the handle (uint8 HxWx3, None while there is no picture of it) and its name."""
        if array is not self._reference or label != self._label:
            self._reference = None if array is None else checked(array)
            self._fitted, self._label = None, label
            self.update()

    def reference(self) -> Picture8 | None:
        """The array left of the handle, or None."""
        return self._reference

    def set_share(self, share: float) -> None:
        """Where the handle is: 0 at the left edge, 1 at the right."""
        share = min(1.0, max(0.0, share))
        if share != self._share:
            self._share = share
            self.update()

    def share(self) -> float:
        """Where the handle is, 0 to 1."""
        return self._share

    def handle_x(self) -> float:
        """The handle's middle, in widget pixels."""
        rect = self.picture_rect()
        return rect.left() + self._share * rect.width()

    # painting
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._split or self.picture() is None or self.message():
            return
        painter, rect, theme = paint.smooth(self), self.picture_rect(), tokens()
        x = self.handle_x()
        left = QRectF(rect.left(), rect.top(), x - rect.left(), rect.height())
        painter.save()
        painter.setClipRect(left)
        if self._reference is None:
            paint.box(painter, rect, fill=theme.panel, radius_px=theme.picture_radius_px)
        else:
            paint_rounded(painter, rect, self._fitted_image(rect), theme.picture_radius_px)
        painter.restore()
        words = self._label if self._reference is not None else f"{self._label}: no picture yet"
        self._paint_pill(painter, left, words, at_left=True)
        self._paint_pill(painter, QRectF(x, rect.top(), rect.right() - x, rect.height()), "Now", at_left=False)
        painter.setPen(paint.pen(theme.knob, 2.0))
        painter.drawLine(QPointF(x, rect.top() + 1), QPointF(x, rect.bottom() - 1))
        self._paint_knob(painter, QPointF(x, rect.center().y()))
        painter.end()

    def _fitted_image(self, rect: QRectF) -> QImage:
        ratio = self.devicePixelRatioF()
        w, h = round(rect.width() * ratio), round(rect.height() * ratio)
        if self._fitted is None or (self._fitted.width(), self._fitted.height()) != (w, h):
            assert self._reference is not None
            self._fitted = resized(self._reference, w, h)
        return self._fitted

    def _paint_knob(self, painter: QPainter, centre: QPointF) -> None:
        theme = tokens()
        focused = paint.tabbed_to(self)
        painter.setPen(paint.pen(theme.accent_line, 2.0) if focused else Qt.PenStyle.NoPen)
        painter.setBrush(color(theme.knob))
        painter.drawEllipse(centre, KNOB_PX, KNOB_PX)
        painter.setPen(paint.pen(theme.segment, 1.6))
        for way in (-1, 1):
            tip = QPointF(centre.x() + way * 6, centre.y())
            back = centre.x() + way * 3
            painter.drawPolyline([QPointF(back, centre.y() - 3), tip, QPointF(back, centre.y() + 3)])

    def _paint_pill(self, painter: QPainter, room: QRectF, words: str, *, at_left: bool) -> None:
        """A name in the upper corner, as long as its side has room for it."""
        theme, font = tokens(), ui_font(tokens().small_px)
        width = min(paint.width_of(words, font) + 16, room.width() - 16)
        if width < 32 or not words:
            return
        x = room.left() + 8 if at_left else room.right() - 8 - width
        pill = QRectF(x, room.top() + 8, width, PILL_PX)
        paint.box(painter, pill, fill=theme.panel, alpha=0.8, radius_px=PILL_PX / 2)
        paint.text(painter, pill.adjusted(8, 0, -8, 0), words, font=font, ink=theme.text)

    # hands
    def _set_share_by_hand(self, share: float) -> None:
        before = self._share
        self.set_share(share)
        if self._share != before:
            self.shareChanged.emit(self._share)

    def _near_handle(self, spot: QPointF) -> bool:
        return (
            self._split
            and self.picture() is not None
            and self.picture_rect().contains(spot)
            and abs(spot.x() - self.handle_x()) <= GRAB_PX
        )

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._near_handle(event.position()):
            self._grabbed = True
            event.accept()
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grabbed:
            rect = self.picture_rect()
            self._set_share_by_hand((event.position().x() - rect.left()) / rect.width())
            return
        if self._split and event.buttons() == Qt.MouseButton.NoButton:
            if self._near_handle(event.position()):
                self.setCursor(Qt.CursorShape.SplitHCursor)
            else:
                self._set_cursor()
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._grabbed and event.button() == Qt.MouseButton.LeftButton:
            self._grabbed = False
        else:
            super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._near_handle(event.position()):
            self._set_share_by_hand(0.5)
        else:
            super().mouseDoubleClickEvent(event)

    def event(self, event: QEvent) -> bool:
        return paint.keeps_key(event, _KEYS if self._split else ()) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        places = shares_by_key(self._share, step_of(event))
        if self._split and key in places:
            self._set_share_by_hand(places[key])
        else:
            super().keyPressEvent(event)
