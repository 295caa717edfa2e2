"""The plane to draw a distribution on: each touch of the brush is a round Gaussian."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen, QRadialGradient, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.lab.stage.plane import Plane, span_of
from app.theme import color, mono_font, tokens, ui_font
from app.widgets import paint
from app.widgets.plot.scale import figure, ticks
from engine.lab import STAMP_REACH, STAMP_WIDTHS, Stamp

APART: Final = 0.6
"""Between the touches of one stroke, in widths of the brush."""
NOTCH: Final = 1.15
"""By how much a notch of the wheel changes the brush."""
SEEN: Final = 2.0
"""A touch is seen as far out as so many of its widths."""


class DrawPad(QWidget):
    """`strokeBegun` comes before what one press draws. `stamped` tells where the brush touches, `erased` where it takes
    away: (x, y); `widthTurned` is a factor."""

    stamped = Signal(float, float)
    erased = Signal(float, float)
    strokeBegun = Signal()
    widthTurned = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self._stamps: tuple[Stamp, ...] = ()
        self._width = 0.2
        self._erasing = False
        self._words = ""
        self._pointer: QPointF | None = None
        self._last: tuple[float, float] | None = None
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Draw a distribution")
        self.setToolTip("Drag to draw, with the right button to take away; the wheel changes the brush.")

    def sizeHint(self) -> QSize:
        return QSize(440, 440)

    def show_drawing(self, stamps: Sequence[Stamp], *, width: float, erasing: bool, words: str) -> None:
        """The touches so far, the brush, and what is said of both."""
        self._words = words
        self._stamps, self._width, self._erasing = tuple(stamps), width, erasing
        self.update()

    def plane(self) -> Plane:
        """The part of the plane that can be drawn on, with as many pixels a unit both ways."""
        wide, high = max(1, self.width()), max(1, self.height())
        return Plane(span_of((-STAMP_REACH, STAMP_REACH), wide, high, dimension=2), wide, high)

    # gestures
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._last = None
        self.strokeBegun.emit()
        self._touch(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pointer = event.position()
        if event.buttons() & (Qt.MouseButton.LeftButton | Qt.MouseButton.RightButton):
            self._touch(event)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._last = None

    def leaveEvent(self, event: object) -> None:
        self._pointer = None
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta().y()
        if turned:
            self.widthTurned.emit(NOTCH ** (turned / 120))
        event.accept()

    def _touch(self, event: QMouseEvent) -> None:
        x, y = self.plane().to_point(event.position().x(), event.position().y())
        taking = self._erasing or bool(event.buttons() & Qt.MouseButton.RightButton)
        if taking:
            self.erased.emit(x, y)
            return
        if max(abs(x), abs(y)) > STAMP_REACH:
            # A stroke that leaves the plane begins anew where it comes back.
            self._last = None
            return
        step = APART * self._width
        if self._last is None:
            self.stamped.emit(x, y)
            self._last = (x, y)
            return
        # As many touches as fit on the way, however fast the hand was.
        from_x, from_y = self._last
        far = math.hypot(x - from_x, y - from_y)
        for index in range(1, int(far / step) + 1):
            share = index * step / far
            self._last = (from_x + share * (x - from_x), from_y + share * (y - from_y))
            self.stamped.emit(*self._last)

    # painting
    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme, plane = paint.smooth(self), tokens(), self.plane()
        room = QRectF(self.rect())
        paint.box(painter, room, fill=theme.stage, radius_px=theme.picture_radius_px)
        unit = plane.width_px / (plane.span.right - plane.span.left)
        painter.setPen(Qt.PenStyle.NoPen)
        for one in self._stamps:
            centre, reach = self._at(plane, one.x, one.y), SEEN * one.width * unit
            soft = QRadialGradient(centre, reach)
            # Narrow touches are dense: all hold the same mass.
            soft.setColorAt(0.0, color(theme.points, min(0.8, 0.12 / one.width)))
            soft.setColorAt(1.0, color(theme.points, 0.0))
            painter.setBrush(soft)
            painter.drawEllipse(centre, reach, reach)
        self._edges(painter, plane)
        paint.text(painter, QRectF(14, 8, room.width() - 28, 18), self._words, font=ui_font(), ink=theme.muted)
        if self._pointer is not None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(color(theme.error if self._erasing else theme.accent_line), 1.5))
            painter.drawEllipse(self._pointer, self._width * unit, self._width * unit)
        paint.box(painter, room, line=theme.line, radius_px=theme.picture_radius_px)
        if paint.tabbed_to(self):
            paint.focus_ring(painter, room, theme.picture_radius_px)
        painter.end()

    def _edges(self, painter: QPainter, plane: Plane) -> None:
        theme = tokens()
        corner, other = self._at(plane, -STAMP_REACH, STAMP_REACH), self._at(plane, STAMP_REACH, -STAMP_REACH)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(color(theme.faint, 0.6), 1.0, Qt.PenStyle.DashLine))
        painter.drawRect(QRectF(corner, other))
        for value in ticks(-STAMP_REACH, STAMP_REACH, 5)[1:-1]:
            at = self._at(plane, value, -STAMP_REACH)
            box = QRectF(at.x() - 30, at.y() - 18, 60, 16)
            words = figure(value + 0.0).replace("-", "\u2212")
            font, align = mono_font(theme.small_px), Qt.AlignmentFlag.AlignHCenter
            paint.text(painter, box, words, font=font, ink=theme.muted, align=align)

    def _at(self, plane: Plane, x: float, y: float) -> QPointF:
        span = plane.span
        return QPointF(
            (x - span.left) * plane.width_px / (span.right - span.left),
            (span.top - y) * plane.height_px / (span.top - span.bottom),
        )


def width_within(width: float) -> float:
    """The nearest width that a brush can have."""
    low, high = STAMP_WIDTHS
    return min(high, max(low, width))
