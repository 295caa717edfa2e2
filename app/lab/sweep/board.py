"""Two Gaussians at a distance, and what is read of them there and at every other one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.lab.stage.dots import polygon
from app.lab.state import LabState, SweepState
from app.theme import color, mono_font, tokens, ui_font
from app.widgets import paint
from app.widgets.layout import vbox
from app.widgets.plot.inks import ink_of
from app.widgets.plot.scale import figure, log_ticks, ticks
from app.widgets.slider import ValueSlider
from engine.lab import SweepSeen

BEYOND: Final = 4.0
"""Sigmas that are seen beside the outer ones of the two Gaussians."""
UPPER: Final = 0.34
"""The share of the height that the Gaussians have."""
LEFT_PX, RIGHT_PX, GAP_PX, FOOT_PX, HEAD_PX = 58.0, 16.0, 14.0, 26.0, 24.0
LOWEST: Final = 1e-7
Values = NDArray[np.float64]


class SweepBoard(QWidget):
    """Emits the distance that is wanted."""

    moved = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.curves = _Curves()
        self.along = ValueSlider("theta", 0.0, 1.0, value=0.0, default=0.0, decimals=2, label_px=48)
        self.setLayout(vbox(self.curves, self.along, gap_px=6, stretch={0: 1}))
        self.along.changed.connect(self.moved)
        self.curves.moved.connect(self.moved)
        self._seen: SweepSeen | None = None

    def show_lab(self, state: LabState) -> None:
        """The sweep at its distance."""
        sweep = state.sweep
        if sweep is None:
            return
        if sweep.seen is not self._seen:
            self._seen = sweep.seen
            self.along.set_range(float(sweep.seen.at[0]), float(sweep.seen.at[-1]))
            self.along.set_default(sweep.seen.start)
        self.along.set_value(sweep.at)
        self.curves.show_sweep(sweep)


def read_at(sweep: SweepState) -> list[float]:
    """Each series at the distance on show, between two places that were read in a straight line (of logarithms, where
    their scale is one)."""
    seen, found = sweep.seen, []
    for one in seen.series:
        values = np.log(one.values) if seen.log else one.values
        value = float(np.interp(sweep.at, seen.at, values))
        found.append(math.exp(value) if seen.log else value)
    return found


def said(sweep: SweepState) -> list[str]:
    """The name of each series with its value there."""
    pairs = zip(sweep.seen.series, read_at(sweep), strict=True)
    return [f"{one.title} {value:.4g} {one.unit}".rstrip().replace("e-0", "e\u2212") for one, value in pairs]


class _Curves(QWidget):
    """A click or a drag over the curves goes to that distance."""

    moved = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self._sweep: SweepState | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.CrossCursor)

    def sizeHint(self) -> QSize:
        return QSize(560, 420)

    def show_sweep(self, sweep: SweepState) -> None:
        """What is shown; repaints only when it differs."""
        if sweep is not self._sweep:
            self._sweep = sweep
            self.setAccessibleName(f"theta {sweep.at:.2f}: {', '.join(said(sweep))}")
            self.update()

    def _plot(self) -> QRectF:
        top = UPPER * self.height() + GAP_PX
        wide = max(1.0, self.width() - LEFT_PX - RIGHT_PX)
        return QRectF(LEFT_PX, top + HEAD_PX, wide, max(1.0, self.height() - top - HEAD_PX - FOOT_PX))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._go(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._go(event)

    def _go(self, event: QMouseEvent) -> None:
        room, sweep = self._plot(), self._sweep
        if sweep is not None:
            at = sweep.seen.at
            share = (event.position().x() - room.left()) / room.width()
            self.moved.emit(float(at[0] + share * (at[-1] - at[0])))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = paint.smooth(self), tokens()
        above = QRectF(0, 0, self.width(), UPPER * self.height())
        below = QRectF(0, above.bottom() + GAP_PX, self.width(), self.height() - above.bottom() - GAP_PX)
        for room in (above, below):
            paint.box(painter, room, fill=theme.stage, line=theme.line, radius_px=theme.picture_radius_px)
        if self._sweep is not None:
            _paint_gaussians(painter, above, self._sweep)
            _paint_series(painter, below, self._plot(), self._sweep)
        painter.end()


def _paint_gaussians(painter: QPainter, room: QRectF, sweep: SweepState) -> None:
    theme, last = tokens(), float(sweep.seen.at[-1])
    low, high = -BEYOND, last + BEYOND
    x = np.linspace(low, high, 400)
    foot, tall = room.bottom() - 22, room.height() - 56
    x_px = room.left() + (x - low) / (high - low) * room.width()
    for middle, ink in ((0.0, theme.points), (sweep.at, ink_of(0))):
        y_px = foot - tall * np.exp(-0.5 * (x - middle) ** 2)
        curve = polygon(np.ascontiguousarray(np.stack([x_px, y_px], 1)))
        ground = QPolygonF(curve)
        ground.append(QPointF(curve.last().x(), foot))
        ground.append(QPointF(curve.first().x(), foot))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color(ink, 0.22))
        painter.drawPolygon(ground)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(paint.pen(ink, 1.8))
        painter.drawPolyline(curve)
    font, align = mono_font(theme.small_px), Qt.AlignmentFlag.AlignHCenter
    for value in ticks(low, high, 8):
        at = room.left() + (value - low) / (high - low) * room.width()
        if 20 < at < room.width() - 20:
            words = figure(value + 0.0).replace("-", "\u2212")
            paint.text(painter, QRectF(at - 30, foot + 3, 60, 16), words, font=font, ink=theme.muted, align=align)
    title = f"Data N(0, 1), model N({sweep.at:.2f}, 1)"
    paint.text(painter, QRectF(14, 6, room.width() - 28, 18), title, font=ui_font(bold=True), ink=theme.text)
    if sweep.seen.pull:
        _paint_pulls(painter, room, sweep, place=lambda x: room.left() + (x - low) / (high - low) * room.width())


def _paint_pulls(painter: QPainter, room: QRectF, sweep: SweepState, *, place: Callable[[float], float]) -> None:
    """An arrow for each loss: how far it would pull in a step of size 1, which is no farther than the data."""
    for index, value in enumerate(read_at(sweep)):
        y = room.top() + 38 + 16 * index
        start, end = place(sweep.at), place(sweep.at - min(value, sweep.at))
        painter.setPen(paint.pen(ink_of(index), 2.0))
        painter.drawLine(QLineF(start, y, end, y))
        if start - end > 8:
            painter.drawLines([QLineF(end, y, end + 5, y - 3.5), QLineF(end, y, end + 5, y + 3.5)])
        paint.dot(painter, QPointF(start, y), ink_of(index), 2.5)


def _scale(seen: SweepSeen) -> tuple[float, float]:
    """The ends of the upright axis, of logarithms where it is one."""
    values = np.concatenate([one.values for one in seen.series])
    if seen.log:
        return math.log10(max(LOWEST, float(values.min()))), math.log10(1.6 * float(values.max()))
    return 0.0, 1.06 * float(values.max())


def _paint_series(painter: QPainter, whole: QRectF, room: QRectF, sweep: SweepState) -> None:
    theme, seen = tokens(), sweep.seen
    low, high = _scale(seen)
    first, last = float(seen.at[0]), float(seen.at[-1])

    def across(theta: float) -> float:
        return room.left() + (theta - first) / (last - first) * room.width()

    def up(value: float) -> float:
        return room.bottom() - (value - low) / (high - low) * room.height()

    font = mono_font(theme.small_px)
    for value, words in _marks(seen, low, high):
        painter.setPen(QPen(color(theme.line), 1.0))
        painter.drawLine(QLineF(room.left(), up(value), room.right(), up(value)))
        box = QRectF(0, up(value) - 8, LEFT_PX - 8, 16)
        paint.text(painter, box, words, font=font, ink=theme.muted, align=Qt.AlignmentFlag.AlignRight)
    for value in ticks(first, last, 10):
        box = QRectF(across(value) - 30, room.bottom() + 5, 60, 16)
        paint.text(painter, box, figure(value), font=font, ink=theme.muted, align=Qt.AlignmentFlag.AlignHCenter)
    x_px = np.array([across(theta) for theta in seen.at])
    for index, one in enumerate(seen.series):
        values = np.log10(np.maximum(one.values, LOWEST)) if seen.log else one.values
        y_px = np.array([up(value) for value in values])
        painter.setPen(paint.pen(ink_of(index), 2.0))
        painter.drawPolyline(polygon(np.ascontiguousarray(np.stack([x_px, y_px], 1))))
    here = across(sweep.at)
    painter.setPen(QPen(color(theme.text), 1.0, Qt.PenStyle.DashLine))
    painter.drawLine(QLineF(here, room.top(), here, room.bottom()))
    left = whole.left() + 14.0
    for index, (words, value) in enumerate(zip(said(sweep), read_at(sweep), strict=True)):
        shown = math.log10(max(LOWEST, value)) if seen.log else value
        paint.dot(painter, QPointF(here, up(shown)), ink_of(index), 4.0)
        paint.dot(painter, QPointF(left + 4, whole.top() + 14), ink_of(index), 3.5)
        wide = paint.width_of(words, mono_font(12)) + 30
        paint.text(painter, QRectF(left + 14, whole.top() + 5, wide, 18), words, font=mono_font(12), ink=theme.text)
        left += wide + 8
    box = QRectF(left, whole.top() + 5, max(0.0, whole.right() - left - 14), 18)
    if paint.width_of(seen.title, ui_font(theme.small_px)) < box.width():
        align = Qt.AlignmentFlag.AlignRight
        paint.text(painter, box, seen.title, font=ui_font(theme.small_px), ink=theme.muted, align=align)


def _marks(seen: SweepSeen, low: float, high: float) -> Iterator[tuple[float, str]]:
    """Where lines stand across the plot, and their numbers."""
    if seen.log:
        for value in log_ticks(low, high, 6):
            yield math.log10(value), f"{value:g}".replace("e-0", "e\u2212")
    else:
        for value in ticks(low, high, 5):
            yield value, figure(value)
