"""Is it any good? The verdict about the run on show, what it rests on, and the birthday test."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from app.diagnosis.report import ReportView
from app.state import AppState, moved
from app.train.birthday.view import BirthdayView
from app.train.collapse.state import CollapseState
from app.train.state import RunView
from app.widgets.buttons import button
from app.widgets.fields import Combo
from app.widgets.labels import kind_label
from app.widgets.layout import hbox, held, stacked, vbox
from engine.diagnostics import ReportEntry

NONE_YET: Final = (
    "No diagnosis of this run yet. A quick one takes a minute beside the training and says whether the model learns, "
    "memorises, collapses or diverges; the full one looks at more samples and narrows the intervals."
)


class CollapsePanel(QWidget):
    """The verdict and its findings, or the birthday test."""

    runWanted = Signal(object, bool)

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.quick = button(
            "Quick diagnosis", "All diagnostics with few samples, beside the training (Ctrl+G)", kind="primary"
        )
        self.full = button("Full", "All diagnostics with all samples; takes minutes (Ctrl+Shift+G)")
        self.birthday_button = button(
            "Birthday test", "Judge the nearest pairs by eye and learn how many pictures the model can draw (Alt+S)"
        )
        self.quick.clicked.connect(lambda: self.runWanted.emit(None, True))
        self.full.clicked.connect(lambda: self.runWanted.emit(None, False))
        self.steps = Combo(tooltip="The step whose report is shown; it follows the scrubber of the pictures.")
        self.every = kind_label("small")
        self.report = ReportView(NONE_YET)
        self.report.runWanted.connect(lambda names: self.runWanted.emit(names, False))
        buttons = hbox(self.quick, self.full, None, self.birthday_button)
        line = hbox(self.every, None, self.steps)
        page = held(vbox(buttons, line, self.report, gap_px=8, stretch={2: 1}))
        self.birthday = BirthdayView()
        self._pages = stacked(page, self.birthday)
        self.setLayout(vbox(self._pages, gap_px=0))
        self._listed: tuple[ReportEntry, ...] = ()

    def show_state(self, now: AppState, before: AppState | None) -> None:
        if not moved(now, before, "collapse", "run_view", "theme"):
            return
        state = now.collapse
        self.birthday.show_state(state.birthday)
        opening = state.birthday.open and self._pages.currentWidget() is not self.birthday
        self._pages.setCurrentIndex(1 if state.birthday.open else 0)
        if opening:
            self.birthday.setFocus(Qt.FocusReason.OtherFocusReason)
        busy = state.running is not None
        for push in (self.quick, self.full):
            push.setEnabled(not busy)
        self._show_line(state, now.run_view)
        own = state.running if state.running is not None and state.running.run == state.run else None
        self.report.show_report(
            state.report,
            cards=state.cards or (),
            opened=state.opened,
            message=state.message,
            running=own,
            busy=busy,
            empty=not state.reports,
        )

    def _show_line(self, state: CollapseState, view: RunView | None) -> None:
        options = [(str(entry.step), f"step {entry.step:,}") for entry in reversed(state.reports)]
        self.steps.setVisible(bool(options))
        if options:
            if state.reports is not self._listed:
                self._listed = state.reports
                self.steps.set_options(options)
            if state.step is not None and any(entry.step == state.step for entry in state.reports):
                self.steps.set_current(str(state.step))
        every = view.info.config.training.get("diagnose_every") if view is not None else None
        if isinstance(every, int) and every > 0:
            self.every.setText(f"A quick diagnosis is made every {every:,} steps.")
        else:
            self.every.setText("A diagnosis is made when you ask for one.")
        self.every.setToolTip("The knob “Diagnose every” of a new run makes quick diagnoses while it trains.")
