"""The Train workspace: its row in the table of workspaces, and its features put together."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtWidgets import QWidget

from app.core.shot_request import ShotRequest
from app.core.workspace import Actions, Controllers, Opening, Services, Wait, Workspace
from app.diagnosis.host import DiagnosisHost
from app.state import AppState
from app.train.birthday.controller import BirthdayController
from app.train.collapse.controller import CollapseController
from app.train.controller import TrainController
from app.train.curves.controller import CurvesController
from app.train.data.controller import DataController
from app.train.form.cost import CostController
from app.train.pictures.controller import PicturesController
from app.train.runs.actions import RunActions
from app.train.runs.controller import RunsController
from app.train.runs.processes import RunProcesses
from app.train.shortcuts import SHORTCUTS

if TYPE_CHECKING:
    from app.train.view import TrainView


class Train(Controllers["TrainView"]):
    """The controllers of Train. They are there from the start, its view comes later: a run may go on meanwhile."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        store, parent, host, preferences = services.store, services.parent, services.train_host, services.preferences
        diagnoses, device = DiagnosisHost(store.study_host), lambda: preferences.now.device
        self.training = TrainController(store, services.bridge, host, services.follower, parent)
        self.cost = CostController(store, host, parent)
        self.curves = CurvesController(store, services.follower, parent)
        self.data = DataController(store, parent)
        self.processes = RunProcesses(store, host, device=device, parent=parent)
        self.runs = RunsController(
            store,
            self.training,
            self.processes,
            remember=preferences.change,
            attached=preferences.now.attached,
            parent=parent,
        )
        self.run_actions = RunActions(
            store,
            self.runs,
            self.training,
            self.processes,
            open_model=services.requests.modelWanted.emit,
            remember=preferences.change,
            device=device,
            parent=parent,
        )
        self.pictures = PicturesController(store, self.training, services.follower, parent)
        self.collapse = CollapseController(store, diagnoses, self.training, services.follower, parent)
        self.birthday = BirthdayController(store, diagnoses, self.collapse, parent)
        services.startup.over.connect(self.training.load_catalogue)
        services.requests.runsAttached.connect(self.runs.attach)
        services.requests.diagnosisWanted.connect(self.collapse.show)

    def connect(self, view: TrainView) -> Actions:
        """Connects the features with their parts of the view."""
        # What they connect is made of widgets that are not imported before the first picture.
        from app.train.birthday import connect as birthday
        from app.train.collapse import connect as collapse
        from app.train.curves import connect as curves
        from app.train.data import connect as data
        from app.train.form import connect as form
        from app.train.pictures import connect as pictures
        from app.train.runs import connect as runs

        store, window, actions = self.services.store, self.services.window, self.run_actions
        self.view = view
        view.panel.changed.connect(lambda panel: store.update(train_panel=panel))
        view.side.changed.connect(lambda side: store.update(train_side=side))
        view.pause.clicked.connect(actions.pause_shown)
        view.stop.clicked.connect(actions.stop_shown)
        view.resume.clicked.connect(actions.resume_shown)
        view.explore.clicked.connect(actions.explore_shown)
        data.connect(self.data, view.data, page=view.data_page, form=view.form, store=store)
        return {
            **form.connect(actions, view.form, cost=self.cost, store=store),
            **runs.connect(self.runs, view.runs, table=view.compare, actions=actions, store=store, window=window),
            **pictures.connect(self.pictures, view.pictures, store=store, window=window),
            **curves.connect(self.curves, view.curves, store=store, window=window),
            **collapse.connect(self.collapse, view.collapse, begin_test=self.birthday.open),
            **birthday.connect(self.birthday, view.collapse.birthday),
        }

    # opening and closing
    def begin(self, opening: Opening) -> None:
        """Lists the runs."""
        self.runs.set_folder(opening.inventory.runs_folder)

    def may_close(self) -> bool:
        """Whether runs in processes of their own are settled."""
        return self.processes.may_close()

    def close(self) -> None:
        """A run in this window writes its checkpoint."""
        if self.services.store.state.training is not None:
            self.training.stop()

    def closed(self) -> None:
        """Lets go of runs in processes of their own."""
        self.processes.close()

    # pictures of the window
    def show(self, asked: ShotRequest, wait: Wait) -> None:
        """A run, or a data set, with the pages that are asked for."""
        store = self.services.store
        wait.until(lambda: store.state.catalogue is not None)
        store.update(train_panel=asked.panel, train_side=asked.side)
        if asked.run is not None:
            run = asked.run.resolve()
            self.training.show_run(run)
            wait.until(lambda: _is_there(store.state, run))
        if asked.panel == "data":
            self.data.look()
            wait.until(lambda: store.state.data.pictures is not None or not store.state.data.busy)


def _is_there(state: AppState, run: Path) -> bool:
    view = state.run_view
    return view is not None and view.path == run and (view.pictures is not None or not view.previews)


def make_view(window: QWidget) -> Generator[None, None, TrainView]:
    """Part by part: all together take longer than a hand should wait."""
    from app.train.view import PARTS, TrainView

    parts: list[QWidget] = []
    for kind in PARTS:
        # Theirs is the window even before they have a place in it: they go when it goes.
        parts.append(kind(parent=window))
        yield
    view = TrainView(parts, parent=window)
    yield
    return view


TRAIN: Final = Workspace(
    "train",
    "Train",
    "Go to training runs and their curves.",
    make_view,
    Train,
    shortcuts=SHORTCUTS,
    ahead=("app.train.view", "app.widgets.curves"),
)
