"""The frame picker, the sparkline and the picture with a foot, by themselves."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.widgets.footer_picture import FooterPicture
from app.widgets.frame_picker import FramePicker
from app.widgets.sparkline import Sparkline

LEFT = Qt.MouseButton.LeftButton
SCALE = 0.25
"""The photo is 800 x 400, its picture 200 x 100."""


@pytest.fixture
def picker(qtbot: QtBot) -> FramePicker:
    made = FramePicker()
    qtbot.addWidget(made)
    made.resize(400, 300)
    rng = np.random.default_rng(0)
    made.set_photo(rng.integers(0, 255, (100, 200, 3), dtype=np.uint8), SCALE)
    made.show()
    return made


def click(picker: FramePicker, x: float, y: float) -> None:
    """A click on this pixel of the photo."""
    QTest.mouseClick(picker, LEFT, pos=picker.place_of((x, y)).toPoint())


def test_places_are_the_photos_pixels(picker: FramePicker) -> None:
    assert picker.picture_rect().width() == 400
    seen: list[tuple[tuple[float, float], ...]] = []
    picker.pointsChanged.connect(seen.append)
    picker.set_clicking(True)
    click(picker, 200, 100)
    click(picker, 600, 100)
    np.testing.assert_allclose(seen[-1], [(200, 100), (600, 100)], atol=2.0)
    assert picker.points() == seen[-1]


def test_three_markers_at_most_and_backspace_takes_the_last(picker: FramePicker) -> None:
    picker.set_clicking(True)
    for x in (100, 300, 500, 700):
        click(picker, x, 200)
    assert len(picker.points()) == 3
    QTest.keyClick(picker, Qt.Key.Key_Backspace)
    assert len(picker.points()) == 2


def test_a_marker_is_dragged_and_stays_in_the_photo(picker: FramePicker) -> None:
    picker.set_clicking(True)
    click(picker, 200, 100)
    at = picker.place_of((200, 100)).toPoint()
    QTest.mousePress(picker, LEFT, pos=at)
    QTest.mouseMove(picker, QPoint(395, 299))
    QTest.mouseRelease(picker, LEFT, pos=QPoint(395, 299))
    (spot,) = picker.points()
    np.testing.assert_allclose(spot, (790, 400), atol=2.0)
    click(picker, 700, 50)
    assert len(picker.points()) == 2


def test_markers_by_keyboard_alone(picker: FramePicker) -> None:
    accepted: list[bool] = []
    picker.accepted.connect(lambda: accepted.append(True))
    picker.set_clicking(True)
    picker.setFocus()
    for _ in range(3):
        QTest.keyClick(picker, Qt.Key.Key_Right)
        QTest.keyClick(picker, Qt.Key.Key_Return)
    assert len(picker.points()) == 3
    left, right, mouth = picker.points()
    assert left[0] < right[0]
    assert mouth[1] > left[1]
    QTest.keyClick(picker, Qt.Key.Key_Backtab)
    QTest.keyClick(picker, Qt.Key.Key_Backtab)
    QTest.keyClick(picker, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert picker.points()[0][1] < left[1]
    assert picker.points()[1:] == (right, mouth)
    assert not accepted
    QTest.keyClick(picker, Qt.Key.Key_Return)
    assert accepted


def test_faces_by_click_and_by_arrows(picker: FramePicker) -> None:
    chosen: list[int] = []
    picker.faceChosen.connect(chosen.append)
    picker.set_faces([(100, 100, 200), (150, 150, 60), (500, 100, 150)], 0)
    click(picker, 560, 150)
    # A small face inside a large one can be reached; the one that is taken already says nothing.
    click(picker, 170, 170)
    click(picker, 110, 110)
    click(picker, 450, 300)
    assert chosen == [2, 1]
    picker.setFocus()
    QTest.keyClick(picker, Qt.Key.Key_Left)
    assert chosen[-1] == 2


def test_the_cut_is_bright_and_the_rest_dark(picker: FramePicker) -> None:
    picker.set_photo(np.full((100, 200, 3), 200, np.uint8), SCALE)
    # A square of 200 pixels, turned by 45 degrees about (400, 200).
    reach = 200 / math.sqrt(2)
    picker.set_cut([(400, 200 - reach), (400 + reach, 200), (400, 200 + reach), (400 - reach, 200)])
    image = picker.grab().toImage()

    def light(x: float, y: float) -> int:
        return image.pixelColor(picker.place_of((x, y)).toPoint()).red()

    assert light(400, 200) == 200
    assert light(400 + 0.8 * reach, 200) == 200
    assert light(400 + 0.8 * reach, 200 + 0.8 * reach) < 130


def test_the_curve_leaves_out_what_no_logarithm_has(qtbot: QtBot) -> None:
    curve = Sparkline("error")
    qtbot.addWidget(curve)
    curve.resize(200, 200)
    curve.set_curve([1, 2, 3, 4, 5], [0.5, 0.0, math.nan, math.inf, 0.05], total=10)
    assert curve.curve() == ((1, 5), (0.5, 0.05))
    assert "0.05" in curve.text_at(100)
    assert curve.text_at(0).startswith("Step 1:")
    assert "0.5 → 0.05 in 5 steps" in curve.summary()
    curve.grab()
    curve.set_curve([], [])
    assert curve.text_at(5) == ""
    curve.grab()
    with pytest.raises(ValueError, match="as many"):
        curve.set_curve([1], [])


def test_the_curve_falls_from_left_to_right(qtbot: QtBot) -> None:
    curve = Sparkline("error", framed=False)
    qtbot.addWidget(curve)
    curve.resize(300, 80)
    curve.set_curve(range(3000), [math.exp(-step / 500) for step in range(3000)])
    places = curve._points()
    assert len(places) < 900
    assert all(a.x() < b.x() and a.y() < b.y() for a, b in pairwise(places))


def test_a_foot_takes_room_from_the_caption_and_a_cover_the_pictures_place(qtbot: QtBot) -> None:
    picture, foot, cover = FooterPicture("Left", "right"), QPushButton("Foot"), Sparkline()
    qtbot.addWidget(picture)
    picture.resize(200, 224)
    picture.set_picture(np.zeros((32, 32, 3), np.uint8))
    picture.show()
    whole = picture._caption_rect().width()
    picture.add_footer(foot)
    assert foot.isVisible()
    assert picture._caption_rect().width() < whole
    foot.hide()
    picture.fit_footer()
    assert picture._caption_rect().width() == whole
    picture.set_cover(cover)
    assert cover.geometry() == picture.picture_rect().toRect()
    picture.resize(120, 144)
    assert cover.geometry() == picture.picture_rect().toRect()
    picture.set_cover(None)
    assert not cover.isVisible()


def test_a_curve_that_gains_next_to_nothing_looks_flat(qtbot: QtBot) -> None:
    curve = Sparkline("error", framed=False)
    qtbot.addWidget(curve)
    curve.resize(300, 80)
    curve.set_curve([0, 1, 2], [0.17, 0.1699, 0.1698])
    assert curve._points()[-1].y() - curve._points()[0].y() < 4
    curve.set_curve([0, 1, 2], [0.5, 0.1, 0.01])
    assert curve._points()[-1].y() - curve._points()[0].y() > 50
