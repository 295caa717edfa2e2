"""A stage of the plane: a map, lines of equal mass, the bent grid, data and samples, with the numbers of its axes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.lab.stage import colours, line_plot
from app.lab.stage.contours import level_lines, mass_level
from app.lab.stage.dots import dots, polygon
from app.lab.stage.plane import Plane, at_depth, span_of, view_at
from app.lab.state import LabState, StageView
from app.theme import color, mono_font, tokens
from app.widgets import paint
from app.widgets.plot.scale import figure, ticks
from engine.lab import Map, TruthInfo

DATA_PX, SAMPLE_PX, HALO_PX = 2.6, 4.2, 6.2
MASSES: Final = (0.5, 0.95)
TICK_ROOM_PX: Final = 70


class StageCanvas(QWidget):
    """`spanChanged` tells the part of the plane on show; `pointed` the point under the pointer, None when it leaves."""

    spanChanged = Signal(object)
    pointed = Signal(object)

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index
        self._state: LabState | None = None
        self._ground: QPixmap | None = None
        self._ground_of: tuple[object, ...] = ()
        self._lines: list[NDArray[np.float64]] = []
        self._lines_of: object = None
        self.frames = 0
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setMinimumSize(160, 160)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(f"Stage {'AB'[index]}")

    def sizeHint(self) -> QSize:
        return QSize(440, 440)

    # values in
    def show_lab(self, state: LabState) -> None:
        """Shows this stage of the state."""
        before, self._state = self._state, state
        if before is None or before.info is not state.info:
            self._tell_span()
        self.update()

    def _stage(self) -> StageView | None:
        stages = () if self._state is None else self._state.stages
        return stages[self.index] if self.index < len(stages) else None

    def _tell_span(self) -> None:
        info = None if self._state is None else self._state.info
        if info is not None and self.index == 0:
            self.spanChanged.emit(span_of(info.view, self.width(), self.height(), dimension=info.dimension))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._tell_span()

    def plane(self) -> Plane | None:
        """What is on show, None before the truth is known."""
        state, stage = self._state, self._stage()
        if state is None or state.info is None:
            return None
        view = state.info.view
        if stage is not None and stage.trace is not None:
            view = view_at(view, stage.trace, state.depth)
        span = span_of(view, self.width(), self.height(), dimension=state.info.dimension)
        return Plane(span, max(1, self.width()), max(1, self.height()))

    # the pointer
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        plane, state = self.plane(), self._state
        if plane is None or state is None or state.info is None or state.depth != 1.0:
            return
        x, y = plane.to_point(event.position().x(), event.position().y())
        self.pointed.emit((x,) if state.info.dimension == 1 else (x, y))

    def leaveEvent(self, event: Any) -> None:
        self.pointed.emit(None)

    # painting
    def paintEvent(self, event: QPaintEvent) -> None:
        self.frames += 1
        painter = paint.smooth(self)
        theme, room = tokens(), QRectF(self.rect())
        edge = QPainterPath()
        edge.addRoundedRect(room, theme.picture_radius_px, theme.picture_radius_px)
        painter.setClipPath(edge)
        painter.fillRect(room, color(theme.stage))
        state, stage, plane = self._state, self._stage(), self.plane()
        if state is not None and state.info is not None and stage is not None and plane is not None:
            if state.info.dimension == 1:
                line_plot.paint_line(painter, plane, state, stage, index=self.index)
            else:
                self._paint_plane(painter, plane, state, stage, state.info)
        painter.setClipping(False)
        paint.box(painter, room, line=theme.line, radius_px=theme.picture_radius_px)
        painter.end()

    def _paint_plane(self, painter: QPainter, plane: Plane, state: LabState, stage: StageView, info: TruthInfo) -> None:
        shown, whole = state.shown, state.depth == 1.0
        if whole:
            self._paint_ground(painter, stage, state, info)
        if "truth" in shown and whole and state.truth_map is not None:
            self._paint_masses(painter, plane, state.truth_map)
        if "grid" in shown and stage.grid is not None:
            self._paint_grid(painter, plane, stage.grid, state.depth)
        if "data" in shown and whole:
            points = plane.to_px(info.points)
            dots(painter, points, tokens().points, DATA_PX, alpha=0.75)
        if "samples" in shown and stage.trace is not None:
            points, _ = at_depth(stage.trace, state.depth)
            at = _near(plane, plane.to_px(points))
            dots(painter, at, tokens().stage, HALO_PX, alpha=0.75)
            dots(painter, at, tokens().series[self.index], SAMPLE_PX)
        self._paint_axes(painter, plane)

    def _paint_ground(self, painter: QPainter, stage: StageView, state: LabState, info: TruthInfo) -> None:
        kind = next((one for one in ("critic", "density") if one in state.shown and one in stage.maps), None)
        if kind is None:
            return
        drawn, ratio = stage.maps[kind], self.devicePixelRatioF()
        key = (drawn, kind, tokens().name, self.size(), ratio)
        if self._ground is None or self._ground_of != key:
            image = colours.picture(drawn, high=top_density(info, drawn), kind=kind, theme=tokens().name)
            self._ground = QPixmap.fromImage(
                image.scaled(
                    self.size() * ratio,
                    Qt.AspectRatioMode.IgnoreAspectRatio,
                    Qt.TransformationMode.SmoothTransformation,
                )
            )
            self._ground.setDevicePixelRatio(ratio)
            self._ground_of = key
        painter.drawPixmap(0, 0, self._ground)

    def _paint_masses(self, painter: QPainter, plane: Plane, truth: Map) -> None:
        if self._lines_of is not truth:
            self._lines = [level_lines(truth, mass_level(truth, share)) for share in MASSES]
            self._lines_of = truth
        for segments, alpha in zip(self._lines, (0.9, 0.55), strict=True):
            painter.setPen(QPen(color(tokens().points, alpha), 1.2))
            painter.drawLines([QLineF(*ends) for ends in plane.to_px(segments).reshape(-1, 4).tolist()])

    def _paint_grid(self, painter: QPainter, plane: Plane, grid: NDArray[np.float32], depth: float) -> None:
        layers, lines, points, _ = grid.shape
        flat, _ = at_depth(grid.reshape(layers, lines * points, 2), depth)
        painter.setPen(QPen(color(tokens().warn, 0.7), 1.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for line in plane.to_px(flat.reshape(lines, points, 2)):
            # Qt's painter slows down far beyond the window, and knows no infinity.
            painter.drawPolyline(polygon(np.clip(np.nan_to_num(line), -4000, 8000)))

    def _paint_axes(self, painter: QPainter, plane: Plane) -> None:
        theme, font = tokens(), mono_font(tokens().small_px)
        span = plane.span
        painter.setPen(QPen(color(theme.faint), 1.0))
        for value, x in _ticks(span.left, span.right, plane.width_px):
            painter.setPen(QPen(color(theme.faint, 0.8), 1.0))
            painter.drawLine(QPointF(x, plane.height_px), QPointF(x, plane.height_px - 5))
            box = QRectF(x - 30, plane.height_px - 22, 60, 16)
            paint.text(painter, box, value, font=font, ink=theme.muted, align=Qt.AlignmentFlag.AlignHCenter)
        for value, y in _ticks(span.bottom, span.top, plane.height_px):
            y = plane.height_px - y
            if y > plane.height_px - 30 or y < 10:
                continue
            painter.setPen(QPen(color(theme.faint, 0.8), 1.0))
            painter.drawLine(QPointF(0, y), QPointF(5, y))
            paint.text(painter, QRectF(9, y - 8, 60, 16), value, font=font, ink=theme.muted)


def top_density(info: TruthInfo, drawn: Map) -> float:
    """The upper end of a density's scale: the truth's peak; of spread samples what spreading leaves of it."""
    if not drawn.sigma or not info.sigma:
        return info.peak
    kept = info.sigma**2 / (info.sigma**2 + drawn.sigma**2)
    return info.peak * kept ** (info.dimension / 2)


def _ticks(low: float, high: float, length_px: float) -> Iterator[tuple[str, float]]:
    for value in ticks(low, high, max(2, int(length_px / TICK_ROOM_PX))):
        yield figure(value + 0.0).replace("-", "\u2212"), (value - low) / (high - low) * length_px


def _near(plane: Plane, at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Those (N, 2) that are numbers and within a little of the stage."""
    wide, high = plane.width_px, plane.height_px
    near = (at > -20).all(1) & (at[:, 0] < wide + 20) & (at[:, 1] < high + 20)
    return at[near]
