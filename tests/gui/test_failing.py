"""What goes wrong around the window: each time one sentence, and the window goes on as before."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from tests.gui.conftest import App, drop
from tests.gui.test_train import fill, good_checkpoint, images, start, stop

__all__ = ["images"]


def still_draws(app: App) -> None:
    """Another sample comes, so the window and its lane are alive."""
    before = app.state.drawn
    app.explore.looks.roll()
    app.wait(lambda: app.state.drawn is not None and app.state.drawn is not before and not app.state.drawing)


@pytest.mark.parametrize("kept_bytes", [0, 5, 700, -100])
def test_a_cut_model_file_is_refused_in_a_sentence(app: App, home: Path, tmp_path: Path, kept_bytes: int) -> None:
    whole = (home / "models" / "vae.safetensors").read_bytes()
    cut = tmp_path / "my faces.safetensors"
    cut.write_bytes(whole[:kept_bytes])
    model = app.state.model
    drop(app.window, [cut])
    app.settle()
    app.wait(lambda: bool(app.said) or app.state.importing is not None)
    said = app.said or app.state.importing.message
    assert "my faces.safetensors" in said
    assert said.rstrip().endswith(".")
    assert "Error" not in said
    assert "Traceback" not in said
    assert app.state.model == model
    still_draws(app)


def test_a_disk_that_is_full_when_training_starts(app: App, images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(app, images, family="gan")

    def full(path: Path, value: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("engine.runs.directory.write_json", full)
        app.train_view.form.start.click()
        app.wait(lambda: bool(app.said))
        app.settle()
    assert "No space left" in app.said
    assert "went wrong inside" not in app.said
    assert app.state.training is None
    assert not app.state.jobs
    assert app.train_view.form.start.isEnabled(), "with room again it can be pressed again"
    app.show_workspace("explore")
    still_draws(app)
    # The same form starts once there is room.
    app.show_workspace("train")
    app.train_view.form.start.click()
    app.wait(lambda: app.state.training is not None and app.state.training.step > 0)
    stop(app)


@pytest.mark.slow
def test_images_that_vanish_while_a_run_learns_from_them(app: App, images: Path) -> None:
    run = start(app, images, family="gan", steps=100_000)
    shutil.rmtree(images)
    step = app.state.training.step
    app.wait(lambda: app.state.training is None or app.state.training.step > step + 5)
    assert app.state.training is not None, f"what was decoded is enough to go on: {app.said}"
    stop(app)
    assert good_checkpoint(run) > 0
    app.train_view.resume.clicked.emit()
    app.wait(lambda: f"no data set at {images}" in app.said)
    app.wait(lambda: app.state.training is None)
    app.show_workspace("explore")
    still_draws(app)
