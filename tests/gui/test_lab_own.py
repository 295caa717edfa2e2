"""Data of one's own in the Lab: drawn with the mouse, or dropped as a file; and a lesson's game."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.lab.own.controller import OwnData
from app.lab.state import LabState
from engine.lab import stamps_of

from .conftest import App, drag, drop
from .test_lab import LabApp

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def lab(app: App) -> LabApp:
    return LabApp(app)


def at(lab: LabApp, x: float, y: float) -> QPoint:
    pad = lab.view.drawing.pad
    return pad._at(pad.plane(), x, y).toPoint()


def test_what_is_drawn_is_learned_taken_back_and_drawn_on(lab: LabApp) -> None:
    view, page = lab.view, lab.view.drawing
    before = lab.state.truth
    QTest.mouseClick(view.own.draw, LEFT)
    assert page.isVisible()
    assert not page.learn.isEnabled()
    drag(page.pad, [at(lab, -1.5, 0.0), at(lab, 1.5, 0.0)])
    # However fast the hand was: touches all along the stroke.
    stamps = lab.state.drawing.stamps
    assert len(stamps) == pytest.approx(3.0 / (0.6 * 0.2), abs=1)
    assert np.diff([one.x for one in stamps]) == pytest.approx(0.12, abs=0.01)
    drag(page.pad, [at(lab, 0.0, 1.0), at(lab, 0.0, 2.0)])
    more = len(lab.state.drawing.stamps)
    assert more > len(stamps)
    QTest.keyClick(page.pad, Qt.Key.Key_Backspace)
    assert lab.state.drawing.stamps == stamps
    # The right button takes away what is under the brush.
    QTest.mouseClick(page.pad, Qt.MouseButton.RightButton, pos=at(lab, 0.0, 0.0))
    left = lab.state.drawing.stamps
    assert len(left) < len(stamps)
    assert all(abs(one.x) > 0.2 for one in left)
    QTest.keyClick(page.pad, Qt.Key.Key_Return)
    lab.wait(lambda: lab.state.truth != before and lab.state.made)
    assert not page.isVisible()
    learned = stamps_of(lab.state.truth)
    np.testing.assert_allclose([(one.x, one.y) for one in learned], [(one.x, one.y) for one in left], atol=1e-3)
    assert lab.state.info.title == "Drawn"
    # It learns at once.
    lab.wait(lambda: lab.state.clock > 5)
    lab.app.press("lab.play")
    lab.settle()
    points = lab.state.info.points
    assert np.abs(points[:, 1]).max() < 1.0
    # Drawn on: Escape leaves all as it was, Enter makes it the one drawing.
    QTest.mouseClick(view.own.draw, LEFT)
    assert len(lab.state.drawing.stamps) == len(left)
    QTest.mouseClick(page.pad, LEFT, pos=at(lab, 2.0, 2.0))
    QTest.keyClick(page.pad, Qt.Key.Key_Escape)
    assert lab.state.drawing is None
    assert len(stamps_of(lab.state.truth)) == len(left)
    lab.app.press("lab.draw")
    QTest.mouseClick(page.pad, LEFT, pos=at(lab, 2.0, 2.0))
    QTest.mouseClick(page.learn, LEFT)
    lab.wait(lambda: len(stamps_of(lab.state.truth)) == len(left) + 1 and lab.state.made)
    assert len(lab.state.own) == 1
    # As many touches as a drawing may have, and no more.
    lab.app.press("lab.draw")
    own = lab.app.conductor.findChild(OwnData)
    for _ in range(700):
        own.stamp(0.5, 0.5)
    assert len(lab.state.drawing.stamps) == 600
    assert "All 600" in page.pad._words


def test_a_file_of_numbers_is_learned_in_its_own_units_and_a_bad_one_leaves_the_stages(
    lab: LabApp, tmp_path: Path
) -> None:
    view = lab.view
    rng = np.random.default_rng(1)
    rows = rng.normal((170.0, 65.0), (9.0, 12.0), (400, 2))
    good, bad = tmp_path / "people.csv", tmp_path / "words.csv"
    good.write_text("height,weight\n" + "\n".join(f"{x:.2f},{y:.2f}" for x, y in rows), encoding="utf-8")
    bad.write_text("a,b\none,two\n" * 30, encoding="utf-8")
    before = lab.state
    drop(view, [bad])
    lab.wait(lambda: "words.csv" in lab.app.said)
    assert lab.state.set_up == before.set_up
    assert [one.info for one in lab.state.stages] == [one.info for one in before.stages]
    drop(view, [good])
    over: list[bool] = []
    lab.app.conductor.store.notices.over.connect(lambda: over.append(True))
    lab.wait(lambda: lab.state.truth.endswith("people.csv") and lab.state.made)
    assert over, "what was said of the file before is over"
    info = lab.state.info
    assert info.estimate
    assert info.columns == ("height", "weight")
    assert "about" in view.data_line.text()
    assert len(lab.state.own) == 1
    lab.settle()
    # What is read under the pointer is in centimetres.
    canvas = view.cards[0].canvas
    canvas.pointed.emit((0.0, 0.0))
    lab.wait(lambda: lab.state.stages[0].probe is not None)
    words = view.cards[0].foot.words().split()
    assert float(words[1].rstrip(",")) == pytest.approx(rows[:, 0].mean(), abs=2.0)
    canvas.grab()
    # Changed meanwhile and dropped again: it is what the file holds now.
    good.write_text("\n".join(f"{x:.3f}" for x in rows[:, 0]), encoding="utf-8")
    drop(view, [good])
    lab.wait(lambda: lab.state.info is not None and lab.state.info.dimension == 1 and lab.state.made)
    lab.settle()
    assert lab.state.stages[0].trace.shape[-1] == 1
    view.cards[0].canvas.grab()
    assert len(lab.state.own) == 1


def test_a_lesson_that_is_a_game_is_played_round_by_round(lab: LabApp) -> None:
    view, board = lab.view, lab.view.board
    lab.lab.lessons.open("cycling")
    lab.wait(lambda: lab.state.game is not None)
    assert board.isVisible()
    assert not view.transport.isVisible()
    view.grab()
    lab.app.press("lab.on")
    assert lab.state.game.at == 121
    board.along.changed.emit(1000.0)
    said = dict(one.split(": ") for one in board.games.accessibleName().split("; "))
    # As the lesson measures: 0.5 times 144.8 away, its average .724; and .0035 left of the one that looks ahead.
    assert said["Simultaneous steps"].startswith("72.4 ")
    assert said["Simultaneous steps"].endswith("0.72")
    assert float(said["Extragradient"].split()[0]) == pytest.approx(0.0035, abs=1e-4)
    # From the last round it begins anew.
    lab.app.press("lab.play")
    lab.wait(lambda: lab.state.game.at >= 2)
    assert lab.state.game.at < 900
    lab.app.press("lab.play")
    assert not lab.state.game.playing
    assert not lab.state.playing, "the stages rest meanwhile"
    lab.lab.lessons.open("collapse")
    assert lab.app.state.part(LabState).game is None
    assert view.transport.isVisible()
    lab.wait(lambda: lab.state.playing)
    # A lesson of two Gaussians that part has curves in the place of stages, read wherever the pointer goes.
    lab.lab.lessons.open("vanishing")
    lab.wait(lambda: lab.state.sweep is not None and not lab.state.playing)
    sweep = view.sweep
    assert sweep.isVisible()
    sweep.grab()
    sweep.along.changed.emit(6.0)
    assert sweep.curves.accessibleName().startswith("theta 6.00: Minimax 0.01245, Non-saturating 5.98")
    room = sweep.curves._plot()
    QTest.mouseClick(sweep.curves, LEFT, pos=QPoint(round(room.right()), round(room.center().y())))
    assert lab.state.sweep.at == pytest.approx(10.0, abs=0.05)
    lab.app.press("lab.back")
    assert lab.state.sweep.at == pytest.approx(9.9, abs=0.05)
    lab.app.press("lab.play")
    assert not lab.state.playing, "there is nothing to train"
    # Stages that are set up meanwhile are what is seen; the number of the lesson brings its curves back.
    lab.app.press("lab.compare")
    lab.wait(lambda: lab.state.sweep is None)
    numbers = [one.name for one in lab.state.catalogue.lessons]
    QTest.mouseClick(view.lessons.dots, LEFT, pos=view.lessons.dots.item_rect(numbers.index("vanishing")).center())
    lab.wait(lambda: lab.state.sweep is not None)
    QTest.mouseClick(view.lessons.words.close_button, LEFT)
    assert lab.state.sweep is None
    assert not sweep.isVisible()
