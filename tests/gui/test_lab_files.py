"""What goes in and out of the Lab in the real window: a set-up as a line, files, a run, and what is remembered."""

from __future__ import annotations

import json

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from .conftest import App
from .test_lab import LabApp

LEFT = Qt.MouseButton.LeftButton
SHIFTED = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def lab(app: App) -> LabApp:
    return LabApp(app)


def clip() -> str:
    return QGuiApplication.clipboard().text()


def control(lab: LabApp, key: Qt.Key) -> None:
    QTest.keyClick(lab.view.cards[0].canvas, key, Qt.KeyboardModifier.ControlModifier)


def test_a_set_up_is_copied_pasted_and_a_bad_line_is_told_at_the_place(lab: LabApp) -> None:
    view = lab.view
    lab.app.window.activateWindow()
    lab.app.press("lab.compare")
    lab.wait(lambda: len(lab.state.stages) == 2 and lab.state.stages[1].seen is not None)
    lab.lab.lab.set_knobs(0, {"recipe": "actnorm, 3 x (coupling(affine, 8), swap)"}, {"seed": 5})
    lab.wait(lambda: len(lab.state.stages[0].info.layers) == 7)
    QGuiApplication.clipboard().clear()
    QTest.keyClick(view.cards[0].canvas, Qt.Key.Key_C, SHIFTED)
    lab.wait(lambda: "lab" in clip())
    line = clip()
    assert "\n" not in line
    assert "on the clipboard" in lab.app.said
    # Something else, and back by the line: also the second stage and the data.
    lab.app.press("lab.compare")
    lab.wait(lambda: len(lab.state.stages) == 1 and lab.state.made)
    lab.lab.lab.choose_preset(0, "gan-hinge")
    lab.wait(lambda: lab.state.stages[0].info is not None and lab.state.stages[0].info.judges)
    lab.learn(3)
    control(lab, Qt.Key.Key_V)
    control(lab, Qt.Key.Key_V)
    lab.wait(lambda: len(lab.state.stages) == 2 and lab.state.made)
    one, other = lab.state.stages
    assert one.setup.knobs["recipe"] == "actnorm, 3 x (coupling(affine, 8), swap)"
    assert (one.setup.training["seed"], len(one.info.layers)) == (5, 7)
    assert other.setup.preset == "gan-non-saturating"
    lab.learn(3)
    clock, shown = lab.state.clock, [stage.setup for stage in lab.state.stages]
    bad = (
        (line[:60], "no whole set-up"),
        (json.dumps({**json.loads(line), "lab": 9}), "version 9"),
        (line.replace("ring8", "donut"), "donut"),
        (line.replace("coupling(affine", "coupling(nonsense"), "nonsense"),
        ("[" * 9000, "no whole set-up"),
    )
    for text, words in bad:
        QGuiApplication.clipboard().setText(text)
        QTest.mouseClick(view.setup.paste, LEFT)
        lab.wait(lambda words=words: words in view.setup.problem.text())
        assert view.setup.problem.isVisible()
        assert [stage.setup for stage in lab.state.stages] == shown
        assert all(stage.seen is not None for stage in lab.state.stages)
    QGuiApplication.clipboard().clear()
    QTest.mouseClick(view.setup.paste, LEFT)
    assert "no text on the clipboard" in view.setup.problem.text()
    assert lab.state.clock == clock
    # What stands there still learns. Elsewhere the keys are those of Explore again.
    lab.learn(2)
    lab.app.show_workspace("explore")
    lab.app.press("picture.copy")
    assert not QGuiApplication.clipboard().image().isNull()
