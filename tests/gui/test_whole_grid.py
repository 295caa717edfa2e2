"""The grid of edits: a direction a row, a strength a column, on the photo itself where there is one."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint

from app.explore.fullsize.close_up import window_of
from app.explore.grid.recipe import recipe_of, strength_of
from app.explore.grid.view import GridView
from engine.api import Coded, DrawRequest
from engine.blending import over, patch, prepare, scaled, shown
from engine.exploring.open_model import OpenModel
from engine.photos import PhotoLoader
from tests.gui.conftest import SIZE, App, drag, engine_model
from tests.gui.test_grid import choose, click
from tests.gui.test_whole_compare import photo

__all__ = ["photo"]


def view(app: App) -> GridView:
    return app.explore_view.grid


@pytest.fixture
def edits(app: App, photo: Path) -> App:
    app.explore.photos.add_files([str(photo)])
    app.wait(lambda: app.state.encoded is not None and app.state.look.photo is not None)
    app.settle()
    app.explore.show_view("grid")
    choose(app, "edits")
    return app


def expected(
    app: App, home: Path, photo: Path, name: str, value: float, *, side: int, strength: float = 1.0
) -> np.ndarray:
    """What the engine blends of one direction."""
    encoded, loader = app.state.encoded, PhotoLoader()
    canvas = prepare(loader.whole(photo), loader.load(photo, size=SIZE).framing, encoded.reconstruction)
    window = window_of(canvas)
    small = shown(canvas, scaled(canvas.picture, window, (side, side)), window)
    model = engine_model(home, app.state.info.title)
    decoded = model.draw(DrawRequest(Coded(encoded.code), ((name, value),))).picture
    return over(small.picture, [patch(small, decoded, strength=strength)])


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    # A decoding of one picture and of several differ by a rounding.
    return one.shape == other.shape and float(np.abs(one.astype(int) - other).mean()) < 0.3


def test_each_cell_is_the_photo_with_one_edit(edits: App, home: Path, photo: Path) -> None:
    grid, recipe = edits.state.grid, recipe_of(edits.state)
    assert recipe.names == ("Smiling", "Pale_Skin", "PCA 1")
    columns, side = recipe.side, view(edits).grid.cell_px()
    assert columns % 2 == 1, "as it was is in the middle"
    assert len(grid.cells) == 3 * columns
    assert strength_of(recipe, columns // 2) == 0
    assert strength_of(recipe, columns - 1) == grid.reach
    for row, name in enumerate(recipe.names):
        last = grid.cells[(row + 1) * columns - 1].whole
        wanted = expected(edits, home, photo, name, grid.reach, side=side)
        assert alike(last, wanted)
        middle = grid.cells[row * columns + columns // 2].whole
        np.testing.assert_array_equal(middle, grid.cells[columns // 2].whole)
        apart = np.abs(middle.astype(int) - wanted).mean()
        assert np.abs(last.astype(int) - wanted).mean() < 0.3 * apart


def test_cells_are_as_strong_as_the_edit_in_single(edits: App, home: Path, photo: Path) -> None:
    grid, side = edits.state.grid, view(edits).grid.cell_px()
    last = recipe_of(edits.state).side - 1
    whole = grid.cells[last].whole
    edits.explore.looks.set_strength(0.4)
    edits.explore.looks.settle()
    edits.settle()

    def cells():
        return edits.state.grid.cells

    edits.wait(lambda: len(cells()) > last and cells()[last] is not None and cells()[last].whole is not whole)
    edits.settle()
    wanted = expected(edits, home, photo, "Smiling", grid.reach, side=side, strength=0.4)
    assert alike(cells()[last].whole, wanted)
    assert np.abs(whole.astype(int) - wanted).mean() > 3 * np.abs(cells()[last].whole.astype(int) - wanted).mean()


def test_a_click_moves_the_slider_and_the_grid_stays(edits: App) -> None:
    before, columns = edits.state.grid.cells, edits.state.grid.shown_side
    click(edits, 2 * columns - 1)
    assert edits.state.look.edits == (("Pale_Skin", 2.0),)
    assert edits.state.grid.cells is before
    assert edits.state.grid.chosen == 2 * columns - 1
    np.testing.assert_array_equal(edits.state.drawn.picture, before[2 * columns - 1].picture)
    click(edits, 0)
    assert edits.state.look.edits == (("Smiling", -2.0),), "a row alone"
    edits.press("edit.undo")
    edits.settle()
    assert edits.state.look.edits == (("Pale_Skin", 2.0),)


def test_strength_size_and_rows_are_chosen(edits: App) -> None:
    slider = view(edits).reach
    track = slider.track_rect()
    drag(slider, [QPoint(round(track.left() + s * track.width()), round(track.center().y())) for s in (0.5, 0.8, 1.1)])
    edits.settle()
    assert edits.state.grid.reach == 4.0
    view(edits).side.changed.emit(4)
    edits.settle()
    assert len(edits.state.grid.cells) == 3 * 5
    assert edits.state.grid.missing == 0
    next(action for action in view(edits).menu.actions() if action.data() == "Smiling").trigger()
    edits.settle()
    assert recipe_of(edits.state).names == ("Pale_Skin", "PCA 1")
    assert len(edits.state.grid.cells) == 2 * 5
    for name in ("Pale_Skin", "PCA 1"):
        edits.explore.grid.show_direction(name, False)
    assert len(recipe_of(edits.state).names) == 1, "one row stays"


def test_what_the_model_sees_and_the_photo_again(edits: App) -> None:
    switch = edits.explore_view.photo_as
    assert switch.isVisible()
    whole = view(edits).grid._cells[0]
    assert whole.shape[0] == edits.state.grid.room
    edits.press("view.photo")
    edits.settle()
    assert view(edits).grid._cells[0].shape == (SIZE, SIZE, 3)
    edits.press("view.photo")
    edits.settle()
    np.testing.assert_array_equal(view(edits).grid._cells[0], whole)


def test_without_a_photo_edits_are_what_the_model_draws(app: App, home: Path) -> None:
    app.explore.show_view("grid")
    choose(app, "edits")
    assert not app.explore_view.photo_as.isVisible()
    recipe = recipe_of(app.state)
    model = engine_model(home, "Tiny VAE")
    drawn = model.draw(DrawRequest(app.state.look.source, (("Smiling", -2.0),))).picture
    assert recipe.photo == ""
    assert np.abs(app.state.grid.cells[0].picture.astype(int) - drawn).max() <= 1


def test_a_grid_of_photos_that_fills_holds_up_no_drag(edits: App, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    asked = threading.Event()
    draw, decode = OpenModel.draw, OpenModel.decode

    def drawn(self: OpenModel, request: DrawRequest) -> object:
        done.append("draw")
        return draw(self, request)

    def decoded(self: OpenModel, codes: np.ndarray) -> np.ndarray:
        assert asked.wait(100)
        if len(codes) > 1:
            done.append("piece")
        return decode(self, codes)

    monkeypatch.setattr(OpenModel, "draw", drawn)
    monkeypatch.setattr(OpenModel, "decode", decoded)
    edits.explore.grid.set_side(9)
    # The first piece is at work; a direction without a row moves what all cells start from.
    edits.explore.grid.show_direction("Pale_Skin", False)
    edits.explore.looks.set_edit("Smiling", 1.0)
    asked.set()
    edits.settle()
    assert done.index("draw") <= 2
    assert edits.state.grid.missing == 0


def exported(app: App, target: Path) -> np.ndarray:
    app.window.notice.clear()
    view(app).sheet.changed.emit("128")
    app.explore.grid.export(target)
    app.wait(lambda: "Saved" in app.said)
    with Image.open(target) as image:
        return np.asarray(image.convert("RGB"))


def test_a_sheet_has_every_cell_at_the_side_that_was_chosen(
    edits: App, home: Path, photo: Path, tmp_path: Path
) -> None:
    view(edits).side.changed.emit(4)
    edits.settle()
    sheet = exported(edits, tmp_path / "sheet.png")
    step = 128 + 4
    assert sheet.shape[1] > 5 * step
    rows = [sheet[-step * n : -step * n + 128] for n in (3, 2, 1)]
    for row, name in zip(rows, recipe_of(edits.state).names, strict=True):
        last, plain = (row[:, -step * n : -step * n + 128] for n in (1, 3))
        wanted = expected(edits, home, photo, name, 2.0, side=128)
        assert alike(last, wanted)
        assert np.abs(last.astype(int) - wanted).mean() < 0.3 * np.abs(plain.astype(int) - wanted).mean()
    words = sheet[: sheet.shape[0] - 3 * step]
    assert (words < 128).any(), "strengths stand above"
    assert (sheet[:, : sheet.shape[1] - 5 * step] < 128).any(), "names stand beside"
    assert not edits.state.jobs


@pytest.mark.slow
def test_a_sheet_of_what_the_model_sees(edits: App, tmp_path: Path) -> None:
    edits.press("view.photo")
    edits.settle()
    sheet = exported(edits, tmp_path / "sheet.webp")
    assert sheet.shape[0] > 3 * 128


def test_no_sheet_of_samples(app: App) -> None:
    app.explore.show_view("grid")
    app.settle()
    app.explore.grid.ask_export(app.window)
    assert "choose Edits" in app.said


@pytest.mark.slow
def test_a_photo_that_is_gone_leaves_what_the_model_sees(edits: App) -> None:
    edits.explore.photos.remove(edits.state.photo)
    view(edits).side.changed.emit(8)
    edits.settle()
    assert "no longer in the library" in edits.state.grid.why
    assert edits.explore_view.hint.text() == edits.state.grid.why
    assert view(edits).grid._cells[0].shape == (SIZE, SIZE, 3)
