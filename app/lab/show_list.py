"""What the stages show: legend and switches in one, with their keys and colour bars."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QLinearGradient, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy

from app.lab.shortcuts import LAYERS
from app.lab.stage import colours
from app.theme import color, mono_font, tokens, ui_font
from app.widgets import paint
from app.widgets.painted import PaintedItems
from app.widgets.plot.inks import ink_of
from app.widgets.plot.scale import figure

ROW_PX: Final = 23
BAR_PX: Final = 24
SWATCH_PX: Final = 26
Scale = tuple[float, float, str]
"""The ends of a colour scale, and what stands between them."""


class ShowList(PaintedItems):
    """Emits the layer that was clicked."""

    toggled = Signal(str)
    handled_keys = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Return)

    def __init__(self) -> None:
        super().__init__()
        self._on: Collection[str] = ()
        self._possible: Collection[str] = ()
        self._scales: dict[str, Scale] = {}
        self._inks = 1
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Show")

    def set_layers(
        self, on: Collection[str], possible: Collection[str], *, scales: dict[str, Scale], inks: int
    ) -> None:
        """Which layers are on, which there are, the scales of colours, and how many inks samples have."""
        now = (frozenset(on), frozenset(possible), scales, inks)
        if now != (self._on, self._possible, self._scales, self._inks):
            self._on, self._possible, self._scales, self._inks = now
            self.setFixedHeight(self.sizeHint().height())
            self.update()

    def _has_bar(self, name: str) -> bool:
        return name in self._on and name in self._possible and name in self._scales

    def sizeHint(self) -> QSize:
        bars = sum(self._has_bar(name) for name, *_ in LAYERS)
        return QSize(160, len(LAYERS) * ROW_PX + bars * BAR_PX)

    def item_count(self) -> int:
        return len(LAYERS)

    def item_rect(self, index: int) -> QRect:
        above = sum(self._has_bar(name) for name, *_ in LAYERS[:index])
        return QRect(0, index * ROW_PX + above * BAR_PX, self.width(), ROW_PX)

    def item_tooltip(self, index: int) -> str:
        name, key, _, words = LAYERS[index]
        if name in self._possible:
            return f"{words} ({key})"
        return {
            "critic": "No stage has a network that judges: choose a GAN to see what it says of each place.",
            "gradient": "No stage learns by a generator's loss of its samples in the plane: choose a GAN.",
            "field": "No stage flows along a field in the plane: choose a flow with an ode layer.",
            "trajectories": "The code has another dimension than the points, or these are points of the line.",
            "mass": "The code has another dimension than the points, so it has no such quarters.",
            "grid": "The code has another dimension than the points, so no grid of it can be drawn.",
        }.get(name, words)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.index_at(event.position().toPoint())
        if index >= 0:
            self._cursor = index
            self._toggle()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._step_cursor(key, 1)
        elif key == Qt.Key.Key_Return:
            self._toggle()
        else:
            super().keyPressEvent(event)

    def _toggle(self) -> None:
        name = LAYERS[self._cursor][0]
        if name in self._possible:
            self.toggled.emit(name)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = paint.smooth(self), tokens()
        for index, (name, key, title, _) in enumerate(LAYERS):
            rect = QRectF(self.item_rect(index))
            on, there = name in self._on and name in self._possible, name in self._possible
            if index == self._hover and there:
                paint.box(painter, rect.adjusted(-2, 1, 2, -1), fill=theme.hover, radius_px=5)
            painter.setOpacity(1.0 if on else 0.45 if there else 0.25)
            self._swatch(painter, name, QPointF(10, rect.center().y()))
            painter.setOpacity(1.0)
            ink = theme.text if on else theme.muted if there else theme.faint
            words = rect.adjusted(SWATCH_PX, 0, -20, 0)
            paint.text(painter, words, title, font=ui_font(), ink=ink)
            if not there:
                middle, wide = rect.center().y(), paint.width_of(title, ui_font())
                painter.setPen(QPen(color(theme.faint), 1.0))
                painter.drawLine(QPointF(words.left(), middle), QPointF(words.left() + wide, middle))
            align = Qt.AlignmentFlag.AlignRight
            paint.text(
                painter, rect.adjusted(0, 0, -2, 0), key, font=mono_font(theme.small_px), ink=theme.faint, align=align
            )
            if self._has_bar(name):
                self._bar(painter, name, QRectF(SWATCH_PX, rect.bottom(), self.width() - SWATCH_PX, BAR_PX))
            if index == self._cursor and paint.tabbed_to(self):
                paint.focus_ring(painter, rect, 5)
        painter.end()

    def _swatch(self, painter: QPainter, name: str, at: QPointF) -> None:
        theme = tokens()
        if name == "data":
            paint.dot(painter, at, theme.points, 2.5)
        elif name == "samples":
            for index in range(self._inks):
                shift = 0 if self._inks == 1 else 9 * index - 4.5
                paint.dot(painter, QPointF(at.x() + shift, at.y()), ink_of(index), 3.2)
        elif name in ("density", "difference", "critic"):
            painter.fillRect(QRectF(at.x() - 9, at.y() - 4, 18, 8), _gradient(name, at.x() - 9, at.x() + 9))
        elif name == "truth":
            painter.setPen(QPen(color(theme.points), 1.3))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(at, 8, 4.5)
            painter.drawEllipse(at, 3.5, 2)
        elif name in ("gradient", "field"):
            ink = theme.text if name == "gradient" else theme.muted
            for shift in (-3.0, 4.0):
                _arrow(painter, at + QPointF(-7, shift), ink)
        elif name == "trajectories":
            painter.setPen(QPen(color(theme.text, 0.8), 1.0))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for shift in (-4.0, 0.0, 4.0):
                way = QPainterPath(QPointF(at.x() - 8, at.y() + shift))
                way.cubicTo(at + QPointF(-2, shift - 4), at + QPointF(2, shift + 4), at + QPointF(8, shift))
                painter.drawPath(way)
        elif name == "mass":
            for index, ink in enumerate(colours.QUARTERS):
                paint.dot(painter, at + QPointF(5 * (index % 2) - 2.5, 2.5 - 5 * (index // 2)), ink, 2.2)
        else:
            painter.setPen(QPen(color(theme.warn), 1.0))
            for step in (-5, 0, 5):
                painter.drawLine(QPointF(at.x() - 8, at.y() + step), QPointF(at.x() + 8, at.y() + step))
                painter.drawLine(QPointF(at.x() + step, at.y() - 7), QPointF(at.x() + step, at.y() + 7))

    def _bar(self, painter: QPainter, name: str, room: QRectF) -> None:
        theme, (low, high, words) = tokens(), self._scales[name]
        strip = QRectF(room.left(), room.top() + 1, room.width(), 5)
        painter.fillRect(strip, _gradient(name, strip.left(), strip.right()))
        painter.setPen(QPen(color(theme.line), 1.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(strip.adjusted(-0.5, -0.5, 0.5, 0.5))
        font = mono_font(theme.small_px)
        below = QRectF(room.left(), room.top() + 7, room.width(), 15)
        for text, align in (
            (_number(low), Qt.AlignmentFlag.AlignLeft),
            (words, Qt.AlignmentFlag.AlignHCenter),
            (_number(high), Qt.AlignmentFlag.AlignRight),
        ):
            paint.text(painter, below, text, font=font, ink=theme.faint, align=align)


def _arrow(painter: QPainter, at: QPointF, ink: str) -> None:
    x, y, tip = at.x(), at.y(), 14.0
    painter.setPen(paint.pen(ink, 1.2))
    ends = ((x, y, x + tip, y), (x + tip, y, x + tip - 4, y - 2.5), (x + tip, y, x + tip - 4, y + 2.5))
    painter.drawLines([QLineF(*one) for one in ends])


def _number(value: float) -> str:
    return figure(value + 0.0).replace("-", "\u2212")


def _gradient(name: str, left: float, right: float) -> QLinearGradient:
    found, stops = QLinearGradient(left, 0, right, 0), colours.stops(name, tokens().name)
    for index, stop in enumerate(stops):
        found.setColorAt(index / (len(stops) - 1), color(stop))
    return found
