"""A plot in a card: title, lines, legend; it takes values and draws them when somebody sees it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import numpy as np
from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QWidget

from app.theme import set_kind, tokens, ui_font
from app.widgets import paint
from app.widgets.buttons import button
from app.widgets.layout import hbox, vbox
from app.widgets.plot.canvas import Canvas
from app.widgets.plot.inks import ink_of
from app.widgets.plot.legend import Entry, Legend
from app.widgets.plot.lines import DrawnLine, Line
from app.widgets.plot.marks import Mark
from app.widgets.plot.scale import STEPS, Axis, Span, figure, whole_span

REDRAW_MS: Final = 100
GESTURES: Final = (
    "Drag zooms, Shift and drag moves, Ctrl and wheel zooms, a double click makes a note. "
    "Keys: Left and Right point, + and − zoom, 0 shows all, N notes, Delete removes a note, L logarithmic."
)


class _OneLine(QLabel):
    """A remark in one line, cut where there is no room."""

    def minimumSizeHint(self) -> QSize:
        return QSize(48, 16)

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint.smooth(self)
        paint.text(painter, self.rect().toRectF(), self.text(), font=ui_font(tokens().small_px), ink=tokens().warn)
        painter.end()


class PlotCard(QFrame):
    """Lines over one x axis; at most ten redraws a second, none where nobody sees it."""

    logToggled = Signal(bool)

    def __init__(
        self,
        title: str,
        y_label: str = "",
        *,
        log_y: bool = False,
        smoothing: float = 0.0,
        hint: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty("kind", "card")
        self._wanted: dict[str, Line] = {}
        self._smoothing, self._axis, self._raw = smoothing, STEPS, True
        self._span: Span | None = None
        self._whole: Span | None = None
        self._log_x = self._dirty = False
        self._marks: tuple[Mark, ...] = ()
        self._cursor: float | None = None
        self._readout_text = ""
        self._flush_ms = 0.0
        self.redraws = 0
        self._title, self._readout, self._empty, self._hint = QLabel(title), QLabel(), QLabel("No data yet"), _OneLine()
        set_kind(self._readout, "readout")
        set_kind(self._empty, "muted")
        self._hint.hide()
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._log_button = button("log", "Logarithmic axis: shows small values (L)", kind="quiet", checkable=True)
        self._log_button.setFixedHeight(22)
        self._log_button.setChecked(log_y)
        self._log_button.toggled.connect(self._on_log)
        self._legend, self._plot = Legend(), Canvas()
        self._plot.set_log(log_y)
        self._plot.resized.connect(self._mark_dirty)
        self._timer = QTimer(self, interval=REDRAW_MS, singleShot=True)
        self._timer.timeout.connect(self.flush)
        top = hbox(self._title, None, self._readout, self._log_button)
        column = vbox(top, self._hint, self._plot, self._empty, self._legend, gap_px=2)
        column.setContentsMargins(12, 4, 8, 6)
        column.setStretch(2, 1)
        column.setStretch(3, 1)
        self.setLayout(column)
        self.setMinimumSize(200, 140)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        words = f"{title} ({y_label})" if y_label and y_label not in title else title
        self._title.setToolTip("\n".join(part for part in (words, hint, GESTURES) if part))
        self._legend.setToolTip("The value that is drawn; in brackets the one before smoothing.")
        self.setAccessibleName(words)
        self.setAccessibleDescription(f"{hint} {GESTURES}".strip())
        self._show_plot()

    # values in
    def set_lines(self, lines: Sequence[Line]) -> None:
        """What is drawn, in the order of the legend."""
        old = self._wanted
        self._wanted = {line.key: line for line in lines}
        if list(old) != list(self._wanted) or any(not line.same_as(old[key]) for key, line in self._wanted.items()):
            self._mark_dirty()

    def lines(self) -> tuple[Line, ...]:
        """What is drawn."""
        return tuple(self._wanted.values())

    def set_x(self, axis: Axis, *, log: bool, whole: Span | None = None) -> None:
        """What x counts; `whole` is all there is to see, None takes it from the lines."""
        if (axis, log, whole) != (self._axis, self._log_x, self._whole):
            if axis is not self._axis or log != self._log_x:
                self._span = None
            self._axis, self._log_x, self._whole = axis, log, whole
            self._mark_dirty()

    def set_span(self, span: Span | None) -> None:
        """Zooms to a part; None shows all."""
        if span != self._span:
            self._span = span
            self._mark_dirty()
            self.flush()

    def span(self) -> Span | None:
        """The part on show, None for all."""
        return self._span

    def set_log(self, log: bool) -> None:
        """Logarithmic y axis or not, without emitting."""
        if log != self._log_button.isChecked():
            self._log_button.blockSignals(True)
            self._log_button.setChecked(log)
            self._log_button.blockSignals(False)
            self._set_log_mode(log)

    def is_log(self) -> bool:
        """Whether the y axis is logarithmic."""
        return bool(self._log_button.isChecked())

    def set_smoothing(self, amount: float, *, raw: bool = True) -> None:
        """0 draws the points as they are; up to 0.99 draws their exponential mean, over faint points if `raw`."""
        amount = min(0.99, max(0.0, amount))
        if (amount, raw) != (self._smoothing, self._raw):
            self._smoothing, self._raw = amount, raw
            self._mark_dirty()

    def set_guides(self, guides: Sequence[tuple[float, str]]) -> None:
        """Dashed lines to compare with, each with its word."""
        self._plot.set_guides(guides)

    def set_marks(self, marks: tuple[Mark, ...], place: float | None = None) -> None:
        """Notes and notices by x; `place` is where the history scrubber is."""
        self._marks = marks
        self._plot.set_marks(marks, place)

    def set_hint(self, text: str) -> None:
        """A small line under the title, in full as its tooltip; empty takes it away."""
        if text != self._hint.text():
            self._hint.setText(text)
            self._hint.setToolTip(text)
            self._hint.setVisible(bool(text))

    def set_note(self, text: str) -> None:
        """A short figure right of the title."""
        self._readout_text = text
        if self._cursor is None:
            self._readout.setText(text)

    def set_sharpness(self, ratio: float) -> None:
        """Pixels of the plot for each of the screen's, for an export; 0 as the screen has them."""
        self._plot.set_sharpness(ratio)

    def legend_rows(self) -> list[tuple[str, str, str]]:
        """(name, colour, value) as the legend shows them."""
        return [(e.name, "" if e.ink is None else ink_of(e.ink), e.value) for e in self._legend.entries()]

    def points_drawn(self) -> int:
        """How many points the painter was given at the last redraw."""
        return self._plot.points_drawn()

    def set_cursor(self, x: float | None) -> None:
        """Points all lines at x; None shows their newest values."""
        if x != self._cursor:
            self._cursor = x
            self._plot.set_cursor(x)
            self._read_cursor()

    def cursor_x(self) -> float | None:
        """Where the cursor is, None where it is not on show."""
        return self._cursor

    # drawing
    def _mark_dirty(self) -> None:
        self._dirty = True
        if self._seen() and not self._timer.isActive():
            self._timer.start()

    def _seen(self) -> bool:
        return self.isVisible() and not self.visibleRegion().isEmpty()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._dirty:
            self.flush()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        # Scrolled into view: what came in meanwhile is drawn in the next turn, not inside this paint.
        if self._dirty and not self._timer.isActive():
            self._timer.start(0)
            self._timer.setInterval(REDRAW_MS)
        if paint.tabbed_to(self):
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            paint.focus_ring(painter, self.rect().toRectF(), 8)
            painter.end()

    def flush(self) -> None:
        """Draw what has come in, at once."""
        self._timer.stop()
        if not self._dirty:
            return
        self._dirty = False
        began = time.thread_time()
        if self._plot.isHidden() and any(np.isfinite(line.trace.values.array).any() for line in self.lines()):
            # Given its size before it is drawn, or the points would be thinned to a width that it never has.
            self._empty.hide()
            self._plot.show()
            if (layout := self.layout()) is not None:
                layout.activate()
        whole = self._whole or self._own_whole()
        self._plot.set_axis(self._axis, self._span or whole, whole)
        if self._plot.show_lines(self.lines(), smoothing=self._smoothing, raw=self._raw):
            self.redraws += 1
        self._show_plot()
        self._read_cursor()
        self._flush_ms = (time.thread_time() - began) * 1000

    def painted_ms(self) -> float:
        """Milliseconds of this thread that the last redraw took."""
        return self._flush_ms + self._plot.render_ms

    def shown_span(self) -> Span:
        """The part of x on show, in numbers."""
        return self._plot.span

    def _own_whole(self) -> Span:
        ranges = [found for line in self._wanted.values() if (found := line.x_range()) is not None]
        longest = max((high for _, high in ranges), default=1.0)
        shortest = min((low for low, _ in ranges if low > 0), default=1.0)
        return whole_span(longest, shortest, log=self._log_x, grows=False)

    def _show_plot(self) -> None:
        has_data = any(np.isfinite(drawn.low) for drawn in self._plot.lines.values())
        self._plot.setVisible(has_data)
        self._empty.setVisible(not has_data)
        self._legend.setVisible(bool(self._wanted))

    def _read_cursor(self) -> None:
        drawn = [
            self._plot.lines[key] for key, line in self._wanted.items() if key in self._plot.lines and not line.behind
        ]
        if any(one.line.group for one in drawn):
            entries = self._compared(drawn)
        else:
            entries = [Entry(one.line.label, self._value(one, raw=True), one.line.ink, one.line.dash) for one in drawn]
        self._legend.set_entries(entries)
        shown = self._readout_text if self._cursor is None else self._axis.place(self._cursor)
        if shown != self._readout.text():
            self._readout.setText(shown)

    def _compared(self, drawn: Sequence[DrawnLine]) -> list[Entry]:
        """What each dash means, then one entry a run with the values of all its lines."""
        dashes = {one.line.dash: one.line.label for one in drawn}
        keys = [Entry(dashes[dash], "", None, dash) for dash in sorted(dashes)] if len(dashes) > 1 else []
        runs: dict[str, list[DrawnLine]] = {}
        for one in drawn:
            runs.setdefault(one.line.group, []).append(one)
        return keys + [
            Entry(name, " · ".join(self._value(one, raw=False) or "–" for one in lines), lines[0].line.ink)
            for name, lines in runs.items()
        ]

    def _value(self, drawn: DrawnLine, *, raw: bool) -> str:
        """The line's value at the cursor, or its newest one; with `raw` the one before smoothing in brackets."""
        values = drawn.line.trace.values
        index = len(values) - 1 if self._cursor is None else drawn.line.index_at(self._cursor)
        value = drawn.value(index) if index >= 0 else np.nan
        if not np.isfinite(value):
            return ""
        words = figure(value)
        if raw and self._cursor is not None and self._smoothing and drawn.line.smooth:
            words += f" ({figure(values[index])})"
        return words

    def _on_log(self, log: bool) -> None:
        self._set_log_mode(log)
        self.logToggled.emit(log)

    def _set_log_mode(self, log: bool) -> None:
        self._plot.set_log(log)
        self._mark_dirty()
        if self.isVisible():
            self.flush()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "_plot"):
            self._plot.dress()
            self._legend.update()
