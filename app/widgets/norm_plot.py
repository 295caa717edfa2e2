"""The norm of the code along a path: one bold curve, the others faint, and a marker at the current place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip

from app.theme import color, tokens, ui_font
from app.widgets import paint
from app.widgets.painted import Painted

Curve = NDArray[np.float64]
_LEFT_PX: Final = 30
_BOTTOM_PX: Final = 18
_TOP_PX: Final = 6


class NormPlot(Painted):
    """Curves over [0, 1]; a click or drag says where, and so do the arrow keys."""

    placed = Signal(float)
    handled_keys = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End)

    def __init__(self) -> None:
        super().__init__()
        self._curves: dict[str, Curve] = {}
        self._names: dict[str, str] = {}
        self._parts: Sequence[str] = ()
        self._shown, self._fraction = "", 0.0
        self._marks: tuple[tuple[float, str], ...] = ()
        self._range = (0.0, 1.1)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Length of the code along the path")
        self.setToolTip("|z| / √D along the path: 1 is the shell where codes live. Click or arrows move along it.")

    def set_curves(
        self, curves: Mapping[str, NDArray[Any]] | None, names: Mapping[str, str], parts: Sequence[str] = ()
    ) -> None:
        """Curves (1 + P, N) by method, the whole code first, then `parts` (its levels); None empties the plot."""
        self._curves = {key: np.atleast_2d(np.asarray(curve, np.float64)) for key, curve in (curves or {}).items()}
        self._names, self._parts = dict(names), tuple(parts)
        top = max((float(curve[0].max()) for curve in self._curves.values()), default=1.0)
        low = min((float(curve[0].min()) for curve in self._curves.values()), default=0.5)
        self._range = (max(0.0, min(0.9, low) - 0.08), max(1.05, top + 0.08))
        self.update()

    def set_shown(self, key: str) -> None:
        """Which curve is bold."""
        if key != self._shown:
            self._shown = key
            self.update()

    def set_fraction(self, fraction: float) -> None:
        """Where the marker is."""
        if fraction != self._fraction:
            self._fraction = fraction
            self.update()

    def set_marks(self, marks: Sequence[tuple[float, str]]) -> None:
        """Corners: (fraction, letter)."""
        if tuple(marks) != self._marks:
            self._marks = tuple(marks)
            self.update()

    def value_at(self, key: str, fraction: float, part: int = 0) -> float | None:
        """A curve's value, or None where there is no such curve."""
        curve = self._curves.get(key)
        if curve is None or part >= len(curve):
            return None
        return float(np.interp(fraction, np.linspace(0, 1, curve.shape[1]), curve[part]))

    def words_at(self, fraction: float) -> str:
        """All that is known at a place, a line each: the methods, then the levels of the bold one."""
        lines = [f"At {fraction:.0%} of the path, |z| / √D:"]
        for key in self._curves:
            value = self.value_at(key, fraction)
            lines.append(f"{'▸ ' if key == self._shown else ''}{self._names.get(key, key)}: {value:.3f}")
        for index, part in enumerate(self._parts):
            value = self.value_at(self._shown, fraction, index + 1)
            if value is not None:
                lines.append(f"{part}: {value:.3f}")
        return "\n".join(lines)

    # geometry
    def sizeHint(self) -> QSize:
        return QSize(260, 132)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 96)

    def plot_rect(self) -> QRectF:
        """Where the curves are, in widget pixels."""
        return QRectF(self.rect()).adjusted(_LEFT_PX, _TOP_PX, -6, -_BOTTOM_PX)

    def _spot(self, x: float, y: float) -> QPointF:
        rect, (low, high) = self.plot_rect(), self._range
        return QPointF(rect.left() + x * rect.width(), rect.bottom() - (y - low) / (high - low) * rect.height())

    # painting
    def paintEvent(self, event: QPaintEvent) -> None:
        theme, rect = tokens(), self.plot_rect()
        painter = paint.smooth(self)
        paint.box(painter, rect.adjusted(-2, -2, 2, 2), fill=theme.panel, line=theme.line, radius_px=theme.radius_px)
        small = ui_font(theme.small_px)
        self._paint_axis(painter)
        painter.setClipRect(rect)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for key, curve in self._curves.items():
            if key != self._shown:
                self._paint_curve(painter, curve[0], theme.faint, 1.2, alpha=0.7)
        bold = self._curves.get(self._shown)
        if bold is not None:
            for part in bold[1:]:
                self._paint_curve(painter, part, theme.accent_line, 0.8, alpha=0.35)
            self._paint_curve(painter, bold[0], theme.accent_line, 2.0)
            painter.setPen(paint.pen(theme.muted))
            x = self._spot(self._fraction, 0).x()
            painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom()))
            value = self.value_at(self._shown, self._fraction)
            paint.dot(painter, self._spot(self._fraction, value or 0.0), theme.panel, 6.0)
            paint.dot(painter, self._spot(self._fraction, value or 0.0), theme.accent_line, 4.5)
        else:
            centre = Qt.AlignmentFlag.AlignHCenter
            paint.text(painter, rect, "Two corners make a path", font=ui_font(), ink=theme.faint, align=centre)
        painter.setClipping(False)
        for fraction, letter in self._marks:
            x = min(max(self._spot(fraction, 0).x(), rect.left() + 5), rect.right() - 5)
            room = QRectF(x - 12, rect.bottom() + 2, 24, _BOTTOM_PX - 2)
            paint.text(painter, room, letter, font=small, ink=theme.muted, align=Qt.AlignmentFlag.AlignHCenter)
        if paint.tabbed_to(self):
            paint.focus_ring(painter, rect.adjusted(-2, -2, 2, 2), theme.radius_px)
        painter.end()

    def _paint_axis(self, painter: QPainter) -> None:
        theme, rect = tokens(), self.plot_rect()
        for value in (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0):
            y = self._spot(0, value).y()
            if not rect.top() + 4 <= y <= rect.bottom() - 2:
                continue
            painter.setPen(paint.pen(theme.track if value == 1.0 else theme.line))
            painter.drawLine(QPointF(rect.left(), y), QPointF(rect.right(), y))
            room = QRectF(0, y - 8, _LEFT_PX - 6, 16)
            ink = theme.muted if value == 1.0 else theme.faint
            right = Qt.AlignmentFlag.AlignRight
            paint.text(painter, room, f"{value:g}", font=ui_font(theme.small_px), ink=ink, align=right)

    def _paint_curve(self, painter: QPainter, ys: Curve, ink: str, width_px: float, *, alpha: float = 1.0) -> None:
        line = QPainterPath(self._spot(0, float(ys[0])))
        for index in range(1, len(ys)):
            line.lineTo(self._spot(index / (len(ys) - 1), float(ys[index])))
        pen = paint.pen(ink, width_px)
        pen.setColor(color(ink, alpha))
        painter.setPen(pen)
        painter.drawPath(line)

    # hands
    def _fraction_at(self, x: float) -> float:
        rect = self.plot_rect()
        return min(1.0, max(0.0, (x - rect.left()) / max(1.0, rect.width())))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._curves:
            self.placed.emit(self._fraction_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton and self._curves:
            self.placed.emit(self._fraction_at(event.position().x()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        places = {
            Qt.Key.Key_Left: self._fraction - 0.01,
            Qt.Key.Key_Right: self._fraction + 0.01,
            Qt.Key.Key_Home: 0.0,
            Qt.Key.Key_End: 1.0,
        }
        key = Qt.Key(event.key())
        if key in places and self._curves:
            self.placed.emit(min(1.0, max(0.0, round(places[key], 4))))
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent) and self._curves:
            QToolTip.showText(event.globalPos(), self.words_at(self._fraction_at(event.pos().x())), self)
            return True
        return super().event(event)
