"""A photo in Single: whole, at its own size, the edits of its faces in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.explore.fullsize.view import FullSizePanel
from app.settings import load_settings, settings_file
from app.widgets.pixels import from_qimage
from engine.blending import blended, prepare
from engine.exploring.open_model import OpenModel
from tests.gui.conftest import App, OpenApp, drag, drop
from tests.gui.test_explore import slider_points

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def quick_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches of four steps."""
    encode = OpenModel.encode
    monkeypatch.setattr(OpenModel, "encode", lambda self, *args, **options: encode(self, *args, steps=4, **options))


def panel(app: App) -> FullSizePanel:
    return app.explore_view.single.full


def opened(app: App, path: Path) -> None:
    drop(app.explore_view.single.picture, [path])
    app.wait(lambda: app.state.photo == app.state.look.photo == str(path))
    app.wait(lambda: app.state.encoded is not None and not app.state.encoding)
    rested(app)


def rested(app: App) -> None:
    """Until what is on screen is the sharp picture of the look."""
    app.settle()
    app.wait(lambda: app.state.blended is not None and app.state.blended.fine)
    app.wait(lambda: app.state.blended.picture is app.state.drawn.picture)
    app.settle()


def smile(app: App, value: float = 2.0) -> None:
    app.explore.looks.set_edit("Smiling", value)
    app.explore.looks.settle()
    rested(app)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def on_screen(app: App) -> np.ndarray:
    """What the photo's widget paints, without marks and what floats over it."""
    view = panel(app).photo
    outlines = view._outlines
    view.set_outlines(())
    found = from_qimage(view.grab().toImage())
    view.set_outlines(outlines)
    return found


def painted(app: App) -> np.ndarray:
    """The part of the picture that is the photo's."""
    rect = panel(app).photo.photo_rect().toRect()
    seen = on_screen(app)
    return seen[max(0, rect.top()) : rect.bottom() + 1, max(0, rect.left()) : rect.right() + 1]


def composed(app: App) -> np.ndarray:
    """The picture of the state: the scene with the piece that is changed."""
    now = app.state.blended
    found = now.scene.ground.copy()
    if now.piece is not None:
        high, wide = now.piece.picture.shape[:2]
        found[now.piece.top : now.piece.top + high, now.piece.left : now.piece.left + wide] = now.piece.picture
    return found


def one_to_one(app: App) -> None:
    app.press("photo.one")
    rested(app)


def test_a_photo_is_shown_whole(app: App, two: Path) -> None:
    opened(app, two)
    view = panel(app)
    assert view.isVisible()
    rect = view.photo.photo_rect()
    assert rect.width() / rect.height() == pytest.approx(1000 / 640, abs=0.01)
    room = view.photo.size()
    assert rect.left() >= 0
    assert rect.top() >= 0
    assert rect.right() <= room.width() + 0.5
    assert rect.bottom() <= room.height() + 0.5
    small = np.asarray(Image.open(two).resize((painted(app).shape[1], painted(app).shape[0])))
    assert np.abs(painted(app).astype(int) - small).mean() < 2.0
    assert {face.number for face in app.state.full.faces} == {1, 2}


def test_at_its_own_size_the_unedited_photo_is_the_file_bit_for_bit(app: App, two: Path) -> None:
    opened(app, two)
    one_to_one(app)
    left, top, wide, high = app.state.blended.scene.window
    file = pixels(two)[top : top + high, left : left + wide]
    np.testing.assert_array_equal(composed(app), file)
    seen = on_screen(app)
    np.testing.assert_array_equal(seen[: file.shape[0], : file.shape[1]], file[: seen.shape[0], : seen.shape[1]])


def test_a_slider_changes_the_face_and_nothing_else(app: App, two: Path) -> None:
    opened(app, two)
    before = painted(app)
    smile(app)
    after, blend = painted(app), app.state.blended
    changed = (before != after).any(axis=2)
    assert changed.any()
    active = next(face for face in app.state.full.faces if face.active)
    scale = app.state.full.place.scale
    xs, ys = zip(*active.corners, strict=True)
    rows, columns = np.nonzero(changed)
    # An edit fades out a little beyond the frame, which may be tilted.
    far = 0.12 * max(max(xs) - min(xs), max(ys) - min(ys)) * scale + 2
    assert columns.min() >= min(xs) * scale - far
    assert columns.max() <= max(xs) * scale + far
    assert rows.min() >= min(ys) * scale - far
    assert rows.max() <= max(ys) * scale + far
    assert blend.piece is not None


def test_what_is_shown_at_its_own_size_is_what_the_engine_blends(app: App, two: Path) -> None:
    opened(app, two)
    smile(app)
    one_to_one(app)
    (edit,) = app.explore.full.edits_on_photo()
    file = pixels(two)
    whole = blended(file, [(prepare(file, edit.framing, edit.base), edit.picture)])
    left, top, wide, high = app.state.blended.scene.window
    np.testing.assert_array_equal(composed(app), whole[top : top + high, left : left + wide])


def test_a_slider_taken_back_gives_the_photo_back(app: App, two: Path) -> None:
    opened(app, two)
    one_to_one(app)
    before = on_screen(app)
    slider = app.explore_view.inspector.sliders["Smiling"]
    drag(slider, slider_points(slider, 20))
    rested(app)
    assert (on_screen(app) != before).any()
    smile(app, 0.0)
    np.testing.assert_array_equal(on_screen(app), before)
    app.press("edit.undo")
    rested(app)
    assert (on_screen(app) != before).any()
    app.press("edit.undo")
    rested(app)
    np.testing.assert_array_equal(on_screen(app), before)
    assert app.explore.full.edits_on_photo() == ()


def test_the_switch_shows_what_the_model_sees_and_is_remembered(home: Path, open_app: OpenApp, two: Path) -> None:
    app = open_app()
    assert not app.explore_view.photo_as.isVisible(), "a sample has no photo"
    opened(app, two)
    switch, single = app.explore_view.photo_as, app.explore_view.single
    assert switch.isVisible()
    assert switch.current() == "photo"
    QTest.mouseClick(switch, LEFT, pos=switch.segment_rect("model").center().toPoint())
    app.settle()
    assert single.picture.isVisible()
    assert single.error.isVisible()
    assert not panel(app).isVisible()
    np.testing.assert_array_equal(single.picture.picture(), app.state.drawn.picture)
    smile(app) if panel(app).isVisible() else app.explore.looks.set_edit("Smiling", 1.0)
    app.explore.looks.settle()
    app.settle()
    app.press("view.photo")
    rested(app)
    assert panel(app).isVisible()
    assert app.state.blended.piece is not None, "what was edited meanwhile is in the photo"
    app.press("view.photo")
    app.close()
    assert load_settings(settings_file())[0].photo_as == "model"
    again = open_app()
    assert again.state.full.wanted == "model"


def test_a_sample_has_no_photo(app: App, two: Path) -> None:
    opened(app, two)
    app.explore.looks.set_seed(5)
    app.settle()
    assert app.explore_view.single.picture.isVisible()
    assert not app.explore_view.photo_as.isVisible()
    assert app.state.blended is None
    app.press("edit.undo")
    rested(app)
    assert panel(app).isVisible()


def click_face(app: App, number: int) -> None:
    face = next(face for face in app.state.full.faces if face.number == number)
    view = panel(app).photo
    QTest.mouseClick(view, LEFT, pos=view.place_of(*np.mean(face.corners, axis=0)).toPoint())
    app.wait(lambda: any(one.active and one.number == number for one in app.state.full.faces))
    rested(app)


def changes(app: App, two: Path) -> tuple[bool, bool]:
    """Whether the left and the right half differ from the file, at its own size in the middle of the screen."""
    differs = (composed(app) != app.state.blended.scene.photo).any(axis=2)
    middle = differs.shape[1] * 505 // 1000
    return bool(differs[:, :middle].any()), bool(differs[:, middle:].any())


def test_a_click_chooses_another_face_and_both_edits_stay(app: App, two: Path) -> None:
    opened(app, two)
    smile(app)
    assert changes(app, two) == (True, False)
    first = app.state.look
    click_face(app, 2)
    assert app.state.look.photo == f"{two}#face 2"
    assert app.state.look.edits == ()
    assert changes(app, two) == (True, False), "the first face stays edited"
    smile(app, -2.0)
    assert changes(app, two) == (True, True)
    keys = [edit.key for edit in app.explore.full.edits_on_photo()]
    assert keys == [str(two), f"{two}#face 2"]
    click_face(app, 1)
    assert app.state.look.edits == first.edits, "as it was left"
    assert changes(app, two) == (True, True)
    app.press("photo.face_next")
    app.wait(lambda: app.state.look.photo == f"{two}#face 2")
    rested(app)
    assert app.state.look.edit("Smiling") == -2.0


def test_undo_takes_back_the_face_edited_last(app: App, two: Path) -> None:
    opened(app, two)
    smile(app)
    click_face(app, 2)
    smile(app)
    assert changes(app, two) == (True, True)
    app.press("edit.undo")
    rested(app)
    assert changes(app, two) == (True, False)
    app.press("edit.undo")
    rested(app)
    assert app.state.look.photo == str(two)
    app.press("edit.undo")
    rested(app)
    assert changes(app, two) == (False, False)
    for _ in range(3):
        app.press("edit.redo")
    rested(app)
    assert changes(app, two) == (True, True)


def test_both_edits_are_what_the_engine_blends(app: App, two: Path) -> None:
    opened(app, two)
    smile(app)
    click_face(app, 2)
    smile(app)
    one_to_one(app)
    file = pixels(two)
    edits = app.explore.full.edits_on_photo()
    whole = blended(file, [(prepare(file, edit.framing, edit.base), edit.picture) for edit in edits])
    left, top, wide, high = app.state.blended.scene.window
    apart = np.abs(composed(app).astype(int) - whole[top : top + high, left : left + wide])
    # One face is cut by the screen's edge: what is enlarged begins elsewhere, and is rounded otherwise.
    assert apart.max() <= 1
    assert (apart > 0).mean() < 1e-3


def test_the_split_changes_nothing_outside_the_face(app: App, two: Path) -> None:
    opened(app, two)
    plain = on_screen(app)
    smile(app)
    edited = on_screen(app)
    app.press("view.split")
    app.explore.bookmarks.split(share=1.0)
    rested(app)
    view = panel(app).photo
    active = next(face for face in app.state.full.faces if face.active)
    spots = [view.place_of(*corner) for corner in active.corners]
    rows, columns = np.mgrid[: plain.shape[0], : plain.shape[1]]
    # An edit fades out a little beyond the frame, and the split goes with it.
    far = 0.15 * max(abs(s.x() - spots[0].x()) + abs(s.y() - spots[0].y()) for s in (spots[1], spots[3]))
    outside = (columns < min(s.x() for s in spots) - far) | (columns > max(s.x() for s in spots) + far)
    outside |= (rows < min(s.y() for s in spots) - far) | (rows > max(s.y() for s in spots) + far)
    line = view.split_line()
    assert line is not None
    whole = from_qimage(view.grab().toImage())
    view.set_outlines([one for one in view._outlines if one.active])
    split = from_qimage(view.grab().toImage())
    assert whole.shape == split.shape
    near_knob = (abs(columns - line.knob(view.rect().toRectF()).real) < 200) & (
        abs(rows - line.knob(view.rect().toRectF()).imag) < 16
    )
    np.testing.assert_array_equal(split[outside & ~near_knob], edited[outside & ~near_knob])
    inside = (edited != plain).any(axis=2)
    assert (split[inside] == plain[inside]).mean() > 0.9, "left of the handle is the state before"
    grip = line.knob(view.rect().toRectF())
    start = QPoint(round(grip.real), round(grip.imag))
    drag(view, [start, start - QPoint(40, 0), start - QPoint(80, 0)])
    assert 0.2 < app.state.split.share < 0.95


def test_theme_and_size_change_under_an_edit(app: App, two: Path) -> None:
    opened(app, two)
    smile(app)
    app.press("view.theme")
    app.window.resize(1600, 900)
    QApplication.processEvents()
    rested(app)
    rect, view = panel(app).photo.photo_rect(), panel(app).photo
    assert max(rect.width() - view.width(), rect.height() - view.height()) == pytest.approx(0, abs=1.5)
    assert app.state.blended.piece is not None
    card = panel(app).card
    assert card.isVisible()
    assert card.tiles[0].isVisible()
    assert view.rect().contains(card.geometry())
    QTest.mouseClick(card.sign, LEFT)
    assert not card.tiles[0].isVisible()
    app.window.resize(app.window.minimumSizeHint())
    QApplication.processEvents()
    rested(app)
    assert not card.isVisible(), "it would cover the photo"


def test_the_photo_goes_along_into_another_model(app: App, two: Path) -> None:
    opened(app, two)
    smile(app)
    click_face(app, 2)
    app.model("Tiny Glow")
    app.wait(lambda: app.state.encoded is not None and app.state.look.photo == f"{two}#face 2")
    rested(app)
    assert panel(app).isVisible()
    assert changes(app, two) == (True, False), "what the other model did to the first face stays"
    smile(app)
    assert changes(app, two) == (True, True)


def test_a_session_brings_all_faces_back(app: App, open_app: OpenApp, two: Path, tmp_path: Path) -> None:
    opened(app, two)
    smile(app)
    click_face(app, 2)
    smile(app)
    session = tmp_path / "a.loom"
    app.explore.sessions.save(session)
    app.settle()
    app.close()
    again = open_app()
    again.explore.files.open_files([str(session)])
    again.wait(lambda: len(again.explore.full.edits_on_photo()) == 2)
    rested(again)
    assert panel(again).isVisible()
    assert changes(again, two) == (True, True)
    assert {face.number for face in again.state.full.faces} == {1, 2}


def test_a_searched_code_changes_the_photo_too(home: Path, open_app: OpenApp, two: Path, quick_search: None) -> None:
    app = open_app(model="Tiny GAN")
    opened(app, two)
    assert changes(app, two) == (False, False), "that the model cannot read the face well is no edit"
    smile(app)
    assert changes(app, two) == (True, False)


def test_in_the_smallest_window_all_tabs_are_whole(app: App, two: Path) -> None:
    opened(app, two)
    view = app.explore_view
    for width, tabs in ((1120, "Compare"), (1600, "Compare models")):
        app.window.resize(width, 640)
        QApplication.processEvents()
        for one in (view.switch, view.photo_as):
            assert one.isVisible()
            for key, _ in one._options:
                assert one.rect().toRectF().contains(one.segment_rect(key)), f"{key} in {width}"
        assert not view.switch.geometry().intersects(view.photo_as.geometry())
        assert tabs in view.switch.labels()
    QTest.mouseClick(view.switch, LEFT, pos=view.switch.segment_rect("morph").center().toPoint())
    assert app.state.view == "morph"
