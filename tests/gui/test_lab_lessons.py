"""Lessons of the Lab in the real window: opened, asked, measured and stopped."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.lab.lessons.view import BAD, GOOD
from app.lab.state import LabState, LessonState
from engine.lab import Proof
from engine.session import Session

from .conftest import App
from .test_lab import LabApp

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def lab(app: App) -> LabApp:
    return LabApp(app)


def lessons(lab: LabApp) -> LessonState:
    return lab.state.lessons


def click_card(lab: LabApp, name: str) -> None:
    strip = lab.view.lessons.strip
    index = [one.name for one in lab.state.catalogue.lessons].index(name)
    QTest.mouseClick(strip, LEFT, pos=strip.item_rect(index).center())


def test_a_card_sets_its_stages_up_and_its_numbers_are_measured(lab: LabApp) -> None:
    view = lab.view.lessons
    click_card(lab, "seeking")
    lab.wait(lambda: lab.state.made and lab.state.clock > 0)
    lab.app.press("lab.play")
    lab.wait(lambda: not lab.state.playing)
    catalogue = lab.state.catalogue
    lesson = catalogue.lesson("seeking")
    assert lab.state.truth == lesson.truth == "bumps"
    assert [stage.setup.preset for stage in lab.state.stages] == list(lesson.presets)
    assert lab.state.layers == {"samples", "density", "truth"}
    assert view.words.isVisible()
    assert lesson.sentences[0] in view.words.text.text()
    assert "KL(model to data)" in lab.view.cards[1].head.accessibleName()
    # A question before its answer.
    assert not view.words.reply.isVisible()
    QTest.mouseClick(view.words.answer, LEFT)
    assert view.words.reply.text() == lesson.answer
    assert view.words.reply.isVisible()
    # Measured now, by training: the tick comes with the last number.
    QTest.mouseClick(view.words.measure, LEFT)
    assert view.words.measure.text() == "Stop"
    lab.wait(lambda: not lessons(lab).proving)
    found = {check.name: lessons(lab).proofs[lesson.name, check.name] for check in lesson.checks}
    assert found["sigma"].value == pytest.approx(0.5004, abs=0.02)
    assert [mark.text() for *_, mark in view.words._rows] == [GOOD] * len(lesson.checks)
    assert lessons(lab).proved(lesson)
    assert view.count.text().startswith("1 of ")


def test_measuring_stops_a_wrong_number_gets_no_tick_and_a_fault_is_a_sentence(
    lab: LabApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()

    def waits(self, lesson, check, *, progress):
        begun.set()
        while True:
            progress.check()

    monkeypatch.setattr(Session, "prove", waits)
    # A game of two numbers has no stage: what stood there stays.
    before = lab.state.stages
    lab.app.conductor.of(type(lab.lab)).lessons.open("cycling")
    lab.app.settle()
    assert [one.setup for one in lab.state.stages] == [one.setup for one in before]
    lab.app.press("lab.measure")
    lab.wait(begun.is_set)
    lab.app.press("lab.measure")
    lab.wait(lambda: not lessons(lab).proving)
    assert not lessons(lab).proofs

    monkeypatch.setattr(Session, "prove", lambda self, lesson, check, *, progress: Proof(7.0, False))
    lab.app.press("lab.measure")
    lab.wait(lambda: not lessons(lab).proving and lessons(lab).proofs)
    words = lab.view.lessons.words
    assert {mark.text() for *_, mark in words._rows} == {BAD}
    assert {value.text().split()[0] for _, value, _ in words._rows} == {"7"}
    assert lab.view.lessons.count.text().startswith("0 of ")

    def fails(self, lesson, check, *, progress):
        raise MemoryError("too large")

    monkeypatch.setattr(Session, "prove", fails)
    lab.app.press("lab.measure")
    lab.wait(lambda: bool(lessons(lab).problem))
    assert words.problem.text() == lessons(lab).problem


def test_lessons_are_gone_through_by_keys_and_folded(lab: LabApp) -> None:
    view, names = lab.view.lessons, [one.name for one in lab.state.catalogue.lessons]
    lab.app.press("lab.next_lesson")
    assert lessons(lab).open == names[0]
    lab.app.press("lab.next_lesson")
    assert lessons(lab).open == names[1]
    lab.app.press("lab.last_lesson")
    lab.app.press("lab.last_lesson")
    assert lessons(lab).open == names[0], "the first is the first"
    # Two stages of one preset are told apart by what is unusual about one of them, and a recipe is written out.
    lab.lab.lessons.open("collapse")
    lab.wait(lambda: lab.state.made)
    words = [card.head.accessibleName() for card in lab.view.cards[:2]]
    assert "20 steps of G a step of D" in words[0]
    assert "20 steps" not in words[1]
    assert "Goodfellow" not in words[0]
    lab.lab.lessons.open("quality")
    lab.wait(lambda: lab.state.made)
    assert "actnorm, 4 x (coupling(affine, 32, 32), swap)" in lab.view.cards[0].head.accessibleName()
    # While one is open its words have the room of the cards, and the others are numbers that can be clicked.
    assert not view.strip.isVisible()
    QTest.mouseClick(view.dots, LEFT, pos=view.dots.item_rect(names.index("collapse")).center())
    assert lessons(lab).open == "collapse"
    QTest.keyClick(view.dots, Qt.Key.Key_Right)
    QTest.keyClick(view.dots, Qt.Key.Key_Return)
    assert lessons(lab).open == names[names.index("collapse") + 1]
    lab.app.press("lab.lessons")
    assert not view.words.isVisible()
    assert view.dots.isVisible()
    QTest.mouseClick(view.fold, LEFT)
    assert view.words.isVisible()
    QTest.mouseClick(view.words.close_button, LEFT)
    assert lessons(lab).open == ""
    assert not view.words.isVisible()
    assert view.strip.isVisible()
    # The last card is beyond the edge until the wheel or End brings it.
    view.strip.setFocus()
    QTest.keyClick(view.strip, Qt.Key.Key_End)
    QTest.keyClick(view.strip, Qt.Key.Key_Return)
    assert lessons(lab).open == names[-1]
    assert view.strip.rect().contains(view.strip.item_rect(len(names) - 1))
    lab.app.press("lab.play")
    lab.wait(lambda: not lab.state.playing)


def test_stages_that_were_asked_for_before_do_not_take_the_place_of_the_last(
    lab: LabApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, gate, make = threading.Event(), threading.Event(), Session.bench

    def held(self, setups):
        bench = make(self, setups)
        begun.set()
        assert gate.wait(100)
        return bench

    found = []

    def watch(before, now) -> None:
        state = now.part(LabState)
        found.extend((state.truth, one.trace.shape[-1]) for one in state.stages if one.trace is not None)

    charts = lab.view.charts
    lab.wait(lambda: charts.figure is not None and len(charts.figure.lines()) > 0)
    monkeypatch.setattr(Session, "bench", held)
    # Points of the line first, and of the plane while those are still made.
    lab.lab.lessons.open("averaging")
    assert not charts.figure.lines(), "what was drawn is of other stages"
    lab.wait(begun.is_set)
    lab.lab.lessons.open("best-judge")
    lab.lab.lab._store.changed.connect(watch)
    gate.set()
    lab.wait(lambda: lab.state.made and lab.state.clock > 2)
    lab.app.press("lab.play")
    lab.wait(lambda: not lab.state.playing)
    assert set(found) == {("ring8", 2)}


def test_what_looks_at_the_stages_of_before_does_not_look_at_the_next(
    lab: LabApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, gate, look = threading.Event(), threading.Event(), Session.viewer

    def held(self, bench):
        begun.set()
        assert gate.wait(100)
        return look(self, bench)

    monkeypatch.setattr(Session, "viewer", held)
    lab.lab.lessons.open("averaging")
    lab.wait(begun.is_set)
    # Two stages after one, while the first look at that one is under way.
    lab.lab.lessons.open("seeking")
    lab.wait(lambda: lab.state.made and lab.state.clock > 2)
    gate.set()
    lab.wait(lambda: all("density" in one.maps for one in lab.state.stages))
    lab.app.press("lab.play")
    lab.settle()
    assert not lab.app.said
    shown = [one.maps["density"].values for one in lab.state.stages]
    assert not (shown[0] == shown[1]).all()
