"""A photo in Single: whole, at its own size, the edits of its faces in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.explore.fullsize.view import FullSizePanel
from app.settings import load_settings, settings_file
from app.widgets.pixels import from_qimage
from engine.blending import blended, prepare
from engine.exploring.open_model import OpenModel
from tests.gui.conftest import SIZE, App, OpenApp, drag, drop, mouse
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


def test_a_photo_that_is_gone_falls_back_to_the_models_view(app: App, two: Path, tmp_path: Path) -> None:
    path = tmp_path / "gone.png"
    path.write_bytes(two.read_bytes())
    app.explore.full.show("model")
    opened_in_model = app.explore_view.single.picture
    drop(opened_in_model, [path])
    app.wait(lambda: app.state.encoded is not None and app.state.look.photo == str(path))
    app.settle()
    path.unlink()
    app.explore.full.show("photo")
    app.wait(lambda: bool(app.state.full.why))
    app.settle()
    single = app.explore_view.single
    assert single.picture.isVisible()
    assert not panel(app).isVisible()
    assert "gone.png" in app.state.full.why
    assert app.explore_view.photo_as.current() == "model"
    assert app.explore_view.hint.text() == app.state.full.why
    opened(app, two)
    assert panel(app).isVisible()
    assert not app.state.full.why


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


def test_a_photo_taken_out_of_the_library_stays_on_screen(app: App, two: Path) -> None:
    opened(app, two)
    smile(app)
    app.explore_view.library.photos.removed.emit(str(two))
    app.settle()
    assert panel(app).isVisible()
    assert changes(app, two) == (True, False)


def test_a_searched_code_changes_the_photo_too(home: Path, open_app: OpenApp, two: Path, quick_search: None) -> None:
    app = open_app(model="Tiny GAN")
    opened(app, two)
    assert changes(app, two) == (False, False), "that the model cannot read the face well is no edit"
    smile(app)
    assert changes(app, two) == (True, False)


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


def test_no_photo_is_shown_in_the_place_of_one_whose_file_is_gone(app: App, two: Path, portrait: Path) -> None:
    opened(app, two)
    app.explore.photos.add_files([str(portrait)])
    app.wait(lambda: app.state.photo == str(portrait) and app.state.encoded is not None)
    rested(app)
    app.explore.photos.choose(str(two))
    rested(app)
    # As it comes back with a session, whose file has left meanwhile.
    loaded = app.explore.photos._loaded
    loaded[str(portrait), SIZE] = replace(loaded[str(portrait), SIZE], framing=None)
    portrait.unlink()
    for _ in range(2):
        app.explore.photos.choose(str(portrait))
        app.wait(lambda: bool(app.state.full.why))
        assert app.state.blended is None
        app.explore.photos.choose(str(two))
        rested(app)


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


def stages(app: App) -> list[tuple[int, str, bool]]:
    """What Single shows from now on, at each change: its page, which switch is lit, whether a photo still comes."""
    seen: list[tuple[int, str, bool]] = []
    single = app.explore_view.single

    def look(*_: object) -> None:
        if app.state.look is not None and app.state.look.photo is not None and app.state.encoded is not None:
            current = app.explore_view.photo_as.current()
            seen.append((single.pages.currentIndex(), current, panel(app).photo.waiting()))

    app.conductor.store.changed.connect(look)
    return seen


def test_after_a_restart_the_photo_is_waited_for_where_photo_is_lit(home: Path, open_app: OpenApp, two: Path) -> None:
    app = open_app()
    opened(app, two)
    smile(app)
    app.close()
    again = open_app(model="", ready=False)
    seen = stages(again)
    again.wait(lambda: again.state.blended is not None)
    rested(again)
    assert (2, "photo", True) in seen, "it comes"
    assert (2, "photo", False) in seen, "it is there"
    assert not [one for one in seen if one[0] == 0], "the 64 pixels of the model are not what Photo says"


def test_a_photos_faces_come_with_it_and_not_on_the_one_before(app: App, two: Path, portrait: Path) -> None:
    opened(app, portrait)
    opened(app, two)
    assert len(app.state.full.faces) == 2
    wrong: list[str] = []

    def look(*_: object) -> None:
        full, blended = app.state.full, app.state.blended
        if blended is not None and blended.scene.key == str(two) and len(full.faces) != 2:
            wrong.append("the faces of the portrait on the photo of two")
        if blended is not None and blended.scene.key == str(portrait) and len(full.faces) != 1:
            wrong.append("the faces of the two on the portrait")

    app.conductor.store.changed.connect(look)
    for key in (portrait, two):
        app.explore.photos.choose(str(key))
        app.wait(lambda key=key: app.state.blended is not None and app.state.blended.scene.key == str(key))
        rested(app)
    assert not wrong
