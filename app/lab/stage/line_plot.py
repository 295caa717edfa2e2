"""A stage of the line: the densities of truth and model as curves over x, the samples as strokes under them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPen, QPolygonF

from app.lab.stage import colours, marks
from app.lab.stage.dots import polygon
from app.lab.stage.plane import Plane, at_depth, in_units, volume
from app.lab.state import LabState, StageView
from app.theme import color, mono_font, tokens
from app.widgets import paint
from app.widgets.plot.scale import figure, tick_words, ticks
from engine.lab import Map, Points, TruthInfo

FLOOR_PX: Final = 74
"""From the foot of the stage to the axis: numbers, strokes of samples, and those of the data."""
TOP_PX: Final = 16
STROKE_PX: Final = 14
STRIP_PX: Final = 8
EDGE_PX: Final = 14
ROOM: Final = 1.15
TALLEST: Final = 2.5
"""A model's density is shown up to so many times the truth's peak."""


def paint_line(painter: QPainter, plane: Plane, state: LabState, stage: StageView, *, ink: str) -> None:
    """Paints all layers that are on, the model's in `ink`."""
    info, theme = state.info, tokens()
    assert info is not None
    whole, shown = state.depth == 1.0, state.shown
    model = stage.maps.get("density")
    # Both stages on one scale.
    drawn = [one.maps["density"] for one in state.stages if "density" in one.maps]
    peak = max([info.peak, *(min(float(one.values.max()), TALLEST * info.peak) for one in drawn)])
    top = ROOM * peak
    axis_px = plane.height_px - FLOOR_PX
    _axes(painter, plane, top, axis_px, units=info if whole else None)
    if whole and "critic" in shown and "critic" in stage.maps:
        _strip(painter, plane, stage.maps["critic"], axis_px)
    if whole and state.truth_map is not None and ({"truth", "data"} & shown):
        curve = _curve(plane, state.truth_map, top, axis_px)
        _fill(painter, curve, axis_px, ink=theme.points, alpha=0.16)
        _stroke(painter, curve, theme.points, 1.4)
    quartered = "mass" in shown and stage.info is not None and "mass" in stage.info.shows and stage.trace is not None
    if whole and "density" in shown and model is not None:
        if quartered and stage.trace is not None:
            _quarters(painter, plane, model, stage.trace, top=top, axis_px=axis_px)
        _stroke(painter, _curve(plane, model, top, axis_px), ink, 2.2)
    if "samples" in shown and stage.trace is not None:
        points, _ = at_depth(stage.trace, state.depth)
        if quartered:
            quarter = marks.quarter_of(stage.trace[0])
            for number, own in enumerate(colours.QUARTERS):
                _strokes(painter, plane, points[quarter == number, 0], axis_px + 5, own)
        else:
            _strokes(painter, plane, points[:, 0], axis_px + 5, ink)
    if "data" in shown and whole:
        _strokes(painter, plane, info.points[:, 0], axis_px + 5 + STROKE_PX + 4, theme.points)


def _fill(painter: QPainter, curve: QPolygonF, axis_px: float, *, ink: str, alpha: float) -> None:
    ground = QPolygonF(curve)
    ground.append(QPointF(curve.last().x(), axis_px))
    ground.append(QPointF(curve.first().x(), axis_px))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color(ink, alpha))
    painter.drawPolygon(ground)


def _quarters(painter: QPainter, plane: Plane, model: Map, trace: Points, *, top: float, axis_px: float) -> None:
    """Four strips of the same mass under the model's density, where its map keeps the order of the line."""
    ends = marks.quarter_ends(trace[0], trace[-1])
    if ends is None:
        return
    rising = marks.quarter_of(trace[0])[np.argsort(trace[-1][:, 0])]
    inks = colours.QUARTERS if rising[0] <= rising[-1] else colours.QUARTERS[::-1]
    edges = plane.to_px(np.stack([ends, np.zeros(3)], 1))[:, 0]
    curve = _curve(plane, model, top, axis_px)
    for left, right, ink in zip((-1e4, *edges), (*edges, 1e5), inks, strict=True):
        painter.save()
        painter.setClipRect(QRectF(left, 0, right - left, axis_px))
        _fill(painter, curve, axis_px, ink=ink, alpha=0.4)
        painter.restore()


def _axes(painter: QPainter, plane: Plane, top: float, axis_px: float, *, units: TruthInfo | None) -> None:
    """The numbers of both axes; of the density only at the data's end, which is where `units` are given."""
    theme, font, span = tokens(), mono_font(tokens().small_px), plane.span
    left, right = (span.left, span.right) if units is None else (in_units(units, 0, x) for x in (span.left, span.right))
    painter.setPen(QPen(color(theme.faint, 0.6), 1.0))
    painter.drawLine(QPointF(0, axis_px), QPointF(plane.width_px, axis_px))
    values = ticks(left, right, max(5, int(plane.width_px / 90)))
    for value, words in zip(values, tick_words(values), strict=True):
        x = (value - left) / (right - left) * plane.width_px
        if not EDGE_PX < x < plane.width_px - EDGE_PX:
            continue
        painter.setPen(QPen(color(theme.faint, 0.8), 1.0))
        painter.drawLine(QPointF(x, plane.height_px - 22), QPointF(x, plane.height_px - 26))
        box = QRectF(x - 36, plane.height_px - 21, 72, 16)
        paint.text(painter, box, words, font=font, ink=theme.muted, align=Qt.AlignmentFlag.AlignHCenter)
    if units is not None:
        top /= volume(units)
        for value in ticks(0.0, top, 5)[1:]:
            y = axis_px - value / top * (axis_px - TOP_PX)
            painter.setPen(QPen(color(theme.line), 1.0))
            painter.drawLine(QPointF(0, y), QPointF(plane.width_px, y))
            paint.text(painter, QRectF(9, y - 17, 80, 16), figure(value), font=font, ink=theme.muted)
        if units.columns:
            box, align = QRectF(12, 4, plane.width_px - 24, 16), Qt.AlignmentFlag.AlignRight
            paint.text(painter, box, units.columns[0], font=font, ink=theme.text, align=align)


def _curve(plane: Plane, drawn: Map, top: float, axis_px: float) -> QPolygonF:
    count = len(drawn.values)
    xs = drawn.span.left + (drawn.span.right - drawn.span.left) / count * (np.arange(count) + 0.5)
    x_px = (xs - plane.span.left) * (plane.width_px / (plane.span.right - plane.span.left))
    heights = np.minimum(drawn.values.astype(np.float64), 2 * top)
    return polygon(np.stack([x_px, axis_px - heights / top * (axis_px - TOP_PX)], 1))


def _stroke(painter: QPainter, curve: QPolygonF, ink: str, width_px: float) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(paint.pen(ink, width_px))
    painter.drawPolyline(curve)


def _strokes(painter: QPainter, plane: Plane, xs: NDArray[np.float32], y_px: float, ink: str) -> None:
    at = plane.to_px(np.stack([xs, np.zeros_like(xs)], 1))[:, 0]
    at = at[(at > -5) & (at < plane.width_px + 5)]
    painter.setPen(QPen(color(ink, 0.45), 1.0))
    painter.drawLines([QLineF(x, y_px, x, y_px + STROKE_PX) for x in at.tolist()])


def _strip(painter: QPainter, plane: Plane, drawn: Map, axis_px: float) -> None:
    """What the critic says, as a strip of colour on the axis."""
    row = colours.coloured(drawn.values[None], drawn.low, drawn.high, kind="critic", theme=tokens().name)
    row = np.ascontiguousarray(row)
    image = QImage(row.data, row.shape[1], 1, 3 * row.shape[1], QImage.Format.Format_RGB888)
    painter.drawImage(QRectF(0, axis_px - STRIP_PX, plane.width_px, STRIP_PX), image)
