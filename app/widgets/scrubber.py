"""A line of time with a mark for each step that was kept, and a handle on the one on show."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy

from app.theme import tokens, ui_font
from app.widgets import paint
from app.widgets.painted import STEP_KEYS, Painted

_HEIGHT_PX: Final = 28
_KNOB_PX: Final = 7.0
_MARK_PX: Final = 8
_VALUE_PX: Final = 72
_CLOSEST_PX: Final = 3.0
"""Marks nearer to each other are drawn as one."""


class Scrubber(Painted):
    """Emits the index of the step that is wanted; drag, wheel, arrows, Home and End."""

    moved = Signal(int)
    handled_keys = (*STEP_KEYS, Qt.Key.Key_Home, Qt.Key.Key_End)

    def __init__(self, *, tooltip: str) -> None:
        super().__init__()
        self._steps: tuple[int, ...] = ()
        self._index = -1
        self._dragging = False
        self._help = f"{tooltip} Left and Right go one on, Home and End to the ends."
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setToolTip(self._help)
        self._tell()

    def set_steps(self, steps: Sequence[int]) -> None:
        """The places of the marks (steps, rising); the one on show stays where it is still there."""
        fresh = tuple(steps)
        if fresh != self._steps:
            self._steps, self._index = fresh, min(self._index, len(fresh) - 1)
            self.setEnabled(len(fresh) > 1)
            self._tell()
            self.update()

    def set_index(self, index: int) -> None:
        """Shows a step without emitting; -1 shows none."""
        index = min(max(-1, index), len(self._steps) - 1)
        if index != self._index:
            self._index = index
            self._tell()
            self.update()

    def index(self) -> int:
        """The step on show, or -1."""
        return self._index

    def count(self) -> int:
        """How many steps there are."""
        return len(self._steps)

    def x_of(self, index: int) -> float:
        """Where the mark of a step is, in widget pixels."""
        left, width = _KNOB_PX + 1, max(1.0, self.width() - _VALUE_PX - 2 * _KNOB_PX - 2)
        first, last = self._steps[0], self._steps[-1]
        return left + width * (self._steps[index] - first) / max(1, last - first)

    def sizeHint(self) -> QSize:
        return QSize(240, _HEIGHT_PX)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, _HEIGHT_PX)

    def _nearest(self, x_px: float) -> int:
        places = [self.x_of(i) for i in range(len(self._steps))]
        after = min(bisect_left(places, x_px), len(places) - 1)
        return after if after == 0 or places[after] - x_px < x_px - places[after - 1] else after - 1

    def _go(self, index: int) -> None:
        index = min(max(0, index), len(self._steps) - 1)
        if index != self._index and index >= 0:
            self.set_index(index)
            self.moved.emit(index)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens()
        painter = paint.smooth(self)
        middle = self.height() / 2
        words = f"{self._steps[self._index]:,}" if self._index >= 0 else ""
        value = QRectF(self.width() - _VALUE_PX, 0, _VALUE_PX, self.height())
        paint.text(painter, value, words, font=ui_font(), ink=theme.muted, align=Qt.AlignmentFlag.AlignRight)
        track = QRectF(0, middle - 1.5, self.width() - _VALUE_PX, 3)
        paint.box(painter, track, fill=theme.track, radius_px=1.5)
        if len(self._steps) > 1:
            self._paint_marks(painter, middle)
        if self._index >= 0:
            knob, ink = QPointF(self.x_of(self._index), middle), theme.accent if self.isEnabled() else theme.track
            paint.dot(painter, knob, ink, _KNOB_PX)
        if paint.tabbed_to(self):
            paint.focus_ring(painter, QRectF(self.rect()))
        painter.end()

    def _paint_marks(self, painter: QPainter, middle: float) -> None:
        theme, last = tokens(), -_CLOSEST_PX
        for index in range(len(self._steps)):
            x = self.x_of(index)
            if x - last < _CLOSEST_PX:
                continue
            last = x
            painter.setPen(paint.pen(theme.accent_line if index <= self._index else theme.faint, 1.0))
            painter.drawLine(QPointF(x, middle - _MARK_PX / 2), QPointF(x, middle + _MARK_PX / 2))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._steps:
            self._dragging = True
            self._go(self._nearest(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragging:
            self._go(self._nearest(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragging = False

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y()
        if notches:
            self._go(self._index + (1 if notches > 0 else -1))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in STEP_KEYS:
            self._go(self._index + STEP_KEYS[key])
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._go(0 if key == Qt.Key.Key_Home else len(self._steps) - 1)
        else:
            super().keyPressEvent(event)

    def _tell(self) -> None:
        at = f", step {self._steps[self._index]:,}" if self._index >= 0 else ""
        self.setAccessibleName(f"History{at}")
