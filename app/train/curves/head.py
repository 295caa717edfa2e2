"""The row over the curves: smoothing, logarithm, what x counts, which runs are compared, and what goes out."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.state import AppState
from app.train.curves.plan import axes_known, run_name
from app.train.curves.state import AXES, MOST_RUNS, CurvesState
from app.train.shortcuts import keys_text
from app.widgets.buttons import button, menu_button, tick
from app.widgets.labels import kind_label
from app.widgets.layout import hbox, held, vbox
from app.widgets.slider import ValueSlider

SHORT: Final = {"step": "Steps", "time": "Time", "images": "Images"}
NARROW_PX: Final = 430
WHY_NOT: Final = "This run does not tell it."
FULL: Final = f"{MOST_RUNS} runs are compared already."


class CurvesHead(QWidget):
    """Emits what is wanted of all plots."""

    axisChosen = Signal(str)
    compareToggled = Signal(str, bool)
    markedWanted = Signal()
    exportWanted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.smoothing = ValueSlider(
            "Smooth",
            0.0,
            0.99,
            value=0.8,
            default=0.8,
            label_px=52,
            value_px=36,
            tooltip="Weight of the past in the bold line, from 0 to 0.99; the points themselves stay behind it, faint.",
        )
        self.smoothing.setMinimumWidth(116)
        log_tip = f"Logarithmic y axis in all plots ({keys_text('curves.log')})"
        self.log = button("log", log_tip, kind="quiet", checkable=True)
        self.axis, self.axis_menu = menu_button("Steps", f"What x counts ({keys_text('curves.axis')})", kind="quiet")
        self.compare, self.compare_menu = menu_button(
            "Compare",
            f"Draw up to {MOST_RUNS - 1} other runs over this one ({keys_text('curves.compare')})",
            kind="quiet",
        )
        self.export, self.export_menu = menu_button("Export", "What is shown as a table or a picture", kind="quiet")
        for key, words, action in (
            ("csv", "Table of what is shown (CSV)…", "curves.csv"),
            ("png", "Picture of the curves (PNG)…", "curves.png"),
        ):
            entry = self.export_menu.addAction(f"{words}\t{keys_text(action)}")
            entry.triggered.connect(lambda _checked=False, kind=key: self.exportWanted.emit(kind))
        self._runs_shown: object = None
        self._make_axes()
        self._zoom, self.whole = (
            kind_label("small"),
            button("Show all", f"The whole run ({keys_text('curves.whole')})", kind="quiet"),
        )
        self.whole.setFixedHeight(22)
        self._zoomed = held(hbox(self._zoom, None, self.whole))
        self._zoomed.hide()
        row = hbox(self.smoothing, self.log, self.axis, self.compare, self.export, gap_px=2, stretch={0: 1})
        self.setLayout(vbox(row, self._zoomed, gap_px=2))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # Where it is narrow the slider needs the room more than the word.
        self.export.setText("Export ▾" if self.width() >= NARROW_PX else "⋯")

    def _make_axes(self) -> None:
        self._axes: dict[str, QAction] = {}
        for key, words in AXES:
            self._axes[key] = tick(self.axis_menu, words)
            self._axes[key].triggered.connect(partial(self.axisChosen.emit, key))
        self.axis_menu.addSeparator()
        self.log_x = tick(self.axis_menu, "Logarithmic x axis")

    def show_curves(self, now: AppState, *, axis: str) -> None:
        """Shows the choices; `axis` is what x counts in truth, where a run does not tell what was chosen."""
        state: CurvesState = now.curves
        self.smoothing.set_value(state.smoothing)
        self.log.setChecked(state.log)
        self.axis.setText(f"{SHORT[axis]}{', log' if state.log_x else ''} ▾")
        self.log_x.setChecked(state.log_x)
        known = axes_known(now.run_view) if now.run_view is not None else frozenset({"step"})
        for key, entry in self._axes.items():
            entry.setChecked(key == axis)
            entry.setEnabled(key in known)
            entry.setToolTip("" if key in known else WHY_NOT)
        count = len(state.overlays) + 1
        self.compare.setText(f"Compare {count} ▾" if count > 1 else "Compare ▾")

    def show_runs(self, now: AppState) -> None:
        """The runs that may be compared: those of the same family first."""
        view, chosen = now.run_view, {one.path for one in now.curves.overlays}
        if view is None:
            return
        family = view.info.config.family
        cards = [card for card in now.runs if card.info.path != view.path]
        cards.sort(key=lambda card: card.info.config.family != family)
        marked = [path for path in now.run_list.marked if path != view.path]
        wanted = [(str(card.info.path), run_name(card.info), card.info.path in chosen) for card in cards]
        full = len(chosen) >= MOST_RUNS - 1
        signature = (wanted, full, len(marked))
        if self._runs_shown == signature:
            return
        self._runs_shown = signature
        self.compare_menu.clear()
        if marked:
            entry = self.compare_menu.addAction(f"The {len(marked)} marked in the list of runs")
            entry.triggered.connect(lambda _checked=False: self.markedWanted.emit())
            self.compare_menu.addSeparator()
        for key, name, on in wanted:
            toggle = partial(self.compareToggled.emit, key)
            entry = tick(self.compare_menu, name, on=on, enabled=on or not full, do=toggle)
            entry.setToolTip(FULL if full and not on else Path(key).name)
        if not wanted:
            self.compare_menu.addAction("No other run yet").setEnabled(False)

    def show_zoom(self, words: str) -> bool:
        """What part is on show, empty when it is all; True if the head is taller or lower for it."""
        changed = self._zoomed.isHidden() == bool(words)
        self._zoom.setText(words)
        self._zoomed.setVisible(bool(words))
        return changed
