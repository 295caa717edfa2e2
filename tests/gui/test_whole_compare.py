"""Compare on the photo itself: the same edit by every model, each model's change blended into the same photo."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

import resources
from app.explore.compare.rows import recipe_of
from app.explore.fullsize.close_up import changed, window_of
from engine.api import Coded, DrawRequest
from engine.blending import over, patch, prepare, scaled, shown
from engine.errors import UserError
from engine.exploring.open_model import OpenModel
from engine.photos import PhotoLoader
from tests.gui.conftest import SIZE, App, drag, engine_model
from tests.gui.test_compare import drag_slider, quick_search, views
from tests.gui.test_explore import slider_points

__all__ = ["quick_search"]
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A portrait in a larger photo."""
    whole = Image.new("RGB", (900, 700), (90, 110, 130))
    with Image.open(resources.path("samples/portrait-02.webp")) as portrait:
        whole.paste(portrait.convert("RGB").resize((520, 520)), (200, 100))
    path = tmp_path / "whole.png"
    whole.save(path)
    return path


@pytest.fixture
def compared(app: App, photo: Path) -> App:
    app.explore.show_view("compare")
    app.explore.photos.add_files([str(photo)])
    app.wait(lambda: bool(app.state.compare) and all(row.status == "done" for row in app.state.compare))
    rested(app)
    return app


def rested(app: App) -> None:
    """Until every row's photo is that of its newest picture, and sharp."""

    def there() -> bool:
        rows = app.state.compare
        drawn = all(row.recipe == recipe_of(row, app.state) for row in rows)
        return drawn and all(row.close is not None and row.close.of is row.picture and row.close.fine for row in rows)

    app.wait(there)
    app.settle()


def expected(
    app: App, home: Path, photo: Path, index: int, edits: tuple[tuple[str, float], ...], *, strength: float = 1.0
) -> np.ndarray:
    """What the engine blends of a row's edit."""
    row, loader = app.state.compare[index], PhotoLoader()
    canvas = prepare(loader.whole(photo), loader.load(photo, size=SIZE).framing, row.encoded.reconstruction)
    window, side = window_of(canvas), app.state.comparison.room
    small = shown(canvas, scaled(canvas.picture, window, (side, side)), window)
    decoded = engine_model(home, row.title).draw(DrawRequest(Coded(row.encoded.code), edits)).picture
    assert (decoded != row.encoded.reconstruction).any()
    return over(small.picture, [patch(small, decoded, strength=strength)])


def test_every_model_changes_the_same_photo(compared: App, home: Path, photo: Path) -> None:
    for view, row in zip(views(compared), compared.state.compare, strict=True):
        assert view.current.isVisible()
        assert not view.picture.isVisible()
        np.testing.assert_array_equal(view.current.picture(), row.close.before)
    assert len({row.close.before.tobytes() for row in compared.state.compare}) == 1, "one photo for all"
    board = compared.explore_view.compare.board
    np.testing.assert_array_equal(board.photo.picture(), compared.state.compare[0].close.before)
    value = drag_slider(compared, "Smiling")
    rested(compared)
    for index, view in enumerate(views(compared)):
        np.testing.assert_array_equal(
            view.current.picture(), expected(compared, home, photo, index, (("Smiling", value),))
        )
        assert view.current.width() == view.current.height() - 24, "as large as its place"
    compared.explore_view.inspector.resetWanted.emit()
    rested(compared)
    for view, row in zip(views(compared), compared.state.compare, strict=True):
        np.testing.assert_array_equal(view.current.picture(), row.close.before)


def test_a_change_is_as_strong_as_in_single(compared: App, home: Path, photo: Path) -> None:
    value = drag_slider(compared, "Smiling")
    rested(compared)
    whole = [row.close.picture for row in compared.state.compare]
    compared.explore.looks.set_strength(0.4)
    compared.explore.looks.settle()
    compared.wait(lambda: all(row.close is not None and row.close.strength == 0.4 for row in compared.state.compare))
    rested(compared)
    for index, row in enumerate(compared.state.compare):
        half = expected(compared, home, photo, index, (("Smiling", value),), strength=0.4)
        np.testing.assert_array_equal(row.close.picture, half)
        assert (row.close.picture != whole[index]).any()


def test_the_switch_shows_what_the_models_see_and_the_photo_again(compared: App) -> None:
    switch = compared.explore_view.photo_as
    assert switch.isVisible()
    QTest.mouseClick(switch, LEFT, pos=switch.segment_rect("model").center().toPoint())
    compared.settle()
    for view, row in zip(views(compared), compared.state.compare, strict=True):
        assert view.picture.isVisible()
        np.testing.assert_array_equal(view.current.picture(), row.encoded.reconstruction)
    drag_slider(compared, "Smiling")
    compared.press("view.photo")
    rested(compared)
    assert all((view.current.picture() != row.close.before).any() for view, row in pairs(compared))


def pairs(app: App):
    return zip(views(app), app.state.compare, strict=True)


def test_the_newest_edit_wins_in_every_row(compared: App, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, bool]] = []
    gate = threading.Event()

    def counted(canvas, decoded, *, strength, fine=True):
        lane = threading.current_thread().name
        if lane == "lane-study":
            assert gate.wait(100)
        made.append((lane, fine))
        return changed(canvas, decoded, strength=strength, fine=fine)

    monkeypatch.setattr("app.explore.compare.whole.changed", counted)
    slider = compared.explore_view.inspector.sliders["Smiling"]
    drag(slider, slider_points(slider, 40))
    compared.wait(lambda: any(lane == "lane-model" for lane, _ in made))
    assert not any(lane == "lane-study" for lane, _ in made), "no other row holds up the first"
    gate.set()
    rested(compared)
    assert len([1 for lane, _ in made if lane == "lane-study"]) < 20
    assert any(not fine for _, fine in made), "while a hand moves it is quick"


def test_a_model_that_cannot_encode_the_photo_says_so(app: App, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encode = OpenModel.encode

    def refuses(self: OpenModel, *args: object, **options: object) -> object:
        if self.info.title == "Tiny GAN":
            raise UserError("This model cannot read photos: choose another.")
        return encode(self, *args, **options)

    monkeypatch.setattr(OpenModel, "encode", refuses)
    app.explore.show_view("compare")
    app.explore.photos.add_files([str(photo)])
    app.wait(lambda: bool(app.state.compare) and all(row.status in ("done", "failed") for row in app.state.compare))
    app.wait(lambda: all(row.close is not None for row in app.state.compare if row.status == "done"))
    failed = [view for view, row in pairs(app) if row.status == "failed"]
    assert [view.title.text() for view in failed] == ["Tiny GAN"]
    assert failed[0].current.picture() is None, "no photo that it did not change"
    assert "Not encoded" in failed[0].current._empty_text


@pytest.mark.slow
def test_the_way_to_a_second_photo_is_a_morph(compared: App) -> None:
    compared.explore.compare.set_other(compared.state.photos[-1].key)
    compared.wait(lambda: all(row.other is not None for row in compared.state.compare))
    compared.explore_view.compare.path.changed.emit(0.5)
    rested(compared)
    for view, row in pairs(compared):
        assert np.abs(view.current.picture().astype(int) - row.close.before).mean() > 4
    compared.explore_view.compare.path.changed.emit(0.0)
    rested(compared)
    for view, row in pairs(compared):
        np.testing.assert_array_equal(view.current.picture(), row.close.before)


@pytest.mark.slow
def test_a_photo_that_is_gone_leaves_what_the_models_see(compared: App) -> None:
    compared.explore.photos.remove(compared.state.photo)
    drag_slider(compared, "Smiling")
    compared.settle()
    compared.wait(lambda: bool(compared.state.comparison.why))
    assert "no longer in the library" in compared.explore_view.hint.text()
    assert all(view.picture.isVisible() for view in views(compared))
