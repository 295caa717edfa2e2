"""The plot itself: axes, lines, cursor and marks, and the hand that zooms, moves and points."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyqtgraph as pg
from PySide6 import QtGui
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtWidgets import QFrame, QToolTip, QWidget

from app.theme import color, tokens, ui_font
from app.widgets import paint
from app.widgets.plot.inks import ink_of
from app.widgets.plot.lines import DrawnLine, Line, Sheet
from app.widgets.plot.marks import REACH_PX, Mark, paint_mark, paint_place
from app.widgets.plot.scale import STEPS, Axis, Span, figure, log_ticks, second_ticks, ticks

_AXIS_PX: Final = 48
_BOTTOM_PX: Final = 20
_LEAST_BAND_PX: Final = 5
_MARGIN: Final = 0.06


class _Side(pg.AxisItem):
    """An axis whose ticks and words are ours."""

    def __init__(self, orientation: str, most_px: int) -> None:
        super().__init__(orientation)
        self.axis, self.log, self._most_px = STEPS, False, most_px

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        most = max(2, int(size / self._most_px))
        if self.log:
            return [(1.0, [float(np.log10(value)) for value in log_ticks(minVal, maxVal, most)])]
        return [(1.0, (second_ticks if self.axis.seconds else ticks)(minVal, maxVal, most))]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        true = [10.0**value for value in values] if self.log else values
        return self.axis.words(true) if self.orientation == "bottom" else [figure(value) for value in true]


class Canvas(pg.PlotWidget):
    """Lines over one x axis. Drawn once into a pixmap: moving the cursor costs only a strip of it.

    `hovered` tells the x under the pointer (None when it leaves), `spanned` the part that was chosen (None: all),
    `noteAsked` an x that was clicked twice, `menuAsked` an x and where the menu belongs.
    """

    resized = Signal()
    hovered = Signal(object)
    spanned = Signal(object)
    noteAsked = Signal(float)
    menuAsked = Signal(float, QPoint)

    def __init__(self, parent: QWidget | None = None) -> None:
        sides = {"left": _Side("left", 24), "bottom": _Side("bottom", 72)}
        super().__init__(parent, axisItems=sides, enableMenu=False)
        self._sides = sides
        self.lines: dict[str, DrawnLine] = {}
        self.span, self.whole = Span(0.0, 1.0), Span(0.0, 1.0)
        self.log_y = False
        self.renders, self.render_ms = 0, 0.0
        self._y = (0.0, 1.0)
        self._guides: list[tuple[float, str]] = []
        self._marks: tuple[Mark, ...] = ()
        self._place: float | None = None
        self._cursor: float | None = None
        self._picture: QtGui.QPixmap | None = None
        self._room = QRectF(_AXIS_PX, 4, 1, 1)
        self._ratio = 1.0
        self._band: tuple[float, float] | None = None
        self._sharpness = 0.0
        self._drag_from: QPointF | None = None
        self._moving = False
        item = self.getPlotItem()
        # Made without a parent, it would outlive the canvas, and every later style sheet be applied to it.
        item.ctrlMenu.setParent(self, item.ctrlMenu.windowFlags())
        item.hideButtons()
        item.setMouseEnabled(x=False, y=False)
        item.disableAutoRange()
        item.getViewBox().setDefaultPadding(0.0)
        sides["left"].setWidth(_AXIS_PX)
        sides["bottom"].setHeight(_BOTTOM_PX)
        for side in sides.values():
            side.enableAutoSIPrefix(False)
        self.setMinimumHeight(60)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMouseTracking(True)
        self.viewport().setMouseTracking(True)
        self.dress()

    # what is drawn
    def show_lines(self, lines: Sequence[Line], *, smoothing: float, raw: bool) -> bool:
        """Draws those that changed; False if none did."""
        item, wanted = self.getPlotItem(), {line.key: line for line in lines}
        changed = False
        for key in [key for key in self.lines if key not in wanted]:
            for curve in self.lines.pop(key).items:
                item.removeItem(curve)
            changed = True
        sheet = Sheet(self.span, max(2, int(self.room().width())), self.log_y, smoothing, raw)
        for key, line in wanted.items():
            drawn = self.lines.get(key)
            if drawn is None:
                drawn = self.lines[key] = DrawnLine(line, ratio=self._ratio)
                for curve in drawn.items:
                    item.addItem(curve, ignoreBounds=True)
            changed = drawn.draw(line, sheet) or changed
        if changed:
            self._fit()
        return changed

    def points_drawn(self) -> int:
        """How many points the painter was given in all."""
        return sum(drawn.points for drawn in self.lines.values())

    def set_axis(self, axis: Axis, span: Span, whole: Span) -> None:
        """What x counts, the part on show, and all there is."""
        if (axis, span, whole) == (self._sides["bottom"].axis, self.span, self.whole):
            return
        self.span, self.whole = span, whole
        self._sides["bottom"].axis, self._sides["bottom"].log = axis, span.log
        self.stale()

    def set_log(self, log: bool) -> None:
        """Logarithmic y axis or not."""
        self.log_y = self._sides["left"].log = log
        self.stale()

    def set_guides(self, guides: Sequence[tuple[float, str]]) -> None:
        """Dashed horizontal lines to compare with, each with its word."""
        self._guides = list(guides)
        self.stale()

    def _fit(self) -> None:
        """Both axes to what is on show."""
        lows = [drawn.low for drawn in self.lines.values() if np.isfinite(drawn.low)]
        highs = [drawn.high for drawn in self.lines.values() if np.isfinite(drawn.high)]
        if lows:
            low, high = min(lows), max(highs)
            # A constant gets room as well; without this its line would lie on the frame.
            room = _MARGIN * (high - low) or 0.05 * abs(high) or (0.1 if self.log_y else 1.0)
            self._y = (low - room, high + room)
        item = self.getPlotItem()
        item.setXRange(*self.span.ends(), padding=0)
        item.setYRange(*self._y, padding=0)
        self.stale()

    def set_marks(self, marks: tuple[Mark, ...], place: float | None) -> None:
        """Notes and notices, and where the history is."""
        if (marks, place) != (self._marks, self._place):
            self._marks, self._place = marks, place
            self.viewport().update()

    def set_cursor(self, x: float | None) -> None:
        """The vertical line at x with a dot on each line."""
        if x != self._cursor:
            before, self._cursor = self._cursor, x
            room = self.room()
            for at in (before, x):
                if at is not None and -0.1 < self.span.share(at) < 1.1:
                    self.viewport().update(QRect(round(self.px_of(at)) - 6, 0, 13, round(room.bottom()) + 4))

    def set_sharpness(self, ratio: float) -> None:
        """Pixels of the picture for each of the screen's, for an export; 0 as the screen has them."""
        self._sharpness = ratio
        self.stale()

    def stale(self) -> None:
        """The picture is drawn anew at the next paint."""
        self._picture = None
        self.viewport().update()

    # places
    def room(self) -> QRectF:
        """Where the lines are, in the canvas's pixels."""
        return self._room

    def px_of(self, x: float) -> float:
        """The pixel of an x."""
        room = self.room()
        return room.left() + self.span.share(x) * room.width()

    def x_at(self, px: float) -> float:
        """The x of a pixel."""
        room = self.room()
        return self.span.at((px - room.left()) / room.width())

    def _py_of(self, y: float) -> float:
        room, (low, high) = self.room(), self._y
        placed = (np.log10(y) if y > 0 else np.nan) if self.log_y else y
        return float(room.bottom() - (placed - low) / (high - low) * room.height())

    def mark_at(self, px: float) -> Mark | None:
        """The mark nearest to a pixel, None where none is near."""
        near = [(abs(self.px_of(mark.x) - px), mark) for mark in self._marks]
        away, found = min(near, key=lambda pair: pair[0], default=(REACH_PX + 1, None))
        return found if away <= REACH_PX else None

    # painting
    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        ratio = self._sharpness or self.devicePixelRatioF()
        size = self.viewport().size() * ratio
        if self._picture is None or self._picture.size() != size:
            self._picture = self._rendered(size.width(), size.height(), ratio)
        painter = QtGui.QPainter(self.viewport())
        part = QRectF(event.rect())
        source = QRectF(part.x() * ratio, part.y() * ratio, part.width() * ratio, part.height() * ratio)
        painter.drawPixmap(part, self._picture, source)
        self._paint_over(painter)
        painter.end()

    def _rendered(self, width: int, height: int, ratio: float) -> QtGui.QPixmap:
        began = time.thread_time()
        self.renders += 1
        self._lay_out()
        if ratio != self._ratio:
            # Cosmetic pens count the picture's own pixels.
            self._ratio = ratio
            for drawn in self.lines.values():
                drawn.restyle(ratio)
        picture = QtGui.QPixmap(width, height)
        picture.setDevicePixelRatio(ratio)
        picture.fill(color(tokens().panel))
        painter = QtGui.QPainter(picture)
        self.scene().prepareForPaint()
        # With both rectangles: else Qt takes the picture's own pixels for those of the screen.
        screen = self.viewport().rect()
        self.render(painter, QRectF(screen), screen)
        self._paint_guides(painter)
        painter.end()
        self.render_ms = (time.thread_time() - began) * 1000
        return picture

    def _lay_out(self) -> None:
        """Places the view box at once: pyqtgraph would do so only after the next turn of the event loop."""
        item = self.getPlotItem()
        item.layout.setContentsMargins(0, 4, 18, 1)
        item.layout.activate()
        box = item.getViewBox().sceneBoundingRect()
        self._room = QRectF(box.x(), box.y(), max(1.0, box.width()), max(1.0, box.height()))

    def _paint_guides(self, painter: QtGui.QPainter) -> None:
        room, theme = self.room(), tokens()
        painter.setFont(ui_font(theme.small_px - 1))
        for value, word in self._guides:
            y = self._py_of(value)
            if room.top() < y < room.bottom():
                line = paint.pen(theme.faint)
                line.setDashPattern([4.0, 4.0])
                painter.setPen(line)
                painter.drawLine(QPointF(room.left(), y), QPointF(room.right(), y))
                flag = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                above = y - room.top() > 16
                painter.drawText(QRectF(room.left(), y - 14 if above else y + 1, room.width() - 2, 13), flag, word)

    def _paint_over(self, painter: QtGui.QPainter) -> None:
        room = self.room()
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setClipRect(room.adjusted(-6, -2, 6, 2))
        if self._place is not None and 0 <= self.span.share(self._place) <= 1:
            paint_place(painter, self.px_of(self._place), room)
        for mark in self._marks:
            if 0 <= self.span.share(mark.x) <= 1:
                paint_mark(painter, mark, self.px_of(mark.x), room)
        if self._band is not None:
            left, right = sorted(self._band)
            painter.fillRect(QRectF(left, room.top(), right - left, room.height()), color(tokens().accent_line, 0.18))
        if self._cursor is not None and 0 <= self.span.share(self._cursor) <= 1:
            x = self.px_of(self._cursor)
            painter.setPen(paint.pen(tokens().faint))
            painter.drawLine(QPointF(x, room.top()), QPointF(x, room.bottom()))
            for drawn in self.lines.values():
                index = drawn.line.index_at(self._cursor)
                if index >= 0:
                    y = self._py_of(drawn.value(index))
                    if room.top() - 2 <= y <= room.bottom() + 2:
                        paint.dot(painter, QPointF(x, y), ink_of(drawn.line.ink), 3.0)

    # the hand
    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        self._moving = event.button() == Qt.MouseButton.MiddleButton or bool(
            event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        )
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._drag_from = event.position()
        # Handed on, so that the card gets the focus.
        event.ignore()

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:
        spot = event.position()
        if self._drag_from is None:
            inside = self.room().adjusted(-2, -4, 2, _BOTTOM_PX).contains(spot)
            self.hovered.emit(self.x_at(spot.x()) if inside else None)
        elif self._moving:
            share = (self._drag_from.x() - spot.x()) / self.room().width()
            self._drag_from = spot
            self._choose(self.span.moved(share))
        else:
            room = self.room()
            ends = [min(max(px, room.left()), room.right()) for px in (self._drag_from.x(), spot.x())]
            self._band = (ends[0], ends[1]) if abs(ends[1] - ends[0]) >= _LEAST_BAND_PX else None
            self.viewport().update()

    def mouseReleaseEvent(self, event: QtGui.QMouseEvent) -> None:
        band, self._band, self._drag_from, self._moving = self._band, None, None, False
        if band is not None:
            low, high = (self.x_at(px) for px in sorted(band))
            self._choose(Span(low, high, self.span.log))
        self.viewport().update()

    def mouseDoubleClickEvent(self, event: QtGui.QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.room().contains(event.position()):
            self._drag_from = None
            self.noteAsked.emit(self.x_at(event.position().x()))

    def wheelEvent(self, event: QtGui.QWheelEvent) -> None:
        # Without Ctrl the wheel belongs to the column that scrolls.
        if not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            event.ignore()
            return
        turns = event.angleDelta().y() / 120
        room = self.room()
        self._choose(self.span.zoomed(0.8**turns, (event.position().x() - room.left()) / room.width()))
        event.accept()

    def contextMenuEvent(self, event: QtGui.QContextMenuEvent) -> None:
        self.menuAsked.emit(self.x_at(event.pos().x()), event.globalPos())
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered.emit(None)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QtGui.QHelpEvent):
            mark = self.mark_at(event.pos().x()) if self.room().contains(QPointF(event.pos())) else None
            # Only marks tell something here: the card's own help would cover the lines at every stop of the hand.
            QToolTip.showText(event.globalPos(), mark.text if mark is not None else "", self)
            return True
        return bool(super().viewportEvent(event))

    def _choose(self, span: Span) -> None:
        self.spanned.emit(span.within(self.whole))

    # looks
    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:
        super().resizeEvent(event)
        if hasattr(self, "_sides"):
            self._lay_out()
            self.stale()
            self.resized.emit()

    def dress(self) -> None:
        """The colours of the theme in use."""
        theme, item = tokens(), self.getPlotItem()
        self.setBackground(theme.panel)
        for side in self._sides.values():
            side.setPen(pg.mkPen(theme.line))
            side.setTextPen(pg.mkPen(theme.muted))
            side.setTickFont(ui_font(theme.small_px))
            # A label may stand over the end of its axis by half: without that the first and the last would be left out.
            side.setStyle(tickLength=0, tickTextOffset=6, maxTickLevel=0, hideOverlappingLabels=24)
        item.showGrid(x=False, y=True, alpha=0.35)
        for drawn in self.lines.values():
            drawn.restyle(self._ratio)
        self.stale()
