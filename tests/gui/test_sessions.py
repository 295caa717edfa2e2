"""Sessions: saved, opened, kept by themselves, put back after a crash, and refused when they are broken."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.explore.sessions import files as session_files
from engine.api import Coded
from engine.checkpoints.loom_file import load_loom

from .conftest import App, OpenApp, drop

NO_WAIT_MS = 0


def worked(app: App, portrait: Path) -> None:
    """A photo, an edit, one step back and another way on: a tree with a branch."""
    drop(app.window, [portrait])
    app.wait(lambda: app.state.encoded is not None)
    app.settle()
    for value, back in ((1.0, True), (2.0, False)):
        app.explore.looks.set_edit("Smiling", value)
        app.explore.looks.settle()
        app.settle()
        if back:
            app.explore.looks.undo()
            app.settle()


def saved(app: App, path: Path) -> Path:
    app.explore.sessions.save(path)
    app.settle()
    assert path.is_file(), app.said
    return path


def looks(app: App) -> list[tuple[int | None, object, object]]:
    return [(entry.parent, entry.look.edits, entry.look.wander) for entry in app.state.history.entries]


def test_session_comes_back_whole(app: App, open_app: OpenApp, portrait: Path, tmp_path: Path):
    worked(app, portrait)
    before, picture, tree = app.state, app.state.drawn, looks(app)
    assert picture is not None
    assert before.encoded is not None
    file = saved(app, tmp_path / "Arbeit å.loom")
    app.close()

    again = open_app(model="Tiny GAN")
    drop(again.window, [file])
    again.wait(lambda: again.state.model == before.model and again.state.drawn is not None)
    again.settle()
    assert looks(again) == tree
    assert any(again.state.history.branches())
    assert again.state.drawn is not None
    np.testing.assert_array_equal(again.state.drawn.picture, picture.picture)
    assert again.state.photo == before.photo
    assert again.state.encoded is not None, "the photo is not encoded again"
    np.testing.assert_array_equal(again.state.encoded.code, before.encoded.code)
    again.explore.looks.undo()
    again.settle()
    assert again.state.look is not None
    assert again.state.look.edits == ()


@pytest.mark.slow
def test_session_opens_on_another_machine(app: App, open_app: OpenApp, portrait: Path, tmp_path: Path, home: Path):
    worked(app, portrait)
    app.explore.morph.set_current(1)
    file = saved(app, tmp_path / "x.loom")
    edits = app.state.look.edits if app.state.look is not None else ()
    app.close()
    # Another machine: the model lies elsewhere under another name, and the photo is not there at all.
    portrait.unlink()
    (home / "models" / "vae.safetensors").rename(home / "models" / "renamed.safetensors")
    (home / "models" / "vae.directions.safetensors").rename(home / "models" / "renamed.directions.safetensors")

    again = open_app(model="Tiny GAN")
    drop(again.window, [file])
    again.wait(lambda: again.state.info is not None and again.state.info.title == "Tiny VAE")
    again.settle()
    assert again.state.look is not None
    assert again.state.look.edits == edits
    assert Path(again.state.model or "").name == "renamed.safetensors"
    assert again.state.photo is not None
    assert again.state.encoded is not None
    item = next(item for item in again.state.photos if item.key == again.state.photo)
    assert isinstance(item.source, bytes), "the session kept the file"
    corner = again.state.morph.slots[1]
    assert corner is not None
    assert corner.edit_of == item.key, "an edited corner finds its photo too"


@pytest.mark.slow
def test_missing_model_is_named_and_the_rest_comes_back(
    app: App, open_app: OpenApp, tmp_path: Path, home: Path, portrait: Path
):
    app.model("Tiny GAN")
    app.model("Tiny VAE")
    worked(app, portrait)
    file = saved(app, tmp_path / "x.loom")
    app.close()
    (home / "models" / "vae.safetensors").unlink()

    again = open_app(model="Tiny Glow")
    drop(again.window, [file])
    again.wait(lambda: again.state.info is not None and again.state.info.title == "Tiny GAN")
    again.settle()
    assert "Tiny VAE" in again.said
    assert "not on this machine" in again.said
    assert again.state.drawn is not None


def test_session_without_any_of_its_models_leaves_all_as_it_is(app: App, open_app: OpenApp, tmp_path: Path, home: Path):
    file = saved(app, tmp_path / "x.loom")
    app.close()
    (home / "models" / "vae.safetensors").unlink()
    again = open_app(model="Tiny GAN")
    before = again.state.look
    drop(again.window, [file])
    again.wait(lambda: "nothing was put back" in again.said)
    assert again.state.look is before


def test_half_written_session_changes_nothing(app: App, tmp_path: Path):
    whole = saved(app, tmp_path / "x.loom").read_bytes()
    before = (app.state.look, app.state.history)
    for share in (0.0, 0.4, 0.98):
        file = tmp_path / f"{share}.loom"
        file.write_bytes(whole[: int(share * len(whole))])
        drop(app.window, [file])
        app.wait(lambda name=file.name: name in app.said)
        assert (app.state.look, app.state.history) == before


def test_opening_a_session_keeps_the_one_before(app: App, tmp_path: Path):
    file = saved(app, tmp_path / "x.loom")
    app.explore.looks.set_seed(77)
    app.settle()
    drop(app.window, [file])
    app.wait(lambda: "Opened x.loom" in app.said)
    app.settle()
    assert app.state.seed != 77
    app.explore.sessions.open_previous()
    app.wait(lambda: app.state.seed == 77)


def test_next_start_goes_on_where_the_last_one_ended(app: App, open_app: OpenApp, portrait: Path):
    worked(app, portrait)
    tree, look = looks(app), app.state.look
    assert look is not None
    app.close()
    again = open_app(model="")
    again.wait(lambda: again.state.encoded is not None)
    again.settle()
    assert looks(again) == tree
    assert again.state.look is not None
    assert again.state.look.edits == look.edits


def autosaved(app: App, home: Path) -> Path:
    app.explore.sessions.autosave()
    app.settle()
    return session_files.own_file(home / "sessions")


def test_crash_costs_nothing(app: App, open_app: OpenApp, portrait: Path, home: Path):
    worked(app, portrait)
    tree = looks(app)
    left = autosaved(app, home)
    shutil.copy(left, left.with_name("autosave-999999-5.loom"))  # A process that is gone.
    app.close()
    (home / "sessions" / session_files.LAST).unlink()

    again = open_app(model="")
    again.settle()
    assert "did not close properly" in again.said
    assert looks(again) == tree


def test_session_that_crashes_the_window_is_set_aside(app: App, open_app: OpenApp, home: Path):
    app.close()
    folder = home / "sessions"
    assert (folder / session_files.LAST).is_file()
    session_files.begin_restoring(folder)  # As if the process had died in the middle of it.
    again = open_app(model="")
    assert "set-aside.loom" in again.said
    assert (folder / session_files.SET_ASIDE).is_file()
    assert len(again.state.history.entries) == 1


def test_work_is_saved_without_being_asked(app: App, home: Path, monkeypatch: pytest.MonkeyPatch):
    app.explore.sessions._timer.setInterval(NO_WAIT_MS)
    app.explore.looks.set_seed(4321)
    file = session_files.own_file(home / "sessions")
    app.wait(lambda: file.is_file() and b"4321" in _document(file))


def _document(file: Path) -> bytes:
    return str(load_loom(file).document).encode()


def test_a_start_takes_photos_away_that_no_session_names_any_more(tmp_path: Path):
    beside = tmp_path / "photos"
    beside.mkdir()
    old, young = beside / ("a" * 64), beside / ("b" * 64)
    for file in (old, young):
        file.write_bytes(b"x")
    os.utime(old, (0, 0))
    session_files.last_time(tmp_path)
    assert list(beside.iterdir()) == [young], "another window may be about to name it"


def test_two_windows_do_not_take_each_others_session(tmp_path: Path):
    mine = session_files.own_file(tmp_path)
    mine.write_bytes(b"x")
    code = f"import app.explore.sessions.files as s, pathlib; print(s.last_time(pathlib.Path({str(tmp_path)!r})).file)"
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})
    assert seen.stdout.strip() == "None"
    assert mine.is_file()


@pytest.mark.slow
def test_recent_files_are_remembered(app: App, open_app: OpenApp, portrait: Path, tmp_path: Path):
    drop(app.window, [portrait])
    app.wait(lambda: app.state.encoded is not None)
    file = saved(app, tmp_path / "x.loom")
    app.close()
    again = open_app()
    assert again.conductor.preferences.now.recent == (str(file), str(portrait))


@pytest.mark.slow
def test_code_goes_through_the_clipboard(app: App, tmp_path: Path):
    app.explore.looks.set_seed(5)
    app.settle()
    drawn = app.state.drawn
    assert drawn is not None
    app.explore.files.copy_code()
    app.explore.looks.set_seed(6)
    app.settle()
    app.explore.files.paste()
    app.settle()
    assert app.state.look is not None
    assert isinstance(app.state.look.source, Coded)
    np.testing.assert_array_equal(app.state.look.source.code, drawn.code)
    app.model("Tiny GAN")
    before = app.state.look
    app.explore.files.paste()
    assert "belongs to Tiny VAE" in app.said
    assert app.state.look is before


def test_photo_named_like_a_session_is_refused_kindly(app: App, tmp_path: Path):
    path = tmp_path / "holiday.loom"
    Image.new("RGB", (40, 40)).save(path, "PNG")
    before = app.state.look
    drop(app.window, [path])
    app.wait(lambda: "holiday.loom" in app.said)
    assert app.state.look is before
