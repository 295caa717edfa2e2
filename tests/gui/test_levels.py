"""The levels of a flow in the real window: frozen, swapped, alone, scaled, undone, and in double precision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from app.explore.levels.view import LevelRow, LevelsSection
from engine.api import Coded, Sampled
from tests.gui.conftest import App, OpenApp, drag, drop


@pytest.fixture
def glow(home: Path, open_app: OpenApp) -> App:
    """The window with the tiny Glow open and its levels unfolded."""
    app = open_app(model="Tiny Glow")
    app.explore.levels.open(True)
    app.settle()
    return app


def section(app: App) -> LevelsSection:
    return app.explore_view.inspector.levels


def rows(app: App) -> list[LevelRow]:
    return section(app).rows


def code(app: App) -> np.ndarray:
    return app.state.drawn.code


def level(app: App, index: int) -> slice:
    sizes = [group.size for group in app.state.info.groups]
    return slice(sum(sizes[:index]), sum(sizes[: index + 1]))


def push(app: App, button: QPushButton) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    app.settle()


def photo(tmp_path: Path, name: str, seed: int) -> Path:
    rough = np.random.default_rng(seed).integers(0, 255, (6, 6, 3), dtype=np.uint8)
    path = tmp_path / f"{name}.png"
    Image.fromarray(rough).resize((96, 96), Image.Resampling.BICUBIC).save(path)
    return path


def add(app: App, path: Path) -> None:
    app.explore.photos.add_files([str(path)])
    app.wait(lambda: app.state.photo == str(path) and app.state.encoded is not None)
    app.settle()


def test_only_models_of_several_levels_have_the_section(glow: App) -> None:
    assert section(glow).isVisible()
    assert len(rows(glow)) == len(glow.state.info.groups) > 1
    assert rows(glow)[0].norm.text() != "–"
    assert "numbers on 16 × 16 pixels" in rows(glow)[0].name.toolTip()
    glow.model("Tiny VAE")
    assert not section(glow).isVisible()


def test_a_frozen_level_stays_when_the_others_are_rolled_edited_and_wandered(glow: App) -> None:
    coarse = len(rows(glow)) - 1
    before = code(glow).copy()
    push(glow, rows(glow)[coarse].freeze)
    assert not rows(glow)[coarse].slider.isEnabled()
    np.testing.assert_array_equal(code(glow), before)
    glow.explore.roll()
    glow.explore.looks.set_edit("Smiling", 2.0)
    glow.explore.looks.set_temperature(None, 1.2)
    glow.explore.looks.wander(0.3, 0.2)
    glow.explore.looks.settle()
    glow.settle()
    np.testing.assert_array_equal(code(glow)[level(glow, coarse)], before[level(glow, coarse)])
    assert not np.isclose(code(glow)[level(glow, 0)], before[level(glow, 0)]).all()
    glow.explore_view.single.picture.doubleClicked.emit()
    glow.wait(lambda: isinstance(glow.state.look.source, Coded))
    glow.settle()
    np.testing.assert_array_equal(code(glow)[level(glow, coarse)], before[level(glow, coarse)])
    push(glow, rows(glow)[coarse].freeze)
    glow.explore.roll()
    glow.settle()
    assert not np.array_equal(code(glow)[level(glow, coarse)], before[level(glow, coarse)])


def test_levels_are_swapped_between_two_photos_and_undo_brings_them_back(glow: App, tmp_path: Path) -> None:
    a, b = photo(tmp_path, "Anna", 1), photo(tmp_path, "Björn", 2)
    add(glow, b)
    code_b = code(glow).copy()
    add(glow, a)
    code_a, picture_a = code(glow).copy(), glow.state.drawn.picture.copy()
    coarse = len(rows(glow)) - 1
    assert not rows(glow)[coarse].swap.isEnabled(), "there is no second picture yet"
    drop(section(glow).second, [b])
    glow.wait(lambda: glow.state.levels.second is not None and glow.state.levels.second.code is not None)
    glow.settle()
    push(glow, rows(glow)[coarse].swap)
    np.testing.assert_array_equal(code(glow)[level(glow, coarse)], code_b[level(glow, coarse)])
    np.testing.assert_array_equal(code(glow)[level(glow, 0)], code_a[level(glow, 0)])
    assert not np.array_equal(glow.state.drawn.picture, picture_a)
    assert "Björn" in glow.state.look.text()
    push(glow, section(glow).swap_all)
    np.testing.assert_array_equal(code(glow), code_b)
    glow.explore.looks.undo()
    glow.explore.looks.undo()
    glow.settle()
    np.testing.assert_array_equal(code(glow), code_a)
    assert not rows(glow)[coarse].swap.isChecked()


def test_a_photo_has_strengths_instead_of_temperatures(glow: App, tmp_path: Path) -> None:
    assert rows(glow)[0].slider.label() == "Temperature"
    add(glow, photo(tmp_path, "Anna", 1))
    row, before = rows(glow)[0], code(glow).copy()
    assert (row.slider.label(), row.slider.value()) == ("Strength", 1.0)
    track = row.slider.track_rect()
    spot = track.center().toPoint()
    drag(row.slider, [spot, track.topLeft().toPoint()])
    glow.settle()
    assert row.slider.value() < 0.3
    np.testing.assert_allclose(code(glow)[level(glow, 0)], before[level(glow, 0)] * np.float32(row.slider.value()))
    np.testing.assert_array_equal(code(glow)[level(glow, 1)], before[level(glow, 1)])
    entries = len(glow.state.history.entries)
    glow.explore.roll()
    glow.settle()
    assert rows(glow)[0].slider.label() == "Temperature"
    assert glow.state.look.levels == ()
    assert len(glow.state.history.entries) == entries + 1


def test_one_level_alone(glow: App) -> None:
    whole = code(glow).copy()
    push(glow, rows(glow)[1].solo)
    expected = np.zeros_like(whole)
    expected[level(glow, 1)] = whole[level(glow, 1)]
    np.testing.assert_array_equal(code(glow), expected)
    push(glow, rows(glow)[0].freeze)
    assert glow.state.look.levels[0].held is not None
    np.testing.assert_array_equal(
        glow.state.look.levels[0].held.code[level(glow, 0)], whole[level(glow, 0)], err_msg="held as it is, not as zero"
    )
    section(glow).actionClicked.emit()
    glow.settle()
    np.testing.assert_array_equal(code(glow), whole)


def test_rolling_one_level_leaves_the_others(glow: App) -> None:
    before = code(glow).copy()
    push(glow, rows(glow)[0].roll)
    assert not np.array_equal(code(glow)[level(glow, 0)], before[level(glow, 0)])
    np.testing.assert_array_equal(code(glow)[level(glow, 1)], before[level(glow, 1)])
    push(glow, rows(glow)[0].swap)
    np.testing.assert_array_equal(code(glow), before)


def test_seeds_and_the_current_picture_can_be_second(glow: App) -> None:
    push(glow, section(glow).seed)
    assert isinstance(glow.state.levels.second.code, Sampled)
    push(glow, section(glow).current)
    np.testing.assert_array_equal(glow.state.levels.second.code.code, code(glow))
    assert section(glow).second.picture() is not None


def test_what_each_level_drives_is_shown_while_it_rests(glow: App) -> None:
    glow.wait(lambda: len(glow.state.levels.maps) == len(rows(glow)))
    assert all(row.map.picture() is not None for row in rows(glow))
    assert "grey values" in rows(glow)[0].map.toolTip()


def test_double_precision_says_both_round_trips(glow: App) -> None:
    push_key(glow, Qt.Key.Key_D)
    glow.wait(lambda: glow.state.readout is not None and glow.state.readout.round_trip_double is not None)
    assert glow.state.readout.round_trip_double < 1e-9
    assert "f64" in glow.explore_view.inspector.round_trip.text()
    assert section(glow).double.isChecked()
    assert "MB more" in section(glow).double.toolTip()
    glow.explore.looks.undo()
    glow.settle()
    assert glow.state.look.precision == "float32"


def push_key(app: App, key: Qt.Key) -> None:
    QTest.keyClick(app.window, key, Qt.KeyboardModifier.AltModifier)
    app.settle()


def test_the_levels_of_another_model_are_forgotten(glow: App) -> None:
    push(glow, rows(glow)[0].freeze)
    push(glow, section(glow).seed)
    glow.model("Tiny VAE")
    assert glow.state.look.levels == ()
    assert glow.state.levels.second is None
    glow.explore.looks.undo()
    glow.wait(lambda: glow.state.info is not None and glow.state.info.title == "Tiny Glow")
    glow.settle()
    assert glow.state.look.levels[0].held is not None
    assert rows(glow)[0].freeze.isChecked()
