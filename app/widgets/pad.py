"""A pad between three or four corners: a point that follows the finger, thumbnails where the corners are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage, QKeyEvent, QMouseEvent, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QSizePolicy

from app.theme import color, tokens, ui_font
from app.widgets import paint
from app.widgets.painted import ARROWS, Painted
from app.widgets.pixels import SmallImages, dropped_files, dropped_key, paint_rounded, small_image

LETTERS: Final = "ABCD"
_LARGEST_PX: Final = 420
_STEP: Final = 0.02
_BIG_STEP: Final = 0.1


class Pad(Painted):
    """Emits x, y in [0, 1], rightwards and downwards, between A (top left), B (top right), C and D below.

    With three corners it is a triangle with C at its foot: x then runs between its two sides at that height.
    """

    placed = Signal(float, float)
    released = Signal()
    cornerClicked = Signal(int)
    keyDropped = Signal(int, str)
    filesDropped = Signal(int, list)
    handled_keys = (*ARROWS, Qt.Key.Key_Home)

    def __init__(self) -> None:
        super().__init__()
        self._corners: tuple[NDArray[Any] | None, ...] = ()
        self._images: SmallImages[int] = {}
        self._at = (0.5, 0.5)
        self._chosen = -1
        self._dragging = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAcceptDrops(True)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setToolTip(
            "Drag the point between the corners; arrows move it by 2 %, with Shift by 10 %, Home to the middle. "
            "Click a corner, then a photo at the left."
        )
        self._tell()

    # values in
    def set_corners(self, pictures: Sequence[NDArray[Any] | None]) -> None:
        """Three or four thumbnails (H, W, 3), None where a corner is empty."""
        self._corners = tuple(pictures)
        self._images.clear()
        self.update()

    def set_at(self, x: float, y: float) -> None:
        """Put the point without emitting."""
        if (x, y) != self._at:
            self._at = (x, y)
            self._tell()
            self.update()

    def set_chosen(self, index: int) -> None:
        """Which corner the next photo goes to."""
        if index != self._chosen:
            self._chosen = index
            self.update()

    def at(self) -> tuple[float, float]:
        """Where the point is."""
        return self._at

    # geometry
    def sizeHint(self) -> QSize:
        return QSize(280, 280)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 200)

    def _side(self) -> float:
        return float(min(self.width(), self.height(), _LARGEST_PX))

    def _thumb_px(self) -> float:
        return max(36.0, min(72.0, self._side() * 0.2))

    def field_rect(self) -> QRectF:
        """Where the point can go, in widget pixels; the corners' thumbnails stand around it."""
        side, edge = self._side(), self._thumb_px() * 0.62
        return QRectF((self.width() - side) / 2, 0, side, side).adjusted(edge, edge, -edge, -edge)

    def spot_of(self, x: float, y: float) -> QPointF:
        """The place of `x`, `y` in widget pixels."""
        field = self.field_rect()
        if len(self._corners) == 3:
            x = y / 2 + x * (1 - y)
        return QPointF(field.left() + x * field.width(), field.top() + y * field.height())

    def _place_of(self, spot: QPointF) -> tuple[float, float]:
        field = self.field_rect()
        x = (spot.x() - field.left()) / max(1.0, field.width())
        y = min(1.0, max(0.0, (spot.y() - field.top()) / max(1.0, field.height())))
        if len(self._corners) == 3:
            x = (x - y / 2) / (1 - y) if y < 0.999 else 0.5
        return round(min(1.0, max(0.0, x)), 4), round(y, 4)

    def _vertices(self) -> list[QPointF]:
        if len(self._corners) == 3:
            return [self.spot_of(0, 0), self.spot_of(1, 0), self.spot_of(0.5, 1)]
        return [self.spot_of(0, 0), self.spot_of(1, 0), self.spot_of(0, 1), self.spot_of(1, 1)]

    def thumb_rect(self, index: int) -> QRectF:
        """Where a corner's thumbnail is; the point is painted over it when it is at that corner."""
        side, vertex, centre = self._thumb_px(), self._vertices()[index], self.field_rect().center()
        # Pushed outwards a little, so that most of the field stays free.
        dx = 0.0 if abs(vertex.x() - centre.x()) < 1 else (0.12 if vertex.x() > centre.x() else -0.12)
        dy = 0.12 if vertex.y() > centre.y() else -0.12
        return QRectF(vertex.x() + dx * side - side / 2, vertex.y() + dy * side - side / 2, side, side)

    # painting
    def paintEvent(self, event: QPaintEvent) -> None:
        theme, field = tokens(), self.field_rect()
        painter = paint.smooth(self)
        painter.setPen(paint.pen(theme.line))
        painter.setBrush(color(theme.panel))
        corners = self._vertices() if self._corners else []
        if len(corners) == 3:
            painter.drawPolygon(QPolygonF(corners))
        else:
            painter.drawRoundedRect(field, theme.radius_px, theme.radius_px)
            painter.drawLine(QPointF(field.center().x(), field.top()), QPointF(field.center().x(), field.bottom()))
            painter.drawLine(QPointF(field.left(), field.center().y()), QPointF(field.right(), field.center().y()))
        spot = self.spot_of(*self._at)
        painter.setPen(paint.pen(theme.track, 1.5))
        for corner in corners:
            painter.drawLine(spot, corner)
        for index in range(len(corners)):
            rect = self.thumb_rect(index)
            picture = self._corners[index]
            if picture is None:
                paint.box(painter, rect, fill=theme.raised, line=theme.line, radius_px=6)
                middle = Qt.AlignmentFlag.AlignHCenter
                paint.text(painter, rect, LETTERS[index], font=ui_font(), ink=theme.muted, align=middle)
            else:
                paint_rounded(painter, rect, self._image(index, rect), 6)
            if index == self._chosen:
                paint.focus_ring(painter, rect.adjusted(-2, -2, 2, 2), 8)
        painter.setPen(paint.pen(theme.window, 2.0))
        painter.setBrush(color(theme.accent_line if self.isEnabled() else theme.faint))
        painter.drawEllipse(spot, 9, 9)
        if paint.tabbed_to(self):
            paint.circle(painter, spot, theme.accent_line, 13, width_px=2.0)
        painter.end()

    def _image(self, index: int, rect: QRectF) -> QImage:
        picture = self._corners[index]
        assert picture is not None
        return small_image(self._images, index, picture, rect.width() * self.devicePixelRatioF())

    # hands
    def _corner_at(self, spot: QPointF) -> int:
        if self._corners and (self.spot_of(*self._at) - spot).manhattanLength() <= 14:
            return -1
        return next((i for i in range(len(self._corners)) if self.thumb_rect(i).contains(spot)), -1)

    def _take(self, place: tuple[float, float]) -> None:
        if place != self._at:
            self._at = place
            self._tell()
            self.update()
            self.placed.emit(*place)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        corner = self._corner_at(event.position())
        if corner >= 0:
            self.cornerClicked.emit(corner)
            return
        self._dragging = True
        self._take(self._place_of(event.position()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragging:
            self._take(self._place_of(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._dragging:
            self._dragging = False
            self.released.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in ARROWS:
            step = _BIG_STEP if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else _STEP
            dx, dy = ARROWS[key]
            x, y = self._at[0] + step * dx, self._at[1] + step * dy
            self._take((round(min(1.0, max(0.0, x)), 4), round(min(1.0, max(0.0, y)), 4)))
        elif key == Qt.Key.Key_Home:
            self._take((0.5, 0.5))
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_key(event.mimeData()) is not None or dropped_files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        # Anywhere else on the pad the chosen corner is meant.
        corner, mime = self._corner_at(event.position()), event.mimeData()
        corner = corner if corner >= 0 else max(0, self._chosen)
        event.acceptProposedAction()
        if (key := dropped_key(mime)) is not None:
            self.keyDropped.emit(corner, key)
        elif files := dropped_files(mime):
            self.filesDropped.emit(corner, files)

    def _tell(self) -> None:
        self.setAccessibleName(f"Pad: {self._at[0]:.0%} right, {self._at[1]:.0%} down")
