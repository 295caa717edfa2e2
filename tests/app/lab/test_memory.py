"""What the Lab remembers is read with care: somebody may have changed the file since."""

from __future__ import annotations

import json

import pytest

from app.lab.memory import remembered, written
from app.lab.state import LabState, LessonState, Undoing
from engine.lab import CheckInfo, LabCatalogue, LessonInfo, Proof

CHECK = CheckInfo("kl", "KL", 0.7, 0.01, "nats", "about", False)
LESSON = LessonInfo("L1", "seeks", "T", "d", "s", "ring8", (), (), "", (), ("a", "b", "c"), "?", "!", "", (CHECK,))
CATALOGUE = LabCatalogue(("ring8",), (), (), (), (LESSON,))
STATE = LabState(
    catalogue=CATALOGUE,
    layers=frozenset({"grid", "samples"}),
    lessons=LessonState(
        open="seeks",
        folded=True,
        answered=frozenset({"seeks"}),
        proofs={("seeks", "kl"): Proof(0.69, True), ("gone", "kl"): Proof(1.0, True)},
    ),
)


def test_what_is_written_comes_back():
    found = remembered(json.loads(json.dumps(written(STATE))), CATALOGUE)
    assert found["layers"] == STATE.layers
    lessons = found["lessons"]
    assert (lessons.open, lessons.folded, lessons.answered) == ("seeks", True, frozenset({"seeks"}))
    assert dict(lessons.proofs) == {("seeks", "kl"): Proof(0.69, True)}


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"layers": 7, "proofs": 7, "lesson": 7, "folded": 7, "answered": 7},
        {"layers": ["nowhere"], "lesson": "nowhere", "answered": ["nowhere"]},
        {"proofs": [[], [1], "x", ["seeks", "kl", "0.69", True, 0.7], ["seeks", "kl", 0.69, 1, 0.7]]},
        {"proofs": [["seeks", "kl", float("nan"), True, 0.7], ["seeks", "kl", 0.69, True, 0.7, 1]]},
        {"proofs": [["seeks", "kl", 10**400, True, 0.7], ["seeks", "kl", float("inf"), True, 0.7]]},
        # The lesson asks for something else now.
        {"proofs": [["seeks", "kl", 0.69, True, 0.8]]},
    ],
)
def test_what_does_not_fit_is_left_out(kept):
    found = remembered(kept, CATALOGUE)
    assert "layers" not in found
    assert found["lessons"] == LessonState() or vars(found["lessons"]) == vars(LessonState())


def test_the_way_back_is_as_long_as_it_may_be():
    undo = Undoing()
    assert undo.now is None
    assert undo.moved(-1) is None
    for index in range(150):
        undo = undo.pushed(STATE.set_up.__class__(str(index), ()))
    assert (len(undo.made), undo.at) == (100, 99)
    back = undo.moved(-3)
    assert back.now.truth == "146"
    assert back.pushed(back.now) is back
    other = back.pushed(STATE.set_up)
    assert (other.now, other.moved(1)) == (STATE.set_up, None)
