"""Several people in one photo, by hand: each has its own sliders and steps, and all are in the file that is saved."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QPoint

import resources
from engine.photos import read_recipe, recipe_from
from tests.gui.conftest import App, OpenApp, drag, drop
from tests.gui.test_fullsize import click_face, opened, pixels, rested
from tests.gui.test_save_photo import save

THIRDS = (slice(0, 500), slice(500, 900), slice(900, 1240))


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three people in a row, from left to right smaller."""
    whole = Image.new("RGB", (1240, 560), (96, 110, 120))
    for left, (number, side) in zip((10, 510, 910), ((2, 480), (7, 380), (4, 310)), strict=True):
        with Image.open(resources.path("samples") / f"portrait-{number:02}.webp") as portrait:
            whole.paste(portrait.convert("RGB").resize((side, side)), (left, 40))
    path = tmp_path_factory.mktemp("photos") / "three.png"
    whole.save(path)
    return path


def slide(app: App, name: str, value: float) -> None:
    """A slider by hand; what it says then is what it was moved to, as far as its pixels go."""
    slider = app.explore_view.inspector.sliders[name]
    track = slider.track_rect()
    spots = [(at + 3) / 6 for at in (slider.value(), value / 2, value)]
    drag(slider, [QPoint(round(track.left() + at * track.width()), round(track.center().y())) for at in spots])
    rested(app)
    assert slider.value() == pytest.approx(value, abs=0.1)


def numbers(app: App) -> list[int]:
    return [frame.number for frame in app.explore_view.single.steps.strip._frames]


def edited_parts(path: Path, three: Path) -> list[bool]:
    differs = (pixels(path) != pixels(three)).any(axis=2)
    return [bool(differs[:, part].any()) for part in THIRDS]


def test_each_face_has_its_own_sliders_and_steps_and_all_are_saved(
    app: App, open_app: OpenApp, three: Path, tmp_path: Path
) -> None:
    opened(app, three)
    assert {face.number for face in app.state.full.faces} == {1, 2, 3}
    sliders = app.explore_view.inspector.sliders
    slide(app, "Smiling", 2.0)
    click_face(app, 3)
    assert sliders["Smiling"].value() == 0.0, "another person"
    slide(app, "Smiling", -2.0)
    slide(app, "Pale_Skin", 1.0)
    click_face(app, 2)
    slide(app, "Pale_Skin", -1.5)
    click_face(app, 1)
    assert sliders["Smiling"].value() == pytest.approx(2.0, abs=0.1)
    assert sliders["Pale_Skin"].value() == 0.0
    click_face(app, 3)
    assert sliders["Smiling"].value() == pytest.approx(-2.0, abs=0.1)
    assert numbers(app) == [0, 1, 1, 3, 3, 3, 2, 2, 1, 3]
    assert {face.number for face in app.state.full.faces if face.edited} == {1, 2, 3}
    out = tmp_path / "out.png"
    save(app, out)
    assert edited_parts(out, three) == [True, True, True]
    recipe = recipe_from(read_recipe(out) or "", "out.png")
    assert [face.cut.face for face in recipe.faces] == [0, 1, 2]
    assert [len(face.edits) for face in recipe.faces] == [1, 1, 2]
    looks = {edit.key: edit.look.edits for edit in app.explore.full.edits_on_photo()}
    app.close()
    again = open_app()
    drop(again.explore_view.single.picture, [out])
    again.wait(lambda: "edits that were saved in" in again.said)
    rested(again)
    assert {edit.key: edit.look.edits for edit in again.explore.full.edits_on_photo()} == looks
    assert numbers(again) == [0, 1, 1, 2, 3]


def edited(app: App) -> set[int]:
    return {face.number for face in app.state.full.faces if face.edited}


def test_undo_goes_back_from_face_to_face_and_reset_is_of_one(app: App, three: Path, tmp_path: Path) -> None:
    opened(app, three)
    for number in (1, 2, 3):
        if number > 1:
            click_face(app, number)
        slide(app, "Smiling", 1.5)
    app.press("sliders.reset")
    rested(app)
    assert edited(app) == {1, 2}
    save(app, tmp_path / "out.png")
    assert edited_parts(tmp_path / "out.png", three) == [True, True, False]
    for left in ({1, 2, 3}, {1, 2}, {1, 2}, {1}):
        app.press("edit.undo")
        rested(app)
        assert edited(app) == left
    assert app.state.look.photo == f"{three}#face 2", "its plain step, before its slider was moved"


def test_a_step_says_whose_it_is(app: App, three: Path) -> None:
    opened(app, three)
    slide(app, "Smiling", 2.0)
    click_face(app, 2)
    strip = app.explore_view.single.steps.strip
    tips = [strip.item_tooltip(index) for index in range(strip.count())]
    assert not tips[0].startswith("Face"), "a sample"
    assert tips[-2].startswith("Face 1, ")
    assert tips[-1].startswith("Face 2, ")


def test_a_photo_of_one_has_no_numbers(app: App, portrait: Path) -> None:
    opened(app, portrait)
    assert set(numbers(app)) == {0}
