"""The conductor: makes the lanes, the bridge and the controllers, connects the views, opens and closes the window."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QObject, QRect, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from app.core.bridge import Bridge
from app.core.model_host import ModelHost, Shelf, run_of
from app.core.notices import Notices
from app.core.prebuild import Prebuild
from app.core.run_follower import RunFollower
from app.core.runtime import Collector
from app.core.store import Store
from app.core.tasks import LaneName, Tasks
from app.explore.check.controller import ModelCheckController
from app.explore.compare.controller import CompareController
from app.explore.controller import ExploreController
from app.explore.directions.controller import DirectionsController
from app.explore.framing.controller import FramingController
from app.explore.grid.controller import GridController
from app.explore.history.bookmarks import BookmarksController
from app.explore.importing.controller import ImportController
from app.explore.levels.controller import MicroscopeController
from app.explore.live.controller import LiveWeights
from app.explore.morph.controller import MorphController
from app.explore.photos.controller import PhotoController
from app.files.controller import FilesController
from app.palette.help import HelpPanel
from app.sessions.controller import SessionController
from app.settings import RECENT, Settings, save_settings
from app.state import AppState
from app.theme import apply_theme
from app.train.birthday.controller import BirthdayController
from app.train.collapse.controller import CollapseController
from app.train.collapse.diagnoses import DiagnosisHost
from app.train.controller import TrainController
from app.train.curves.controller import CurvesController
from app.train.data.controller import DataController
from app.train.data.state import DataChoice
from app.train.form.cost import CostController
from app.train.pictures.controller import PicturesController
from app.train.runs.actions import RunActions
from app.train.runs.controller import RunsController
from app.train.runs.processes import JOB as RUN_JOB
from app.train.runs.processes import RunProcesses
from app.window import Window
from app.wiring import connect
from engine.api import TrainRequest

if TYPE_CHECKING:
    from app.train.view import TrainView

DEVICE_LABELS: Final = {
    "auto": "Chosen by itself",
    "cpu": "Processor (CPU)",
    "cuda": "NVIDIA GPU (CUDA)",
    "mps": "Apple GPU (Metal)",
}
FIRST_MODEL: Final = "Faces Glow 64"
CLOSE_MS: Final = 30


class Conductor(QObject):
    """Everything behind the window. `closed` comes when all threads have ended and the window is gone."""

    closed = Signal()

    def __init__(self, window: Window, settings: Settings, settings_file: Path | None) -> None:
        super().__init__()
        self.window, self._settings, self._file = window, settings, settings_file
        self._devices: tuple[str, ...] = ()
        self.notices = Notices(self)
        self.bridge = Bridge(self)
        model_host, study_host, train_host = (ModelHost(device=settings.device) for _ in range(3))
        self._hosts: dict[LaneName, ModelHost] = {"model": model_host, "study": study_host, "train": train_host}
        self.tasks = Tasks(
            self.bridge,
            set_ups={
                "model": model_host.use_threads(lambda: 1),
                "study": study_host.use_threads(lambda: 1, behind=True),
                "train": train_host.use_threads(_training_threads),
            },
            on_failed=self.notices.failed,
            parent=self,
        )
        state = AppState(theme=settings.theme, train_in=settings.train_in, on_close=settings.on_close)
        self.store = Store(state, self.tasks, notices=self.notices, model_host=model_host, study_host=study_host)
        self.explore = ExploreController(self.store, self)
        self.photos = PhotoController(self.store, self.explore, self)
        self.imports = ImportController(self.store, self.explore, self)
        self.photos.take_model = self.imports.take
        self.bookmarks = BookmarksController(self.store, self.explore, self)
        self.directions = DirectionsController(self.store, self.explore, self.photos, self)
        self.framing = FramingController(self.store, self.photos, self)
        self.compare = CompareController(self.store, self.explore, self.photos, self)
        self.grid = GridController(self.store, self.explore, self)
        self.microscope = MicroscopeController(self.store, self.explore, self.photos, self)
        self.morph = MorphController(self.store, self.explore, self.photos, self)
        self.follower = RunFollower(self.store, self.bridge, self)
        self.train = TrainController(self.store, self.bridge, train_host, self.follower, self)
        self.cost = CostController(self.store, train_host, self)
        self.curves = CurvesController(self.store, self.follower, self)
        self.data = DataController(self.store, self)
        self.processes = RunProcesses(self.store, train_host, device=lambda: self._settings.device, parent=self)
        self.runs = RunsController(
            self.store, self.train, self.processes, remember=self.remember, attached=settings.attached, parent=self
        )
        self.run_actions = RunActions(
            self.store,
            self.runs,
            self.train,
            self.processes,
            self.explore,
            remember=self.remember,
            device=lambda: self._settings.device,
            parent=self,
        )
        self.pictures = PicturesController(self.store, self.train, self.follower, self)
        diagnoses = DiagnosisHost(study_host)
        self.collapse = CollapseController(self.store, diagnoses, self.train, self.follower, self)
        self.birthday = BirthdayController(self.store, diagnoses, self.collapse, self)
        self.check = ModelCheckController(self.store, diagnoses, self.collapse, self)
        self.live = LiveWeights(self.store, self.explore, self.photos, self.follower, self)
        self.sessions = SessionController(self.store, self.explore, self.photos, self)
        self.files = FilesController(self)
        self._collector = Collector(self)
        self._close_timer = QTimer(self, interval=CLOSE_MS)
        self._close_timer.timeout.connect(self._close_when_idle)
        self._first_picture = False
        self._prebuild = Prebuild(self.store, window, self)
        connect(self)
        window.show_state(self.store.state, None)

    @property
    def state(self) -> AppState:
        """What the window shows."""
        return self.store.state

    @property
    def settings(self) -> Settings:
        """The user's choices as they stand; written when the window closes."""
        return self._settings

    # opening
    def start(self, *, model: str = "") -> None:
        """Looks for models and opens the one of last time. The window is on screen already."""
        self.notices.install()
        self._collector.start()
        wanted = model or self._settings.model

        def found(shelf: Shelf) -> None:
            self.store.update(models=shelf.models, device=shelf.device)
            self._devices = ("auto", *shelf.devices)
            self._offer_devices()
            self.runs.set_folder(shelf.runs_folder)
            self.photos.show_samples(shelf.photos)
            ref = _first_model(shelf, wanted)
            folder = shelf.runs_folder.parent / "sessions"

            def fresh() -> None:
                if ref is None:
                    self.train.load_catalogue()
                elif self.state.opening is None and self.state.model is None:
                    self.explore.open_model(ref)

            if model or self._file is None:
                # A model that was asked for by name comes before what was there last time.
                if self._file is not None:
                    self.sessions.keep_in(folder)
                fresh()
            else:
                self.sessions.begin(folder, fresh)

        host = self.store.model_host
        self.tasks.submit("model", "look for models", lambda context: host.shelf(), done=found)

    def after_first_picture(self, before: AppState, now: AppState) -> None:
        """What can wait, waits until the first picture is on screen."""
        failed = before.opening is not None and now.opening is None and now.info is None
        if not self._first_picture and (now.drawn is not None or failed):
            self._first_picture = True
            self.train.load_catalogue()
            self._prebuild.start()

    def _offer_devices(self) -> None:
        self.window.top.set_devices([(key, DEVICE_LABELS[key]) for key in self._devices], self._settings.device)

    def choose_device(self, device: str) -> None:
        """Computes elsewhere: every lane changes when it comes to it, a run in training when it has ended."""

        def changed(name: str) -> None:
            self._settings = replace(self._settings, device=device)
            self._offer_devices()
            self.store.update(device=name)
            if self.state.model is not None:
                self.explore.open_model(self.state.model)

        def move(lane: LaneName, host: ModelHost) -> None:
            done = changed if lane == "model" else lambda name: None
            self.tasks.submit(lane, "change device", lambda context: host.use_device(device), done=done)

        for lane, host in self._hosts.items():
            move(lane, host)

    def remember(self, **changes: Any) -> None:
        """Keeps settings for the next start."""
        self._settings = replace(self._settings, **changes)

    def remember_model(self) -> None:
        """The model to open next time."""
        self._settings = replace(self._settings, model=self.state.model or "")

    def say_at_start(self, sentence: str) -> None:
        """Something that went wrong before the window was there."""
        if sentence:
            self.notices.warn(sentence)

    # workspaces and views
    def show_workspace(self, key: str) -> None:
        """Explore or Train."""
        self.store.update(workspace=key)

    def show_view(self, key: str) -> None:
        """Single, compare, grid or morph."""
        self.store.update(workspace="explore", view=key)

    def switch_theme(self) -> None:
        """Dark to light, and back."""
        name = "light" if self.state.theme == "dark" else "dark"
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        apply_theme(application, "light" if name == "light" else "dark")
        self._settings = replace(self._settings, theme=name)
        self.store.update(theme=name)

    def show_help(self) -> None:
        """All keys."""
        HelpPanel(leave_out=("Lab",), parent=self.window).show()

    def full_screen(self) -> None:
        """Fills the screen, or goes back."""
        window = self.window
        window.showNormal() if window.isFullScreen() else window.showFullScreen()

    # photos
    def use_photo(self, key: str) -> None:
        """A photo of the library: a corner of the morph there, otherwise the current code."""
        if self.state.view == "morph":
            self.morph.set_photo(key)
        else:
            self.photos.choose(key)

    def remember_file(self, name: str) -> None:
        """Puts a file at the head of those used lately."""
        path = str(Path(name).absolute())
        recent = (path, *(old for old in self._settings.recent if old != path))[:RECENT]
        self._settings = replace(self._settings, recent=recent)

    def take_sample_photo(self) -> None:
        """A portrait of the box, for the first comparison."""
        shipped = [photo for photo in self.state.photos if photo.shipped]
        if shipped:
            self.photos.choose(shipped[0].key)

    def roll(self) -> None:
        """Other samples in the grid, another seed elsewhere."""
        if self.state.view == "grid":
            self.grid.roll()
        else:
            self.explore.roll()

    def play_if_shown(self) -> None:
        """Space plays where a morph is on show."""
        if self.state.workspace == "explore" and self.state.view == "morph":
            self.morph.play()

    # training
    def in_train(self, act: Callable[[TrainView], None]) -> Callable[[], None]:
        """`act` on the Train workspace, where that is on show."""
        return lambda: act(self.window.train) if self.state.workspace == "train" else None

    def start_training(self, request: TrainRequest) -> None:
        """Starts a run and shows it."""
        self.run_actions.start(request)

    def train_on(self, choice: DataChoice) -> None:
        """Puts a data set into the form of a new run."""
        self.window.train.form.set_data(choice)
        self.store.update(workspace="train", train_panel="new")

    def find_run(self) -> None:
        """Puts the cursor into the search of runs."""
        self.store.update(workspace="train", train_panel="runs")
        self.window.train.runs.focus_search()

    def start_if_shown(self) -> None:
        """Ctrl+Enter starts what the form says, in Train."""
        if self.state.workspace == "train":
            self.window.train.form.submit()

    def _shown_run(self) -> Path | None:
        view = self.state.run_view
        if self.state.workspace != "train" or view is None:
            return self.state.training.run if self.state.training is not None else None
        return view.path

    def pause_shown(self) -> None:
        """Pauses the run on show, or lets it go on."""
        self.train.pause(run=self._shown_run())

    def pause_job(self, key: str, on: bool = True) -> None:
        """The jobs bar's Pause and Resume: of the run in this window, or of one in its own process."""
        if key.startswith(RUN_JOB):
            self.processes.pause(key, on)
        else:
            self.train.pause(on)

    def stop_shown(self) -> None:
        """Stops the run on show."""
        self.train.stop(self._shown_run())

    def resume_shown(self) -> None:
        """Resumes the run on show."""
        if self.state.run_view is not None:
            self.run_actions.resume(self.state.run_view.path)

    def explore_shown(self) -> None:
        """Opens the run on show in Explore."""
        if self.state.run_view is not None:
            self.run_actions.explore(self.state.run_view.path)

    # closing
    def close(self) -> None:
        """Stops everything; a training run writes its checkpoint first, and the window says so meanwhile."""
        if self.state.closing or not self.processes.may_close():
            return
        self._remember()
        self.sessions.close()
        self.store.update(closing=True)
        if self.state.training is None:
            self.window.hide()
        else:
            self.train.stop()
        self.tasks.stop()
        self._close_timer.start()
        self._close_when_idle()

    def _close_when_idle(self) -> None:
        if self.tasks.busy() or not self._close_timer.isActive():
            return
        self._close_timer.stop()
        self.tasks.close()
        self.processes.close()
        self.bridge.watch_training(False)
        self.bridge.flush()
        self._collector.stop()
        self.notices.restore()
        self.window.let_close()
        self.window.close()
        self.closed.emit()

    def _remember(self) -> None:
        if self._file is None:
            return
        window = self.window
        at = window.normalGeometry()
        geometry = (at.x(), at.y(), at.width(), at.height()) if at.isValid() else ()
        save_settings(self._file, replace(self._settings, geometry=geometry, maximised=window.isMaximized()))

    def place_window(self) -> None:
        """Where it was last time, if that is still on a screen."""
        if len(self._settings.geometry) == 4:
            wanted = QRect(*self._settings.geometry)
            if any(screen.availableGeometry().intersects(wanted) for screen in QGuiApplication.screens()):
                self.window.setGeometry(wanted)


def _training_threads() -> int:
    threads: int = importlib.import_module("engine.device").training_threads()
    return threads


def _first_model(shelf: Shelf, wanted: str) -> str | None:
    """The model of last time if it is still there, else the first in the box."""
    keys = {card.key for card in shelf.models}
    run = run_of(wanted)
    if wanted in keys or (run is not None and run.is_dir()):
        return wanted
    by_title = {card.title: card.key for card in reversed(shelf.models)}
    if wanted in by_title:
        return by_title[wanted]
    return by_title.get(FIRST_MODEL) or (shelf.models[0].key if shelf.models else None)
