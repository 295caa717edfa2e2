"""Live curves: the one place that knows pyqtgraph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QPaintEvent, QPen, QShowEvent
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QWidget

from app.theme import color, tokens, ui_font
from app.widgets import paint
from app.widgets.buttons import button
from app.widgets.layout import hbox, vbox
from app.widgets.series import Floats, Series, from_arrays, smoothed, value_at

REDRAW_MS: Final = 100
CAPACITY: Final = 4096
_AXIS_PX: Final = 48


def figure(value: float) -> str:
    """A y value in at most seven characters."""
    if value != 0 and not 0.001 <= abs(value) < 10_000:
        return f"{value:.1e}"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


class _Legend(QWidget):
    """Coloured dots, names, and the values under the cursor or the newest ones."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[tuple[str, str, str]] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_rows(self, rows: list[tuple[str, str, str]]) -> None:
        if rows != self._rows:
            self._rows = rows
            self._fit()
            self.update()

    def rows(self) -> list[tuple[str, str, str]]:
        return self._rows

    def _places(self) -> list[tuple[QRectF, float]]:
        font, places, x, y = ui_font(tokens().small_px), [], 0.0, 0.0
        for name, _, value in self._rows:
            # Room for any value, so that the legend does not dance while the figures change.
            name_px = paint.width_of(name, font) + 16
            width = name_px + max(paint.width_of(value, font), 44.0) + 12
            if x and x + width > self.width():
                x, y = 0.0, y + 18
            places.append((QRectF(x, y, width, 18), name_px))
            x += width
        return places

    def _fit(self) -> None:
        places = self._places()
        self.setFixedHeight(round(places[-1][0].bottom()) if places else 18)

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        return QSize(48, 18)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, font = tokens(), ui_font(tokens().small_px)
        painter = paint.smooth(self)
        for (name, ink, value), (rect, name_px) in zip(self._rows, self._places(), strict=True):
            paint.dot(painter, QPointF(rect.x() + 5, rect.center().y()), ink)
            paint.text(painter, rect.adjusted(14, 0, 0, 0), name, font=font, ink=theme.text)
            paint.text(painter, rect.adjusted(name_px + 3, 0, 0, 0), value, font=font, ink=theme.muted)
        painter.end()


class Curves(QFrame):
    """A titled plot of named series over steps; at most ten redraws a second, none when hidden."""

    logToggled = Signal(bool)

    def __init__(
        self,
        title: str,
        y_label: str = "",
        *,
        log_y: bool = False,
        smoothing: float = 0.0,
        x_label: str = "step",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty("kind", "card")
        self._series: dict[str, Series] = {}
        self._lines: dict[str, tuple[Any, Any]] = {}
        self._drawn: dict[str, tuple[Floats, Floats]] = {}
        self._smoothing, self._x_label = smoothing, x_label
        self._cursor_x: float | None = None
        self._dirty = False
        self.redraws = 0
        self._title, self._note, self._empty = QLabel(title), QLabel(), QLabel("No data yet")
        self._note.setProperty("kind", "readout")
        self._empty.setProperty("kind", "muted")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._note_text = ""
        self._log_button = button("log", "Logarithmic axis: shows small values (Space)", kind="quiet", checkable=True)
        self._log_button.setFixedHeight(24)
        self._log_button.setChecked(log_y)
        self._log_button.toggled.connect(self._on_log)
        self._legend = _Legend()
        self._plot = self._make_plot()
        self._timer = QTimer(self, interval=REDRAW_MS, singleShot=True)
        self._timer.timeout.connect(self.flush)
        top = hbox(self._title, None, self._note, self._log_button)
        column = vbox(top, self._plot, self._empty, self._legend, gap_px=4)
        column.setContentsMargins(12, 6, 8, 8)
        column.setStretch(1, 1)
        column.setStretch(2, 1)
        self.setLayout(column)
        self.setMinimumSize(200, 140)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setToolTip(" ".join(part for part in (title, f"({y_label})" if y_label else "") if part))
        self.setAccessibleName(title)
        self._dress()
        self._show_plot()

    def _make_plot(self) -> Any:
        plot = pg.PlotWidget()
        item = plot.getPlotItem()
        item.hideButtons()
        item.setMenuEnabled(False)
        item.setMouseEnabled(x=False, y=False)
        # The wheel belongs to the panel that scrolls.
        item.getViewBox().wheelEvent = lambda event, axis=None: event.ignore()
        plot.wheelEvent = lambda event: event.ignore()
        item.setClipToView(True)
        item.setDownsampling(auto=True, mode="peak")
        item.setLogMode(x=False, y=self._log_button.isChecked())
        item.getAxis("left").setWidth(_AXIS_PX)
        item.getAxis("left").enableAutoSIPrefix(False)
        item.getAxis("bottom").enableAutoSIPrefix(False)
        item.getAxis("bottom").tickStrings = lambda values, scale, spacing: [f"{value:,.6g}" for value in values]
        item.getAxis("bottom").setHeight(20)
        item.getViewBox().setDefaultPadding(0.03)
        self._guide = pg.InfiniteLine(angle=90, movable=False)
        self._guide.setVisible(False)
        item.addItem(self._guide, ignoreBounds=True)
        plot.setMinimumHeight(60)
        plot.setFrameShape(QFrame.Shape.NoFrame)
        plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        plot.scene().sigMouseMoved.connect(self._on_mouse)
        return plot

    # values in
    def set_series(self, name: str, xs: Sequence[float] | Floats, ys: Sequence[float] | Floats) -> None:
        """Replace the points of ``name``; raises ValueError when the lengths differ."""
        self._series[name] = from_arrays(xs, ys, CAPACITY)
        self._mark()

    def append(self, name: str, x: float, y: float) -> None:
        """Add one point to ``name``, which is made when new."""
        series = self._series.get(name)
        if series is None:
            series = self._series[name] = Series(CAPACITY)
        series.append(x, y)
        self._mark()

    def remove(self, name: str) -> None:
        """Take one series away; an unknown name is no error."""
        self._series.pop(name, None)
        self._mark()

    def clear(self) -> None:
        """Take all series away."""
        self._series.clear()
        self._mark()

    def series_names(self) -> tuple[str, ...]:
        """The names in the order of their colours."""
        return tuple(self._series)

    def series_data(self, name: str) -> tuple[Floats, Floats]:
        """Copies of xs and ys as held; raises KeyError for an unknown name."""
        return self._series[name].arrays()

    def set_log(self, log: bool) -> None:
        """Logarithmic axis or not, without emitting."""
        if log != self._log_button.isChecked():
            self._log_button.blockSignals(True)
            self._log_button.setChecked(log)
            self._log_button.blockSignals(False)
            self._set_log_mode(log)

    def is_log(self) -> bool:
        """Whether the y axis is logarithmic."""
        return bool(self._log_button.isChecked())

    def set_smoothing(self, amount: float) -> None:
        """0 draws the points as they are; up to 0.99 draws their exponential mean over faint points."""
        self._smoothing = min(0.99, max(0.0, amount))
        self._mark()

    def set_note(self, text: str) -> None:
        """A short figure right of the title."""
        self._note_text = text
        if self._cursor_x is None:
            self._note.setText(text)

    def legend_rows(self) -> list[tuple[str, str, str]]:
        """(name, colour, value) as the legend shows them."""
        return self._legend.rows()

    # drawing
    def _mark(self) -> None:
        self._dirty = True
        if self.isVisible() and not self._timer.isActive():
            self._timer.start()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._dirty:
            self.flush()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def flush(self) -> None:
        """Draw what has come in, at once."""
        self._timer.stop()
        if not self._dirty:
            return
        self._dirty = False
        self.redraws += 1
        item = self._plot.getPlotItem()
        for name in [name for name in self._lines if name not in self._series]:
            for line in self._lines.pop(name):
                item.removeItem(line)
        self._drawn = {}
        for index, (name, series) in enumerate(self._series.items()):
            xs, ys = series.arrays()
            ys = np.where(ys > 0, ys, np.nan) if self.is_log() else np.where(np.isfinite(ys), ys, np.nan)
            calm = smoothed(ys, self._smoothing)
            self._drawn[name] = (xs, calm)
            if name not in self._lines:
                self._lines[name] = (self._add_line(), self._add_line())
            raw_line, calm_line = self._lines[name]
            ink = tokens().series[index % len(tokens().series)]
            raw_line.setPen(self._pen(ink, 0.28, 1.0))
            calm_line.setPen(self._pen(ink, 1.0, 1.6))
            raw_line.setData(*((xs, ys) if self._smoothing else ((), ())))
            calm_line.setData(xs, calm)
        self._show_plot()
        self._read_cursor()

    def _add_line(self) -> Any:
        line = self._plot.getPlotItem().plot([], [], antialias=True, connect="finite")
        line.setLogMode(False, self.is_log())
        return line

    def _pen(self, ink: str, alpha: float, width_px: float) -> QPen:
        pen = pg.mkPen(color(ink, alpha), width=width_px)
        pen.setCosmetic(True)
        return QPen(pen)

    def _show_plot(self) -> None:
        has_data = any(np.isfinite(ys).any() for _, ys in self._drawn.values())
        self._plot.setVisible(has_data)
        self._empty.setVisible(not has_data)
        self._legend.setVisible(bool(self._series))

    def _on_log(self, log: bool) -> None:
        self._set_log_mode(log)
        self.logToggled.emit(log)

    def _set_log_mode(self, log: bool) -> None:
        self._plot.getPlotItem().setLogMode(x=False, y=log)
        self._mark()
        if self.isVisible():
            self.flush()

    # cursor
    def _on_mouse(self, spot: QPointF) -> None:
        box = self._plot.getPlotItem().getViewBox()
        inside = box.sceneBoundingRect().contains(spot)
        self._cursor_x = float(box.mapSceneToView(spot).x()) if inside else None
        self._read_cursor()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._cursor_x = None
        self._read_cursor()

    def _read_cursor(self) -> None:
        rows = []
        shown_x: float | None = None
        for index, (name, (xs, ys)) in enumerate(self._drawn.items()):
            ink = tokens().series[index % len(tokens().series)]
            at = self._cursor_x if self._cursor_x is not None else (float(xs[-1]) if len(xs) else 0.0)
            value = value_at(xs, ys, at)
            if self._cursor_x is not None and len(xs):
                shown_x = float(xs[int(np.abs(xs - self._cursor_x).argmin())])
            rows.append((name, ink, "" if value is None else figure(value)))
        self._legend.set_rows(rows)
        self._guide.setVisible(shown_x is not None)
        if shown_x is not None:
            self._guide.setValue(shown_x)
            self._note.setText(f"{self._x_label} {shown_x:,.6g}")
        elif self._note.text() != self._note_text:
            self._note.setText(self._note_text)

    # looks
    def _dress(self) -> None:
        theme = tokens()
        item = self._plot.getPlotItem()
        self._plot.setBackground(theme.panel)
        for side in ("left", "bottom"):
            axis = item.getAxis(side)
            axis.setPen(pg.mkPen(theme.line))
            axis.setTextPen(pg.mkPen(theme.muted))
            axis.setTickFont(ui_font(theme.small_px))
            axis.setStyle(tickLength=0, tickTextOffset=6, maxTickLevel=0)
        item.showGrid(x=False, y=True, alpha=0.35)
        self._guide.setPen(pg.mkPen(theme.faint))
        self._mark()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "_plot"):
            self._dress()
