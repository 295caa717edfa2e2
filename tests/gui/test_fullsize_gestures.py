"""A photo in Single under the hand: the wheel, pushing, wandering."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from tests.gui.conftest import App, drag, mouse
from tests.gui.test_explore import slider_points
from tests.gui.test_fullsize import LEFT, on_screen, opened, painted, panel, rested, smile


def wheel(app: App, at: QPoint, notches: int) -> None:
    view = panel(app).photo
    where, nothing = view.mapToGlobal(at), QPoint()
    event = QWheelEvent(
        QPointF(at),
        QPointF(where),
        nothing,
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)


def test_the_wheel_zooms_about_the_pointer_and_space_pushes(app: App, two: Path) -> None:
    opened(app, two)
    reach, view = app.state.reach, panel(app).photo
    at = view.rect().center() + QPoint(40, -20)
    place = app.state.full.place
    point = (place.left + at.x() / place.scale, place.top + at.y() / place.scale)
    wheel(app, at, 5)
    assert app.state.full.place.scale == pytest.approx(place.scale * 1.2**5)
    there = view.place_of(*point)
    assert abs(there.x() - at.x()) <= 1.5
    assert abs(there.y() - at.y()) <= 1.5
    assert app.state.reach == reach
    rested(app)
    active = next(face for face in app.state.full.faces if face.active)
    middle = np.mean(active.corners, axis=0)
    start = view.place_of(*middle).toPoint()
    wandered, before = app.state.look.wander, app.state.full.place
    view.setFocus()
    QTest.keyPress(view, Qt.Key.Key_Space)
    drag(view, [start, start + QPoint(-30, -20), start + QPoint(-60, -40)])
    QTest.keyRelease(view, Qt.Key.Key_Space)
    now = app.state.full.place
    assert now.left == pytest.approx(before.left + 60 / before.scale, abs=2 / before.scale)
    assert now.top == pytest.approx(before.top + 40 / before.scale, abs=2 / before.scale)
    assert app.state.look.wander == wandered
    rested(app)
    QTest.mouseClick(panel(app).zoom.buttons["fit"], LEFT)
    rested(app)
    assert app.state.full.place.scale == place.scale
    QTest.mouseClick(panel(app).zoom.buttons["fill"], LEFT)
    rested(app)
    rect = view.photo_rect()
    assert rect.left() <= 0
    assert rect.top() <= 0
    assert rect.right() >= view.width() - 1
    wheel(app, at, 2)
    QTest.mouseDClick(view, LEFT, pos=view.place_of(500, 20).toPoint())
    assert app.state.full.zoom.mode == "fit"


def test_a_drag_on_the_face_wanders(app: App, two: Path) -> None:
    opened(app, two)
    before, place, view = painted(app), app.state.full.place, panel(app).photo
    active = next(face for face in app.state.full.faces if face.active)
    start = view.place_of(*np.mean(active.corners, axis=0)).toPoint()
    entries = len(app.state.history.entries)
    drag(view, [start + QPoint(4 * step, step) for step in range(30)])
    rested(app)
    assert app.state.look.wander.x != 0
    assert app.state.full.place == place
    assert (painted(app) != before).any()
    assert len(app.state.history.entries) == entries + 1


def test_a_photo_that_is_larger_than_its_room_is_pushed_wherever_a_drag_begins(app: App, two: Path) -> None:
    opened(app, two)
    view, words = panel(app).photo, panel(app).zoom.drag
    assert words.isVisible()
    assert words.text() == "Drag the face to wander"
    QTest.mouseClick(panel(app).zoom.buttons["one"], LEFT)
    rested(app)
    assert words.text() == "Drag to move, with Shift to wander"
    active = next(face for face in app.state.full.faces if face.active)
    before, wander = app.state.full.place, QPoint(25, 20)
    start = view.place_of(*np.mean(active.corners, axis=0)).toPoint()
    drag(view, [start, start - wander, start - 2 * wander])
    rested(app)
    assert app.state.look.wander.x == 0
    assert app.state.full.place.left == pytest.approx(before.left + 50, abs=2)
    place = app.state.full.place
    start = view.place_of(*np.mean(active.corners, axis=0)).toPoint()
    drag(view, [start, start - wander, start - 2 * wander], held_keys=Qt.KeyboardModifier.ShiftModifier)
    rested(app)
    assert app.state.look.wander.x != 0
    assert app.state.full.place == place
    app.press("photo.fit")
    assert words.text() == "Drag the face to wander"
    app.press("view.photo")
    assert "drag to wander" in app.explore_view.hint.text()


def test_a_second_button_neither_ends_a_drag_nor_begins_another(app: App, two: Path) -> None:
    """The undo step of a drag is not lost by a finger on the other button."""
    opened(app, two)
    view = panel(app).photo
    (active,) = [one for one in view._outlines if one.active]
    middle = sum(view._spots(active), 0j) / 4
    at, steps = QPoint(round(middle.real), round(middle.imag)), len(app.state.history.entries)
    mouse(view, QEvent.Type.MouseButtonPress, at)
    mouse(view, QEvent.Type.MouseMove, at + QPoint(30, 0))
    QTest.mouseClick(view, Qt.MouseButton.RightButton, pos=at + QPoint(30, 0))
    assert len(app.state.history.entries) == steps, "the hand is still on the face"
    mouse(view, QEvent.Type.MouseMove, at + QPoint(40, 0))
    mouse(view, QEvent.Type.MouseButtonRelease, at + QPoint(40, 0))
    rested(app)
    assert len(app.state.history.entries) == steps + 1


def test_marks_leave_the_photo_alone_while_a_hand_drags(app: App, two: Path) -> None:
    opened(app, two)
    slider, view = app.explore_view.inspector.sliders["Smiling"], panel(app).photo
    points = slider_points(slider, 10)
    mouse(slider, QEvent.Type.MouseButtonPress, points[0])
    for point in points[1:]:
        mouse(slider, QEvent.Type.MouseMove, point)
    app.wait(lambda: app.state.drawn.request == app.state.look.request())
    assert app.state.moving
    assert view._quiet
    app.wait(lambda: app.state.blended.fine)
    mouse(slider, QEvent.Type.MouseButtonRelease, points[-1])
    assert not app.state.moving
    assert not view._quiet


def test_before_is_shown_while_b_is_held(app: App, two: Path) -> None:
    opened(app, two)
    plain = on_screen(app)
    smile(app)
    edited = on_screen(app)
    view = panel(app).photo
    QTest.keyPress(view, Qt.Key.Key_B)
    np.testing.assert_array_equal(on_screen(app), plain)
    QTest.keyRelease(view, Qt.Key.Key_B)
    np.testing.assert_array_equal(on_screen(app), edited)
