"""The command palette in the real window: everything is found by typing, and done by Enter."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app import workspaces
from app.core.palette import PaletteController
from app.widgets.palette import Palette, PaletteItem, matches

from .conftest import App


def opened(app: App) -> Palette:
    app.window.activateWindow()
    QTest.keyClick(app.window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    palette = app.window.findChild(Palette)
    app.wait(lambda: palette.isVisible() and palette.field.hasFocus())
    return palette


def typed(app: App, words: str) -> Palette:
    palette = opened(app)
    QTest.keyClicks(palette.field, words)
    return palette


def enter(palette: Palette) -> None:
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    QApplication.processEvents()


def test_lists_every_action_of_the_window(app: App):
    palette = opened(app)
    there = {item.key for item in palette.shown()}
    known = app.window.findChild(PaletteController) or app.conductor.findChild(PaletteController)
    assert known is not None
    missing = {row.id for row in workspaces.shortcuts()} - {key.removeprefix("do|") for key in there}
    assert missing == {"help.palette"}


def test_opens_a_model_by_words_in_any_order(app: App):
    for words, title in (("tiny gan", "Tiny GAN"), ("glow tiny", "Tiny Glow"), ("model tin ga", "Tiny GAN")):
        enter(typed(app, words))
        app.wait(lambda title=title: app.state.info is not None and app.state.info.title == title)
        app.settle()


def test_puts_the_keyboard_on_a_slider(app: App):
    enter(typed(app, "slider smil"))
    slider = app.explore_view.inspector.sliders["Smiling"]
    app.wait(slider.hasFocus)
    QTest.keyClick(slider, Qt.Key.Key_Right)
    app.settle()
    assert app.state.look is not None
    assert app.state.look.edit("Smiling") > 0


@pytest.mark.slow
def test_does_an_action_and_moves_with_the_arrows(app: App):
    before = app.state.theme
    palette = typed(app, "light or")
    QTest.keyClick(palette.field, Qt.Key.Key_Down)
    QTest.keyClick(palette.field, Qt.Key.Key_Up)
    enter(palette)
    assert app.state.theme != before
    assert not palette.isVisible()


def test_escape_and_unknown_words_do_nothing(app: App):
    before = app.state
    palette = typed(app, "zzqqxx")
    assert palette.shown() == []
    enter(palette)
    QTest.keyClick(palette.field, Qt.Key.Key_Escape)
    assert not palette.isVisible()
    assert app.state.look is before.look


def test_click_chooses_the_row_under_the_pointer(app: App):
    palette = typed(app, "tiny")
    target = next(i for i, item in enumerate(palette.shown()) if item.title == "Tiny Glow")
    QTest.mouseClick(palette.rows, Qt.MouseButton.LeftButton, pos=palette.row_point(target).toPoint())
    app.wait(lambda: app.state.info is not None and app.state.info.title == "Tiny Glow")


def test_better_matches_come_first():
    items = [
        PaletteItem("1", "Paste photo", detail="open something"),
        PaletteItem("2", "Reopen"),
        PaletteItem("3", "Photo open"),
        PaletteItem("4", "Open photo"),
    ]
    assert [item.key for item in matches(items, "open")] == ["4", "3", "2", "1"]
    assert [item.key for item in matches(items, "")] == ["1", "2", "3", "4"]
    assert matches(items, "open zebra") == []
