"""A small curve without axes: how the error of a search falls, with its current value."""

import math
from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QHelpEvent, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.theme import color, mono_font, tokens, ui_font
from app.widgets import paint
from app.widgets.figures import compact

_EDGE_PX: Final = 10
_POINTS_PER_PX: Final = 1.0
_LEAST_RANGE: Final = math.log(1.25)


class Sparkline(QWidget):
    """Steps from left to right, values on a logarithmic scale; figures in the corners where there is room.

    The tooltip tells the value under the pointer.
    """

    def __init__(self, name: str = "error", *, framed: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self._framed = name, framed
        self._steps: tuple[int, ...] = ()
        self._values: tuple[float, ...] = ()
        self._total = 0
        self._title = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumSize(48, 32)
        self.setAccessibleName(name)

    def set_curve(self, steps: Sequence[int], values: Sequence[float], *, total: int = 0, title: str = "") -> None:
        """The values at these steps, of `total` (0: as many as there are); what is not positive and finite is left out.

        Raises:
            ValueError: there are not as many steps as values.
        """
        if len(steps) != len(values):
            raise ValueError(f"A curve needs as many steps as values, got {len(steps)} and {len(values)}.")
        kept = [(s, float(v)) for s, v in zip(steps, values, strict=True) if v > 0 and math.isfinite(v)]
        self._steps, self._values = tuple(s for s, _ in kept), tuple(v for _, v in kept)
        self._total, self._title = total, title
        self.setAccessibleDescription(self.summary())
        self.update()

    def curve(self) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """The steps and values that are drawn."""
        return self._steps, self._values

    def summary(self) -> str:
        """``error 0.21 → 0.034 in 150 steps``, or empty."""
        if not self._values:
            return ""
        return f"{self._name} {compact(self._values[0])} → {compact(self._values[-1])} in {self._steps[-1]} steps"

    def sizeHint(self) -> QSize:
        return QSize(160, 48)

    # painting
    def _plot(self) -> QRectF:
        tall = self.height() >= 96
        top = 30.0 if tall else _EDGE_PX / 2 + 1
        return QRectF(self.rect()).adjusted(_EDGE_PX, top, -_EDGE_PX, -(26.0 if tall else _EDGE_PX / 2 + 1))

    def _points(self) -> list[QPointF]:
        plot = self._plot()
        high = math.log(max(self._values))
        # A search that gains next to nothing must look like it, and not fall from top to bottom.
        low = min(math.log(min(self._values)), high - _LEAST_RANGE)
        first, last = self._steps[0], max(self._total, self._steps[-1], self._steps[0] + 1)
        # Thousands of steps on two hundred pixels: every n-th is enough, and always the last.
        every = max(1, int(len(self._steps) / max(1.0, _POINTS_PER_PX * plot.width())))
        shown = [*range(0, len(self._steps) - 1, every), len(self._steps) - 1]
        return [
            QPointF(
                plot.left() + plot.width() * (self._steps[i] - first) / (last - first),
                plot.bottom() - plot.height() * (math.log(self._values[i]) - low) / max(1e-9, high - low),
            )
            for i in shown
        ]

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens()
        painter = paint.smooth(self)
        if self._framed:
            rect = QRectF(self.rect())
            paint.box(painter, rect, fill=theme.panel, line=theme.line, radius_px=theme.picture_radius_px)
        if self._values:
            points = self._points()
            plot = self._plot()
            area = QPolygonF([QPointF(points[0].x(), plot.bottom()), *points, QPointF(points[-1].x(), plot.bottom())])
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color(theme.accent_line, 0.12))
            painter.drawPolygon(area)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(paint.pen(theme.accent_line, 1.6))
            painter.drawPolyline(QPolygonF(points))
            paint.dot(painter, points[-1], theme.accent_line, 3.0)
        if self.height() >= 96:
            self._write(painter, ui_font(theme.small_px))
        painter.end()

    def _write(self, painter: QPainter, font: QFont) -> None:
        theme = tokens()
        head = QRectF(self.rect()).adjusted(_EDGE_PX, 6, -_EDGE_PX, 0)
        head.setHeight(20)
        foot = QRectF(head.x(), self.height() - 24.0, head.width(), 20)
        right = Qt.AlignmentFlag.AlignRight
        paint.text(painter, head, self._title, font=font, ink=theme.muted)
        if not self._values:
            return
        figures = mono_font(theme.small_px)
        paint.text(painter, head, compact(self._values[-1]), font=figures, ink=theme.text, align=right)
        paint.text(painter, foot, f"{self._name}, log scale", font=font, ink=theme.faint)
        of = f"{self._steps[-1]} / {self._total}" if self._total else str(self._steps[-1])
        paint.text(painter, foot, of, font=figures, ink=theme.faint, align=right)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.text_at(event.pos().x()), self)
            return True
        return super().event(event)

    def text_at(self, x_px: float) -> str:
        """What the tooltip says at this place: ``step 40: error 0.052`` and the summary."""
        if not self._values:
            return ""
        plot = self._plot()
        last = max(self._total, self._steps[-1], self._steps[0] + 1)
        step = self._steps[0] + (last - self._steps[0]) * (x_px - plot.left()) / max(1.0, plot.width())
        nearest = min(range(len(self._steps)), key=lambda i: abs(self._steps[i] - step))
        return f"Step {self._steps[nearest]}: {self._name} {compact(self._values[nearest])}\n{self.summary()}"
