"""The table of keys: unique, complete, and working in a window."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app import workspaces
from app.core.shortcuts import ShortcutTable, make_actions
from app.widgets.slider import ValueSlider


def test_doubled_key_is_refused():
    rows = tuple(workspaces.shortcuts())
    doubled = replace(rows[0], id="other", keys=rows[1].keys)
    with pytest.raises(ValueError, match=r"Ctrl\+2"):
        ShortcutTable(*rows, doubled)


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
