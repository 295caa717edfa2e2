"""Bookmarks and the split handle in the real window."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton

from app.explore.history.bookmarks_view import BookmarksPanel
from app.widgets.pixels import from_qimage
from app.widgets.split import SplitPicture
from tests.gui.conftest import App, drag

CTRL = Qt.KeyboardModifier.ControlModifier


def panel(app: App) -> BookmarksPanel:
    return app.explore_view.library.bookmarks


def picture(app: App) -> SplitPicture:
    return app.explore_view.single.picture


def edit(app: App, value: float) -> None:
    """The slider at a value, settled and drawn."""
    app.explore.looks.set_edit("Smiling", value)
    app.explore.looks.settle()
    app.wait(lambda: not app.state.drawing)
    app.settle()


def names(app: App) -> list[str]:
    return [card.title for card in panel(app).list.cards()]


def keep(app: App) -> None:
    QTest.keyClick(app.window, Qt.Key.Key_D, CTRL)
    QApplication.processEvents()


def pixels(widget: SplitPicture) -> np.ndarray:
    return from_qimage(widget.grab().toImage())


@pytest.fixture
def marked(app: App) -> App:
    """Three bookmarks, at +1, +2 and +3 sigmas, and the sliders at zero again."""
    for value in (1.0, 2.0, 3.0):
        edit(app, value)
        keep(app)
    edit(app, 0.0)
    return app


def test_the_star_keeps_the_state_with_its_picture(app: App) -> None:
    steps = app.explore_view.single.steps
    assert panel(app).isHidden()
    edit(app, 2.0)
    QTest.mouseClick(steps.star, Qt.MouseButton.LeftButton)
    assert not panel(app).isHidden()
    assert names(app) == ["Smiling +2.0 σ"]
    assert "Kept" in steps.star.text()
    mark = app.state.bookmarks[0]
    assert mark.look is app.state.look
    np.testing.assert_array_equal(mark.picture, picture(app).picture())
    keep(app)
    assert len(app.state.bookmarks) == 1
    assert "already" in app.said
    edit(app, 1.0)
    assert "Kept" not in steps.star.text()


def test_kept_in_the_middle_of_a_drag_it_has_the_picture_of_its_own_value(app: App) -> None:
    app.explore.looks.set_edit("Smiling", 2.5)
    keep(app)
    app.wait(lambda: bool(app.state.bookmarks))
    app.settle()
    assert app.state.bookmarks[0].look.edits == (("Smiling", 2.5),)
    np.testing.assert_array_equal(app.state.bookmarks[0].picture, picture(app).picture())


def test_a_click_goes_there_as_a_new_step(marked: App) -> None:
    app = marked
    entries = len(app.state.history.entries)
    rows = panel(app).list
    QTest.mouseClick(rows, Qt.MouseButton.LeftButton, pos=rows.card_rect("1").center())
    app.wait(lambda: not app.state.drawing)
    app.settle()
    assert app.state.look.edits == (("Smiling", 2.0),)
    np.testing.assert_array_equal(picture(app).picture(), app.state.bookmarks[1].picture)
    assert len(app.state.history.entries) == entries + 1
    assert rows.selected() == "1"
    app.explore.looks.undo()
    app.settle()
    assert app.state.look.edits == ()


def test_a_bookmark_of_another_model_opens_it(marked: App) -> None:
    app = marked
    kept = app.state.bookmarks[0]
    app.model("Tiny Glow")
    app.explore_view.library.bookmarks.chosen.emit(0)
    app.wait(lambda: app.state.info.title == "Tiny VAE")
    app.settle()
    assert app.state.look == kept.look
    np.testing.assert_array_equal(picture(app).picture(), kept.picture)
    assert app.state.history.here().look == kept.look


def test_f2_renames_and_escape_leaves(marked: App) -> None:
    rows = panel(marked).list
    rows.setFocus()
    QTest.keyClick(rows, Qt.Key.Key_Home)
    QTest.keyClick(rows, Qt.Key.Key_F2)
    QTest.keyClicks(rows.editor(), "  A  broad smile ")
    QTest.keyClick(rows.editor(), Qt.Key.Key_Return)
    assert names(marked)[0] == "A broad smile"
    rows.begin_edit("0")
    QTest.keyClicks(rows.editor(), "Nothing")
    QTest.keyClick(rows.editor(), Qt.Key.Key_Escape)
    assert rows.editor() is None
    rows.begin_edit("0")
    rows.editor().clear()
    QTest.keyClick(rows.editor(), Qt.Key.Key_Return)
    assert names(marked) == ["A broad smile", "Smiling +2.0 σ", "Smiling +3.0 σ"]


def test_a_double_click_renames(marked: App) -> None:
    rows = panel(marked).list
    QTest.mouseDClick(rows, Qt.MouseButton.LeftButton, pos=rows.card_rect("2").center())
    assert rows.editor() is not None
    QTest.keyClicks(rows.editor(), "Third")
    QTest.keyClick(rows.editor(), Qt.Key.Key_Return)
    assert names(marked)[2] == "Third"


def test_delete_can_be_undone(marked: App) -> None:
    rows, before = panel(marked).list, marked.state.bookmarks
    rows.setFocus()
    QTest.keyClick(rows, Qt.Key.Key_Home)
    QTest.keyClick(rows, Qt.Key.Key_Down)
    QTest.keyClick(rows, Qt.Key.Key_Delete)
    assert marked.state.bookmarks == (before[0], before[2])
    assert before[1].name in marked.said
    undo = next(push for push in marked.window.notice.findChildren(QPushButton) if push.text() == "Undo")
    QTest.mouseClick(undo, Qt.MouseButton.LeftButton)
    assert marked.state.bookmarks == before
    assert not marked.said
    marked.conductor.notices.info("Something else")
    assert not undo.isVisible()


def test_split_shows_the_state_before_while_a_slider_is_dragged_and_after(app: App) -> None:
    edit(app, 1.0)
    first = app.state.drawn.picture
    edit(app, 2.0)
    second = app.state.drawn.picture
    QTest.keyClick(app.window, Qt.Key.Key_S)
    assert picture(app)._split
    np.testing.assert_array_equal(picture(app).reference(), first)
    app.explore.looks.set_edit("Smiling", 3.0)
    app.settle()
    np.testing.assert_array_equal(picture(app).reference(), second)
    app.explore.looks.settle()
    app.settle()
    np.testing.assert_array_equal(picture(app).reference(), second)
    QTest.keyClick(app.window, Qt.Key.Key_S)
    assert not picture(app)._split


def test_what_is_compared_is_chosen_from_the_history_or_a_bookmark(marked: App) -> None:
    app, single = marked, marked.explore_view.single

    def choose(words: str, index: int) -> None:
        menu = single.steps.menu_for(index)
        next(action for action in menu.actions() if action.text() == words).trigger()
        menu.deleteLater()

    choose("Compare with this", 0)
    assert app.state.split.on
    np.testing.assert_array_equal(picture(app).reference(), app.state.history.entries[0].picture)
    edit(app, -1.0)
    np.testing.assert_array_equal(picture(app).reference(), app.state.history.entries[0].picture)
    menu = panel(app).list.menu_for("1")
    next(action for action in menu.actions() if action.objectName() == "split").trigger()
    menu.deleteLater()
    np.testing.assert_array_equal(picture(app).reference(), app.state.bookmarks[1].picture)
    choose("Compare with the state before", 0)
    here = app.state.history.here()
    np.testing.assert_array_equal(picture(app).reference(), app.state.history.entry(here.parent).picture)
    choose("Keep as bookmark", 0)
    assert app.state.bookmarks[-1].look is app.state.history.entries[0].look


def test_the_handle_is_dragged_and_moved_by_keys_and_the_picture_still_wanders(app: App) -> None:
    edit(app, 3.0)
    app.explore.bookmarks.toggle_split()
    shown, look = picture(app), app.state.look
    middle = round(shown.picture_rect().center().y())
    whole = shown.picture_rect().width()
    start = QPoint(round(shown.handle_x()), middle)
    drag(shown, [start, start - QPoint(20, 0), start - QPoint(round(0.3 * whole), 0)])
    assert app.state.split.share == pytest.approx(0.2, abs=0.02)
    assert app.state.look is look, "the handle does not wander"
    shown.setFocus()
    QTest.keyClick(shown, Qt.Key.Key_Home)
    assert app.state.split.share == 0.0
    now = pixels(shown)
    QTest.keyClick(shown, Qt.Key.Key_End)
    before = pixels(shown)
    assert not np.array_equal(now, before)
    QTest.keyClick(shown, Qt.Key.Key_Left)
    assert app.state.split.share == pytest.approx(0.98)
    QTest.keyClick(shown, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert app.state.split.share == pytest.approx(0.88)
    assert app.state.look is look
    away = shown.picture_rect().center().toPoint()
    drag(shown, [away, away + QPoint(30, 0), away + QPoint(60, 0)])
    app.settle()
    assert app.state.look.wander.x > 0


def test_the_left_side_is_the_reference_pixel_for_pixel(app: App) -> None:
    """With the handle in the middle, the left part is that of the reference alone and the right that of the current."""
    edit(app, 3.0)
    shown = picture(app)
    alone = pixels(shown)
    reference = app.state.history.entry(app.state.history.here().parent).picture
    current = shown.picture()
    shown.set_picture(reference)
    before = pixels(shown)
    shown.set_picture(current)
    app.explore.bookmarks.toggle_split()
    both = pixels(shown)
    ratio = shown.devicePixelRatioF()
    rect = shown.picture_rect()
    x = round(shown.handle_x() * ratio)
    # Between the names above and the caption below, and beside the handle's knob.
    rows = slice(round((rect.top() + 40) * ratio), round((rect.bottom() - 10) * ratio))
    left, right = slice(round((rect.left() + 10) * ratio), x - 16), slice(x + 16, round((rect.right() - 10) * ratio))
    np.testing.assert_array_equal(both[rows, left], before[rows, left])
    np.testing.assert_array_equal(both[rows, right], alone[rows, right])
    assert not np.array_equal(before[rows, left], alone[rows, left])
