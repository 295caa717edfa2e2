"""The table of keys: unique, complete, and working in a window."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app import workspaces
from app.core.shortcuts import WINDOW, Shortcut, ShortcutTable, make_actions, take_turns
from app.widgets.slider import ValueSlider


def test_doubled_key_is_refused():
    rows = tuple(workspaces.shortcuts())
    doubled = replace(rows[0], id="other", keys=rows[1].keys)
    with pytest.raises(ValueError, match=r"Ctrl\+2"):
        ShortcutTable(*rows, doubled)


def test_a_key_is_of_the_workspace_on_show_and_never_two_at_once(qtbot: QtBot):
    everywhere = Shortcut("one.undo", ("Ctrl+Z",), "Undo", "Back.", "One")
    own = Shortcut("two.undo", ("Ctrl+Z", "U"), "Undo", "Back.", "Two")
    with pytest.raises(ValueError, match=r"Ctrl\+Z"):
        ShortcutTable(everywhere, own)
    table = ShortcutTable(everywhere, own, when_shown=("two.undo",))
    window = QWidget()
    qtbot.addWidget(window)
    actions = make_actions(window, {row.id: lambda: None for row in table}, table=table)

    def keys(name: str) -> list[str]:
        return [key.toString() for key in actions[name].shortcuts()]

    take_turns(actions, table, shown=())
    assert (keys("one.undo"), keys("two.undo")) == (["Ctrl+Z"], ["U"])
    take_turns(actions, table, shown=("two.undo",))
    assert (keys("one.undo"), keys("two.undo")) == ([], ["Ctrl+Z", "U"])
    take_turns(actions, table, shown=())
    assert (keys("one.undo"), keys("two.undo")) == (["Ctrl+Z"], ["U"])


def test_no_workspace_takes_a_key_of_the_window(monkeypatch: pytest.MonkeyPatch):
    lab = workspaces.WORKSPACES[-1]
    theft = Shortcut("lab.theft", WINDOW["app.quit"].keys, "Theft", "Takes it.", "Lab")
    table = ShortcutTable(*lab.shortcuts, theft, when_shown=("lab.theft", *lab.shortcuts.when_shown))
    monkeypatch.setattr(workspaces, "WORKSPACES", (*workspaces.WORKSPACES[:-1], replace(lab, shortcuts=table)))
    with pytest.raises(ValueError, match=r"Ctrl\+Q"):
        workspaces.shortcuts()


def test_help_page_names_every_action():
    table = workspaces.shortcuts()
    page = table.help_rows()
    assert len(page) == len(table)
    assert all(words and keys for _, words, keys in page)


def _window(qtbot: QtBot) -> tuple[QWidget, list[str]]:
    window, heard = QWidget(), []
    qtbot.addWidget(window)
    QVBoxLayout(window)
    ids = ("morph.play", "sample.random", "workspace.train")
    make_actions(window, {name: lambda n=name: heard.append(n) for name in ids}, table=workspaces.shortcuts())
    window.show()
    qtbot.waitExposed(window)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    return window, heard


def test_keys_call_their_actions(qtbot: QtBot):
    window, heard = _window(qtbot)
    window.setFocus()
    qtbot.keyClick(window, Qt.Key.Key_Space)
    qtbot.keyClick(window, Qt.Key.Key_R)
    qtbot.keyClick(window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert heard == ["morph.play", "sample.random", "workspace.train"]


def test_space_on_a_focused_button_presses_it_and_does_not_play(qtbot: QtBot):
    window, heard = _window(qtbot)
    pushed: list[bool] = []
    push = QPushButton("Export")
    push.clicked.connect(lambda: pushed.append(True))
    window.layout().addWidget(push)
    push.show()
    push.setFocus()
    qtbot.waitUntil(push.hasFocus)
    qtbot.keyClick(push, Qt.Key.Key_Space)
    assert pushed == [True]
    assert heard == []


def test_typing_a_number_on_a_slider_is_not_a_shortcut(qtbot: QtBot):
    window, heard = _window(qtbot)
    slider = ValueSlider("Smiling", -3, 3, origin=0, lockable=True)
    window.layout().addWidget(slider)
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_2)
    assert slider.editor() is not None
    qtbot.keyClick(slider.editor(), Qt.Key.Key_Return)
    assert slider.value() == 2
    assert heard == []


def test_unknown_action_is_refused(qtbot: QtBot):
    window = QWidget()
    qtbot.addWidget(window)
    with pytest.raises(KeyError):
        make_actions(window, {"no.such": print}, table=workspaces.shortcuts())
