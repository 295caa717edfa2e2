"""The Train workspace: the form and the runs, live samples with their history, and curves."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QStackedWidget, QWidget

from app.state import AppState, RunView, moved
from app.theme import set_kind
from app.views.library import run_card
from app.views.train_curves import TrainCurves
from app.views.train_form import TrainForm
from app.widgets.buttons import button
from app.widgets.cards import ROW_PX, CardList
from app.widgets.empty import EmptyState
from app.widgets.form import Section
from app.widgets.grid import PictureGrid
from app.widgets.layout import hbox, scrolled, vbox
from app.widgets.slider import ValueSlider
from app.words import duration

LEFT_PX: Final = 344
CAPTION_PX: Final = 28


class _Samples(QWidget):
    """The grid as large as its room allows, the scrubber close beneath it."""

    def __init__(self, grid: PictureGrid, scrubber: ValueSlider) -> None:
        super().__init__()
        self._grid = grid
        column = vbox(grid, scrubber, None, gap_px=8)
        column.setStretch(0, 1000)
        self.setLayout(column)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._grid.setMaximumHeight(self.width() + CAPTION_PX)


class TrainView(QWidget):
    """Emits what is wanted with the run on show."""

    runChosen = Signal(str)
    scrubbed = Signal(int)
    pauseWanted = Signal()
    stopWanted = Signal()
    resumeWanted = Signal()
    exploreWanted = Signal()

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.form = TrainForm()
        self.runs = CardList(empty_text="Runs appear here.")
        self.runs.activated.connect(self.runChosen)
        self.grid = PictureGrid(columns=5, empty_text="Samples appear here with the first preview.")
        self.scrubber = ValueSlider(
            "History", 0, 1, value=0, decimals=0, tooltip="The samples as they were at this step.", label_px=64
        )
        self.scrubber.changed.connect(self._scrub)
        self._steps: list[int] = []
        self.curves = TrainCurves()
        self.title, self.line = QLabel(), QLabel()
        set_kind(self.title, "title")
        set_kind(self.line, "muted")
        self.pause = button("Pause", "Pause or go on (Ctrl+P)")
        self.stop = button("Stop", "Stop and keep a checkpoint (Ctrl+.)")
        self.resume = button("Resume", "Go on from the newest checkpoint", kind="primary")
        self.explore = button("Explore", "Open the run's newest checkpoint in Explore")
        for push, signal in (
            (self.pause, self.pauseWanted),
            (self.stop, self.stopWanted),
            (self.resume, self.resumeWanted),
            (self.explore, self.exploreWanted),
        ):
            push.clicked.connect(lambda _checked=False, wanted=signal: wanted.emit())
        empty = EmptyState(
            "Watch a model learn",
            "Choose data and a family at the left and press Start: samples and curves appear here while it trains. "
            "Stop whenever you like; a run can always be resumed.",
        )
        self._pages = QStackedWidget()
        self._pages.addWidget(empty)
        self._pages.addWidget(self._watch_page())
        row = hbox(self._left_panel(), self._pages, gap_px=0)
        row.setStretch(1, 1)
        self.setLayout(row)

    def _left_panel(self) -> QWidget:
        panel = QWidget()
        panel.setProperty("kind", "panel-left")
        panel.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        panel.setFixedWidth(LEFT_PX)
        inner = QWidget()
        inner.setLayout(vbox(self.runs, None))
        area = self._run_area = scrolled(inner)
        section = Section("Runs", collapsible=False)
        section.add(area)
        box = QWidget()
        column = vbox(section)
        column.setContentsMargins(16, 0, 8, 8)
        box.setLayout(column)
        outer = vbox(self.form, box, gap_px=0)
        outer.setStretch(0, 1)
        panel.setLayout(outer)
        return panel

    def _watch_page(self) -> QWidget:
        page = QWidget()
        texts = vbox(self.title, self.line, gap_px=2)
        head = hbox(texts, None, self.explore, self.resume, self.pause, self.stop)
        body = hbox(_Samples(self.grid, self.scrubber), self.curves, gap_px=24)
        body.setStretch(0, 5)
        body.setStretch(1, 4)
        column = vbox(head, body, gap_px=16)
        column.setStretch(1, 1)
        column.setContentsMargins(24, 16, 24, 12)
        page.setLayout(column)
        return page

    def show_state(self, now: AppState, before: AppState | None) -> None:
        """Shows the state."""
        self.form.show_state(now, before)
        if moved(now, before, "runs", "training"):
            self.runs.set_cards([run_card(card, now) for card in now.runs])
            self._share_height()
        if moved(now, before, "runs", "run_view"):
            key = str(now.run_view.path) if now.run_view is not None else None
            self.runs.set_selected(key if any(card.key == key for card in self.runs.cards()) else None)
        if moved(now, before, "run_view"):
            self._pages.setCurrentIndex(0 if now.run_view is None else 1)
            if now.run_view is not None:
                self._show_samples(now.run_view)
        if moved(now, before, "run_view", "training", "catalogue") and now.run_view is not None:
            self._show_head(now, now.run_view)
        if moved(now, before, "run_view", "catalogue") and now.run_view is not None:
            old = before.run_view if before is not None else None
            known = old is not None and old.series is now.run_view.series and old.path == now.run_view.path
            if not known or moved(now, before, "catalogue"):
                self.curves.show_run(now.run_view, now.catalogue)

    def _show_samples(self, view: RunView) -> None:
        self.grid.set_pictures(view.pictures)
        step = view.previews[view.shown][0] if 0 <= view.shown < len(view.previews) else None
        self.grid.set_caption("Samples from fixed codes", "" if step is None else f"step {step:,}")
        self._steps = [at for at, _ in view.previews]
        self.scrubber.setEnabled(len(self._steps) > 1)
        if len(self._steps) > 1:
            self.scrubber.set_range(self._steps[0], self._steps[-1])
        if step is not None:
            self.scrubber.set_value(step)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_height()

    def _share_height(self) -> None:
        """The list of runs takes what it needs, at most a quarter: the form is worth more room."""
        most = max(ROW_PX, self.height() // 4 // ROW_PX * ROW_PX)
        self._run_area.setFixedHeight(min(most, max(1, len(self.runs.cards())) * ROW_PX))

    def _scrub(self, step: float) -> None:
        """The preview nearest to a step."""
        if self._steps:
            self.scrubbed.emit(min(range(len(self._steps)), key=lambda i: abs(self._steps[i] - step)))

    def _show_head(self, now: AppState, view: RunView) -> None:
        status, config = view.info.status, view.info.config
        mine = now.training if now.training is not None and now.training.run == view.path else None
        state = mine.state if mine is not None else status.state
        step, steps = (mine.step, mine.steps or status.steps) if mine is not None else (status.step, status.steps)
        self.title.setText(config.title or view.info.name)
        families = now.catalogue.families if now.catalogue is not None else ()
        family = next((found.title for found in families if found.name == config.family), config.family)
        step = max(step, status.step)
        parts = [family, f"{config.image_shape[1]} px", state, f"step {step:,} of {steps:,}"]
        speed = mine.images_per_second if mine is not None else _last_speed(view) if status.alive else 0.0
        if speed:
            parts.append(f"{speed:.0f} images/s")
        if mine is not None and mine.state == "running" and mine.seconds_left is not None:
            parts.append(f"{duration(mine.seconds_left)} left")
        if status.message:
            parts.append(status.message)
        self.line.setText(" · ".join(parts))
        live = mine is not None or status.alive
        self.pause.setVisible(live)
        self.stop.setVisible(live)
        self.resume.setVisible(not live)
        self.resume.setEnabled(now.training is None)
        self.pause.setEnabled(state in ("running", "paused"))
        self.stop.setEnabled(state != "stopping")
        self.pause.setText("Go on" if state == "paused" else "Pause")
        self.resume.setText("Train on" if state == "done" else "Resume")
        tip = "Go on for as many steps again" if state == "done" else "Go on from the newest checkpoint"
        self.resume.setToolTip(tip if now.training is None else "A run is being trained: stop it first.")


def _last_speed(view: RunView) -> float:
    _, values = view.series.get("images_per_second", ([], []))
    return values[-1] if values else 0.0
