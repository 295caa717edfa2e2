"""A photo that was saved with its edits is dropped again: they come back on the original, or a word is said."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from PySide6.QtCore import QMimeData
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from app.explore.fullsize import reopen
from app.look import Look
from app.widgets.pixels import to_qimage
from engine.photos import read_recipe, recipe, recipe_from, recipe_text, write_photo
from tests.gui.conftest import App, OpenApp, drop
from tests.gui.test_fullsize import LEFT, changes, click_face, composed, opened, panel, pixels, rested, smile
from tests.gui.test_save_faults import Gate
from tests.gui.test_save_photo import save


@dataclass(frozen=True)
class Saved:
    """A file that was saved with edits, the picture that was on show then, and its look."""

    data: bytes
    picture: np.ndarray
    look: Look


SAVED: list[Saved] = []
"""Once it is made."""


def edit_both(app: App, here: Path) -> Path:
    """That photo with both faces edited, the second one on show, saved beside it."""
    opened(app, here)
    smile(app)
    click_face(app, 2)
    smile(app, -1.5)
    app.explore.looks.wander(0.3, 0.1)
    app.explore.looks.settle()
    app.explore.looks.set_lock("Pale_Skin", True)
    rested(app)
    save(app, here.with_name("edited.png"))
    return here.with_name("edited.png")


@pytest.fixture
def edited(home: Path, open_app: OpenApp, here: Path) -> Path:
    """That photo, edited and saved by a window that is closed: by the first test's, for all tests."""
    path = here.with_name("edited.png")
    if not SAVED:
        app = open_app()
        edit_both(app, here)
        SAVED.append(Saved(path.read_bytes(), composed(app), app.state.look))
        app.close()
    path.write_bytes(SAVED[0].data)
    return path


def reopened(app: App, path: Path) -> None:
    drop(app.explore_view.single.picture, [path])
    app.wait(lambda: "edits that were saved in" in app.said)
    rested(app)


def said(app: App, path: Path, words: str) -> None:
    """The file is dropped, and open as a photo of its own with these words."""
    drop(app.explore_view.single.picture, [path])
    app.wait(lambda: app.state.photo == str(path) and app.state.encoded is not None and not app.state.encoding)
    rested(app)
    assert words in app.said, app.said
    assert app.state.look.edits == ()


def other_recipe(path: Path, change: Callable[[dict], object]) -> Path:
    """The saved photo with another recipe in it."""
    document = json.loads(read_recipe(path) or "")
    change(document)
    write_photo(path, pixels(path), recipe=json.dumps(document))
    return path


def test_the_edits_of_all_faces_come_back_on_the_original(open_app: OpenApp, edited: Path, here: Path) -> None:
    before, look = SAVED[0].picture, SAVED[0].look
    again = open_app(model="Tiny Glow")
    reopened(again, edited)
    assert again.state.info.title == "Tiny VAE", "the model that it was edited with is opened"
    assert again.state.photo == f"{here}#face 2"
    now = again.state.look
    assert (now.edits, now.locked, now.wander) == (look.edits, look.locked, look.wander)
    slider = again.explore_view.inspector.sliders["Smiling"]
    assert slider.value() == -1.5
    assert again.explore_view.inspector.sliders["Pale_Skin"]._locked
    np.testing.assert_array_equal(composed(again), before)
    click_face(again, 1)
    assert slider.value() == 2.0
    keys = [item.key for item in again.state.photos if not item.shipped]
    assert keys == [str(here), f"{here}#face 2"], "and not the saved file"


def test_what_came_back_is_undone_step_by_step_to_the_photo(open_app: OpenApp, edited: Path) -> None:
    again = open_app()
    first = again.state.look
    reopened(again, edited)
    assert changes(again, edited) == (True, True)
    assert all(entry.picture is not None for entry in again.state.history.entries)
    again.press("edit.undo")
    rested(again)
    assert changes(again, edited) == (True, False)
    again.press("edit.undo")
    rested(again)
    assert changes(again, edited) == (False, False)
    again.press("edit.undo")
    again.settle()
    assert again.state.look == first


def test_saved_again_it_is_the_same_file(open_app: OpenApp, edited: Path) -> None:
    again = open_app()
    reopened(again, edited)
    save(again, edited.with_name("again.png"))
    np.testing.assert_array_equal(pixels(edited.with_name("again.png")), pixels(edited))
    assert read_recipe(edited.with_name("again.png")) == read_recipe(edited)


def test_the_saved_file_itself_can_be_opened(open_app: OpenApp, edited: Path) -> None:
    again = open_app()
    reopened(again, edited)
    again.window.notice.acted.emit()
    again.wait(lambda: again.state.photo == str(edited) and again.state.encoded is not None)
    rested(again)
    assert again.state.look.edits == ()


def test_without_the_original_it_is_a_photo_of_its_own_until_that_is_found(
    app: App, here: Path, tmp_path: Path
) -> None:
    edited = edit_both(app, here)
    app.explore.photos.remove(str(here))
    app.explore.photos.remove(f"{here}#face 2")
    look = app.state.look
    moved = tmp_path / "elsewhere" / "IMG 1.png"
    moved.parent.mkdir()
    here.rename(moved)
    said(app, edited, "edited.png was made from holiday.png, which was not found here")
    wrong = tmp_path / "wrong.png"
    Image.new("RGB", (1000, 640)).save(wrong)
    for chosen in (wrong, moved):
        app.window.notice.acted.emit()
        dialog = app.window.findChildren(QFileDialog)[-1]
        assert dialog.windowTitle() == "Find holiday.png"
        dialog.fileSelected.emit(str(chosen))
        dialog.done(0)
        if chosen is wrong:
            app.wait(lambda: "wrong.png is not the photo" in app.said)
            assert app.state.photo == str(edited)
    app.wait(lambda: "edits that were saved in" in app.said)
    rested(app)
    assert app.state.photo == f"{moved}#face 2"
    assert app.state.look.edits == look.edits


def test_another_photo_of_its_name_is_not_taken_for_it(open_app: OpenApp, edited: Path, here: Path) -> None:
    Image.open(here).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(here)
    again = open_app()
    said(again, edited, "the holiday.png that was found is another photo")


def test_a_model_that_is_not_there_is_named(open_app: OpenApp, edited: Path, home: Path) -> None:
    sha = hashlib.sha256((home / "models" / "vae.safetensors").read_bytes()).hexdigest()
    (home / "models" / "vae.safetensors").unlink()
    again = open_app(model="Tiny Glow")
    said(again, edited, f"edited.png was edited with Tiny VAE ({sha[:12]}), which is not on this machine")


UNFOLLOWED: dict[str, tuple[Callable[[dict], object], str]] = {
    "slider": (
        lambda doc: doc["faces"][0]["edits"].append(["Moustache", 1.0]),
        "'Moustache', which Tiny VAE has no slider",
    ),
    "giant": (lambda doc: doc["faces"][1]["edits"].append(["Smiling", 1e30]), "recipe in giant.png cannot be read"),
    "face": (lambda doc: doc["faces"][1]["cut"].update(face=7), "edits of face.png were not put back: Face 8"),
    "newer": (lambda doc: doc.update(latent_loom_photo=9), "newer Latent Loom"),
    "path": (lambda doc: doc["original"].update(name="../photos/holiday.png"), "its photo is a path"),
}


def test_recipes_that_cannot_be_followed_are_told(app: App, edited: Path) -> None:
    for name, (change, words) in UNFOLLOWED.items():
        path = edited.with_name(f"{name}.png")
        path.write_bytes(edited.read_bytes())
        steps = app.state.history
        said(app, other_recipe(path, change), words)
        assert app.state.history.entries[: len(steps.entries)] == steps.entries
        assert len(app.state.history.entries) == len(steps.entries) + 1, "the photo as it is, and nothing else"


def test_a_recipe_that_is_too_long_is_told(app: App, edited: Path) -> None:
    path = edited.with_name("long.png")
    notes = PngImagePlugin.PngInfo()
    notes.add_itxt("latent-loom", (read_recipe(edited) or "") + " " * 60_000)
    Image.fromarray(pixels(edited)).save(path, pnginfo=notes)
    said(app, path, "at most 60,000 are read, so it is open as a photo of its own")


def test_what_is_beyond_the_sliders_comes_back_as_far_as_they_go(app: App, edited: Path) -> None:
    path = edited.with_name("far.png")
    path.write_bytes(edited.read_bytes())
    drop(app.window, [other_recipe(path, lambda doc: doc["faces"][1].update(edits=[["Smiling", 100.0]]))])
    app.wait(lambda: "edits that were saved in" in app.said)
    rested(app)
    assert "Sliders end at +3.0 σ, so this is not quite as it was saved: Smiling +100.0." in app.said
    assert app.state.look.edits == (("Smiling", 3.0),)
    assert app.explore_view.inspector.sliders["Smiling"].value() == 3.0
    request = app.state.look.request()
    assert app.state.drawn.request == request


def test_an_error_about_a_photo_goes_when_another_has_opened(app: App, edited: Path, two: Path) -> None:
    broken = edited.with_name("broken.png")
    broken.write_bytes(b"no picture")
    drop(app.window, [broken])
    app.wait(lambda: "broken.png" in app.said)
    opened(app, two)
    assert app.said == ""
    path = edited.with_name("newer.png")
    path.write_bytes(edited.read_bytes())
    said(app, other_recipe(path, lambda doc: doc.update(latent_loom_photo=9)), "newer Latent Loom")
    rested(app)
    assert "newer Latent Loom" in app.said, "it is about the photo that has opened"
    app.explore.photos.choose(str(two))
    rested(app)
    assert app.said == ""
    drop(app.window, [edited.with_name("holiday.png"), broken])
    app.wait(lambda: "broken.png" in app.said)
    rested(app)
    assert "broken.png" in app.said, "what came together with a photo stays"
    app.conductor.notices.warn("Something else.")
    opened(app, two)
    assert app.said == "Something else."


def test_a_pasted_picture_is_found_again(app: App, two: Path, tmp_path: Path) -> None:
    mime = QMimeData()
    mime.setImageData(to_qimage(pixels(two)))
    QGuiApplication.clipboard().setMimeData(mime)
    app.press("photo.paste")
    app.wait(lambda: (app.state.photo or "").startswith("pasted:") and app.state.encoded is not None)
    rested(app)
    smile(app)
    key, saved = app.state.photo, tmp_path / "out.png"
    save(app, saved)
    assert recipe_from(read_recipe(saved) or "", "").original.name == ""
    app.explore.looks.set_seed(5)
    app.settle()
    reopened(app, saved)
    assert app.state.photo == key
    assert app.state.look.edit("Smiling") == 2.0


@pytest.mark.slow
def test_a_code_from_elsewhere_is_told_when_saved_and_when_opened(app: App, here: Path) -> None:
    opened(app, here)
    app.explore.looks.wander(0.5, 0.0)
    app.explore.looks.settle()
    rested(app)
    app.explore.looks.new_plane()
    app.wait(lambda: app.state.look.source.code is not app.state.encoded.code)
    smile(app)
    saved = here.with_name("out.png")
    save(app, saved)
    assert "it will lack what came from other codes" in app.said
    assert not recipe_from(read_recipe(saved) or "", "").complete
    reopened(app, saved)
    assert "not quite as it was saved" in app.said


def test_edits_that_are_too_long_to_be_kept_are_told_when_saved(
    app: App, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(app, here)
    smile(app)
    monkeypatch.setattr(recipe, "MOST_RECIPE", 100)
    saved = here.with_name("out.png")
    save(app, saved)
    assert "too long to be kept in it" in app.said
    assert read_recipe(saved) is None


def test_several_dropped_at_once_all_come_in(app: App, edited: Path, two: Path) -> None:
    drop(app.explore_view.single.picture, [edited, two])
    app.wait(lambda: any(item.key == str(two) for item in app.state.photos))
    app.settle()
    assert (app.state.photo or "").endswith("holiday.png#face 2")


@pytest.mark.slow
def test_a_recipe_of_the_command_line_is_the_same_form(app: App, edited: Path, here: Path) -> None:
    """What differs is only which faces and sliders it holds."""
    recipe = recipe_from(read_recipe(edited) or "", "edited.png")
    one = replace(recipe, faces=(replace(recipe.faces[0], cut=replace(recipe.faces[0].cut, align="face")),))
    write_photo(edited, pixels(edited), recipe=recipe_text(one))
    reopened(app, edited)
    assert app.state.photo == str(here)
    assert app.state.look.edit("Smiling") == 2.0
    assert panel(app).isVisible()


@pytest.mark.slow
def test_faces_edited_meanwhile_are_as_the_file_has_them(app: App, here: Path) -> None:
    opened(app, here)
    smile(app)
    first = here.with_name("first.png")
    save(app, first)
    click_face(app, 2)
    smile(app)
    click_face(app, 1)
    smile(app, -1.0)
    reopened(app, first)
    assert [edit.look.edits for edit in app.explore.full.edits_on_photo()] == [(("Smiling", 2.0),)]
    save(app, here.with_name("again.png"))
    np.testing.assert_array_equal(pixels(here.with_name("again.png")), pixels(first))
    app.press("edit.undo")
    app.press("edit.undo")
    app.press("edit.undo")
    rested(app)
    assert [edit.look.edit("Smiling") for edit in app.explore.full.edits_on_photo()] == [2.0, -1.0], "as it was before"


@pytest.mark.slow
def test_an_improved_code_is_not_taken_for_the_recipes(app: App, open_app: OpenApp, here: Path) -> None:
    opened(app, here)
    smile(app)
    saved = here.with_name("out.png")
    save(app, saved)
    plain = app.state.encoded.code
    app.explore.photos._encoded[str(here), app.state.info.sha256] = replace(
        app.state.encoded, code=plain + 1, improved=True
    )
    app.explore.photos._before_improve[str(here), app.state.info.sha256] = [app.state.encoded]
    reopened(app, saved)
    np.testing.assert_array_equal(app.state.look.source.code, plain)
    save(app, here.with_name("again.png"))
    np.testing.assert_array_equal(pixels(here.with_name("again.png")), pixels(saved))


@pytest.mark.slow
def test_an_original_that_came_back_after_another_stood_in_its_place(app: App, here: Path) -> None:
    """What was made of the other one under the same name is not taken for its code."""
    opened(app, here)
    smile(app)
    saved, original = here.with_name("out.png"), here.read_bytes()
    save(app, saved)
    right = app.state.encoded.code
    app.explore.looks.set_seed(5)
    app.settle()
    app.explore.photos.remove(str(here))
    app.explore.photos._loaded.clear()
    app.explore.photos._encoded.clear()
    with Image.open(here) as image:
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(here)
    opened(app, here)
    assert not np.array_equal(app.state.encoded.code, right)
    rested(app)
    here.write_bytes(original)
    reopened(app, saved)
    np.testing.assert_array_equal(app.state.look.source.code, right)
    save(app, here.with_name("again.png"))
    np.testing.assert_array_equal(pixels(here.with_name("again.png")), pixels(saved))


def test_opening_one_is_stopped_from_the_bar(app: App, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(app, here)
    smile(app)
    saved = here.with_name("out.png")
    save(app, saved)
    app.explore.looks.set_seed(5)
    app.settle()
    before = (app.state.look, app.state.history, app.state.photos)
    gate = Gate(monkeypatch, reopen, "check_face")
    drop(app.explore_view.single.picture, [saved])
    app.wait(gate.reached.is_set)
    assert app.window.jobs._text.text() == "Opening out.png"
    QTest.mouseClick(app.window.jobs._stop, LEFT)
    gate.open.set()
    app.wait(lambda: "Opening out.png was stopped" in app.state.status)
    assert not app.state.jobs
    assert (app.state.look, app.state.history, app.state.photos) == before
