"""Ways to learn in the Lab's window: a best response, slow motion, another seed; and undo."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from .conftest import App
from .test_lab import LabApp

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def lab(app: App) -> LabApp:
    return LabApp(app)


def test_a_best_response_slow_motion_and_another_seed(lab: LabApp, monkeypatch: pytest.MonkeyPatch) -> None:
    transport = lab.view.transport
    # A flow has no game to play.
    assert not transport.best.isVisible()
    lab.app.press("lab.best_d")
    assert "No stage has a discriminator" in lab.app.said
    lab.lab.lab.choose_preset(0, "gan-hinge")
    lab.wait(lambda: "critic" in (lab.state.stages[0].info.shows if lab.state.stages[0].info else ()))
    assert transport.best.isVisible()
    untrained = lab.state.stages[0].trace[-1]
    # Asked for while it learns: that halts first, and the generator is held from there on.
    QTest.mouseClick(transport.play, LEFT)
    lab.wait(lambda: lab.state.clock > 3)
    monkeypatch.setattr("engine.lab.response.MOST_STEPS", 40)
    transport.best_menu.actions()[0].trigger()
    lab.wait(lambda: "discriminator's loss still moved" in lab.app.said)
    lab.wait(lambda: not lab.state.playing)
    assert {"discriminator_loss", "generator_loss"} <= set(lab.state.stages[0].curves)
    # Pause ends one, and says nothing of it.
    monkeypatch.setattr("engine.lab.response.MOST_STEPS", 2000)
    lab.app.conductor.notices.info("")
    clock = lab.state.clock
    QTest.keyClick(lab.view.cards[0].canvas, Qt.Key.Key_G, Qt.KeyboardModifier.ShiftModifier)
    lab.wait(lambda: lab.state.playing and lab.state.clock > clock)
    QTest.mouseClick(transport.play, LEFT)
    lab.wait(lambda: not lab.state.playing)
    assert not lab.app.said
    # Slow: each part of a step by its name, under the stage that makes it.
    lab.key(Qt.Key.Key_5)
    lab.settle()
    transport.pace.changed.emit("1")
    transport.pace.set_current("1")
    clock, parts = lab.state.clock, []
    QTest.mouseClick(transport.play, LEFT)

    def heard() -> bool:
        words = lab.view.cards[0].foot.accessibleName().strip()
        if words.startswith("Step ") and words not in parts:
            parts.append(words)
        return lab.state.clock > clock + 1

    lab.wait(heard)
    QTest.mouseClick(transport.play, LEFT)
    lab.wait(lambda: not lab.state.playing)
    said = [words.split(": ")[1].strip() for words in parts if words.startswith(f"Step {clock + 1:,}")]
    assert said == ["draws codes", "judges", "discriminator step", "judges", "generator step"]
    assert not lab.view.cards[0].foot.accessibleName().strip().startswith("Step ")
    # Another seed: other weights, of the same set-up otherwise.
    setup = lab.state.stages[0].setup
    QTest.mouseClick(transport.seed, LEFT)
    lab.wait(lambda: lab.state.clock == 0 and lab.state.stages[0].setup.training.get("seed") == 1)
    lab.wait(lambda: lab.state.made and not np.array_equal(lab.state.stages[0].trace[-1], untrained))
    assert lab.state.stages[0].setup.knobs == setup.knobs
