"""How much of a face's change is blended into the photo: the slider under *Into the photo*."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.explore.sessions import contents
from app.look import Look
from engine.blending import blended, prepare
from engine.exploring.open_model import OpenModel
from engine.photos import read_recipe, recipe_from
from tests.gui.conftest import App, OpenApp, drag
from tests.gui.test_fullsize import click_face, composed, on_screen, one_to_one, opened, pixels, rested, smile
from tests.gui.test_save_photo import save


def slid(app: App, share: float) -> None:
    """The slider by hand, from where it is."""
    slider = app.explore_view.inspector.strength
    track = slider.track_rect()
    ends = [slider.value() / 100, (slider.value() / 100 + share) / 2, share]
    drag(slider, [QPoint(round(track.left() + at * track.width()), round(track.center().y())) for at in ends])
    rested(app)


def test_a_part_of_the_change_and_no_picture_drawn_for_it(app: App, two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(app, two)
    inspector = app.explore_view.inspector
    assert inspector.into_photo.isVisibleTo(inspector)
    before = composed(app).astype(int)
    smile(app)
    whole, steps, drawn = composed(app) - before, len(app.state.history.entries), app.state.drawn
    monkeypatch.setattr(OpenModel, "draw", lambda *args, **options: pytest.fail("the model's picture is the same"))
    slid(app, 0.5)
    part = composed(app) - before
    assert app.state.look.strength == pytest.approx(0.5, abs=0.02)
    assert app.state.drawn is drawn
    # The tiny model changes few grey levels, and half of one is often none.
    assert 0 < np.abs(part).sum() < 0.7 * np.abs(whole).sum()
    assert len(app.state.history.entries) == steps + 1, "one step for the drag"
    slid(app, 0.0)
    np.testing.assert_array_equal(composed(app), before)


def test_undo_and_reset_take_it_back(app: App, two: Path) -> None:
    opened(app, two)
    smile(app)
    whole, slider = on_screen(app), app.explore_view.inspector.strength
    slid(app, 0.3)
    assert (on_screen(app) != whole).any()
    app.press("edit.undo")
    rested(app)
    assert slider.value() == 100
    np.testing.assert_array_equal(on_screen(app), whole)
    app.press("edit.redo")
    rested(app)
    assert slider.value() == pytest.approx(30, abs=2)
    QTest.mouseClick(slider, Qt.MouseButton.RightButton)
    rested(app)
    np.testing.assert_array_equal(on_screen(app), whole)
    slid(app, 0.3)
    app.press("sliders.reset")
    rested(app)
    assert app.state.look.strength == 1.0
    assert slider.value() == 100
    assert app.state.look.edits == ()


def test_the_split_shows_both_strengths(app: App, two: Path) -> None:
    opened(app, two)
    smile(app)
    slid(app, 0.5)
    app.press("view.split")
    rested(app)
    there = app.state.blended
    assert there.reference.strength == 1.0
    assert there.layer.strength == app.state.look.strength
    assert there.before.picture.shape == there.piece.picture.shape
    assert (there.before.picture != there.piece.picture).any()


def test_each_face_has_its_own_and_it_is_in_the_file_and_its_recipe(
    app: App, open_app: OpenApp, two: Path, tmp_path: Path
) -> None:
    opened(app, two)
    smile(app)
    slid(app, 0.4)
    click_face(app, 2)
    assert app.explore_view.inspector.strength.value() == 100
    smile(app)
    one_to_one(app)
    out = tmp_path / "out.png"
    save(app, out)
    file, edits = pixels(two), app.explore.full.edits_on_photo()
    saved = pixels(out).astype(int)
    for edit in edits:
        share = edit.look.strength
        one = blended(file, [(prepare(file, edit.framing, edit.base), edit.picture)], strength=share)
        xs, ys = zip(*edit.framing.corners, strict=True)
        part = slice(max(0, int(min(ys))), int(max(ys))), slice(max(0, int(min(xs))), int(max(xs)))
        np.testing.assert_array_equal(saved[part], one[part])
    strengths = [face.strength for face in recipe_from(read_recipe(out) or "", "out").faces]
    assert strengths == [edits[0].look.strength, 1.0]
    assert strengths[0] == pytest.approx(0.4, abs=0.02)
    session = tmp_path / "a.loom"
    app.explore.sessions.save(session)
    app.settle()
    app.close()
    again = open_app()
    again.explore.files.open_files([str(session)])
    again.wait(lambda: len(again.explore.full.edits_on_photo()) == 2)
    rested(again)
    assert [edit.look.strength for edit in again.explore.full.edits_on_photo()] == strengths


def test_it_is_there_for_a_photo_alone(app: App, two: Path) -> None:
    inspector = app.explore_view.inspector
    assert not inspector.into_photo.isVisibleTo(inspector)
    opened(app, two)
    slid(app, 0.5)
    app.press("view.photo")
    app.settle()
    assert not inspector.into_photo.isVisibleTo(inspector), "what the model sees is not blended"
    app.explore.looks.set_seed(3)
    app.settle()
    assert not inspector.into_photo.isVisibleTo(inspector)
    assert app.state.look.strength == 1.0


@pytest.mark.parametrize("strength", [-0.1, 1.5, float("inf"), float("nan")])
def test_a_session_with_an_impossible_strength_is_refused(app: App, tmp_path: Path, strength: float) -> None:
    look = app.state.look
    assert isinstance(look, Look)
    wrong = contents.Session(contents.replace(look, strength=strength), app.state.history)
    with pytest.raises(ValueError, match="strength"):
        contents._check(wrong, 0)
