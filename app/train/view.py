"""The Train workspace: the form and the runs at the left, what the model draws, its curves and its diagnosis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from app.core.workspace import WorkspaceView
from app.state import AppState, moved
from app.train.collapse.view import CollapsePanel
from app.train.curves.view import TrainCurves
from app.train.data.page import DataPage
from app.train.data.panel import DataPanel
from app.train.form.view import TrainForm
from app.train.pictures.view import TrainPictures
from app.train.runs.panel import RunsPanel
from app.train.runs.table import RunTablePage
from app.train.state import RunView
from app.widgets.buttons import button
from app.widgets.empty import EmptyState
from app.widgets.labels import kind_label
from app.widgets.layout import hbox, held, stacked, vbox
from app.widgets.segmented import Segmented
from app.words import duration

LEFT_PX: Final = 344
PANELS: Final = (("new", "New run"), ("runs", "Runs"), ("data", "Data"))
SIDES: Final = (("curves", "Curves"), ("collapse", "Collapse"))
PARTS: Final[tuple[type[QWidget], ...]] = (
    TrainForm,
    RunsPanel,
    DataPanel,
    DataPage,
    TrainPictures,
    TrainCurves,
    CollapsePanel,
    RunTablePage,
)
"""What can be made ahead, one at a time: together they take longer than a hand should wait."""
Part = TypeVar("Part", bound=QWidget)


class TrainView(WorkspaceView):
    """What Train shows. `made` are those of PARTS that are there already."""

    def __init__(self, made: Sequence[QWidget] = (), *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.form = _part(TrainForm, made)
        self.runs = _part(RunsPanel, made)
        self.data = _part(DataPanel, made)
        self.data_page = _part(DataPage, made)
        self.pictures = _part(TrainPictures, made)
        self.curves = _part(TrainCurves, made)
        self.collapse = _part(CollapsePanel, made)
        self.panel = Segmented(PANELS, tooltip="What the left panel shows; Left and Right choose.")
        self._panel_pages = stacked(self.form, self.runs, self.data)
        self.side = Segmented(SIDES, tooltip="How training goes, or what the model is worth; Left and Right choose.")
        self._side_pages = stacked(self.curves, self.collapse)
        self.title, self.line = kind_label("title"), kind_label("muted")
        self.pause = button("Pause", "Pause or go on (Ctrl+P)")
        self.stop = button("Stop", "Stop and keep a checkpoint (Ctrl+.)")
        self.resume = button("Resume", "Go on from the newest checkpoint", kind="primary")
        self.explore = button("Explore", "Open the run's newest checkpoint in Explore")
        empty = EmptyState(
            "Watch a model learn",
            "Choose data and a family at the left and press Start: samples and curves appear here while it trains. "
            "Stop whenever you like; a run can always be resumed.",
        )
        self.compare = _part(RunTablePage, made)
        self._pages = stacked(empty, self._watch_page(), self.data_page, self.compare)
        self.setLayout(hbox(self._left_panel(), self._pages, gap_px=0, stretch={1: 1}))

    def _left_panel(self) -> QWidget:
        panel = QWidget()
        panel.setProperty("kind", "panel-left")
        panel.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        panel.setFixedWidth(LEFT_PX)
        head = hbox(self.panel, None, margins=(16, 12, 16, 4))
        panel.setLayout(vbox(head, self._panel_pages, gap_px=0, stretch={1: 1}))
        return panel

    def _watch_page(self) -> QWidget:
        page = QWidget()
        texts = vbox(self.title, self.line, gap_px=2)
        head = hbox(texts, None, self.explore, self.resume, self.pause, self.stop)
        side = held(vbox(hbox(self.side, None), self._side_pages, gap_px=8, stretch={1: 1}))
        body = hbox(self.pictures, side, gap_px=24, stretch={0: 5, 1: 4})
        page.setLayout(vbox(head, body, gap_px=16, margins=(24, 16, 24, 12), stretch={1: 1}))
        return page

    def show_state(self, now: AppState, before: AppState | None) -> None:
        self.form.show_state(now, before)
        self.runs.show_state(now, before)
        self.data.show_state(now, before)
        self.data_page.show_state(now, before)
        self.pictures.show_state(now, before)
        self.collapse.show_state(now, before)
        if moved(now, before, "train_panel", "train_side"):
            self.panel.set_current(now.train_panel)
            self._panel_pages.setCurrentIndex([key for key, _ in PANELS].index(now.train_panel))
            self.side.set_current(now.train_side)
            self._side_pages.setCurrentIndex([key for key, _ in SIDES].index(now.train_side))
        self.compare.show_state(now, before)
        if moved(now, before, "run_view", "train_panel", "run_list"):
            shown = 0 if now.run_view is None else 3 if now.run_list.table is not None else 1
            self._pages.setCurrentIndex(2 if now.train_panel == "data" else shown)
        if moved(now, before, "run_view", "training", "catalogue", "train_in") and now.run_view is not None:
            self._show_head(now, now.run_view)
        self.curves.show_state(now, before)

    def _show_head(self, now: AppState, view: RunView) -> None:
        status, config = view.info.status, view.info.config
        mine = now.training if now.training is not None and now.training.run == view.path else None
        state = mine.state if mine is not None else status.state
        step, steps = (mine.step, mine.steps or status.steps) if mine is not None else (status.step, status.steps)
        self.title.setText(view.info.title)
        families = now.catalogue.families if now.catalogue is not None else ()
        family = next((found.title for found in families if found.name == config.family), config.family)
        step = max(step, status.step)
        parts = [family, _size_words(config.image_shape), state, f"step {step:,} of {steps:,}"]
        speed = mine.images_per_second if mine is not None else _last_speed(view) if status.alive else 0.0
        if speed:
            parts.append(f"{speed:.0f} images/s")
        if mine is not None and mine.state == "running" and mine.seconds_left is not None:
            parts.append(f"{duration(mine.seconds_left)} left")
        if config.origin:
            parts.append(f"from {config.origin.get('run')} at {config.origin.get('step')}")
        if status.message:
            parts.append(status.message)
        self.line.setText(" · ".join(parts))
        live = mine is not None or status.alive
        self.pause.setVisible(live)
        self.stop.setVisible(live)
        self.resume.setVisible(not live)
        self.resume.setEnabled(now.training is None or now.train_in == "process")
        self.pause.setEnabled(state in ("running", "paused"))
        self.stop.setEnabled(state != "stopping")
        self.pause.setText("Go on" if state == "paused" else "Pause")
        self.resume.setText("Train on" if state == "done" else "Resume")
        tip = "Go on for as many steps again" if state == "done" else "Go on from the newest checkpoint"
        self.resume.setToolTip(tip if now.training is None else "A run is being trained: stop it first.")


def _part(kind: type[Part], made: Sequence[QWidget]) -> Part:
    return next((widget for widget in made if isinstance(widget, kind)), None) or kind()


def _last_speed(view: RunView) -> float:
    _, values = view.series.get("images_per_second", ([], []))
    return values[-1] if values else 0.0


def _size_words(shape: tuple[int, int, int]) -> str:
    channels, side, _ = shape
    return f"{side} px" if side > 1 else f"points of {'one number' if channels == 1 else f'{channels} numbers'}"
