"""The Pictures panel and Explore while a run trains: a run directory that grows under the window's eyes."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtTest import QTest

from app.core import run_follower
from app.core.model_host import run_ref
from app.explore.live import controller as live_weights
from engine.api import Coded, Pictures
from engine.checkpoints.model_file import ModelHeader
from engine.families import build
from engine.pictures import sheet
from engine.runs import directory as runs
from engine.runs import pins
from engine.training.preview_extras import LiveWeights, PinnedPhotos
from tests.gui import test_train
from tests.gui.conftest import SIZE, TINY, App, drop, louder, mouse
from tests.quick import quick


class Growing:
    """A run that another process trains: previews, live weights and pinned photos come when the test says."""

    def __init__(self, home: Path, family: str = "vae") -> None:
        self.path, self.family = home / "runs" / f"00001-{family}-far", family
        config = runs.RunConfig(family, TINY[family], {}, "data", None, "f", (3, SIZE, SIZE), title="Far run")
        runs.create(self.path, config)
        said: list[str] = []
        self.live = LiveWeights(self.path, said.append)
        self.pinned = PinnedPhotos(self.path, torch.device("cpu"), said.append)
        self.step = 0
        self.model = self.weights(0)
        self.alive()

    def weights(self, seed: int) -> torch.nn.Module:
        torch.manual_seed(seed)
        model = build(self.family, TINY[self.family], (3, SIZE, SIZE)).eval()
        louder(model)
        return model

    def alive(self, state: str = "running") -> None:
        runs.write_status(self.path, state, self.step, 1000)

    def preview(self, step: int) -> None:
        """As the loop does it: samples, then what looks in on it."""
        self.step, self.model = step, self.weights(step)
        tiles = np.full((25, SIZE, SIZE, 3), step % 250, np.uint8)
        Image.fromarray(sheet(tiles, 5, gap=0)).save(self.path / "previews" / f"{step:06d}.webp", lossless=True)
        header = ModelHeader(self.family, TINY[self.family], (3, SIZE, SIZE), title="Far run", step=step)
        self.live.publish(self.model, header)
        self.pinned.look(self.model, step)
        self.alive()


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks at the run's folder more often than for a person, so that no test waits for a timer."""
    monkeypatch.setattr(run_follower, "FOLLOW_MS", 60)
    monkeypatch.setattr(live_weights, "REST_SECONDS", 0.15)


@pytest.fixture
def far(home: Path) -> Growing:
    run = Growing(home)
    run.preview(10)
    return run


def watch(app: App, far: Growing) -> None:
    """Train, with the run on show."""
    app.show_workspace("train")
    app.train.training.show_run(far.path)
    app.wait(lambda: app.state.run_view is not None and app.state.run_view.path == far.path)
    app.wait(lambda: app.state.run_view.pictures is not None)


def explore(app: App, far: Growing) -> None:
    """Explore, with the weights of the run."""
    app.show_workspace("explore")
    app.explore_view.library.runs.activated.emit(str(far.path))
    app.wait(lambda: app.state.model == run_ref(far.path) and app.state.drawn is not None)
    app.settle()


def drawn_by(far: Growing, app: App) -> Pictures:
    """What the newest live weights make of the window's request."""
    from engine.session import Session

    return Session(device="cpu").open_live(far.path).draw(app.state.look.request()).picture


def code_in(far: Growing, photo: Pictures) -> np.ndarray:
    """The code of a photo in the newest weights."""
    image = torch.from_numpy(photo.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.inference_mode():
        return far.model.encode(image)[0].numpy()


def key(app: App, which: Qt.Key) -> None:
    QTest.keyClick(app.train_view.pictures.scrubber, which)


def test_the_scrubber_follows_a_run_that_grows_and_the_whole_history_is_a_film(far, app, tmp_path):
    watch(app, far)
    view = app.train_view.pictures
    assert view.scrubber.count() == 1
    for step in (20, 40, 80):
        far.preview(step)
        app.wait(lambda step=step: app.state.run_view.previews[-1][0] == step)
    app.wait(lambda: view.scrubber.index() == 3 and app.state.run_view.pictures[0, 0, 0, 0] == 80)
    view.scrubber.setFocus()
    for which, index in ((Qt.Key.Key_Left, 2), (Qt.Key.Key_Home, 0), (Qt.Key.Key_Right, 1), (Qt.Key.Key_End, 3)):
        key(app, which)
        app.wait(lambda index=index: app.state.run_view.shown == index)
        app.wait(lambda index=index: app.state.run_view.pictures[0, 0, 0, 0] == (10, 20, 40, 80)[index])
    key(app, Qt.Key.Key_Home)
    app.wait(lambda: app.state.run_view.shown == 0)
    # Held by hand: what is new does not take its place. Played: it goes to the end and halts there.
    far.preview(100)
    app.wait(lambda: len(app.state.run_view.previews) == 5)
    assert app.state.run_view.shown == 0
    app.train.pictures.set_timelapse("fps", 24)
    view.play.click()
    assert app.state.pictures.playing
    app.wait(lambda: not app.state.pictures.playing)
    assert app.state.run_view.shown == 4
    spot = QPoint(int(view.scrubber.x_of(1)), view.scrubber.height() // 2)
    QTest.mouseClick(view.scrubber, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, spot)
    app.wait(lambda: app.state.run_view.shown == 1)
    # The film, read back.
    view.timelapse.click()
    assert view.export.isVisible()
    app.train.pictures.set_timelapse("scale", 1)
    app.train.pictures.set_timelapse("stamp", False)
    app.train.pictures.export(tmp_path / "film.gif")
    assert any(job.key == "time-lapse" for job in app.state.jobs)
    app.wait(lambda: "Saved" in app.said)
    with Image.open(tmp_path / "film.gif") as image:
        shades = []
        for index in range(image.n_frames):
            image.seek(index)
            shades.append(int(np.asarray(image.convert("RGB"))[3, 3, 0]))
    assert np.abs(np.array(shades[:5]) - (10, 20, 40, 80, 100)).max() <= 2
    assert not any(job.key == "time-lapse" for job in app.state.jobs)
    app.conductor.store.change("pictures", tab="pins")
    app.train.pictures.export(tmp_path / "pins.gif")
    app.wait(lambda: "pin one" in app.said)


@pytest.mark.slow
def test_photos_are_pinned_by_drop_drawn_at_the_next_preview_and_unpinned(far, app, portrait, tmp_path):
    watch(app, far)
    view = app.train_view.pictures
    drop(view, [portrait])
    app.wait(lambda: len(app.state.pictures.pins) == 1)
    assert app.state.pictures.tab == "pins"
    assert [number for number, _ in pins.pinned(far.path)] == [1]
    assert pins.read_pin(far.path / "pins" / "01.png", size=SIZE).shape == (SIZE, SIZE, 3)
    assert view.pins.grid.count() == 0
    far.preview(20)
    app.wait(lambda: view.pins.grid.count() == 3)
    assert app.state.pictures.sheet_step == 20
    assert np.array_equal(app.state.pictures.sheet[0, 0], app.state.pictures.pins[0].picture)
    # Somebody else pins a second one, and one that is no picture.
    Image.fromarray(np.full((50, 60, 3), 99, np.uint8)).save(far.path / "pins" / "02.png")
    (far.path / "pins" / "03.png").write_bytes(b"hostile")
    far.preview(30)
    app.wait(lambda: view.pins.grid.count() == 6)
    assert [p.number for p in app.state.pictures.pins] == [1, 2]
    # Scrubbing goes back to the sheet of that time, and to none before the first.
    app.train.pictures.step(-1)
    app.wait(lambda: view.pins.grid.count() == 3)
    app.train.pictures.step(-1)
    app.wait(lambda: view.pins.grid.count() == 0)
    view.pins.thumbs.activated.emit("1")
    view.pins.remove.click()
    app.wait(lambda: [p.number for p in app.state.pictures.pins] == [2])
    assert not (far.path / "pins" / "01.png").exists()
    broken = tmp_path / "no photo.png"
    broken.write_bytes(b"nothing")
    drop(view, [broken])
    app.wait(lambda: bool(app.said))
    assert app.said.endswith(".")
    assert len(app.state.pictures.pins) == 1


@pytest.mark.slow
def test_live_weights_are_taken_in_place_and_the_look_stays(far, app):
    # A run that trains is in the menu of models.
    combo = app.window.top.models
    app.wait(lambda: any("Far run, live" in combo.itemText(i) for i in range(combo.count())))
    app.window.top.models.changed.emit(run_ref(far.path))
    app.wait(lambda: app.state.model == run_ref(far.path) and app.state.drawn is not None)
    app.settle()
    app.wait(lambda: app.window.top.live.text() == "step 10, live")
    explorer = app.explore.looks
    explorer.set_seed(7)
    explorer.wander(0.3, 0.1)
    explorer.settle()
    app.settle()
    look, entries, picture = app.state.look, app.state.history.entries, app.state.drawn.picture
    far.preview(20)
    app.wait(lambda: app.state.info.step == 20)
    app.settle()
    assert app.state.look is look
    assert [e.look for e in app.state.history.entries] == [e.look for e in entries]
    assert not np.array_equal(app.state.drawn.picture, picture)
    assert np.array_equal(app.state.drawn.picture, drawn_by(far, app))
    assert app.window.top.live.text() == "step 20, live"
    # What was found in earlier weights belongs to the run: its sliders stay, and that they drift is said calmly.
    app.explore.directions.show_axes("pca")
    app.wait(lambda: len(app.state.info.components) > 0)
    app.settle()
    name = app.state.info.components[0].name
    explorer.set_edit(name, 1.5)
    explorer.settle()
    app.settle()
    far.preview(25)
    app.wait(lambda: app.state.info.step == 25)
    app.settle()
    assert app.state.look.edit(name) == 1.5
    assert name in [c.name for c in app.state.info.components]
    assert "drift" in app.state.status
    assert np.array_equal(app.state.drawn.picture, drawn_by(far, app))
    look = app.state.look
    # Choosing the run once more keeps the look as well.
    app.explore_view.library.runs.activated.emit(str(far.path))
    app.settle()
    assert app.state.look is look
    # Under a hand nothing is exchanged; as soon as it rests, it is.
    single = app.explore_view.single.picture
    middle = single.picture_rect().center().toPoint()
    mouse(single, QEvent.Type.MouseButtonPress, middle)
    sha = app.state.info.sha256
    looks: list[str] = []
    watch = app.explore.services.follower.watch(far.path, "weights", take=lambda r: looks.append(r.weights.sha256))
    watch.follow(True)
    far.preview(30)
    moves = itertools.count()

    def newer_weights_were_seen() -> bool:
        mouse(single, QEvent.Type.MouseMove, middle + QPoint(next(moves) % 40, 0))
        assert app.state.info.sha256 == sha, "other weights came under the hand"
        return sum(look != sha for look in looks) >= 3

    app.wait(newer_weights_were_seen)
    watch.close()
    mouse(single, QEvent.Type.MouseButtonRelease, middle)
    app.wait(lambda: app.state.info.step == 30)
    app.settle()
    assert np.array_equal(app.state.drawn.picture, drawn_by(far, app))
    # A torn pair changes nothing and is not spoken of; the next whole one comes.
    (far.path / "live" / "model.safetensors").write_bytes(b"torn")
    note = (far.path / "live" / "step.json").read_text()
    (far.path / "live" / "step.json").write_text(note.replace(app.state.info.sha256, "a" * 64).replace("30", "35"))
    app.wait(lambda: app.explore.live._failed_for == "a" * 64)
    explorer.set_seed(3)
    app.settle()
    assert app.state.info.step == 30
    assert app.state.drawn.request == app.state.look.request()
    far.preview(40)
    app.wait(lambda: app.state.info.step == 40)
    # The run ends: its live weights go, and what is on show goes on, backwards too.
    far.alive("done")
    far.live.remove()
    app.wait(lambda: app.window.top.live.text() == "step 40")
    explorer.undo()
    app.settle()
    assert app.state.drawn.request == app.state.look.request()
    assert not app.said


@pytest.mark.parametrize("family", quick(["vae", "flow", "gan"], "gan"))
def test_a_photo_is_encoded_anew_and_a_searched_code_stays(family, home, open_app, portrait):
    app = open_app()
    far = Growing(home, family)
    far.preview(10)
    explore(app, far)
    drop(app.window, [portrait])
    app.wait(lambda: app.state.encoded is not None and app.state.look.model == run_ref(far.path))
    app.settle()
    app.wait(lambda: app.state.look.photo is not None and not app.state.encoding)
    old, look, entries = app.state.encoded, app.state.look, len(app.state.history.entries)
    assert look.source.code is old.code
    far.preview(20)
    app.wait(lambda: app.state.info.step == 20)
    app.settle()
    new = app.state.encoded
    assert app.state.look.photo == app.state.photo is not None
    assert isinstance(app.state.look.source, Coded)
    assert app.state.look.source.code is new.code
    assert (new.code is old.code) == (family == "gan")
    assert len(app.state.history.entries) == entries, "no step of the history is made of it"
    assert app.state.history.here().look.source is app.state.look.source
    assert np.array_equal(app.state.drawn.picture, new.reconstruction)
    if family == "gan":
        assert not app.said
        return
    assert np.allclose(new.code, code_in(far, new.photo), atol=0.05)
    # Gone to another model and back by undo, while the weights moved on: the photo is encoded anew as well.
    app.model("Tiny VAE")
    far.preview(30)
    while app.state.model != run_ref(far.path):
        app.explore.looks.undo()
        app.settle()
    app.wait(lambda: app.state.info.step == 30 and app.state.encoded is not None)
    app.settle()
    assert np.allclose(app.state.look.source.code, code_in(far, app.state.encoded.photo), atol=0.05)
    assert np.array_equal(app.state.drawn.picture, app.state.encoded.reconstruction)
    # The corners of a morph are encoded anew with it.
    app.explore.show_view("morph")
    app.wait(lambda: app.state.morph.slots[0] is not None and app.state.morph.slots[0].code is not None)
    app.settle()
    far.preview(40)
    app.wait(lambda: app.state.info.step == 40)
    app.settle()
    slot = app.state.morph.slots[0]
    assert np.allclose(slot.code, code_in(far, slot.picture), atol=0.05)
    assert app.state.morph.picture is not None
    app.explore.show_view("single")
    assert not app.said


@pytest.mark.slow
def test_yours_draws_the_look_of_explore_beside_the_one_before(far, app, portrait):
    view = app.train_view.pictures
    # Of another model what means something there is drawn, and what does not is named.
    app.explore.looks.set_edit("Smiling", 1.0)
    app.settle()
    watch(app, far)
    view.tabs.changed.emit("look")
    app.wait(lambda: app.state.pictures.look_in_run.now is not None)
    assert "Smiling" in app.state.pictures.look_in_run.note
    app.show_workspace("explore")
    drop(app.window, [portrait])
    app.wait(lambda: app.state.encoded is not None)
    app.settle()
    app.show_workspace("train")
    app.wait(lambda: app.state.pictures.look_in_run.look is app.state.look)
    assert app.state.pictures.look_in_run.now is None
    assert "another model" in view.look.note.text()
    # Of the run itself everything is.
    explore(app, far)
    app.explore.looks.set_seed(5)
    app.settle()
    app.show_workspace("train")
    app.wait(
        lambda: app.state.pictures.look_in_run.look is app.state.look and app.state.pictures.look_in_run.now is not None
    )
    first = app.state.pictures.look_in_run.now
    assert (first.step, app.state.pictures.look_in_run.before) == (10, None)
    assert np.array_equal(first.picture, drawn_by(far, app))
    far.preview(20)
    app.wait(lambda: app.state.pictures.look_in_run.before is not None)
    shown = app.state.pictures.look_in_run
    assert (shown.before.step, shown.now.step) == (10, 20)
    assert shown.before.picture is first.picture
    assert np.array_equal(shown.now.picture, drawn_by(far, app))
    assert "Seed 5" in view.look.note.text()


def test_a_run_of_this_window_is_explored_while_it_trains(app, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for index in range(24):
        tile = np.random.default_rng(index).integers(0, 255, (SIZE, SIZE, 3), dtype=np.uint8)
        Image.fromarray(tile).save(folder / f"{index:02}.png")
    run = test_train.start(app, folder)
    app.wait(lambda: len(app.state.run_view.previews) >= 1)
    app.train_view.explore.clicked.emit()
    app.wait(lambda: app.state.model == run_ref(run) and app.state.workspace == "explore")
    app.explore.looks.set_seed(9)
    app.wait(lambda: app.state.drawn is not None and app.state.drawn.request == app.state.look.request())
    look, step = app.state.look, app.state.info.step
    app.wait(lambda: app.state.info.step > step)
    app.wait(lambda: app.state.live is not None and app.state.live.live)
    assert app.state.look is look
    assert app.state.view == "single"
    test_train.stop(app)
    app.wait(lambda: app.state.live is not None and not app.state.live.live)
    app.wait(lambda: app.state.info.step == runs.read_status(run).step)
    assert app.state.look is look
