"""Sliders, wandering, sampling and the undo tree in the real window."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QWidget

from app.widgets.pixels import from_qimage
from engine.api import Coded, DrawRequest, Sampled
from engine.exploring.open_model import OpenModel
from tests.gui.conftest import TITLES, App, OpenApp, drag, expected, seeded
from tests.quick import quick

TICKS = 200


def shown(app: App) -> np.ndarray:
    picture = app.explore_view.single.picture.picture()
    assert picture is not None
    return picture


def slider_points(slider: QWidget, count: int) -> list[QPoint]:
    """To and fro over the track, ending at 70 %."""
    track = slider.track_rect()
    spots = [*(0.5 + 0.45 * np.sin(np.linspace(0, 12, count - 1))), 0.7]
    y = round(track.center().y())
    return [QPoint(round(track.left() + spot * track.width()), y) for spot in spots]


def test_the_first_picture_is_the_engines(app: App, home: Path) -> None:
    request = DrawRequest(seeded(app, app.state.seed))
    np.testing.assert_array_equal(shown(app), expected(home, "Tiny VAE", request))


@pytest.mark.parametrize("family", quick(sorted(TITLES), "flow"))
def test_after_200_drags_the_last_value_is_shown(
    family: str, home: Path, open_app: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_app(model=TITLES[family])
    draws: list[DrawRequest] = []
    draw = OpenModel.draw

    def counted(self: OpenModel, request: DrawRequest) -> object:
        draws.append(request)
        return draw(self, request)

    monkeypatch.setattr(OpenModel, "draw", counted)
    entries = len(app.state.history.entries)
    slider = app.explore_view.inspector.sliders["Smiling"]
    drag(slider, slider_points(slider, TICKS))
    app.settle()
    value = slider.value()
    assert value != 0.0
    request = DrawRequest(seeded(app, app.state.seed), (("Smiling", value),))
    assert draws[-1] == request
    np.testing.assert_array_equal(shown(app), expected(home, TITLES[family], request))
    assert len(draws) <= TICKS
    assert len(app.state.history.entries) == entries + 1, "a drag is one entry"


def test_a_drag_is_not_a_queue(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a slow picture is drawn, ticks replace each other: only the newest is drawn after it."""
    gate, draws = threading.Event(), []
    draw = OpenModel.draw

    def slow(self: OpenModel, request: DrawRequest) -> object:
        draws.append(request)
        gate.wait(100)
        return draw(self, request)

    monkeypatch.setattr(OpenModel, "draw", slow)
    slider = app.explore_view.inspector.sliders["Smiling"]
    drag(slider, slider_points(slider, TICKS))
    gate.set()
    app.settle()
    assert len(draws) <= 2
    assert app.state.drawn is not None
    assert app.state.drawn.request.edits == (("Smiling", slider.value()),)


def test_no_stale_picture_after_undo(app: App, home: Path) -> None:
    """Pictures of the drag that still come in after an undo are not shown."""
    before = shown(app).copy()
    pictures: list[np.ndarray] = []
    slider = app.explore_view.inspector.sliders["Smiling"]
    drag(slider, slider_points(slider, 20))
    app.explore.looks.undo()
    app.conductor.store.changed.connect(lambda old, now: pictures.append(now.drawn.request))
    app.settle()
    assert all(request.edits == () for request in pictures[-1:])
    np.testing.assert_array_equal(shown(app), before)
    assert slider.value() == 0.0


def test_wandering_moves_the_picture_and_double_click_keeps_it(app: App) -> None:
    picture = app.explore_view.single.picture
    before = shown(app).copy()
    rect = picture.picture_rect().toRect()
    start = rect.center()
    drag(picture, [start + QPoint(3 * step, step) for step in range(40)])
    app.settle()
    wandered = shown(app).copy()
    assert not np.array_equal(before, wandered)
    look = app.state.look
    assert look is not None
    assert look.wander.x > 0
    app.explore_view.single.picture.doubleClicked.emit()
    app.wait(lambda: isinstance(app.state.look.source, Coded) if app.state.look else False)
    app.settle()
    # The code went through a rounding to float32 on the way, nothing else.
    assert np.abs(shown(app).astype(int) - wandered).max() <= 1


def test_wheel_changes_how_far_a_drag_goes(app: App) -> None:
    reach = app.state.reach
    app.explore_view.single.picture.wheelTurned.emit(2.0)
    assert app.state.reach > reach
    assert f"{app.state.reach:.1f} rad" in app.explore_view.hint.text()


def test_temperature_zero_is_the_middle_for_any_seed(app: App) -> None:
    inspector = app.explore_view.inspector
    inspector.temperatureChanged.emit(None, 0.0)
    inspector.settled.emit()
    app.settle()
    first = shown(app).copy()
    app.explore.roll()
    app.settle()
    np.testing.assert_array_equal(first, shown(app))
    assert inspector.temperature.value() == 0.0


def test_a_seed_gives_its_face_again(app: App, home: Path) -> None:
    app.explore_view.inspector.seed.changed.emit(77)
    app.settle()
    np.testing.assert_array_equal(shown(app), expected(home, "Tiny VAE", DrawRequest(seeded(app, 77))))


def test_temperature_of_one_level(home: Path, open_app: OpenApp) -> None:
    app = open_app(model="Tiny Glow")
    inspector = app.explore_view.inspector
    assert len(inspector.levels.sliders) == len(app.state.info.groups) > 1
    inspector.temperatureChanged.emit(0, 0.0)
    app.settle()
    look = app.state.look
    assert isinstance(look.source, Sampled)
    assert look.source.temperature[0] == 0.0
    assert look.source.temperature[1] > 0.0


def test_weak_attributes_are_marked_and_explained(app: App) -> None:
    sliders = app.explore_view.inspector.sliders
    assert "0.61" in sliders["Pale_Skin"].warning()
    assert sliders["Smiling"].warning() == ""


def test_lock_reaches_the_engine(app: App) -> None:
    app.explore_view.inspector.sliders["Pale_Skin"].lockToggled.emit(True)
    app.explore.looks.set_edit("Smiling", 2.0)
    app.settle()
    assert app.state.drawn.request.locked == ("Pale_Skin",)


def test_undo_tree_keeps_branches(app: App) -> None:
    explore, strip = app.explore.looks, app.explore_view.single.history
    seeds = []
    for seed in (11, 12):
        explore.set_seed(seed)
        app.settle()
        seeds.append(shown(app).copy())
    explore.undo()
    app.settle()
    np.testing.assert_array_equal(shown(app), seeds[0])
    explore.redo()
    app.settle()
    np.testing.assert_array_equal(shown(app), seeds[1])
    explore.undo()
    explore.set_seed(13)
    app.settle()
    history = app.state.history
    assert len(history.entries) == 4
    assert history.branches() == (False, False, False, True)
    assert strip.count() == 4
    strip.selected.emit(2)
    app.settle()
    np.testing.assert_array_equal(shown(app), seeds[1])
    assert app.state.seed == 12
    explore.redo()
    assert app.state.history.current == 2, "a tip has no way on"


def test_history_pictures_are_filled(app: App) -> None:
    app.explore.looks.set_seed(5)
    app.settle()
    assert all(entry.picture is not None for entry in app.state.history.entries)


def test_undo_across_models_opens_the_old_one(app: App) -> None:
    before, first = shown(app).copy(), app.state.model
    app.model("Tiny GAN")
    assert app.state.model != first
    app.explore.looks.undo()
    app.wait(lambda: app.state.model == first)
    app.settle()
    np.testing.assert_array_equal(shown(app), before)


def test_sliders_stay_when_the_model_changes(app: App) -> None:
    app.explore.looks.set_edit("Smiling", 1.5)
    app.explore.looks.set_edit("PCA 1", 1.0)
    app.explore.looks.settle()
    app.model("Tiny GAN")
    assert app.state.look.edits == (("Smiling", 1.5),)
    assert app.explore_view.inspector.sliders["Smiling"].value() == 1.5


def test_grid_pick_becomes_the_current_code(app: App) -> None:
    app.explore.show_view("grid")
    app.wait(lambda: app.state.grid.pictures is not None)
    view = app.explore_view.grid
    assert view.grid.count() == 36
    cell = app.state.grid.pictures[7].copy()
    view.grid.cellClicked.emit(7)
    app.settle()
    assert np.abs(shown(app).astype(int) - cell).max() <= 1
    app.explore.roll()
    app.wait(lambda: app.state.grid.seed == 2)
    app.settle()
    assert not np.array_equal(app.state.grid.pictures[7], cell)


def test_a_broken_checkpoint_leaves_the_old_model(app: App, tmp_path: Path) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b'\x08\x00\x00\x00\x00\x00\x00\x00{"a":1}' + b"x" * 40)
    before, model = shown(app).copy(), app.state.model
    app.explore.photos.add_files([str(broken)])
    app.wait(lambda: bool(app.said))
    assert "broken.safetensors" in app.said
    assert "Traceback" not in app.said
    assert app.state.opening is None
    assert app.state.model == model
    np.testing.assert_array_equal(shown(app), before)
    app.explore.looks.set_seed(3)
    app.settle()
    assert not np.array_equal(shown(app), before), "the old model still draws"


@pytest.mark.slow
def test_no_model_at_all_offers_training(own_home: Path, open_app: OpenApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.library.shipped_models", lambda: [])
    app = open_app(model="", ready=False)
    app.wait(lambda: app.state.models == () and app.state.catalogue is not None)
    empty = app.explore_view.empty
    assert empty.isVisible()
    empty.actionClicked.emit()
    assert app.train_view.isVisible()
    app.settle()


def test_text_really_renders(app: App) -> None:
    label = app.explore_view.hint
    picture = from_qimage(label.grab().toImage())
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 10


def test_themes_differ_and_come_back(app: App) -> None:
    dark = from_qimage(app.window.grab().toImage())
    app.conductor.switch_theme()
    light = from_qimage(app.window.grab().toImage())
    assert light.mean() > dark.mean() + 60
    app.conductor.switch_theme()
    assert app.state.theme == "dark"


@pytest.mark.slow
def test_nothing_hangs_over_the_edge(app: App) -> None:
    """Every visible widget of every view lies inside it."""
    explore = app.explore_view
    pages = {"single": explore.single, "compare": explore.compare, "grid": explore.grid, "morph": explore.morph}
    for size in ((1120, 640), (1280, 720), (1920, 1080)):
        app.window.resize(*size)
        for view, page in pages.items():
            app.explore.show_view(view)
            app.settle()
            assert page.isVisible()
            for child in page.findChildren(QWidget):
                if child.isVisible() and child.parentWidget() is page:
                    assert page.rect().contains(child.geometry()), f"{view} {size}: {child} at {child.geometry()}"


def test_another_device_is_chosen_from_the_readout_and_draws_on(app: App, home: Path) -> None:
    actions = {action.data(): action for action in app.window.top.devices.actions()}
    assert actions["auto"].isChecked()
    actions["cpu"].trigger()
    app.wait(lambda: app.conductor.preferences.now.device == "cpu")
    app.settle()
    assert [action.data() for action in app.window.top.devices.actions() if action.isChecked()] == ["cpu"]
    app.explore.looks.set_seed(5)
    app.settle()
    np.testing.assert_array_equal(shown(app), expected(home, "Tiny VAE", DrawRequest(seeded(app, 5))))


def test_a_device_that_is_not_here_is_refused_in_one_sentence(app: App) -> None:
    before = shown(app).copy()
    app.conductor.choose_device("nowhere")
    app.wait(lambda: "this machine has" in app.said)
    app.settle()
    np.testing.assert_array_equal(shown(app), before)
    assert app.conductor.preferences.now.device == "auto"
