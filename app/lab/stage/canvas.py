"""A stage of the plane: a map, lines of equal mass, the bent grid, data and samples, with the numbers of its axes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.lab.stage import colours, line_plot, marks
from app.lab.stage.contours import level_lines, mass_level
from app.lab.stage.dots import dots, polygon
from app.lab.stage.plane import Plane, at_depth, in_units, span_of, view_at
from app.lab.state import FILLS, LETTERS, LabState, StageView
from app.theme import color, mono_font, tokens, ui_font
from app.widgets import paint
from app.widgets.plot.inks import ink_of
from app.widgets.plot.scale import tick_words, ticks
from engine.lab import Map, TruthInfo

DATA_PX, SAMPLE_PX, HALO_PX = 1.35, 2.1, 3.1
MASSES: Final = ((0.5, 0.9), (0.95, 0.55))
"""(share of the truth's mass that a line holds, how strong it is drawn)."""
TICK_ROOM_PX: Final = 70
SMALLEST_PX: Final = 80
SMALL_PX: Final = 300
"""Below this side dots are smaller."""


class StageCanvas(QWidget):
    """`spanChanged` tells the part of the plane on show; `pointed` the point under the pointer, None when it leaves.
    Of five seeds one is `chosen` by a click, and `taken` alone by two."""

    spanChanged = Signal(object)
    pointed = Signal(object)
    chosen = Signal(int)
    taken = Signal(int)

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index
        self._state: LabState | None = None
        self._kept: dict[str, tuple[tuple[object, ...], QPixmap]] = {}
        self.frames = 0
        self._fineness: float | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setMinimumSize(SMALLEST_PX, SMALLEST_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(f"Stage {LETTERS[index]}")

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

    def draw_at(self, ratio: float) -> None:
        """Draws with so many pixels for one of the layout, whatever the screen has: for a picture of the stage."""
        self._fineness = ratio

    def devicePixelRatioF(self) -> float:
        return self._fineness or super().devicePixelRatioF()

    # the pointer
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        plane, state = self.plane(), self._state
        if plane is None or state is None or state.info is None or state.depth != 1.0:
            return
        x, y = plane.to_point(event.position().x(), event.position().y())
        self.pointed.emit((x,) if state.info.dimension == 1 else (x, y))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._seeded and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(self.index)
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._seeded and event.button() == Qt.MouseButton.LeftButton:
            self.taken.emit(self.index)

    @property
    def _seeded(self) -> bool:
        return self._state is not None and self._state.seeded

    def leaveEvent(self, event: Any) -> None:
        self.pointed.emit(None)

    # painting
    def paintEvent(self, event: QPaintEvent) -> None:
        self.frames += 1
        painter = paint.smooth(self)
        theme, room = tokens(), QRectF(self.rect())
        paint.box(painter, room, fill=theme.stage, radius_px=theme.picture_radius_px)
        state, stage, plane = self._state, self._stage(), self.plane()
        if state is not None and state.info is not None and stage is not None and stage.trace is not None and plane:
            if state.info.dimension == 1:
                line_plot.paint_line(painter, plane, state, stage, ink=ink_of(state.ink(self.index)))
            else:
                self._paint_plane(painter, plane, state, stage, state.info)
        else:
            words = (stage.said if stage is not None else "") or "Preparing the stage\u2026"
            paint.paragraph(painter, room.adjusted(40, 0, -40, 0), words, font=ui_font(), ink=theme.muted)
        paint.box(painter, room, line=theme.line, radius_px=theme.picture_radius_px)
        if state is not None and state.seeded and state.chosen == self.index:
            paint.ring(painter, room, ink_of(state.ink(self.index)), theme.picture_radius_px)
        if paint.tabbed_to(self):
            paint.focus_ring(painter, room, theme.picture_radius_px)
        painter.end()

    def _paint_plane(self, painter: QPainter, plane: Plane, state: LabState, stage: StageView, info: TruthInfo) -> None:
        shown, whole = state.shown, state.depth == 1.0
        if whole:
            kind = next((one for one in FILLS[::-1] if one in shown and one in stage.maps), None)
            if kind is not None:
                drawn = stage.maps[kind]
                self._paint_kept(painter, "ground", (drawn, kind), lambda p: _ground(p, self.size(), drawn, kind, info))
            truth = state.truth_map if "truth" in shown else None
            data = info if "data" in shown else None
            self._paint_kept(painter, "still", (truth, data, plane), lambda p: self._still(p, plane, truth, data))
        if "grid" in shown and stage.grid is not None:
            grid, depth = stage.grid, state.depth
            self._paint_kept(painter, "grid", (grid, depth, plane), lambda p: _grid(p, plane, grid, depth))
        if "samples" in shown and stage.trace is not None:
            ink = ink_of(state.ink(self.index))
            by_quarter = self._has("mass", state, stage)
            self._paint_samples(painter, plane, stage, state.depth, ink=ink, by_quarter=by_quarter)
        self._paint_arrows(painter, plane, state, stage)
        # Half way to the data there are no units.
        units = info if whole else None
        self._paint_kept(painter, "axes", (plane, units), lambda p: self._paint_axes(p, plane, units))

    def _has(self, layer: str, state: LabState, stage: StageView) -> bool:
        return layer in state.shown and stage.info is not None and layer in stage.info.shows

    def _paint_samples(
        self, painter: QPainter, plane: Plane, stage: StageView, depth: float, *, ink: str, by_quarter: bool
    ) -> None:
        assert stage.trace is not None
        points, _ = at_depth(stage.trace, depth)
        parts = [(points, ink)]
        if by_quarter:
            quarter = marks.quarter_of(stage.trace[0])
            parts = [(points[quarter == index], own) for index, own in enumerate(colours.QUARTERS)]
        size = _dot_size(plane)
        for part, own in parts:
            dots(
                painter,
                _near(plane, plane.to_px(part)),
                ink=own,
                radius_px=size * SAMPLE_PX,
                ratio=self.devicePixelRatioF(),
                halo=tokens().stage,
                halo_px=size * HALO_PX,
            )

    def _paint_arrows(self, painter: QPainter, plane: Plane, state: LabState, stage: StageView) -> None:
        if self._has("trajectories", state, stage) and stage.trace is not None:
            marks.paint_ways(painter, plane, stage.trace, state.depth, ink=tokens().text)
        side = min(plane.width_px, plane.height_px)
        for kind, length_px, ink in (("field", side / 18, tokens().muted), ("gradient", side / 10, tokens().text)):
            if kind in state.shown and kind in stage.arrows and (kind == "field" or state.depth == 1.0):
                unit = marks.unit_px(state.stages, kind, length_px)
                longest_px = marks.MOST * length_px if kind == "gradient" else length_px
                marks.paint_arrows(painter, plane, stage.arrows[kind], unit=unit, longest_px=longest_px, ink=ink)

    def _paint_kept(
        self, painter: QPainter, name: str, what: tuple[object, ...], draw: Callable[[QPainter], None]
    ) -> None:
        """Paints what changes seldom from a picture of it, made anew where `what`, size or theme are others."""
        ratio = self.devicePixelRatioF()
        key = (*what, tokens().name, self.size(), ratio)
        known = self._kept.get(name)
        if known is None or not all(map(_same, known[0], key)) or len(known[0]) != len(key):
            picture = QPixmap(self.size() * ratio)
            picture.setDevicePixelRatio(ratio)
            picture.fill(Qt.GlobalColor.transparent)
            own = QPainter(picture)
            own.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
            draw(own)
            own.end()
            known = self._kept[name] = (key, picture)
        painter.drawPixmap(0, 0, known[1])

    def _still(self, painter: QPainter, plane: Plane, truth: Map | None, data: TruthInfo | None) -> None:
        """The truth: its lines of equal mass, and points of it."""
        ink = tokens().points
        if truth is not None:
            for share, alpha in MASSES:
                segments = level_lines(truth, mass_level(truth, share))
                painter.setPen(QPen(color(ink, alpha), 1.2))
                painter.drawLines([QLineF(*ends) for ends in plane.to_px(segments).reshape(-1, 4).tolist()])
        if data is not None:
            at = _near(plane, plane.to_px(data.points))
            dots(painter, at, ink=ink, radius_px=_dot_size(plane) * DATA_PX, ratio=self.devicePixelRatioF(), alpha=0.75)

    def _paint_axes(self, painter: QPainter, plane: Plane, info: TruthInfo | None) -> None:
        theme, font = tokens(), mono_font(tokens().small_px)
        span = plane.span
        (left, right), (bottom, top) = (
            ends if info is None else (in_units(info, axis, ends[0]), in_units(info, axis, ends[1]))
            for axis, ends in enumerate(((span.left, span.right), (span.bottom, span.top)))
        )
        painter.setPen(QPen(color(theme.faint), 1.0))
        for value, x in _ticks(left, right, plane.width_px):
            if not 14 < x < plane.width_px - 14:
                continue
            painter.setPen(QPen(color(theme.faint, 0.8), 1.0))
            painter.drawLine(QPointF(x, plane.height_px), QPointF(x, plane.height_px - 5))
            box = QRectF(x - 36, plane.height_px - 22, 72, 16)
            paint.text(painter, box, value, font=font, ink=theme.muted, align=Qt.AlignmentFlag.AlignHCenter)
        for value, y in _ticks(bottom, top, plane.height_px):
            y = plane.height_px - y
            if y > plane.height_px - 30 or y < 10:
                continue
            painter.setPen(QPen(color(theme.faint, 0.8), 1.0))
            painter.drawLine(QPointF(0, y), QPointF(5, y))
            paint.text(painter, QRectF(9, y - 8, 72, 16), value, font=font, ink=theme.muted)
        if info is not None and len(info.columns) == 2:
            wide = plane.width_px - 24
            across = QRectF(12, plane.height_px - 38, wide, 16)
            paint.text(
                *(painter, across, info.columns[0]), font=font, ink=theme.text, align=Qt.AlignmentFlag.AlignRight
            )
            paint.text(painter, QRectF(12, 6, wide, 16), info.columns[1], font=font, ink=theme.text)


def _dot_size(plane: Plane) -> float:
    """Of a dot on a stage of this size, beside one on a large stage."""
    return 0.75 if min(plane.width_px, plane.height_px) < SMALL_PX else 1.0


def top_density(info: TruthInfo, drawn: Map) -> float:
    """The upper end of a density's scale: the truth's peak; of spread samples what spreading leaves of it."""
    if not drawn.sigma or not info.sigma:
        return info.peak
    kept = info.sigma**2 / (info.sigma**2 + drawn.sigma**2)
    return float(info.peak * kept ** (info.dimension / 2))


def _same(a: object, b: object) -> bool:
    """Arrays are the same where they are one; asked whether they are equal, they would answer number by number."""
    return a is b or (not isinstance(a, np.ndarray) and not isinstance(b, np.ndarray) and a == b)


def _ground(painter: QPainter, size: QSize, drawn: Map, kind: str, info: TruthInfo) -> None:
    """A map over the whole stage, with round corners."""
    room, radius = QRectF(0, 0, size.width(), size.height()), tokens().picture_radius_px
    edge = QPainterPath()
    edge.addRoundedRect(room, radius, radius)
    painter.setClipPath(edge)
    image = colours.picture(drawn, high=top_density(info, drawn), kind=kind, theme=tokens().name)
    painter.drawImage(room, image)


def _grid(painter: QPainter, plane: Plane, grid: NDArray[np.float32], depth: float) -> None:
    layers, lines, points, _ = grid.shape
    flat, _ = at_depth(grid.reshape(layers, lines * points, 2), depth)
    painter.setPen(QPen(color(tokens().warn, 0.7), 1.0))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for line in plane.to_px(flat.reshape(lines, points, 2)):
        # Qt's painter slows down far beyond the window, and knows no infinity.
        painter.drawPolyline(polygon(np.clip(np.nan_to_num(line), -4000, 8000)))


def _ticks(low: float, high: float, length_px: float) -> Iterator[tuple[str, float]]:
    values = ticks(low, high, max(2, int(length_px / TICK_ROOM_PX)))
    for value, words in zip(values, tick_words(values), strict=True):
        yield words, (value - low) / (high - low) * length_px


def _near(plane: Plane, at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Those (N, 2) that are numbers and within a little of the stage."""
    wide, high = plane.width_px, plane.height_px
    near = (at > -20).all(1) & (at[:, 0] < wide + 20) & (at[:, 1] < high + 20)
    return at[near]
