"""Compare in the real window: every model follows the same sliders and the same path, and none holds up the first."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest

from app.bench.compare import measure_compare
from app.explore.compare.row_view import RowView
from app.explore.compare.rows import recipe_of
from app.widgets.pixels import KEY_MIME
from engine.api import Coded, DrawRequest
from engine.exploring.open_model import OpenModel
from tests.gui.conftest import TITLES, App, OpenApp, drag, drop, engine_model

ALL = ["Tiny VAE", "Tiny GAN", "Tiny Glow"]


@pytest.fixture(autouse=True)
def quick_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search of four steps finds a code, too."""
    encode = OpenModel.encode

    def quick(self: OpenModel, *args: object, **options: object) -> object:
        return encode(self, *args, **{**options, "steps": 4})

    monkeypatch.setattr(OpenModel, "encode", quick)


def compare(app: App, portrait: Path) -> None:
    """Drops the photo into Compare, as the models see it, and waits for all rows; whole photos are in
    test_whole_compare.py."""
    app.press("view.photo")
    assert app.state.full.wanted == "model"
    app.explore.show_view("compare")
    drop(app.explore_view.compare.board.photo, [portrait])
    app.wait(lambda: bool(app.state.compare) and all(row.status == "done" for row in app.state.compare))
    app.settle()


def views(app: App) -> list[RowView]:
    return app.explore_view.compare.board.rows


def caught_up(app: App) -> bool:
    return all(row.recipe == recipe_of(row, app.state) and not row.drawing for row in app.state.compare)


def drag_slider(app: App, name: str, *, share: float = 0.8, steps: int = 30) -> float:
    slider = app.explore_view.inspector.sliders[name]
    track = slider.track_rect()
    spots = [*(0.5 + 0.4 * np.sin(np.linspace(0, 9, steps))), share]
    drag(slider, [QPoint(round(track.left() + s * track.width()), round(track.center().y())) for s in spots])
    value = slider.value()
    assert value != 0.0
    return value


def edited(
    home: Path, app: App, edits: tuple[tuple[str, float], ...], locked: tuple[str, ...] = ()
) -> list[np.ndarray]:
    """What the engine draws for each row."""
    return [
        engine_model(home, row.title).draw(DrawRequest(Coded(row.encoded.code), edits, locked)).picture
        for row in app.state.compare
    ]


def test_every_row_follows_the_sliders_and_the_locks_and_reset_brings_the_photo_back(
    app: App, home: Path, portrait: Path
) -> None:
    compare(app, portrait)
    assert [view.title.text() for view in views(app)] == ALL
    for view, row in zip(views(app), app.state.compare, strict=True):
        np.testing.assert_array_equal(view.current.picture(), row.encoded.reconstruction)
        np.testing.assert_array_equal(view.picture.picture(), row.encoded.reconstruction)
        np.testing.assert_array_equal(view.error.picture(), row.encoded.error_map)
    value = drag_slider(app, "Smiling")
    app.wait(lambda: caught_up(app))
    app.settle()
    for view, picture in zip(views(app), edited(home, app, (("Smiling", value),)), strict=True):
        np.testing.assert_array_equal(view.current.picture(), picture)
        assert "Smiling" in view.current.captions()[0]
    app.explore_view.inspector.lockChanged.emit("Pale_Skin", True)
    app.wait(lambda: caught_up(app) and app.state.look.locked == ("Pale_Skin",))
    app.settle()
    locked = edited(home, app, (("Smiling", value),), ("Pale_Skin",))
    for view, picture in zip(views(app), locked, strict=True):
        np.testing.assert_array_equal(view.current.picture(), picture)
    app.explore_view.inspector.resetWanted.emit()
    app.wait(lambda: caught_up(app))
    app.settle()
    for view, row in zip(views(app), app.state.compare, strict=True):
        np.testing.assert_array_equal(view.current.picture(), row.encoded.reconstruction)


@pytest.mark.slow
def test_one_path_drives_all_rows(app: App, home: Path, portrait: Path) -> None:
    compare(app, portrait)
    view = app.explore_view.compare
    assert not view.path.isEnabled(), "without a second photo there is no path"
    other = next(photo.key for photo in app.state.photos if photo.shipped)
    mime = QMimeData()
    mime.setData(KEY_MIME, other.encode())
    copy, left, plain = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    view.board.other.dropEvent(QDropEvent(QPointF(20, 20), copy, mime, left, plain))
    app.wait(lambda: all(row.other is not None for row in app.state.compare))
    track = view.path.track_rect()
    drag(view.path, [QPoint(round(track.left() + s * track.width()), round(track.center().y())) for s in (0, 0.3, 0.5)])
    fraction = view.path.value()
    assert 0.3 < fraction < 0.7
    app.explore.looks.set_edit("Smiling", 1.5)
    app.wait(lambda: caught_up(app))
    app.settle()
    for shown, row in zip(views(app), app.state.compare, strict=True):
        model = engine_model(home, row.title)
        code = model.morph(np.stack([row.encoded.code, row.other.code]), [fraction], method=app.state.morph.method)[0]
        picture = model.draw(DrawRequest(Coded(code), (("Smiling", 1.5),))).picture
        np.testing.assert_array_equal(shown.current.picture(), picture)
    app.explore_view.inspector.resetWanted.emit()
    app.wait(lambda: caught_up(app))
    assert app.state.comparison.fraction == 0.0
    for shown, row in zip(views(app), app.state.compare, strict=True):
        np.testing.assert_array_equal(shown.current.picture(), row.encoded.reconstruction)


@pytest.mark.slow
def test_b_is_picked_from_a_sheet_of_the_library(app: App, portrait: Path) -> None:
    compare(app, portrait)
    sheet = app.explore_view.compare.board.other.open_sheet()
    assert sheet is not None
    QTest.keyClick(sheet.grid, Qt.Key.Key_Right)
    QTest.keyClick(sheet.grid, Qt.Key.Key_Return)
    assert app.state.comparison.other == app.state.photos[1].key
    app.settle()


@pytest.mark.slow
def test_a_row_without_the_direction_says_so_and_stays(home: Path, open_app: OpenApp, portrait: Path) -> None:
    (home / "models" / "gan.directions.safetensors").unlink()
    app = open_app()
    compare(app, portrait)
    app.explore.looks.set_edit("Smiling", 2.0)
    app.wait(lambda: caught_up(app))
    bare = views(app)[ALL.index("Tiny GAN")]
    assert "Smiling" in bare.note.text()
    np.testing.assert_array_equal(bare.current.picture(), app.state.compare[1].encoded.reconstruction)
    others = [view for view in views(app) if view is not bare]
    assert all(not view.note.text() for view in others)


def test_other_rows_never_hold_up_the_first_and_the_newest_wins(
    app: App, home: Path, portrait: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare(app, portrait)
    gate, draws = threading.Event(), []
    draw = OpenModel.draw

    def slow(self: OpenModel, request: DrawRequest) -> object:
        if threading.current_thread().name == "lane-study":
            draws.append((self.info.title, request.edits))
            gate.wait(100)
        return draw(self, request)

    monkeypatch.setattr(OpenModel, "draw", slow)
    value = drag_slider(app, "Smiling", steps=60)
    newest = (("Smiling", value),)
    app.wait(lambda: app.state.compare[0].recipe.edits == newest)
    assert len(draws) == 1, "the study lane works on one picture, the rest waits and is replaced"
    assert all(row.drawing for row in app.state.compare[1:])
    gate.set()
    app.wait(lambda: caught_up(app))
    app.settle()
    assert len(draws) <= 4
    assert {title for title, edits in draws if edits == newest} == {"Tiny GAN", "Tiny Glow"}
    for view, picture in zip(views(app), edited(home, app, newest), strict=True):
        np.testing.assert_array_equal(view.current.picture(), picture)


@pytest.mark.slow
def test_answers_from_before_an_undo_are_dropped(app: App, portrait: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compare(app, portrait)
    gate, entered = threading.Event(), threading.Event()
    draw = OpenModel.draw

    def slow(self: OpenModel, request: DrawRequest) -> object:
        if threading.current_thread().name == "lane-study":
            entered.set()
            gate.wait(100)
        return draw(self, request)

    monkeypatch.setattr(OpenModel, "draw", slow)
    drag_slider(app, "Smiling")
    app.wait(entered.is_set)
    app.explore.looks.undo()
    app.wait(lambda: caught_up(app))
    seen: list[bool] = []
    app.conductor.store.changed.connect(
        lambda before, now: seen.append(all(row.recipe is None or row.recipe.plain() for row in now.compare[1:]))
    )
    gate.set()
    app.settle()
    assert all(seen)
    for view, row in zip(views(app), app.state.compare, strict=True):
        np.testing.assert_array_equal(view.current.picture(), row.encoded.reconstruction)


@pytest.mark.slow
def test_a_click_on_a_title_makes_it_the_model_on_show_with_photo_and_sliders(
    app: App, home: Path, portrait: Path
) -> None:
    compare(app, portrait)
    app.explore.looks.set_edit("Smiling", 2.0)
    app.explore.looks.settle()
    app.wait(lambda: caught_up(app))
    entries = len(app.state.history.entries)
    QTest.mouseClick(views(app)[2].title, Qt.MouseButton.LeftButton)
    app.wait(lambda: app.state.info.title == "Tiny Glow")
    app.settle()
    look = app.state.look
    assert look.edits == (("Smiling", 2.0),)
    assert look.photo == str(portrait)
    assert len(app.state.history.entries) == entries + 1
    assert app.state.view == "compare"
    picture = app.explore_view.single.picture.picture()
    np.testing.assert_array_equal(picture, views(app)[2].current.picture())
    np.testing.assert_array_equal(picture, edited(home, app, look.edits)[2])


@pytest.mark.slow
def test_models_come_and_go_by_the_menu(app: App, portrait: Path) -> None:
    compare(app, portrait)
    menu = app.explore_view.compare.menu

    def action(title: str) -> object:
        return next(action for action in menu.actions() if action.text() == title)

    kept = app.state.compare[2].encoded
    action("Tiny GAN").trigger()
    assert [view.title.text() for view in views(app)] == ["Tiny VAE", "Tiny Glow"]
    assert app.state.compare[1].encoded is kept, "what was encoded stays"
    action("Tiny VAE").trigger()
    assert not action("Tiny Glow").isEnabled(), "the last one stays"
    action("Tiny GAN").trigger()
    assert [view.title.text() for view in views(app)] == ["Tiny GAN", "Tiny Glow"]
    app.wait(lambda: all(row.status == "done" for row in app.state.compare))
    # The model on show is not among the rows: all of them are drawn beside it.
    value = drag_slider(app, "Smiling")
    app.wait(lambda: caught_up(app))
    assert all(row.recipe.edits == (("Smiling", value),) for row in app.state.compare)


@pytest.mark.slow
def test_another_photo_begins_again_at_its_reconstruction(app: App, portrait: Path) -> None:
    compare(app, portrait)
    app.explore.compare.set_other(app.state.photos[-1].key)
    app.explore.compare.set_fraction(0.5)
    app.wait(lambda: caught_up(app))
    old = [row.encoded for row in app.state.compare]
    app.explore_view.library.photos.activated.emit(app.state.photos[1].key)
    app.wait(lambda: all(row.status == "done" for row in app.state.compare))
    app.settle()
    assert app.state.comparison.fraction == 0.0
    assert all(row.encoded is not before for row, before in zip(app.state.compare, old, strict=True))
    for view, row in zip(views(app), app.state.compare, strict=True):
        np.testing.assert_array_equal(view.current.picture(), row.encoded.reconstruction)


@pytest.mark.slow
def test_a_model_that_fails_does_not_stop_the_others(app: App, portrait: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compare(app, portrait)
    draw = OpenModel.draw

    def broken(self: OpenModel, request: DrawRequest) -> object:
        if self.info.title == "Tiny GAN":
            raise MemoryError
        return draw(self, request)

    monkeypatch.setattr(OpenModel, "draw", broken)
    before = views(app)[1].current.picture().copy()
    app.explore.looks.set_edit("Smiling", 2.0)
    app.wait(lambda: app.state.compare[2].recipe.edits == (("Smiling", 2.0),))
    app.settle()
    assert "memory" in app.said
    assert not app.state.compare[1].drawing
    np.testing.assert_array_equal(views(app)[1].current.picture(), before)


@pytest.mark.slow  # What it drags is dragged above; the figures are a benchmark's.
def test_the_benchmark_drags_in_compare(app: App) -> None:
    cards = {card.family: card for card in app.state.models}
    found = measure_compare(app.conductor, cards, 2)
    assert list(found) == [card.family for card in app.state.models]
    for row in found.values():
        assert row["rows"] == len(TITLES)
        assert row["model"] in TITLES.values()
        assert row["first_row"]["n"] == row["all_rows"]["n"] == 2
