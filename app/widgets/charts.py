"""A card with bars or histograms of one step, and how they changed over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QImage, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QToolTip

from app.series import Floats
from app.theme import color, set_kind, tokens, ui_font
from app.widgets import paint
from app.widgets.buttons import button
from app.widgets.labels import kind_label
from app.widgets.layout import hbox, vbox
from app.widgets.painted import Painted
from app.widgets.plot.bars import Shown, common_edges, gathered, ordered, shares, through_time
from app.widgets.plot.inks import ink_of
from app.widgets.plot.legend import Entry, Legend
from app.widgets.plot.scale import figure, ticks

__all__ = ["ChartCard", "Shown"]

_LEFT_PX: Final = 49
_BOTTOM_PX: Final = 20
_TOP_PX: Final = 4
_FLOOR: Final = 1e-3
"""The lowest bar on a logarithmic axis, as a share of the highest."""


class _Drawing(Painted):
    """The bars or histograms themselves; the card says what is shown and how."""

    def __init__(self) -> None:
        super().__init__()
        self.charts: tuple[Shown, ...] = ()
        self.guide: tuple[float, str] | None = None
        self.sorted = self.log = False
        self.maps: tuple[QImage, ...] | None = None
        self.steps: tuple[int, int] = (0, 0)
        self.setMinimumHeight(60)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)

    def sizeHint(self) -> QSize:
        return QSize(240, 96)

    def room(self) -> QRectF:
        """Where the bars are."""
        return QRectF(
            _LEFT_PX, _TOP_PX, max(1, self.width() - _LEFT_PX - 5), max(1, self.height() - _TOP_PX - _BOTTOM_PX)
        )

    def bars(self) -> Floats:
        """The heights of the bars from left to right, at most one a pixel."""
        values = self.charts[0].values if self.charts else np.empty(0)
        return gathered(ordered(values, by_size=self.sorted), max(1, int(self.room().width())))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint.smooth(self)
        if self.charts:
            if self.maps is not None:
                self._paint_maps(painter, self.maps)
            elif self.charts[0].edges is None:
                self._paint_bars(painter)
            else:
                self._paint_histograms(painter)
        painter.end()

    def _share(self, values: Floats, top: float) -> Floats:
        """Heights 0..1 of the room."""
        heights: Floats = values / top
        if self.log:
            heights = 1 - np.log10(np.maximum(heights, _FLOOR)) / np.log10(_FLOOR)
        return heights.clip(0, 1)

    def _paint_bars(self, painter: QPainter) -> None:
        room, bars = self.room(), self.bars()
        top = max(float(bars.max()), 1e-9) * (1.0 if self.log else 1.05)
        self._paint_left(painter, top)
        width = room.width() / len(bars)
        gap = 1.0 if width >= 4 else 0.0
        used, idle = color(ink_of(0)), color(tokens().faint)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, width >= 4)
        for index, (value, share) in enumerate(zip(bars.tolist(), self._share(bars, top).tolist(), strict=True)):
            painter.setBrush(used if self.guide is None or value >= self.guide[0] else idle)
            height = max(share * room.height(), 1.0)
            painter.drawRect(QRectF(room.left() + index * width, room.bottom() - height, max(1.0, width - gap), height))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.guide is not None:
            self._paint_guide(painter, float(self._share(np.array([self.guide[0]]), top)[0]))
        many = len(self.charts[0].values)
        self._paint_bottom(painter, [(0.0, "largest" if self.sorted else "1"), (1.0, f"{many:,}")])

    def _paint_guide(self, painter: QPainter, share: float) -> None:
        room = self.room()
        y = room.bottom() - share * room.height()
        pen = paint.pen(tokens().faint)
        pen.setDashPattern([4.0, 4.0])
        painter.setPen(pen)
        painter.drawLine(QPointF(room.left(), y), QPointF(room.right(), y))

    def _paint_histograms(self, painter: QPainter) -> None:
        room, edges = self.room(), common_edges(self.charts)
        low, high = float(edges[0]), float(edges[-1])
        heights = [shares(chart) for chart in self.charts]
        top = max(float(max(height.max() for height in heights)) * 1.05, 1e-12)
        self._paint_left(painter, top, words=False)
        for index, (chart, height) in enumerate(zip(self.charts, heights, strict=True)):
            assert chart.edges is not None
            xs = room.left() + (np.repeat(chart.edges, 2) - low) / (high - low) * room.width()
            ys = room.bottom() - np.concatenate([[0], np.repeat(self._share(height, top), 2), [0]]) * room.height()
            outline = QPolygonF([QPointF(x, y) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)])
            painter.setPen(paint.pen(ink_of(index), 1.4))
            painter.setBrush(color(ink_of(index), 0.28))
            painter.drawPolygon(outline)
        marks = [((value - low) / (high - low), figure(value)) for value in ticks(low, high, 4)]
        self._paint_bottom(painter, marks)

    def _paint_maps(self, painter: QPainter, maps: tuple[QImage, ...]) -> None:
        room, gap = self.room(), 3
        height = (room.height() - gap * (len(maps) - 1)) / len(maps)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        for index, image in enumerate(maps):
            painter.drawImage(QRectF(room.left(), room.top() + index * (height + gap), room.width(), height), image)
        self._paint_bottom(painter, [(0.0, f"{self.steps[0]:,}"), (1.0, f"step {self.steps[1]:,}")])

    def _paint_left(self, painter: QPainter, top: float, *, words: bool = True) -> None:
        room, theme = self.room(), tokens()
        painter.setPen(paint.pen(theme.line))
        painter.drawLine(room.bottomLeft(), room.bottomRight())
        if not words:
            return
        values = [top, top / 10, top / 100] if self.log else ticks(0, top, 3)[1:]
        for value in values:
            y = room.bottom() - float(self._share(np.array([value]), top)[0]) * room.height()
            box = QRectF(0, y - 8, _LEFT_PX - 6, 16)
            paint.text(
                painter,
                box,
                figure(value),
                font=ui_font(theme.small_px),
                ink=theme.muted,
                align=Qt.AlignmentFlag.AlignRight,
            )

    def _paint_bottom(self, painter: QPainter, marks: Sequence[tuple[float, str]]) -> None:
        room, theme = self.room(), tokens()
        for share, words in marks:
            x = room.left() + share * room.width()
            left = min(max(x - 50, room.left()), room.right() - 100)
            align = (
                Qt.AlignmentFlag.AlignLeft
                if left == room.left() and share < 0.05
                else Qt.AlignmentFlag.AlignRight
                if share > 0.95
                else Qt.AlignmentFlag.AlignHCenter
            )
            box = QRectF(left, room.bottom() + 3, 100, 16)
            paint.text(painter, box, words, font=ui_font(theme.small_px), ink=theme.muted, align=align)

    def words_at(self, x_px: float) -> str:
        """What stands at a pixel."""
        room = self.room()
        if not self.charts or self.maps is not None or not room.left() <= x_px <= room.right():
            return ""
        share = (x_px - room.left()) / room.width()
        if self.charts[0].edges is None:
            bars = self.bars()
            index = min(int(share * len(bars)), len(bars) - 1)
            place = f"place {index + 1:,} by size" if self.sorted else f"number {index + 1:,}"
            whole = len(bars) == len(self.charts[0].values)
            return f"{place if whole else 'largest of several'}: {figure(float(bars[index]))}"
        edges = common_edges(self.charts)
        at = float(edges[0] + share * (edges[-1] - edges[0]))
        parts = []
        for chart in self.charts:
            assert chart.edges is not None
            index = min(max(int(np.searchsorted(chart.edges, at)) - 1, 0), len(chart.values) - 1)
            parts.append(f"{chart.label} {chart.values[index] / max(chart.values.sum(), 1e-12):.1%}")
        return f"{figure(at)}: " + ", ".join(parts)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.words_at(event.pos().x()), self)
            return True
        return super().event(event)


class ChartCard(QFrame):
    """A titled chart of one step."""

    def __init__(self, title: str, *, bars: bool, hint: str = "") -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self._history: tuple[tuple[Shown, ...], ...] = ()
        self._title, self._readout, self._empty = QLabel(title), kind_label("small"), QLabel("Drawn with each preview.")
        set_kind(self._empty, "muted")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.drawing, self._legend = _Drawing(), Legend()
        self.sort = button("sorted", "The largest first, or by index", kind="quiet", checkable=True)
        self.log = button("log", "Logarithmic axis: shows small values", kind="quiet", checkable=True)
        self.time = button("time", "How it came about: one column a preview", kind="quiet", checkable=True)
        for push in (self.sort, self.log, self.time):
            push.setFixedHeight(22)
            push.toggled.connect(self._redraw)
        self.sort.setVisible(bars)
        self.sort.setChecked(bars)
        self.log.setVisible(bars)
        self._title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        top = hbox(self._title, self.sort, self.log, self.time, gap_px=2, stretch={0: 1})
        bottom = hbox(self._legend, self._readout, stretch={0: 1})
        column = vbox(top, self.drawing, self._empty, bottom, gap_px=2, margins=(12, 4, 8, 6), stretch={1: 1, 2: 1})
        self.setLayout(column)
        self.setMinimumSize(200, 140)
        self._title.setToolTip("\n".join(part for part in (title, hint) if part))
        self.setAccessibleName(title)
        self.setAccessibleDescription(hint)
        self.show_charts((), (), step=None)

    def show_charts(
        self,
        charts: tuple[Shown, ...],
        history: tuple[tuple[Shown, ...], ...],
        *,
        step: int | None,
        steps: tuple[int, int] = (0, 0),
        guide: tuple[float, str] | None = None,
    ) -> None:
        """The charts of `step`; `history` has those of all steps (from `steps[0]` to `steps[1]`) of each chart.

        Bars at or above the guide's value are counted with its word: "34 of 128 in use".
        """
        self.drawing.charts, self._history = charts, history
        self.drawing.guide, self.drawing.steps = guide, steps
        self._empty.setVisible(not charts)
        self.drawing.setVisible(bool(charts))
        self._legend.set_entries([Entry(chart.label, "", index) for index, chart in enumerate(charts)])
        words = "" if step is None else f"step {step:,}"
        if charts and guide is not None:
            used = int((charts[0].values >= guide[0]).sum())
            words = f"{used:,} of {len(charts[0].values):,} {guide[1]} · {words}"
            self.drawing.setAccessibleName(words)
        self._readout.setText(words)
        self._redraw()

    def readout(self) -> str:
        """The words beside the title."""
        return self._readout.text()

    def _redraw(self) -> None:
        self.drawing.sorted, self.drawing.log = self.sort.isChecked(), self.log.isChecked()
        self.drawing.maps = None
        self.time.setEnabled(any(len(history) > 1 for history in self._history))
        if self.time.isChecked() and self.time.isEnabled():
            known = [(index, history) for index, history in enumerate(self._history) if len(history) > 1]
            self.drawing.maps = tuple(_map_image(history, index, self.drawing.sorted) for index, history in known)
        self.drawing.update()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "_history"):
            self._redraw()


def _map_image(history: tuple[Shown, ...], index: int, by_size: bool) -> QImage:
    """The heat-map in shades from the card's ground to the chart's colour."""
    shades = through_time(history, by_size=by_size)
    (rows, columns), data = shades.shape, shades.tobytes()
    image = QImage(data, columns, rows, columns, QImage.Format.Format_Indexed8)
    ground, ink = color(tokens().window), color(ink_of(index))
    shares_of_ink = [level / 255 for level in range(256)]
    image.setColorTable([_between(ground, ink, share).rgb() for share in shares_of_ink])
    return image.copy()


def _between(first: QColor, second: QColor, share: float) -> QColor:
    pairs = zip((first.red(), first.green(), first.blue()), (second.red(), second.green(), second.blue()), strict=True)
    return QColor(*(round(a + (b - a) * share) for a, b in pairs))
