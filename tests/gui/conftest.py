"""The real window with tiny models: what a person does, on a machine without a display."""

from __future__ import annotations

import functools
import hashlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

import resources
from app.__main__ import open_window
from app.conductor import Conductor
from app.core.startup import Prebuild
from app.explore.view import ExploreView
from app.explore.workspace import Explore
from app.settings import load_settings, settings_file
from app.state import AppState
from app.train.form.cost import CostController
from app.train.view import TrainView
from app.train.workspace import Train
from app.window import Window
from engine.api import DrawRequest, Pictures, Sampled
from engine.checkpoints.model_file import ModelHeader, load_model, save_model
from engine.exploring.open_model import OpenModel
from engine.families import build
from engine.frozen import freeze_model
from engine.latent.direction_files import DirectionSet, save_directions
from engine.latent.directions import Direction
from engine.models.base import Frozen, LatentModel
from engine.photos import thumbnail
from engine.planning import cost
from engine.session import Session
from tests.once import faces_once

WAIT_SECONDS, TURN_SECONDS = 40.0, 0.002
SIZE = 32
PORTRAITS = 4
TINY = {
    "vae": {"width": 8, "code": 8},
    "gan": {"width": 8, "discriminator_width": 8, "code": 8},
    "flow": {"depth": 1, "extra_depth": 1, "hidden": 8},
}
TITLES = {"vae": "Tiny VAE", "gan": "Tiny GAN", "flow": "Tiny Glow"}


@torch.no_grad()
def louder(model: torch.nn.Module) -> None:
    """An untrained decoder is all grey: larger weights make its pictures differ by more than a rounding."""
    for weight in model.parameters():
        if weight.ndim > 1:
            weight.mul_(2.5)


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one untrained model of each family, with an attribute, a weak one and a PCA direction."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    for name, config in TINY.items():
        model = build(name, config, (3, SIZE, SIZE))
        if name == "vae":
            louder(model)
        header = ModelHeader(name, config, (3, SIZE, SIZE), title=TITLES[name])
        sha = save_model(folder / f"{name}.safetensors", model, header)
        rng = np.random.default_rng(1)
        made = []
        for label, auc in (("Smiling", 0.93), ("Pale_Skin", 0.61), ("PCA 1", None)):
            vector = rng.standard_normal(model.spec.size).astype(np.float32)
            vector /= np.linalg.norm(vector)
            kind = "pca" if auc is None else "logistic"
            made.append(Direction(label, vector, sigma=1.0, auc=auc, method=kind, share=0.3 if auc is None else None))
        save_directions(folder / f"{name}.directions.safetensors", DirectionSet(sha, tuple(made)))
    return folder


@functools.cache
def _thumbnail_of(path: Path, time_ns: int, side_px: int) -> Pictures:
    return thumbnail(path, side_px)


def thumbnail_once(path: Path, side_px: int) -> Pictures:
    """The thumbnail of a file, read once for all windows."""
    return _thumbnail_of(path, path.stat().st_mtime_ns, side_px)


Loaded = tuple[LatentModel, ModelHeader, str]


class KeptModels:
    """The tiny models and their frozen forms, made once for all windows: one of each for every lane, as windows have.

    A file with other bytes is loaded as ever, and so is a model again after something changed its weights.
    """

    def __init__(self, folder: Path) -> None:
        self._known = {hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.glob("*.safetensors")}
        self._loaded: dict[tuple[str, str], tuple[Loaded, int]] = {}
        self._frozen: dict[int, Frozen] = {}

    def load(self, path: Path, *, sha256: str | None = None) -> Loaded:
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        if digest not in self._known or sha256 not in (None, digest):
            return load_model(path, sha256=sha256)
        key = threading.current_thread().name, digest
        if key in self._loaded:
            found, changes = self._loaded[key]
            if _changes(found[0]) == changes:
                return found
        found = load_model(path, sha256=sha256)
        self._frozen.pop(id(found[0]), None)
        self._loaded[key] = found, _changes(found[0])
        return found

    def freeze(self, model: LatentModel) -> Frozen:
        if not any(model is found[0] and _changes(model) == changes for found, changes in self._loaded.values()):
            return freeze_model(model)
        if id(model) not in self._frozen:
            self._frozen[id(model)] = freeze_model(model)
        return self._frozen[id(model)]


def _changes(model: LatentModel) -> int:
    return sum(tensor._version for tensor in (*model.parameters(), *model.buffers()))


@pytest.fixture(scope="session")
def kept_models(tiny_models: Path) -> KeptModels:
    return KeptModels(tiny_models)


@pytest.fixture
def home(own_home: Path, tiny_models: Path, kept_models: KeptModels, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder with the tiny models. The box has no real models and a few portraits: they slow the tests."""
    folder = own_home / "home"
    shutil.copytree(tiny_models, folder / "models")
    (folder / "runs").mkdir()
    monkeypatch.setattr("engine.library.shipped_models", lambda: [])
    every = Session.sample_photos
    monkeypatch.setattr(Session, "sample_photos", lambda session: every(session)[:PORTRAITS])
    monkeypatch.setattr("app.explore.photos.controller.thumbnail", thumbnail_once)
    monkeypatch.setattr("engine.session.load_model", kept_models.load)
    monkeypatch.setattr("engine.frozen.freeze_model", kept_models.freeze)
    faces_once(monkeypatch)
    return folder


@dataclass
class App:
    """The window and its conductor, with waiting."""

    conductor: Conductor

    @property
    def window(self) -> Window:
        return self.conductor.window

    @property
    def explore(self) -> Explore:
        return self.conductor.of(Explore)

    @property
    def train(self) -> Train:
        return self.conductor.of(Train)

    @property
    def explore_view(self) -> ExploreView:
        return self.window.view("explore")

    @property
    def train_view(self) -> TrainView:
        return self.window.view("train")

    def press(self, action: str) -> None:
        """A key of the window, by the name of its action."""
        next(found for found in self.window.actions() if found.objectName() == action).trigger()

    def show_workspace(self, key: str) -> None:
        self.window.top.workspaceChanged.emit(key)

    @property
    def state(self) -> AppState:
        return self.conductor.state

    def wait(self, there: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
        """Runs the event loop until `there()`; fails with what the window had to say.

        Turns of the loop are counted and no seconds: where the machine is busy, they come as slowly as what is waited
        for. On an idle machine they take `seconds`.
        """
        for _ in range(round(seconds / TURN_SECONDS)):
            if there():
                return
            QApplication.processEvents()
            time.sleep(TURN_SECONDS)
        assert there(), f"it did not come; the notice line says {self.said!r}"

    @property
    def said(self) -> str:
        return self.window.notice.text()

    def settle(self) -> None:
        """Until nothing is asked and nothing drawn."""
        for _ in range(3):
            # An answer may ask for more: a photo's recipe is looked for, then it is read, then encoded.
            self.wait(lambda: not self.conductor.tasks.busy("model", "study", "files"))
            QApplication.processEvents()
        self.wait(lambda: not self.state.drawing and not self.conductor.tasks.busy("model", "study", "files"))

    def model(self, title: str) -> None:
        """Opens a model by its title, as a click in the library does."""
        card = next(card for card in self.state.models or () if card.title == title)
        self.explore_view.library.modelChosen.emit(card.key)
        self.wait(lambda: self.state.model == card.key and self.state.drawn is not None)
        self.settle()

    def close(self) -> None:
        closed: list[bool] = []
        self.conductor.closed.connect(lambda: closed.append(True))
        self.window.close()
        self.wait(lambda: bool(closed))
        self.window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


OpenApp = Callable[..., App]


@pytest.fixture
def train_ahead() -> bool:
    """Whether Train is made ahead, after the first picture. It takes as long as all of Explore, and is made at first
    need where it was not: the tests of making it ahead override this.
    """
    return False


@pytest.fixture
def costed() -> bool:
    """Whether a run is rehearsed for what it would cost, which takes a second of a core whenever Train is on show and
    when it starts: the tests of the cost override this.
    """
    return False


@pytest.fixture
def open_app(
    qapp: QApplication,
    own_home: Path,
    train_ahead: bool,
    costed: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> Iterator[OpenApp]:
    """Opens the window as `main` does, and closes it after the test. What the window had to catch fails the test: where
    painting raised, its painter would crash a later one."""
    if not train_ahead:
        monkeypatch.setattr(Prebuild, "start", lambda prebuild: None)
    if not costed:
        monkeypatch.setattr(CostController, "ask", lambda controller, form: None)
        monkeypatch.setattr(cost, "fitted", lambda request, training, kind, progress: (training, ""))
    opened: list[App] = []

    def make(*, model: str = "Tiny VAE", ready: bool = True) -> App:
        settings, problem = load_settings(settings_file())
        app = App(open_window(settings))
        opened.append(app)
        app.window.resize(1280, 720)
        app.window.show()
        if problem:
            app.conductor.notices.warn(problem)
        app.conductor.start(model=model)
        if ready:
            app.wait(lambda: app.state.drawn is not None and app.state.catalogue is not None and bool(app.state.photos))
            app.settle()
        return app

    yield make
    for app in opened:
        if not app.state.closing:
            app.close()
    caught = [one.getMessage() for one in caplog.get_records("call") if one.getMessage().startswith("uncaught")]
    assert not caught, caught[0]


@pytest.fixture
def app(home: Path, open_app: OpenApp) -> App:
    """The window with the tiny VAE open."""
    return open_app()


@pytest.fixture
def portrait(tmp_path: Path) -> Path:
    """A photo with a name beyond ASCII; square and small, so that it counts as aligned and nobody is asked for eyes."""
    rows, columns = np.mgrid[0:160, 0:160]
    waves = [127 + 100 * np.sin(rows / (9 + c) + columns / 13) for c in range(3)]
    path = tmp_path / "Фото å.png"
    Image.fromarray(np.stack(waves, axis=2).astype(np.uint8)).save(path)
    return path


@pytest.fixture(scope="session")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people in one photo of 1,000 by 640 pixels, the first one larger."""
    whole = Image.new("RGB", (1000, 640), (96, 110, 120))
    for index, (number, side) in enumerate(((2, 480), (7, 380))):
        with Image.open(resources.path("samples") / f"portrait-{number:02}.webp") as portrait:
            whole.paste(portrait.convert("RGB").resize((side, side)), (10 + 520 * index, 60))
    path = tmp_path_factory.mktemp("photos") / "two.png"
    whole.save(path)
    return path


@pytest.fixture
def here(two: Path, tmp_path: Path) -> Path:
    """The photo of two in a folder of the test's own, as it would be on another machine."""
    path = tmp_path / "photos" / "holiday.png"
    path.parent.mkdir()
    shutil.copy(two, path)
    return path


def engine_model(home: Path, title: str) -> OpenModel:
    """The same model, opened apart from the window."""
    return Session(device="cpu", home=home).open(title)


def expected(home: Path, title: str, request: DrawRequest) -> Pictures:
    """What the engine draws for this request."""
    return engine_model(home, title).draw(request).picture


def seeded(app: App, seed: int) -> Sampled:
    """The source for a seed at the window's temperature."""
    return Sampled(seed, app.state.temperature)


PLAIN = Qt.KeyboardModifier.NoModifier


def mouse(widget: QWidget, kind: QEvent.Type, at: QPoint, *, held_keys: Qt.KeyboardModifier = PLAIN) -> None:
    """One event of the left button."""
    held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else Qt.MouseButton.LeftButton
    button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
    event = QMouseEvent(kind, QPointF(at), QPointF(widget.mapToGlobal(at)), button, held, held_keys)
    QApplication.sendEvent(widget, event)


def drag(
    widget: QWidget, points: list[QPoint], *, pause_seconds: float = 0.0, held_keys: Qt.KeyboardModifier = PLAIN
) -> None:
    """Presses at the first point, moves over the others and lets go, with the event loop running between."""
    mouse(widget, QEvent.Type.MouseButtonPress, points[0], held_keys=held_keys)
    for point in points[1:]:
        mouse(widget, QEvent.Type.MouseMove, point, held_keys=held_keys)
        QApplication.processEvents()
        time.sleep(pause_seconds)
    mouse(widget, QEvent.Type.MouseButtonRelease, points[-1])


def drop(widget: QWidget, files: list[Path]) -> None:
    """Drops files onto a widget."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(file)) for file in files])
    copy, left, plain = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(20, 20), copy, mime, left, plain)
    QApplication.sendEvent(widget, enter)
    assert enter.isAccepted(), "nothing can be dropped here"
    # Qt routes drops by its own drag, which a test has none of: the widget gets the event itself.
    widget.dropEvent(QDropEvent(QPointF(20, 20), copy, mime, left, plain))
