"""Pictures, grids, strips and thumbnails: pixels, hits, drags and drops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent, QImage
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.widgets.cards import Card, CardList, DropZone, Thumb, ThumbGrid
from app.widgets.grid import PictureGrid
from app.widgets.picture import Picture
from app.widgets.pixels import from_qimage, resized, to_qimage
from app.widgets.stage import PictureStage
from app.widgets.strip import Frame, Strip


def _noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, shape, dtype=np.uint8)


def _drop(widget: QWidget, mime: QMimeData) -> bool:
    where, action, none = widget.rect().center(), Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(where, action, mime, Qt.MouseButton.LeftButton, none)
    QApplication.sendEvent(widget, enter)
    drop = QDropEvent(QPointF(where), action, mime, Qt.MouseButton.LeftButton, none)
    QApplication.sendEvent(widget, drop)
    return enter.isAccepted()


@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 7, 3), (64, 64, 3), (33, 2, 3)])
def test_pixels_survive_the_way_to_qt_and_back(shape: tuple[int, int, int]):
    array = _noise(*shape)
    assert np.array_equal(from_qimage(to_qimage(array)), array)


def test_image_owns_its_pixels():
    array = _noise(8, 8, 3)
    kept, image = array.copy(), to_qimage(array)
    array[:] = 0
    assert np.array_equal(from_qimage(image), kept)


def test_transparency_lies_on_white():
    image = QImage(2, 2, QImage.Format.Format_ARGB32)
    image.fill(QColor(0, 0, 0, 0))
    assert (from_qimage(image) == 255).all()


@pytest.mark.parametrize("bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_wrong_arrays_are_refused(bad: np.ndarray, qtbot: QtBot):
    picture = Picture()
    qtbot.addWidget(picture)
    with pytest.raises(ValueError, match="uint8 HxWx3"):
        picture.set_picture(bad)


def test_square_pixels_keep_their_colours():
    array = _noise(4, 4, 3)
    big = from_qimage(resized(array, 16, 16, smooth=False))
    assert np.array_equal(big[2::4, 2::4], array)


def test_the_picture_on_screen_is_the_array(qtbot: QtBot):
    picture = Picture(smooth=False)
    qtbot.addWidget(picture)
    picture.resize(128, 128)
    array = _noise(64, 64, 3)
    picture.set_picture(array)
    shown = from_qimage(picture.grab().toImage())
    scale = shown.shape[0] // 64
    centre = shown[scale // 2 :: scale, scale // 2 :: scale]
    assert np.array_equal(centre[8:-8, 8:-8], array[8:-8, 8:-8])
    picture.set_picture(255 - array)
    assert not np.array_equal(from_qimage(picture.grab().toImage()), shown)


def test_drag_is_told_in_picture_widths(qtbot: QtBot):
    picture = Picture(draggable=True)
    qtbot.addWidget(picture)
    picture.resize(200, 200)
    picture.set_picture(_noise(64, 64, 3))
    picture.show()
    steps: list[tuple[float, float]] = []
    picture.dragged.connect(lambda dx, dy: steps.append((dx, dy)))
    with qtbot.waitSignals([picture.dragStarted, picture.dragFinished]):
        qtbot.mousePress(picture, Qt.MouseButton.LeftButton, pos=QPoint(50, 50))
        for x in range(60, 151, 10):
            qtbot.mouseMove(picture, QPoint(x, 50 + (x - 50) // 2))
        qtbot.mouseRelease(picture, Qt.MouseButton.LeftButton, pos=QPoint(150, 100))
    assert sum(dx for dx, _ in steps) == pytest.approx(0.5)
    assert sum(dy for _, dy in steps) == pytest.approx(0.25)


def test_still_picture_clicks_and_does_not_drag(qtbot: QtBot):
    picture = Picture()
    qtbot.addWidget(picture)
    picture.resize(200, 200)
    picture.set_picture(_noise(64, 64, 3))
    with qtbot.assertNotEmitted(picture.dragged), qtbot.waitSignal(picture.clicked):
        qtbot.mouseClick(picture, Qt.MouseButton.LeftButton, pos=QPoint(50, 50))


def test_arrow_keys_drag_too(qtbot: QtBot):
    picture = Picture(draggable=True)
    qtbot.addWidget(picture)
    picture.set_picture(_noise(8, 8, 3))
    with qtbot.waitSignal(picture.dragged) as signal:
        qtbot.keyClick(picture, Qt.Key.Key_Left)
    assert signal.args == [pytest.approx(-0.02), 0.0]


@pytest.mark.parametrize("make", [Picture, DropZone])
def test_drops_of_files_and_images(make: type[QWidget], qtbot: QtBot, tmp_path: Path):
    widget = make()
    qtbot.addWidget(widget)
    widget.resize(120, 120)
    path = tmp_path / "Ünïcode ☺.png"
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)), QUrl("https://example.org/a.png")])
    with qtbot.waitSignal(widget.filesDropped) as signal:
        assert _drop(widget, mime)
    assert signal.args == [[str(path)]]
    array = _noise(6, 9, 3)
    pixels = QMimeData()
    pixels.setImageData(to_qimage(array))
    with qtbot.waitSignal(widget.imageDropped) as signal:
        assert _drop(widget, pixels)
    assert np.array_equal(signal.args[0], array)
    text = QMimeData()
    text.setText("hello")
    with qtbot.assertNotEmitted(widget.filesDropped):
        assert not _drop(widget, text)


def test_busy_stops_its_timers_when_hidden(qtbot: QtBot):
    picture = Picture()
    qtbot.addWidget(picture)
    picture.show()
    picture.set_busy(True)
    qtbot.waitUntil(picture._spinner.isActive, timeout=60_000)
    picture.hide()
    assert not picture._spinner.isActive()
    assert picture._busy


@pytest.mark.parametrize(("columns", "count"), [(5, 25), (4, 10), (0, 17), (1, 1)])
def test_every_cell_is_hit_in_its_middle_and_nothing_between(columns: int, count: int, qtbot: QtBot):
    grid = PictureGrid(columns, gap_px=6)
    qtbot.addWidget(grid)
    grid.resize(330, 280)
    grid.set_pictures(_noise(count, 16, 16, 3))
    rects = [grid.item_rect(i) for i in range(count)]
    assert [grid.index_at(rect.center()) for rect in rects] == list(range(count))
    assert all(grid.rect().contains(rect) for rect in rects)
    assert all(not a.intersects(b) for i, a in enumerate(rects) for b in rects[:i])
    assert grid.index_at(rects[0].topRight() + QPoint(3, 2)) == -1
    with qtbot.waitSignal(grid.cellClicked) as signal:
        qtbot.mouseClick(grid, Qt.MouseButton.LeftButton, pos=rects[-1].center())
    assert signal.args == [count - 1]


def test_grid_paints_its_pictures(qtbot: QtBot):
    grid = PictureGrid(2, gap_px=4)
    qtbot.addWidget(grid)
    grid.resize(204, 204)
    flat = np.zeros((4, 8, 8, 3), np.uint8)
    flat[:] = np.array([[250, 0, 0], [0, 250, 0], [0, 0, 250], [250, 250, 0]], np.uint8)[:, None, None]
    grid.set_pictures(flat)
    image = grid.grab().toImage()
    ratio = image.devicePixelRatio()
    for index in range(4):
        spot = grid.item_rect(index).center() * ratio
        assert QColor(image.pixel(spot)).getRgb()[:3] == tuple(flat[index, 0, 0])


def test_strip_keeps_the_chosen_frame_in_view(qtbot: QtBot):
    strip = Strip(thumb_px=48)
    qtbot.addWidget(strip)
    strip.resize(200, 60)
    strip.set_frames([Frame(_noise(8, 8, 3), f"{i}") for i in range(30)])
    for index in (29, 0, 13):
        with qtbot.assertNotEmitted(strip.selected):
            strip.set_selected(index)
        assert strip.rect().contains(strip.item_rect(index).center())
    with qtbot.waitSignal(strip.selected) as signal:
        qtbot.keyClick(strip, Qt.Key.Key_Right)
    assert signal.args == [14]


def test_cards_and_thumbs_answer_mouse_and_keys(qtbot: QtBot):
    cards, thumbs = CardList(), ThumbGrid(columns=3)
    for widget in (cards, thumbs):
        qtbot.addWidget(widget)
        widget.resize(200, 200)
    cards.set_cards(
        [Card("a", "A", actions=(("open", "Open folder"),)), Card("b", "B", "sub", _noise(4, 4, 3), live=True)]
    )
    with qtbot.waitSignal(cards.activated) as signal:
        qtbot.mouseClick(cards, Qt.MouseButton.LeftButton, pos=cards.card_rect("b").center())
    assert signal.args == ["b"]
    qtbot.keyClick(cards, Qt.Key.Key_Up)
    with qtbot.waitSignal(cards.activated) as signal:
        qtbot.keyClick(cards, Qt.Key.Key_Return)
    assert signal.args == ["a"]
    menu = cards.menu_for("a")
    with qtbot.waitSignal(cards.actionTriggered) as signal:
        menu.actions()[0].trigger()
    assert signal.args == ["a", "open"]
    thumbs.set_thumbs([Thumb(name, _noise(8, 12, 3)) for name in "wxyz"])
    with qtbot.waitSignal(thumbs.activated) as signal:
        qtbot.mouseClick(thumbs, Qt.MouseButton.LeftButton, pos=thumbs.thumb_rect("y").center())
    assert signal.args == ["y"]
    with qtbot.waitSignal(thumbs.removed) as signal:
        qtbot.keyClick(thumbs, Qt.Key.Key_Delete)
    assert signal.args == ["y"]
    with pytest.raises(ValueError, match="share one key"):
        cards.set_cards([Card("a", "A"), Card("a", "B")])


@pytest.mark.parametrize("size", [(900, 600), (500, 600), (1600, 500), (260, 200)])
def test_stage_lines_up_and_stays_inside(size: tuple[int, int], qtbot: QtBot):
    main, one, two = Picture("a"), Picture("b"), Picture("c")
    stage = PictureStage(main, (one, two))
    qtbot.addWidget(stage)
    stage.resize(*size)
    stage.show()
    assert abs(main.geometry().bottom() - two.geometry().bottom()) <= 2
    assert main.geometry().top() == one.geometry().top()
    assert all(stage.rect().contains(p.geometry()) for p in (main, one, two))
    before = main.width()
    stage.show_side(one, False)
    stage.show_side(two, False)
    assert main.width() >= before


def test_a_frames_number_stands_in_its_lower_left_corner(qtbot: QtBot):
    shown = []
    for number in (0, 3):
        strip = Strip(thumb_px=48)
        qtbot.addWidget(strip)
        strip.set_frames([Frame(np.zeros((48, 48, 3), np.uint8), number=number)])
        strip.resize(200, 60)
        shown.append(from_qimage(strip.grab().toImage()).astype(int))
        rect = strip.item_rect(0)
    rows, columns = np.nonzero((shown[0] != shown[1]).any(axis=2))
    assert len(rows), "it is seen"
    assert shown[1][rows, columns].max() > 200, "white on dark"
    assert rows.min() > rect.center().y()
    assert columns.max() < rect.center().x()


def test_a_step_that_is_not_in_force_is_faint_until_it_is_pointed_at(qtbot: QtBot):
    strip = Strip(thumb_px=48)
    qtbot.addWidget(strip)
    strip.set_frames([Frame(np.zeros((48, 48, 3), np.uint8), faint=faint) for faint in (False, True)])
    strip.resize(200, 60)

    def light() -> list[int]:
        shown = strip.grab().toImage()
        return [shown.pixelColor(strip.item_rect(index).center()).lightness() for index in range(2)]

    assert light()[0] == 0
    assert light()[1] > 5, "what is behind it shines through"
    strip._hover = 1
    assert light() == [0, 0]
