"""The Lab under quick hands: keys before a stage is made, and set-ups under pages that hide the stages."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.lab.setups import engine_setups
from engine.lab import setup_line

from .conftest import App, drop
from .test_lab import LabApp

LEFT = Qt.MouseButton.LeftButton
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def lab(app: App) -> LabApp:
    found = LabApp(app)
    # The keys are the window's.
    app.window.activateWindow()
    return found


def undo(lab: LabApp) -> None:
    QTest.keyClick(lab.view.cards[0].canvas, Qt.Key.Key_Z, CONTROL)


def whole(lab: LabApp) -> bool:
    return lab.state.made and all(stage.info is not None for stage in lab.state.stages)


def test_a_set_up_is_undone_before_it_is_made(lab: LabApp) -> None:
    lab.wait(lambda: lab.state.undo.now == lab.state.set_up)
    first, layers = lab.state.set_up, len(lab.state.stages[0].info.layers)
    # A second stage, taken back at once.
    lab.app.press("lab.compare")
    undo(lab)
    assert lab.state.set_up == first
    lab.wait(lambda: whole(lab) and lab.state.stages[0].seen is not None)
    # Fewer layers, taken back at once: what stands there has those that the set-up says.
    lab.lab.lab.set_knobs(0, {"recipe": "actnorm"}, {})
    undo(lab)
    lab.wait(lambda: whole(lab) and lab.lab.lab.bench is not None)
    lab.settle()
    assert lab.state.set_up == first
    assert len(lab.state.stages[0].info.layers) == layers
    assert lab.lab.lab.bench.setups[0].knobs == dict(first.setups[0].knobs)
    # Other data, taken back at once, is those of before and no set-up further back.
    lab.wait(lambda: "moons" in lab.state.truths)
    lab.lab.lab.choose_truth("moons")
    undo(lab)
    assert lab.state.set_up == first
    lab.wait(lambda: whole(lab))
    lab.learn(2)


@pytest.mark.slow
def test_a_lessons_set_up_of_the_line_is_copied_and_pasted(lab: LabApp) -> None:
    lab.lab.lessons.open(lab.state.catalogue.lessons[0].name)
    lab.wait(lambda: whole(lab) and lab.state.info is not None)
    shown = lab.state.set_up
    assert lab.state.info.dimension == 1
    QTest.keyClick(lab.view.cards[0].canvas, Qt.Key.Key_C, CONTROL | SHIFT)
    lab.lab.lab.choose_truth("ring8")
    lab.wait(lambda: lab.state.truth == "ring8" and whole(lab))
    assert QGuiApplication.clipboard().text()
    QTest.keyClick(lab.view.cards[0].canvas, Qt.Key.Key_V, CONTROL)
    lab.wait(lambda: lab.state.truth == shown.truth and whole(lab))
    made, stage = shown.setups[0], lab.state.stages[0].setup
    assert stage.knobs == made.knobs
    assert lab.view.setup.preset.current() == stage.preset
    lab.learn(2)


@pytest.mark.slow
def test_stages_that_are_set_up_while_a_game_is_on_show_are_seen(lab: LabApp) -> None:
    view = lab.view

    def play() -> None:
        lab.wait(lambda: view.board.isVisible())

    lab.lab.lessons.open("cycling")
    play()
    lab.wait(lambda: "moons" in lab.state.truths)
    view.tiles.chosen.emit("moons")
    assert not view.board.isVisible()
    assert view.transport.isVisible()
    lab.wait(lambda: whole(lab) and lab.state.info is not None)
    lab.learn(2)
    # The lesson's number brings the game back, and what stands there rests.
    view.lessons.dots.chosen.emit("cycling")
    play()
    lab.app.press("lab.compare")
    assert not view.board.isVisible()
    lab.wait(lambda: len(lab.state.stages) == 2 and whole(lab))
    view.lessons.dots.chosen.emit("cycling")
    play()
    # Drawn data are learned on a stage that is seen.
    lab.app.press("lab.draw")
    QTest.mouseClick(view.drawing.pad, LEFT)
    QTest.keyClick(view.drawing.pad, Qt.Key.Key_Return)
    lab.wait(lambda: lab.state.info is not None and lab.state.info.title == "Drawn" and lab.state.playing)
    assert not view.board.isVisible()
    assert view.transport.isVisible()
    lab.lab.lab.pause()
    lab.settle()


def test_what_is_drawn_is_taken_back_stroke_by_stroke_and_put_aside_for_what_is_to_be_seen(lab: LabApp) -> None:
    view, page = lab.view, lab.view.drawing
    lab.wait(lambda: lab.state.undo.now == lab.state.set_up)
    before = lab.state.set_up
    lab.app.press("lab.draw")
    for x in (100, 200):
        QTest.mouseClick(page.pad, LEFT, pos=QPoint(page.pad.width() // 2 + x // 4, 60))
    two = lab.state.drawing.stamps
    assert len(two) == 2
    # The right button where nothing is leaves nothing to take back.
    for _ in range(3):
        QTest.mouseClick(page.pad, Qt.MouseButton.RightButton, pos=QPoint(page.pad.width() // 2, 200))
    QTest.keyClick(page.pad, Qt.Key.Key_Z, CONTROL)
    assert lab.state.drawing.stamps == two[:1]
    assert lab.state.set_up == before
    # All of it cleared, and back.
    QTest.mouseClick(page.clear, LEFT)
    assert lab.state.drawing.stamps == ()
    assert page.back.isEnabled()
    QTest.mouseClick(page.back, LEFT)
    assert lab.state.drawing.stamps == two[:1]
    QTest.keyClick(page.pad, Qt.Key.Key_Z, CONTROL)
    assert not page.back.isEnabled()
    QTest.keyClick(page.pad, Qt.Key.Key_Z, CONTROL)
    QTest.keyClick(page.pad, Qt.Key.Key_Y, CONTROL)
    assert lab.state.drawing.stamps == ()
    assert lab.state.set_up == before
    QTest.mouseClick(page.pad, LEFT, pos=QPoint(page.pad.width() // 2, 60))
    drawn = lab.state.drawing.stamps
    # A lesson is seen, and the drawing goes on where it was left.
    lab.lab.lessons.open(lab.state.catalogue.lessons[0].name)
    assert not page.isVisible()
    lab.wait(lambda: lab.state.clock > 3)
    lab.app.press("lab.draw")
    assert lab.state.drawing.stamps == drawn
    lab.wait(lambda: "moons" in lab.state.truths)
    view.tiles.chosen.emit("moons")
    assert not page.isVisible()
    lab.app.press("lab.draw")
    assert lab.state.drawing.stamps == drawn
    # Given up, it is forgotten.
    QTest.keyClick(page.pad, Qt.Key.Key_Escape)
    lab.app.press("lab.draw")
    assert lab.state.drawing.stamps == ()
    QTest.keyClick(page.pad, Qt.Key.Key_Escape)
    lab.lab.lab.pause()
    lab.settle()


def test_the_brush_has_a_track_in_the_smallest_window(lab: LabApp) -> None:
    lab.app.window.resize(lab.app.window.minimumSize())
    lab.app.press("lab.draw")
    slider = lab.view.drawing.wide
    spot = slider.track_rect().center().toPoint() + QPoint(12, 0)
    assert slider.track_rect().width() > 40
    QTest.mouseClick(slider, LEFT, pos=spot)
    assert lab.state.drawing.width == pytest.approx(slider.value())
    assert lab.state.drawing.width != 0.2


class Counting(QObject):
    """How often a widget was told that its style is another."""

    def __init__(self) -> None:
        super().__init__()
        self.times = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.times += event.type() == QEvent.Type.StyleChange
        return False


def test_another_theme_dresses_no_widget_over_and_over(lab: LabApp) -> None:
    # In a window whose stages learn each of these waits for the other threads.
    application, counting = QApplication.instance(), Counting()
    application.installEventFilter(counting)
    lab.app.press("view.theme")
    application.removeEventFilter(counting)
    widgets = len(application.allWidgets())
    assert widgets / 2 < counting.times < 4 * widgets


def test_a_long_name_of_a_file_leaves_the_columns_their_width(lab: LabApp, tmp_path: Path) -> None:
    view = lab.view
    file = tmp_path / f"{'a' * 120}.csv"
    file.write_text("\n".join(f"{index % 17},{index % 5}" for index in range(60)), encoding="utf-8")
    bad = tmp_path / f"{'b' * 120}.csv"
    places = view.own.file.mapTo(view, QPoint(0, 0)).x(), view.setup.paste.mapTo(view, QPoint(0, 0)).x()
    drop(view, [file])
    lab.wait(lambda: lab.state.truth.endswith(file.name) and whole(lab))
    assert view.data_title.text().count("a") == 40
    line = setup_line(engine_setups(lab.state)).replace(file.name, bad.name)
    QGuiApplication.clipboard().setText(line)
    QTest.mouseClick(view.setup.paste, LEFT)
    lab.wait(lambda: view.setup.problem.isVisible())
    assert view.setup.problem.text().count("b") > 100
    view.grab()
    assert (view.own.file.mapTo(view, QPoint(0, 0)).x(), view.setup.paste.mapTo(view, QPoint(0, 0)).x()) == places
    lab.settle()
