"""The conductor: makes the lanes, the bridge and the controllers, connects the views, opens and closes the window."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QRect, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QFileDialog

from app.bridge import Bridge
from app.compare_controller import CompareController, GridController
from app.desk import Desk
from app.explore_controller import ExploreController
from app.hub import Hub
from app.model_host import ModelHost, Shelf, run_of, run_ref
from app.morph_controller import MorphController
from app.notices import NO_CLIPBOARD, NO_PICTURE, Notices
from app.photo_controller import PhotoController
from app.runtime import Collector
from app.settings import Settings, save_settings
from app.shortcuts import make_actions
from app.state import AppState
from app.theme import apply_theme
from app.train_controller import TrainController
from app.views.help import HelpPanel
from app.widgets.pixels import dropped_files, from_qimage, to_qimage
from app.window import Window
from engine.api import Pictures, TrainRequest

FIRST_MODEL: Final = "Faces Glow 64"
CLOSE_MS: Final = 30
PHOTO_FILTER: Final = "Photos (*.png *.jpg *.jpeg *.webp *.bmp *.gif *.tif *.tiff);;All files (*)"
PICTURE_FILTER: Final = "PNG (*.png);;WebP (*.webp);;JPEG (*.jpg)"
MORPH_FILTERS: Final = {
    "GIF (*.gif)": ".gif",
    "WebP (*.webp)": ".webp",
    "MP4 (*.mp4)": ".mp4",
    "PNG files in a folder (*)": "",
}


class Controller(QObject):
    """Everything behind the window. `closed` comes when all threads have ended and the window is gone."""

    closed = Signal()

    def __init__(self, window: Window, settings: Settings, settings_file: Path | None) -> None:
        super().__init__()
        self.window, self._settings, self._file = window, settings, settings_file
        self.notices = Notices(self)
        self.bridge = Bridge(self)
        model_host, study_host, train_host = (ModelHost(device=settings.device) for _ in range(3))
        self.desk = Desk(
            self.bridge,
            set_ups={
                "model": model_host.use_threads(lambda: 1),
                "study": study_host.use_threads(lambda: 1),
                "train": train_host.use_threads(_training_threads),
            },
            on_failed=self.notices.failed,
            parent=self,
        )
        state = AppState(theme=settings.theme)
        self.hub = Hub(state, self.desk, notices=self.notices, model_host=model_host, study_host=study_host)
        self.explore = ExploreController(self.hub, self)
        self.photos = PhotoController(self.hub, self.explore, self)
        self.compare = CompareController(self.hub, self.photos, self)
        self.grid = GridController(self.hub, self.explore, self)
        self.morph = MorphController(self.hub, self.explore, self.photos, self)
        self.train = TrainController(self.hub, self.bridge, train_host, self)
        self._collector = Collector(self)
        self._close_timer = QTimer(self, interval=CLOSE_MS)
        self._close_timer.timeout.connect(self._close_when_idle)
        self._first_picture = False
        self._connect()
        window.show_state(self.hub.state, None)

    @property
    def state(self) -> AppState:
        """What the window shows."""
        return self.hub.state

    # wiring
    def _connect(self) -> None:
        window = self.window
        self.notices.said.connect(window.show_notice)
        self.hub.changed.connect(lambda before, now: window.show_state(now, before))
        self.hub.changed.connect(self._after_first_picture)
        self.hub.modelOpened.connect(self._model_opened)
        window.closeWanted.connect(self.close)
        window.filesDropped.connect(self.photos.add_files)
        window.top.workspaceChanged.connect(self.show_workspace)
        window.top.modelChanged.connect(self.explore.open_model)
        window.top.themeClicked.connect(self.switch_theme)
        window.top.helpClicked.connect(self.show_help)
        window.jobs.stopClicked.connect(self.hub.cancel_job)
        window.jobs.pauseClicked.connect(lambda _: self.train.pause(True))
        window.jobs.resumeClicked.connect(lambda _: self.train.pause(False))
        self._connect_library()
        self._connect_explore()
        self._connect_morph()
        self._connect_train()
        make_actions(
            window,
            {
                "workspace.explore": lambda: self.show_workspace("explore"),
                "workspace.train": lambda: self.show_workspace("train"),
                "photo.open": self.open_photo,
                "photo.paste": self.paste,
                "picture.copy": self.copy_picture,
                "picture.save": self.save_picture,
                "edit.undo": self.explore.undo,
                "edit.redo": self.explore.redo,
                "sample.random": self.roll,
                "sliders.reset": self.explore.reset_sliders,
                "morph.play": self._play_if_shown,
                "train.start": self._start_if_shown,
                "train.pause": self._pause_shown,
                "train.stop": self._stop_shown,
                "view.theme": self.switch_theme,
                "view.fullscreen": self._full_screen,
                "help.shortcuts": self.show_help,
                "app.quit": self.close,
            },
        )

    def _connect_library(self) -> None:
        library = self.window.explore.library
        library.modelChosen.connect(self.explore.open_model)
        library.runChosen.connect(lambda path: self.explore.open_model(run_ref(Path(path))))
        library.photoChosen.connect(self.use_photo)
        library.photoRemoved.connect(self.photos.remove)
        library.filesDropped.connect(lambda files: self.photos.add_files(files, self.use_photo))
        library.imageDropped.connect(lambda picture: self.photos.add_picture(picture, self.use_photo))
        library.openPhoto.connect(self.open_photo)
        library.trainWanted.connect(lambda: self.show_workspace("train"))

    def _connect_explore(self) -> None:
        view, explore = self.window.explore, self.explore
        view.viewChosen.connect(self.show_view)
        view.trainWanted.connect(lambda: self.show_workspace("train"))
        inspector = view.inspector
        inspector.temperatureChanged.connect(explore.set_temperature)
        inspector.seedChanged.connect(explore.set_seed)
        inspector.rollWanted.connect(self.roll)
        inspector.editChanged.connect(explore.set_edit)
        inspector.lockChanged.connect(explore.set_lock)
        inspector.resetWanted.connect(explore.reset_sliders)
        inspector.settled.connect(explore.settle)
        single = view.single
        single.wandered.connect(explore.wander)
        single.wanderFinished.connect(explore.settle)
        single.reachTurned.connect(explore.turn_reach)
        single.planeWanted.connect(explore.new_plane)
        single.jumped.connect(explore.jump)
        single.filesDropped.connect(self.photos.add_files)
        single.imageDropped.connect(self.photos.add_picture)
        view.compare.sampleWanted.connect(self._take_sample_photo)
        view.compare.filesDropped.connect(self.photos.add_files)
        view.compare.imageDropped.connect(self.photos.add_picture)
        view.grid.picked.connect(self.grid.pick)
        view.grid.opened.connect(lambda _: self.show_view("single"))
        view.grid.rollWanted.connect(self.grid.roll)

    def _connect_morph(self) -> None:
        view, morph = self.window.explore.morph, self.morph
        view.slotChosen.connect(morph.choose_slot)
        view.slotKeyDropped.connect(lambda index, key: morph.set_photo(key, index))
        view.slotFilesDropped.connect(
            lambda index, files: self.photos.add_files(files, lambda key: morph.set_photo(key, index))
        )
        view.slotImageDropped.connect(
            lambda index, picture: self.photos.add_picture(picture, lambda key: morph.set_photo(key, index))
        )
        view.slotCurrent.connect(morph.set_current)
        view.slotRemoved.connect(morph.remove_slot)
        view.slotAdded.connect(morph.add_slot)
        view.fractionChanged.connect(morph.set_fraction)
        view.methodChanged.connect(morph.set_method)
        view.playWanted.connect(lambda: morph.play())
        view.exportWanted.connect(self.export_morph)
        view.takeWanted.connect(morph.take)

    def _connect_train(self) -> None:
        view, train = self.window.train, self.train
        view.form.startWanted.connect(self.start_training)
        view.form.wrong.connect(self.notices.warn)
        view.runChosen.connect(lambda path: train.show_run(Path(path)))
        view.scrubbed.connect(train.scrub)
        view.pauseWanted.connect(self._pause_shown)
        view.stopWanted.connect(self._stop_shown)
        view.resumeWanted.connect(self._resume_shown)
        view.exploreWanted.connect(self._explore_shown)

    # opening
    def start(self, *, model: str = "") -> None:
        """Looks for models and opens the one of last time. The window is on screen already."""
        self.notices.install()
        self._collector.start()
        wanted = model or self._settings.model

        def found(shelf: Shelf) -> None:
            self.hub.update(models=shelf.models, device=shelf.device)
            self.train.set_folder(shelf.runs_folder)
            self.photos.show_samples(shelf.photos)
            ref = _first_model(shelf, wanted)
            if ref is None:
                self.train.load_catalogue()
            elif self.state.opening is None and self.state.model is None:
                self.explore.open_model(ref)

        host = self.hub.model_host
        self.desk.submit("model", "look for models", lambda context: host.shelf(), done=found)

    def _after_first_picture(self, before: AppState, now: AppState) -> None:
        """What can wait, waits until the first picture is on screen."""
        failed = before.opening is not None and now.opening is None and now.info is None
        if not self._first_picture and (now.drawn is not None or failed):
            self._first_picture = True
            self.train.load_catalogue()

    def _model_opened(self) -> None:
        self._settings = replace(self._settings, model=self.state.model or "")

    def say_at_start(self, sentence: str) -> None:
        """Something that went wrong before the window was there."""
        if sentence:
            self.notices.warn(sentence)

    # workspaces and views
    def show_workspace(self, key: str) -> None:
        """Explore or Train."""
        self.hub.update(workspace=key)

    def show_view(self, key: str) -> None:
        """Single, compare, grid or morph."""
        self.hub.update(workspace="explore", view=key)

    def switch_theme(self) -> None:
        """Dark to light, and back."""
        name = "light" if self.state.theme == "dark" else "dark"
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        apply_theme(application, "light" if name == "light" else "dark")
        self._settings = replace(self._settings, theme=name)
        self.hub.update(theme=name)

    def show_help(self) -> None:
        """All keys."""
        HelpPanel(leave_out=("Lab",), parent=self.window).show()

    def _full_screen(self) -> None:
        window = self.window
        window.showNormal() if window.isFullScreen() else window.showFullScreen()

    # photos
    def use_photo(self, key: str) -> None:
        """A photo of the library: a corner of the morph there, otherwise the current code."""
        if self.state.view == "morph":
            self.morph.set_photo(key)
        else:
            self.photos.choose(key)

    def open_photo(self) -> None:
        """Asks for photos; the window goes on meanwhile."""
        dialog = QFileDialog(self.window, "Open photos", "", PHOTO_FILTER)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(lambda files: self.photos.add_files(files, self.use_photo))
        _open(dialog)

    def paste(self) -> None:
        """The picture or the files on the clipboard."""
        mime = QGuiApplication.clipboard().mimeData()
        # An empty clipboard has no data at all on some systems.
        files = dropped_files(mime) if mime is not None else []
        if files:
            self.photos.add_files(files, self.use_photo)
            return
        image = QGuiApplication.clipboard().image()
        if image.isNull():
            self.notices.say(NO_CLIPBOARD)
        else:
            self.photos.add_picture(from_qimage(image), self.use_photo)

    def _take_sample_photo(self) -> None:
        shipped = [photo for photo in self.state.photos if photo.shipped]
        if shipped:
            self.photos.choose(shipped[0].key)

    def roll(self) -> None:
        """Other samples in the grid, another seed elsewhere."""
        if self.state.view == "grid":
            self.grid.roll()
        else:
            self.explore.roll()

    # pictures out
    def _shown_picture(self) -> Pictures | None:
        state = self.state
        if state.view == "morph" and state.morph.picture is not None:
            return state.morph.picture
        return state.drawn.picture if state.drawn is not None else None

    def copy_picture(self) -> None:
        """The current picture to the clipboard."""
        picture = self._shown_picture()
        if picture is None:
            self.notices.say(NO_PICTURE)
            return
        QGuiApplication.clipboard().setImage(to_qimage(picture))
        self.notices.info("The picture is on the clipboard.")

    def save_picture(self) -> None:
        """The current picture as a file, in the model's own size."""
        picture = self._shown_picture()
        if picture is None:
            self.notices.say(NO_PICTURE)
            return
        dialog = _save_dialog(self.window, "Save picture", PICTURE_FILTER, "png")

        def save(name: str) -> None:
            if to_qimage(picture).save(name):
                self.notices.info(f"Saved {name}.")
            else:
                self.notices.warn(f"{name} could not be written: choose another place, or .png, .webp or .jpg.")

        dialog.fileSelected.connect(save)
        _open(dialog)

    def export_morph(self) -> None:
        """Asks where the morph goes to."""
        dialog = _save_dialog(self.window, "Export morph", ";;".join(MORPH_FILTERS), "gif")
        dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix(MORPH_FILTERS.get(chosen, "").lstrip(".")))
        dialog.fileSelected.connect(lambda name: self.morph.export(Path(name)))
        _open(dialog)

    def _play_if_shown(self) -> None:
        if self.state.workspace == "explore" and self.state.view == "morph":
            self.morph.play()

    # training
    def start_training(self, request: TrainRequest) -> None:
        """Starts a run and shows it."""
        self.hub.update(workspace="train")
        self.train.start(request)

    def _start_if_shown(self) -> None:
        if self.state.workspace == "train":
            self.window.train.form.submit()

    def _shown_run(self) -> Path | None:
        view = self.state.run_view
        if self.state.workspace != "train" or view is None:
            return self.state.training.run if self.state.training is not None else None
        return view.path

    def _pause_shown(self) -> None:
        self.train.pause(run=self._shown_run())

    def _stop_shown(self) -> None:
        self.train.stop(self._shown_run())

    def _resume_shown(self) -> None:
        if self.state.run_view is not None:
            self.train.resume(self.state.run_view.path)

    def _explore_shown(self) -> None:
        if self.state.run_view is not None:
            self.explore.open_model(run_ref(self.state.run_view.path))
            self.show_workspace("explore")

    # closing
    def close(self) -> None:
        """Stops everything; a training run writes its checkpoint first, and the window says so meanwhile."""
        if self.state.closing:
            return
        self._remember()
        self.hub.update(closing=True)
        if self.state.training is None:
            self.window.hide()
        self.desk.stop()
        self._close_timer.start()
        self._close_when_idle()

    def _close_when_idle(self) -> None:
        if self.desk.busy() or not self._close_timer.isActive():
            return
        self._close_timer.stop()
        self.desk.close()
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


def _save_dialog(window: Window, title: str, filters: str, suffix: str) -> QFileDialog:
    dialog = QFileDialog(window, title, "", filters)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setFileMode(QFileDialog.FileMode.AnyFile)
    dialog.setDefaultSuffix(suffix)
    return dialog


def _open(dialog: QFileDialog) -> None:
    """Shows a dialog without a nested event loop, and forgets it afterwards."""
    dialog.finished.connect(lambda _: dialog.deleteLater())
    dialog.open()
