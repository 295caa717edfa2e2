"""Ways to learn in the Lab's window: a best response, slow motion, another seed; and undo."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.lab.state import FIRST_LAYERS, Chosen
from app.settings import settings_file
from engine.lab import Proof
from engine.session import Session

from .conftest import App, OpenApp
from .test_lab import SMALL, LabApp

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


def test_set_ups_are_undone_and_the_next_window_begins_with_the_last(
    home: object, open_app: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Somebody spoiled what was kept: the window begins as ever, and says so.
    file = settings_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"lab": {"line": '{"lab": 1, "truth": "ring8"', "layers": 7, "proofs": [[1], "x"]}}))
    lab = LabApp(open_app())
    assert "The stages of last time cannot be made again" in lab.app.said
    first = lab.state.set_up
    assert (first.truth, lab.state.layers) == ("ring8", FIRST_LAYERS)

    def press(key: Qt.Key, *more: Qt.KeyboardModifier) -> None:
        lab.app.window.activateWindow()
        modifiers = Qt.KeyboardModifier.ControlModifier
        for one in more:
            modifiers |= one
        QTest.keyClick(lab.view.cards[0].canvas, key, modifiers)

    def there(setups: Chosen) -> None:
        lab.wait(
            lambda: (
                lab.state.set_up == setups
                and lab.state.made
                and all(stage.info is not None for stage in lab.state.stages)
            )
        )
        lab.wait(lambda: lab.state.undo.now == setups)

    lab.lab.lab.set_knobs(0, SMALL, {})
    lab.wait(lambda: lab.state.undo.now != first)
    small = lab.state.set_up
    lab.app.press("lab.compare")
    lab.wait(lambda: len(lab.state.stages) == 2 and lab.state.stages[1].seen is not None)
    lab.lab.lab.set_knobs(1, {}, {"batch": 64})
    lab.wait(lambda: lab.state.undo.now == lab.state.set_up)
    # Back to the beginning, and on again.
    while lab.state.undo.at > 1:
        at = lab.state.undo.at
        press(Qt.Key.Key_Z)
        assert lab.state.undo.at == at - 1
    there(small)
    press(Qt.Key.Key_Z)
    there(first)
    press(Qt.Key.Key_Z)
    there(first)
    press(Qt.Key.Key_Y)
    there(small)
    # What cannot be made is taken back, and the stage that stands there goes on.
    lab.learn(3)
    clock = lab.state.clock
    lab.lab.lab.set_knobs(0, {"recipe": "nonsense"}, {})
    lab.wait(lambda: bool(lab.state.stages[0].problem))
    press(Qt.Key.Key_Z)
    assert (lab.state.set_up, lab.state.stages[0].problem, lab.state.clock) == (small, "", clock)
    lab.learn(2)
    # The next window: the stages, the layers, the lesson and its ticks.
    name = lab.state.catalogue.lessons[0].name
    lab.lab.lessons.open(name)
    lab.lab.lessons.answer()
    lesson = lab.state.catalogue.lesson(name)
    monkeypatch.setattr(Session, "prove", lambda self, lesson, check, *, progress: Proof(1.5, True))
    lab.lab.lessons.measure()
    lab.wait(lambda: lab.state.lessons.proved(lesson))
    lab.lab.lab.set_up("moons", first.setups)
    lab.wait(lambda: lab.state.undo.now is not None and lab.state.undo.now.truth == "moons")
    lab.app.press("lab.show_grid")
    kept = lab.state
    lab.app.close()
    after = LabApp(open_app())
    assert (after.state.set_up.truth, after.state.layers) == ("moons", kept.layers)
    assert dict(after.state.stages[0].setup.knobs) == dict(first.setups[0].knobs)
    assert after.state.lessons.open == name
    assert after.state.lessons.proved(lesson)
    assert name in after.state.lessons.answered


def test_undo_before_a_set_up_is_made_leaves_the_stages_that_stand_there(lab: LabApp) -> None:
    control = lab.lab.lab
    control.set_knobs(0, SMALL, {})
    lab.wait(lambda: lab.state.undo.at == 1)
    small, bench = lab.state.set_up, control.bench
    lab.learn(3)
    # Other knobs, other data and a second stage: each is taken back before it is there, and no step further.
    control.set_knobs(0, {}, {"batch": 64})
    lab.app.press("lab.undo")
    assert (lab.state.set_up, lab.state.undo.at) == (small, 1)
    lab.learn(2)
    assert control.bench is bench, "what was asked for and taken back did not come after all"
    lab.app.press("lab.compare")
    lab.app.press("lab.undo")
    assert (lab.state.set_up, lab.state.undo.at) == (small, 1)
    lab.learn(2)
    assert control.bench is bench
    lab.wait(lambda: "moons" in lab.state.truths)
    control.choose_truth("moons")
    lab.app.press("lab.undo")
    lab.wait(lambda: lab.state.made)
    assert (lab.state.set_up, lab.state.undo.at) == (small, 1)
    assert [one.truth for one in control.bench.setups] == ["ring8"]


def test_a_second_stage_is_one_that_can_learn_the_points_of_the_first(lab: LabApp) -> None:
    lab.wait(lambda: "bumps" in lab.state.truths)
    lab.lab.lab.choose_preset(0, "gan-non-saturating")
    lab.lab.lab.choose_truth("bumps")
    lab.wait(lambda: lab.state.made and lab.state.info.dimension == 1)
    lab.app.press("lab.compare")
    lab.wait(lambda: len(lab.state.stages) == 2 and (lab.state.stages[1].seen is not None or lab.state.stages[1].said))
    assert [stage.said for stage in lab.state.stages] == ["", ""]
