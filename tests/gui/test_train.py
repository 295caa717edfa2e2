"""Training in the window: start, watch, pause, stop, resume, and closing in the middle of it."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine import runs
from engine.checkpoints.model_file import load_model
from engine.runs.checkpoints import newest_snapshot
from tests.gui.conftest import SIZE, TINY, App, OpenApp

STEPS = 4000


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder with forty small pictures."""
    folder = tmp_path / "images"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(40):
        low = rng.integers(0, 255, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(low).resize((SIZE, SIZE), Image.Resampling.BICUBIC).save(folder / f"{index:02}.png")
    return folder


def fill(app: App, images: Path, *, family: str = "vae", steps: int = STEPS, preview: int = 5) -> None:
    """Fills the form as a person does."""
    app.show_workspace("train")
    form = app.train_view.form
    form.data.set_current("other")
    form.data.changed.emit("other")
    form.path.set_path(str(images))
    form.side.set_current(str(SIZE))
    form.family.set_current(family)
    form.family.changed.emit(family)
    form.title.set_text("My run")
    values = {**TINY[family], "steps": steps, "batch": 4, "preview_every": preview, "save_every": 10, "warmup": 0}
    for name, value in values.items():
        knob_form = form.knob_form(name)
        knob_form.fields[name].set_value(value)


def start(app: App, images: Path, **options: object) -> Path:
    fill(app, images, **options)
    app.train_view.form.start.click()
    app.wait(lambda: app.state.training is not None and app.state.training.state == "running")
    app.wait(lambda: app.state.run_view is not None and app.state.run_view.path == app.state.training.run)
    return app.state.training.run


def stop(app: App) -> None:
    app.train_view.stop.clicked.emit()
    app.wait(lambda: app.state.training is None)
    app.settle()


def good_checkpoint(run: Path) -> int:
    """The newest checkpoint's step; its files are whole and its weights load."""
    folder, _ = newest_snapshot(run)
    assert folder is not None
    _, header, _ = load_model(folder / "model.safetensors")
    json.loads((folder / "manifest.json").read_text("utf-8"))
    return header.step


def test_start_watch_pause_stop_and_resume(app: App, images: Path) -> None:
    run = start(app, images)
    view = app.train_view
    app.wait(lambda: len(app.state.run_view.previews) >= 2 and app.state.run_view.pictures is not None)
    app.wait(lambda: len(app.state.run_view.series.get("elbo_bits_per_dim", ([], []))[0]) > 3)
    assert view.pictures.grid.count() == 25
    app.wait(lambda: "each batch" in [line.label for line in view.curves.plots["ELBO, bits/dim"].lines()])
    assert view.title.text() == "My run"
    assert [card.live for card in view.runs.runs.cards()] == [True]
    job = app.state.jobs[0]
    assert job.key == "train"
    assert job.can_pause
    # pause
    view.pause.clicked.emit()
    app.wait(lambda: app.state.training.state == "paused")
    step = app.state.training.step
    assert app.state.jobs[0].paused
    app.wait(lambda: runs.read_status(run).state == "paused")
    app.window.jobs.resumeClicked.emit("train")
    app.wait(lambda: app.state.training.step > step)
    # stop
    stop(app)
    assert runs.read_status(run).state == "stopped"
    assert "resumed" in app.said
    at = good_checkpoint(run)
    assert at > 0
    assert not app.state.jobs
    # resume
    app.wait(lambda: view.resume.isVisible() and view.resume.isEnabled())
    view.resume.clicked.emit()
    app.wait(lambda: app.state.training is not None and app.state.training.step > at)
    stop(app)
    steps, _ = app.state.run_view.series["elbo_bits_per_dim"]
    assert steps == sorted(set(steps)), "after a resume the curve goes on, it does not double back"
    assert good_checkpoint(run) > at


def test_own_curves_grow_by_events_alone(app: App, images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start(app, images, steps=100_000, preview=1000)
    known = lambda: app.state.run_view.series.get("elbo_bits_per_dim", ([], []))[0]  # noqa: E731
    app.wait(lambda: len(known()) >= 3)
    read: list[Path] = []
    real = runs.read_metrics
    monkeypatch.setattr(runs, "read_metrics", lambda path, *at, **most: (read.append(path), real(path, *at, **most))[1])
    count, status = len(known()), app.state.run_view.info.status.step
    app.wait(lambda: len(known()) >= count + 3)
    assert app.state.run_view.info.status.step > status
    assert not read
    stop(app)
    rows, _ = real(app.state.run_view.path)
    assert list(known()) == [row.step for row in rows if "elbo_bits_per_dim" in row.values]


@pytest.mark.slow  # The quick one is in test_pictures.py.
def test_exploring_while_training(app: App, images: Path) -> None:
    run = start(app, images)
    app.wait(lambda: len(app.state.run_view.previews) >= 2)
    app.show_workspace("explore")
    app.explore_view.library.runs.activated.emit(str(run))
    app.wait(lambda: app.state.info is not None and app.state.info.image_size == SIZE and "run:" in app.state.model)
    app.explore.looks.set_seed(9)
    app.wait(lambda: not app.state.drawing)
    assert app.state.training is not None
    stop(app)


def test_a_drag_asks_training_to_step_aside(app: App, images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start(app, images, preview=1000)
    control = app.conductor.tasks.control(app.conductor.store.training_job)
    asked: list[float] = []
    monkeypatch.setattr(control, "step_aside", asked.append)
    app.explore.looks.set_edit("Smiling", 0.5)
    assert asked == [0.15]
    stop(app)


def test_closing_while_training_saves_and_leaves_no_thread(app: App, images: Path) -> None:
    run = start(app, images, preview=1000)
    app.wait(lambda: app.state.training.step > 12)
    app.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("lane-")]
    assert runs.read_status(run).state == "stopped"
    assert good_checkpoint(run) > 0


@pytest.mark.slow
def test_a_run_of_last_time_is_there_and_scrubs(home: Path, open_app: OpenApp, images: Path) -> None:
    first = open_app()
    run = start(first, images)
    first.wait(lambda: len(first.state.run_view.previews) >= 3)
    stop(first)
    first.close()
    app = open_app()
    app.show_workspace("train")
    app.wait(lambda: app.state.run_view is not None and app.state.run_view.pictures is not None)
    assert app.state.run_view.path == run
    newest = app.train_view.pictures.grid
    last = app.state.run_view.pictures
    app.train_view.pictures.scrubber.moved.emit(0)
    app.wait(lambda: app.state.run_view.shown == 0 and app.state.run_view.pictures is not last)
    assert newest.count() == 25
    assert not app.state.run_view.following
    assert app.train_view.resume.isVisible()
    app.train_view.resume.clicked.emit()
    app.wait(lambda: app.state.training is not None and app.state.training.state == "running")
    stop(app)


@pytest.mark.slow
def test_a_short_run_ends_by_itself_and_trains_on(app: App, images: Path) -> None:
    # Three steps may be over before one looks, so the states are written down as they come.
    states: list[str] = []
    app.conductor.store.changed.connect(lambda _, now: states.append(now.training.state if now.training else ""))
    fill(app, images, steps=3, preview=2)
    app.train_view.form.start.click()
    app.wait(lambda: app.state.run_view is not None and app.state.run_view.info.status.state == "done")
    app.wait(lambda: app.state.training is None)
    app.settle()
    assert list(dict.fromkeys(state for state in states if state)) == ["preparing", "running", "done"]
    run = app.state.run_view.path
    assert app.train_view.resume.text() == "Train on"
    app.train_view.resume.clicked.emit()
    app.wait(lambda: app.state.training is None and runs.read_status(run).step == 6)
    app.settle()


@pytest.mark.slow
def test_only_one_run_at_a_time(app: App, images: Path) -> None:
    start(app, images)
    assert not app.train_view.form.start.isEnabled()
    app.train.training.start(app.train_view.form.request())
    assert "stop it first" in app.said
    stop(app)


@pytest.mark.slow
def test_no_data_is_a_sentence(app: App) -> None:
    app.show_workspace("train")
    form = app.train_view.form
    form.data.set_current("other")
    for missing in ("", "no/such/folder"):
        app.window.notice.clear()
        form.path.set_path(missing)
        form.start.click()
        assert app.said.endswith("."), missing
        assert app.state.training is None, missing


def test_a_folder_without_images_is_a_sentence(app: App, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    fill(app, empty)
    app.train_view.form.start.click()
    app.wait(lambda: app.state.training is None and bool(app.said))
    assert app.window.notice.details() == ""
    assert not app.state.jobs
    assert app.train_view.form.start.isEnabled()


@pytest.mark.slow
def test_the_form_follows_family_and_preset(app: App) -> None:
    app.show_workspace("train")
    form = app.train_view.form
    for family in app.state.catalogue.families:
        form.family.set_current(family.name)
        form.family.changed.emit(family.name)
        for preset, values in family.presets.items():
            form.preset.set_current(preset)
            form.preset.changed.emit(preset)
            form.data.set_current("other")
            form.path.set_path(str(Path.cwd()))
            request = form.request()
            assert request.family == family.name
            assert values.knobs.items() <= request.model.items()
            assert set(request.model) == {knob.name for knob in family.model_knobs}
            assert family.training_defaults.items() <= request.training.items()
