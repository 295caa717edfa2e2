"""The grid in the real window: samples, neighbours of the current code, and the manifold."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from engine.api import Coded, DrawRequest
from engine.checkpoints.model_file import ModelHeader, save_model
from engine.exploring.open_model import OpenModel
from engine.families import build
from tests.gui.conftest import SIZE, App, OpenApp, drag, engine_model, louder


@pytest.fixture
def grid(app: App) -> App:
    """The window with the tiny VAE and the grid on show."""
    app.explore.show_view("grid")
    app.settle()
    return app


def click(app: App, index: int) -> None:
    widget = app.explore_view.grid.grid
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=widget.item_rect(index).center())
    app.settle()


def choose(app: App, kind: str) -> None:
    segmented = app.explore_view.grid.kind
    spot = segmented.segment_rect(kind).center().toPoint()
    QTest.mouseClick(segmented, Qt.MouseButton.LeftButton, pos=spot)
    app.settle()
    assert app.state.grid.kind == kind


def test_the_size_is_chosen_and_every_cell_is_its_code(grid: App, home: Path) -> None:
    view = grid.explore_view.grid
    view.side.changed.emit(4)
    grid.settle()
    assert view.grid.count() == 16
    assert grid.state.grid.missing == 0
    model = engine_model(home, "Tiny VAE")
    for cell in grid.state.grid.cells:
        assert np.abs(model.decode(cell.code[None])[0].astype(int) - cell.picture).max() <= 1
    before = grid.state.grid.pictures
    view.roll.clicked.emit()
    grid.settle()
    assert not np.array_equal(before, grid.state.grid.pictures)


def test_neighbours_stand_around_the_current_code_and_a_click_takes_one(grid: App) -> None:
    choose(grid, "neighbours")
    state = grid.state.grid
    side = state.shown_side
    assert side % 2 == 1
    current = grid.state.drawn.code
    np.testing.assert_array_equal(state.cells[side * side // 2].code, current)
    wanted = state.cells[0].code
    angle = np.arccos(wanted @ current / np.linalg.norm(wanted) / np.linalg.norm(current))
    assert angle == pytest.approx(state.radius, abs=1e-2)
    click(grid, 0)
    np.testing.assert_array_equal(grid.state.drawn.code, wanted)
    # The grid goes on around the new one.
    np.testing.assert_array_equal(grid.state.grid.cells[side * side // 2].code, wanted)
    grid.explore.looks.undo()
    grid.settle()
    np.testing.assert_array_equal(grid.state.drawn.code, current)


def test_a_wider_radius_is_farther_away(grid: App) -> None:
    choose(grid, "neighbours")
    grid.explore_view.grid.radius.changed.emit(0.1)
    grid.settle()
    near = grid.state.grid.cells[0].code - grid.state.drawn.code
    grid.explore_view.grid.radius.changed.emit(1.2)
    grid.settle()
    far = grid.state.grid.cells[0].code - grid.state.drawn.code
    assert np.linalg.norm(far) > 5 * np.linalg.norm(near)


def test_the_manifold_of_two_directions_moves_their_sliders(grid: App) -> None:
    choose(grid, "manifold")
    view = grid.explore_view.grid
    assert view.axes[0].isVisible()
    names = [axis.current() for axis in view.axes]
    assert names == ["Smiling", "Pale_Skin"]
    picture = grid.state.grid.cells[0].picture.copy()
    click(grid, 0)
    assert grid.state.look.edits == (("Smiling", -3.0), ("Pale_Skin", 3.0))
    np.testing.assert_array_equal(grid.state.drawn.picture, picture)
    assert grid.state.grid.chosen == 0
    assert grid.explore_view.inspector.sliders["Smiling"].value() == -3.0
    view.axisChosen.emit(0, "Pale_Skin")
    grid.settle()
    assert grid.state.grid.axes == ("Pale_Skin", "Smiling"), "the same one twice swaps them"


@pytest.mark.slow
def test_the_manifold_is_dragged_zoomed_and_put_back(grid: App) -> None:
    choose(grid, "manifold")
    widget = grid.explore_view.grid.grid
    before = grid.state.grid.pictures
    start = widget.item_rect(0).center()
    drag(widget, [start, start + QPoint(40, 0), start + QPoint(80, 0)])
    grid.settle()
    assert grid.state.grid.centre[0] < 0, "the window goes against the hand"
    assert grid.state.look.edits == (), "a drag is no click"
    spot = QPointF(start)
    wheel = QWheelEvent(
        spot,
        widget.mapToGlobal(spot),
        QPoint(),
        QPoint(0, 240),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, wheel)
    grid.settle()
    assert grid.state.grid.span < 1.0
    QTest.keyClick(widget, Qt.Key.Key_Minus)
    QTest.keyClick(widget, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    grid.settle()
    assert not np.array_equal(before, grid.state.grid.pictures)
    QTest.mouseClick(grid.explore_view.grid.whole, Qt.MouseButton.LeftButton)
    grid.settle()
    np.testing.assert_array_equal(before, grid.state.grid.pictures)


def test_a_code_of_two_numbers_shows_its_whole_plane(home: Path, open_app: OpenApp) -> None:
    config = {"width": 8, "code": 2}
    model = build("vae", config, (3, SIZE, SIZE))
    louder(model)
    save_model(home / "models" / "plane.safetensors", model, ModelHeader("vae", config, (3, SIZE, SIZE), title="Plane"))
    app = open_app(model="Plane")
    app.explore.show_view("grid")
    choose(app, "manifold")
    assert not app.explore_view.grid.axes[0].isVisible()
    codes = np.stack([cell.code for cell in app.state.grid.cells])
    assert codes.shape == (36, 2)
    np.testing.assert_allclose(codes.sum(axis=0), 0, atol=1e-5)
    assert (np.diff(codes[:6, 0]) > 0).all()
    click(app, 3)
    assert isinstance(app.state.look.source, Coded)
    np.testing.assert_array_equal(app.state.drawn.code, codes[3])


def test_a_grid_that_fills_holds_up_no_drag(grid: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that is asked for while the grid fills is drawn before the pieces that wait."""
    done: list[str] = []
    decode, draw = OpenModel.decode, OpenModel.draw
    asked = threading.Event()

    def decoded(self: OpenModel, codes: np.ndarray) -> np.ndarray:
        # The first piece is at work until the picture has been asked for; what comes next is the lane's choice.
        assert asked.wait(100)
        done.append(f"{len(codes)}")
        return decode(self, codes)

    def drawn(self: OpenModel, request: DrawRequest) -> object:
        done.append("draw")
        return draw(self, request)

    monkeypatch.setattr(OpenModel, "decode", decoded)
    monkeypatch.setattr(OpenModel, "draw", drawn)
    grid.explore.grid.set_side(10)
    grid.explore.looks.set_edit("Smiling", 1.0)
    asked.set()
    grid.settle()
    assert done.index("draw") <= 1
    assert done.count("4") == 25
    assert grid.state.grid.missing == 0


def test_a_newer_grid_takes_the_place_of_one_that_still_fills(grid: App) -> None:
    for side in (10, 9, 8, 4):
        grid.explore.grid.set_side(side)
    grid.settle()
    assert len(grid.state.grid.cells) == 16
    assert grid.state.grid.missing == 0
    assert grid.said == ""


@pytest.mark.slow
def test_frozen_levels_show_in_the_samples(home: Path, open_app: OpenApp) -> None:
    app = open_app(model="Tiny Glow")
    app.explore.levels.freeze(0, True)
    app.settle()
    held = app.state.look.levels[0].held.code
    size = app.state.info.groups[0].size
    app.explore.show_view("grid")
    app.settle()
    for cell in app.state.grid.cells:
        np.testing.assert_array_equal(cell.code[:size], held[:size])
    wanted = app.state.grid.cells[5].code
    click(app, 5)
    np.testing.assert_array_equal(app.state.drawn.code, wanted)
