"""Views by themselves: what they show of a state, and what the gestures on them emit; no window, model or lane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.explore.compare.view import CompareView
from app.explore.grid.state import MANIFOLD, NEIGHBOURS, GridCell, GridState
from app.explore.grid.view import GridView
from app.explore.history.state import Bookmark
from app.explore.history.steps_view import StepsPanel
from app.explore.inspector.view import Inspector
from app.explore.library.view import Library
from app.explore.morph.panel import MorphPanel
from app.explore.morph.state import MorphSlot, MorphState
from app.explore.morph.view import MorphView
from app.explore.single.view import SingleView
from app.state import AppState
from app.train.collapse.view import CollapsePanel
from app.train.data.panel import DataPanel
from app.train.data.state import DataState
from app.train.runs.panel import RunsPanel
from engine.api import Sampled
from tests.app.states import CODE, SIDE, explored, info, photographed, picture

LEFT = Qt.MouseButton.LeftButton
VIEWS: tuple[Callable[[], Any], ...] = (
    CollapsePanel,
    CompareView,
    DataPanel,
    GridView,
    Inspector,
    Library,
    MorphPanel,
    MorphView,
    RunsPanel,
    SingleView,
    StepsPanel,
)


def shown(qtbot: QtBot, view: Any, now: AppState, before: AppState | None = None) -> Any:
    if before is None:
        qtbot.addWidget(view)
        view.resize(900, 620)
        view.show()
    view.show_state(now, before)
    return view


def told(signal: Any) -> list[Any]:
    """What a signal says from now on: its one argument, or all of them."""
    said: list[Any] = []
    signal.connect(lambda *words: said.append(words[0] if len(words) == 1 else words))
    return said


def pixels(view: QWidget) -> np.ndarray:
    QApplication.processEvents()
    # Of two windows one alone has the focus.
    if (focused := QApplication.focusWidget()) is not None:
        focused.clearFocus()
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint8).copy()


@pytest.mark.parametrize("make", VIEWS, ids=lambda view: view.__name__)
def test_it_renders_nothing_at_all_then_a_state_and_the_same_state_is_the_same_picture(
    make: Callable[[], Any], qtbot: QtBot
) -> None:
    """A state is the whole truth: rendered step by step or at once, it looks the same."""
    empty, full = AppState(), explored()
    stepwise = shown(qtbot, make(), empty)
    shown(qtbot, stepwise, full, empty)
    once = shown(qtbot, make(), full)
    # Layouts settle over a few turns of the event loop.
    qtbot.waitUntil(lambda: np.array_equal(pixels(stepwise), pixels(once)))


def test_the_inspector_shows_the_look_and_emits_what_a_key_on_a_slider_changes(qtbot: QtBot) -> None:
    view = shown(qtbot, Inspector(), explored())
    assert {name: slider.value() for name, slider in view.sliders.items()} == {
        "Smiling": 1.5,
        "Pale_Skin": 0.0,
        "PCA 1": 0.0,
    }
    assert (view.norm.text(), view.bits.text(), view.decode.text()) == ("0.980", "3.21 bits/dim", "12.0 ms median")
    edits, settled, locks = told(view.editChanged), told(view.settled), told(view.lockChanged)
    slider = view.sliders["Pale_Skin"]
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_Right)
    assert edits[-1] == ("Pale_Skin", slider.value())
    assert slider.value() > 0
    assert settled
    slider.lockToggled.emit(True)
    assert locks == [("Pale_Skin", True)]


def test_a_photos_code_has_no_temperature_and_a_bound_says_so(qtbot: QtBot) -> None:
    now = explored()
    view = shown(qtbot, Inspector(), now)
    assert view.temperature.isEnabled()
    photo = photographed()
    shown(qtbot, view, photo, now)
    assert not view.temperature.isEnabled()
    assert "no temperature" in view.temperature.toolTip()
    bound = replace(photo, info=info(density="bound", encode="amortised"))
    shown(qtbot, view, bound, photo)
    assert view.bits.text() == "≤ 3.21 bits/dim"
    assert not view.round_trip.isVisible()


def test_sliders_of_the_same_model_stay_and_those_of_another_are_new(qtbot: QtBot) -> None:
    now = explored()
    view = shown(qtbot, Inspector(), now)
    kept = view.sliders["Smiling"]
    newer = replace(now, info=info(step=500))
    shown(qtbot, view, newer, now)
    assert view.sliders["Smiling"] is kept, "a hand may be on it while a run brings newer weights"
    other = replace(newer, info=info(key="vae", attributes=info().attributes[:1], components=()))
    shown(qtbot, view, other, newer)
    assert list(view.sliders) == ["Smiling"]
    assert view.sliders["Smiling"] is not kept


def test_the_library_lists_models_and_photos_and_emits_their_keys(qtbot: QtBot) -> None:
    view = shown(qtbot, Library(), explored())
    assert [card.title for card in view.models.cards() if not card.heading] == ["Tiny Glow", "Tiny VAE"]
    models, photos = told(view.modelChosen), told(view.photos.activated)
    view.models.activated.emit("vae")
    view.photos.activated.emit("two")
    assert (models, photos) == (["vae"], ["two"])
    shown(qtbot, view, explored(models=()), explored())
    assert not view.models.isVisible()


def test_single_shows_what_was_drawn_its_words_and_its_figures(qtbot: QtBot) -> None:
    now = explored()
    view = shown(qtbot, SingleView(), now)
    np.testing.assert_array_equal(view.picture.picture(), picture(2))
    left, right = view.picture.captions()
    assert left == "Seed 18 + Smiling +1.5 σ"
    assert "3.21 bits/dim" in right
    assert not view.photo.isVisible()
    moved = told(view.picture.dragged)
    view.picture.setFocus()
    QTest.keyClick(view.picture, Qt.Key.Key_Right)
    assert [(round(x, 3), y) for x, y in moved] == [(0.02, 0.0)]


def test_a_photo_of_which_only_the_cut_was_kept_stands_beside_its_error(qtbot: QtBot) -> None:
    view = shown(qtbot, SingleView(), photographed())
    assert view.photo.isVisible()
    np.testing.assert_array_equal(view.photo.picture(), picture(3))
    np.testing.assert_array_equal(view.error.picture(), picture(6))
    assert "24.5 dB" in " ".join(view.error.captions())


def test_the_history_lists_its_steps_jumps_and_says_what_is_kept(qtbot: QtBot) -> None:
    now = explored()
    view = shown(qtbot, StepsPanel(), now)
    assert (view.numbers(), view.strip.selected_index()) == ([0, 1], 1)
    jumps, kept = told(view.jumped), told(view.keepEntryWanted)
    view.strip.selected.emit(0)
    assert jumps == [0]
    menu = view.menu_for(0)
    assert [action.text() for action in menu.actions() if action.text()][-1] == "Keep as bookmark"
    menu.actions()[-1].trigger()
    menu.deleteLater()
    assert kept == [0]
    assert view.menu_for(7) is None
    assert view.star.text() == "☆ Keep"
    shown(qtbot, view, replace(now, bookmarks=(Bookmark("mine", now.look, picture(2)),)), now)
    assert view.star.text() == "★ Kept"


def test_the_grid_shows_its_cells_and_hides_what_its_kind_lacks(qtbot: QtBot) -> None:
    cells = tuple(GridCell(picture(i), np.zeros(CODE, np.float32)) for i in range(16))
    now = explored(grid=GridState(side=4, cells=cells, chosen=3))
    view = shown(qtbot, GridView(), now)
    assert view.grid.count() == 16
    assert not view.radius.isVisible()
    near = replace(now, grid=replace(now.grid, kind=NEIGHBOURS))
    shown(qtbot, view, near, now)
    assert view.radius.isVisible()
    plane = replace(near, grid=replace(now.grid, kind=MANIFOLD))
    shown(qtbot, view, plane, near)
    assert not view.radius.isVisible()
    assert not view.roll.isEnabled(), "a manifold is no draw"
    assert all(axis.isVisible() for axis in view.axes)


def test_morph_waits_for_two_corners_and_shows_the_way(qtbot: QtBot) -> None:
    now = explored()
    view = shown(qtbot, MorphView(), now)
    assert not view.play.isEnabled()
    slots = tuple(MorphSlot(name, picture(i), code=np.zeros(CODE, np.float32)) for i, name in enumerate("AB"))
    strip = np.stack([picture(i) for i in range(9)])
    ready = replace(now, morph=MorphState(slots=slots, strip=strip, picture=picture(4), fraction=0.25))
    shown(qtbot, view, ready, now)
    assert view.play.isEnabled()
    assert view.picture.captions() == ("A → B", "25% of the way")
    chosen, fractions = told(view.slotChosen), told(view.fractionChanged)
    view.corners[1].clicked.emit()
    view.strip.selected.emit(8)
    assert (chosen, fractions) == ([1], [1.0])
    playing = replace(ready, morph=replace(ready.morph, playing=True))
    shown(qtbot, view, playing, ready)
    assert view.play.text() == "Halt"


def test_data_that_is_being_looked_at_cannot_be_looked_at_twice(qtbot: QtBot) -> None:
    view = DataPanel()
    qtbot.addWidget(view)
    view.show()
    view.path.set_path("/somewhere")
    choice = view.choice()
    now = AppState(data=DataState(choice=choice))
    view.show_state(now, None)
    wanted = told(view.look.clicked)
    assert view.look.isEnabled() == bool(choice.path)
    busy = replace(now, data=replace(now.data, busy=True))
    view.show_state(busy, now)
    assert not view.look.isEnabled()
    QTest.mouseClick(view.look, LEFT)
    assert wanted == []


def test_a_seed_is_a_sample_again(qtbot: QtBot) -> None:
    """From a photo back to a seed: nothing of the photo stays on show."""
    photo, sample = photographed(), explored()
    view = shown(qtbot, SingleView(), photo)
    shown(qtbot, view, sample, photo)
    assert isinstance(sample.look.source, Sampled)
    assert not view.photo.isVisible()
    assert not view.error.isVisible()
    assert view.picture.picture().shape == (SIDE, SIDE, 3)
