"""A run's curves in a scrolling column: every plot of its family, with one cursor, one zoom and one x axis."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QImage, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QMenu, QWidget

from app.state import AppState, moved
from app.train.curves import drawing, plan
from app.train.curves.export import Sheet
from app.train.curves.head import CurvesHead
from app.train.state import RunView
from app.widgets import form
from app.widgets.buttons import button, tick
from app.widgets.layout import discard, hbox, held, scrolled, vbox
from engine.api import Plot
from engine.runs import FigureRow

if TYPE_CHECKING:
    from app.widgets.charts import ChartCard, Shown
    from app.widgets.curves import Axis, Curves, Span

GAP_PX: Final = drawing.GAP_PX
FLATTEST_PX: Final = 176
TALLEST_PX: Final = 236
HEADING_PX: Final = 32
SHARE: Final = 25
"""After a redraw of t ms the next one of live data waits SHARE times as long: curves cost 4 % of a core at most."""
ACTIVE_NATS: Final = 0.01
"""A dimension of a code that tells less about an image counts as unused."""


class TrainCurves(QWidget):
    """Emits what is wanted; the plots are made anew only when others are to be shown."""

    noteMade = Signal(int, str)
    metricWanted = Signal(str, bool)

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.head = CurvesHead()
        self.plots: dict[str, Curves] = {}
        self.charts: dict[str, ChartCard] = {}
        self._sections: tuple[plan.Section, ...] = ()
        self._folds: dict[str, form.Section] = {}
        self._folded = {plan.SPEED}
        self._own_log: dict[str, bool] = {}
        self._all_log = False
        self._span: Span | None = None
        self._state: AppState | None = None
        self._sources: tuple[plan.PlottedRun, ...] = ()
        self._unit: Axis | None = None
        self._cost_ms = 0.0
        self._waits = False
        self._drawn_at = 0.0
        self._later = QTimer(self, singleShot=True)
        self._later.timeout.connect(self._show_all)
        self.more = button("More curves ▾", "Metrics of this run that no plot shows yet", kind="quiet")
        self.more_menu = QMenu(self.more)
        self.more.clicked.connect(lambda: self.more_menu.popup(self.more.mapToGlobal(self.more.rect().bottomLeft())))
        self._column = vbox(hbox(self.more, None), None, gap_px=GAP_PX)
        self._inner = held(self._column)
        self._area = scrolled(self._inner)
        self.setLayout(vbox(self.head, self._area, gap_px=GAP_PX, stretch={1: 1}))
        self.head.whole.clicked.connect(self.show_whole)

    # state
    def show_state(self, now: AppState, before: AppState | None) -> None:
        self._state = now
        view, old = now.run_view, before.run_view if before is not None else None
        if view is None:
            return
        if moved(now, before, "runs", "run_view", "curves", "run_list"):
            self.head.show_runs(now)
        other_run = old is None or old.path != view.path
        by_hand = other_run or moved(now, before, "curves", "catalogue", "theme")
        scrubbed = old is None or (view.shown, view.following) != (old.shown, old.following)
        if other_run:
            self._span = None
        if not self.isVisible():
            # Nothing is drawn, nor even imported, for a page that nobody looks at.
            self._waits = True
            return
        if other_run or old is None or view.series is not old.series or by_hand or scrubbed:
            if by_hand or scrubbed:
                self._show_all()
            else:
                self._show_soon()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._waits:
            self._show_all()

    def _show_soon(self) -> None:
        """News of the run: drawn now, or as soon as drawing has had its rest."""
        wait_ms = self._cost_ms * SHARE - (time.monotonic() - self._drawn_at) * 1000
        if wait_ms <= 0:
            self._show_all()
        elif not self._later.isActive():
            self._later.start(round(wait_ms) + 1)

    def _show_all(self) -> None:
        now = self._state
        if now is None or now.run_view is None or not self.isVisible():
            return
        self._later.stop()
        self._waits = False
        began = time.thread_time()
        view, state = now.run_view, now.curves
        if state.log != self._all_log:
            self._all_log, self._own_log = state.log, {}
        axis = state.axis if state.axis in plan.axes_known(view) else "step"
        self.head.show_curves(now, axis=axis)
        rows = self._rows(now)
        wanted = plan.sections(rows, view, state)
        if wanted != self._sections:
            self._make(wanted)
        self._show_more(rows, view, now)
        self._sources = plan.sources(view, state, axis)
        self._show_plots(view, now, axis)
        self._show_charts(view, now)
        # What is painted later costs as much again: an estimate that errs on the side of training.
        self._cost_ms = 2 * (time.thread_time() - began) * 1000 + sum(plot.painted_ms() for plot in self.plots.values())
        self._drawn_at = time.monotonic()

    def _rows(self, now: AppState) -> tuple[Plot, ...]:
        assert now.run_view is not None
        family = now.run_view.info.config.family
        known = now.catalogue.families if now.catalogue is not None else ()
        return next((info.curves for info in known if info.name == family), ())

    def _show_plots(self, view: RunView, now: AppState, axis: str) -> None:
        from app.widgets.curves import IMAGES, STEPS, TIME, Mark

        state = now.curves
        unit = {"step": STEPS, "time": TIME, "images": IMAGES}[axis]
        lines = {row.title: plan.lines_of(row, self._sources) for section in self._sections for row in section.plots}
        live = view.info.status.alive or any(one.info.status.alive for one in state.overlays)
        whole = self._whole([line for group in lines.values() for line in group], log=state.log_x, grows=live)
        clock = plan.clock_of(view.series, view.info, axis)

        def x_of(step: int) -> float:
            return float(step) if clock is None else float(clock.to_x(float(step)))

        notes = [Mark(x_of(note.step), note.text, "note", note.step) for note in state.notes]
        told = [
            Mark(
                x_of(row.step),
                f"Step {row.step:,}: {row.text} {row.suggestion}".strip(),
                "error" if row.level == "error" else "info" if row.level == "info" else "warning",
            )
            for row in state.notices
        ]
        place = None
        if not view.following and 0 <= view.shown < len(view.previews):
            place = x_of(view.previews[view.shown][0])
        if self._span is not None and (self._span.log != state.log_x or self._unit is not unit):
            self._span = None
        self._unit = unit
        hints: set[str] = set()
        for section in self._sections:
            for row in section.plots:
                plot = self.plots.get(row.title)
                if plot is None:
                    continue
                plot.set_x(unit, log=state.log_x, whole=whole)
                plot.set_span(self._span)
                plot.set_smoothing(state.smoothing, raw=not state.overlays)
                plot.set_log(self._own_log.get(row.title, row.log or state.log))
                plot.set_lines(lines[row.title])
                plot.set_marks((*notes, *told), place)
                told_here = plan.hint(row, view, state)
                # Said once, beside the first plot that it concerns.
                plot.set_hint("" if told_here in hints else told_here)
                hints.add(told_here)
        self._tell_zoom()

    def _whole(self, lines: Sequence[object], *, log: bool, grows: bool) -> Span:
        from app.widgets.curves import Line, whole_span

        ranges = [found for line in lines if isinstance(line, Line) and (found := line.x_range()) is not None]
        longest = max((high for _, high in ranges), default=1.0)
        shortest = min((low for low, _ in ranges if low > 0), default=1.0)
        return whole_span(longest, shortest, log=log, grows=grows)

    # charts
    def _show_charts(self, view: RunView, now: AppState) -> None:
        if not self.charts:
            return
        known = 0 <= view.shown < len(view.previews) and not view.following
        at = view.previews[view.shown][0] if known else None
        for section in self._sections:
            for row in section.plots:
                card = self.charts.get(row.title)
                if card is None:
                    continue
                found = [(row.label(name), now.curves.figures.get(name, ())) for name in row.metrics]
                picked = [(label, _at_step(rows, at)) for label, rows in found]
                steps = [one.step for _, rows in found for one in rows]
                card.show_charts(
                    tuple(_shown(label, one) for label, one in picked if one is not None),
                    tuple(tuple(_shown(label, one) for one in rows) for label, rows in found),
                    step=next((one.step for _, one in picked if one is not None), None),
                    steps=(min(steps, default=0), max(steps, default=0)),
                    guide=next(iter(row.guides), (ACTIVE_NATS, "in use")) if row.kind == "bars" else None,
                )

    # making
    def _make(self, wanted: tuple[plan.Section, ...]) -> None:
        self._sections = wanted
        titles = {row.title: row for section in wanted for row in section.plots}
        for cards in (self.plots, self.charts):
            discard([cards.pop(title) for title in list(cards) if title not in titles])
        for fold in self._folds.values():
            fold.setParent(None)
        old, self._folds = self._folds, {}
        for index, section in enumerate(wanted):
            fold = self._folds[section.title] = form.Section(section.title, collapsed=section.title in self._folded)
            fold.toggled.connect(lambda folded, title=section.title: self._fold(title, folded))
            self._column.insertWidget(index, fold)
            self._fill(section)
        for fold in old.values():
            fold.deleteLater()
        self._share_height()

    def _fill(self, section: plan.Section) -> None:
        """Puts the section's plots into it; those of a folded one are made when it is unfolded."""
        # Imported with the first run on show: the plotting library would double the time to the first window.
        from app.widgets.charts import ChartCard
        from app.widgets.curves import Curves

        fold = self._folds[section.title]
        for row in section.plots:
            if row.kind != "line":
                card = self.charts.get(row.title)
                if card is None and not fold.is_collapsed():
                    card = self.charts[row.title] = ChartCard(row.title, bars=row.kind == "bars", hint=row.note)
                if card is not None:
                    fold.add(card)
                continue
            plot = self.plots.get(row.title)
            if plot is None and not fold.is_collapsed():
                plot = self.plots[row.title] = Curves(
                    row.title, row.unit, log_y=row.log, hint=row.note, hideable=section.title == plan.MORE
                )
                plot.set_guides(row.guides)
                self._follow(plot, row)
            if plot is not None:
                fold.add(plot)
        # In the order of the column, whatever was made first: the table's columns and the first plot follow it.
        titles = [row.title for one in self._sections for row in one.plots]
        self.plots = {title: self.plots[title] for title in titles if title in self.plots}

    def _follow(self, plot: Curves, row: Plot) -> None:
        plot.hovered.connect(self._point_all)
        plot.logToggled.connect(lambda on: self._own_log.update({row.title: on}))
        plot.spanned.connect(self._zoom_all)
        plot.noteMade.connect(lambda x, text: self.noteMade.emit(self._step_of(x), text))
        plot.noteRemoved.connect(lambda step: self.noteMade.emit(step, ""))
        plot.hideWanted.connect(lambda: self.metricWanted.emit(row.metrics[0], False))

    def _fold(self, title: str, folded: bool) -> None:
        self._folded = (self._folded | {title}) if folded else (self._folded - {title})
        if not folded:
            self._fill(next(section for section in self._sections if section.title == title))
            self._share_height()
            self._show_all()

    def _show_more(self, rows: Sequence[Plot], view: RunView, now: AppState) -> None:
        names = plan.others(rows, view)
        wanted = [(name, name in now.curves.more) for name in names]
        self.more.setVisible(bool(names))
        if [(entry.data(), entry.isChecked()) for entry in self.more_menu.actions()] == wanted:
            return
        self.more_menu.clear()
        for name, on in wanted:
            tick(self.more_menu, plan.nice(name), on=on, do=partial(self.metricWanted.emit, name)).setData(name)

    # one hand for all plots
    def _point_all(self, x: float | None) -> None:
        for plot in self.plots.values():
            plot.set_cursor(x)

    def _zoom_all(self, span: Span | None) -> None:
        self._span = span
        for plot in self.plots.values():
            plot.set_span(span)
        self._tell_zoom()

    def show_whole(self) -> None:
        """All of the run."""
        self._zoom_all(None)

    def _tell_zoom(self) -> None:
        span, unit = self._span, self._unit
        words = "" if span is None or unit is None else f"From {unit.place(span.low)} to {unit.place(span.high)}"
        if self.head.show_zoom(words) and (layout := self.layout()) is not None:
            layout.activate()
            self._share_height()

    def open_compare(self) -> None:
        """The menu of runs."""
        if self.isVisible():
            self.head.compare.click()

    def begin_note(self) -> None:
        """Opens a note where the cursor is, or at the newest step, in the first plot."""
        plot = next((plot for plot in self.plots.values() if plot.isVisible() and plot.lines()), None)
        if plot is not None:
            self._area.ensureWidgetVisible(plot)
            at = plot.cursor_x()
            plot.begin_note(at if at is not None else plot.shown_span().high)

    def _step_of(self, x: float) -> int:
        clock = self._sources[0].clock if self._sources else None
        return max(0, round(x if clock is None else float(clock.to_step(x))))

    # out
    def sheet(self) -> Sheet | None:
        """What is shown, for a table; None where nothing is."""
        view = self._state.run_view if self._state is not None else None
        lines = [line for plot in self.plots.values() for line in plot.lines()]
        return drawing.sheet(lines, self._span, view) if lines and view is not None else None

    def picture(self) -> QImage:
        """All unfolded plots at twice their size, for a report."""
        return drawing.picture(self._inner, list(self._folds.values()), list(self.plots.values()))

    # room
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_height()

    def _share_height(self) -> None:
        """As many whole plots as fit, none of them too flat or too tall to read."""
        room = self._area.viewport().height() - HEADING_PX
        count = max(1, room // (FLATTEST_PX + GAP_PX // 2))
        height = min(TALLEST_PX, max(FLATTEST_PX, room // count - GAP_PX // 2))
        for card in (*self.plots.values(), *self.charts.values()):
            card.setFixedHeight(height)


def _at_step(rows: Sequence[FigureRow], step: int | None) -> FigureRow | None:
    """The chart that stood at a step: the newest up to it, or the newest of all."""
    known = [row for row in rows if step is None or row.step <= step]
    return known[-1] if known else None


def _shown(label: str, row: FigureRow) -> Shown:
    from app.widgets.charts import Shown

    edges = None if row.edges is None else np.array(row.edges)
    return Shown(label, np.array(row.values), edges)
