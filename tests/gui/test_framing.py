"""Which part of a photo is taken: no face, many faces, eyes clicked by hand; and codes searched and improved."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

import resources
from app.widgets.pixels import to_qimage
from engine.api import Cut
from engine.exploring.open_model import OpenModel
from engine.session import Session
from tests.gui.conftest import SIZE, App, OpenApp, drop, engine_model

LEFT = Qt.MouseButton.LeftButton
EYES = ((130.0, 120.0), (200.0, 120.0), (165.0, 190.0))


@pytest.fixture(scope="module")
def landscape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo without anybody in it."""
    rows, columns = np.mgrid[0:300, 0:420]
    waves = [127 + 90 * np.sin(rows / (60 + 9 * c) + columns / 80) for c in range(3)]
    path = tmp_path_factory.mktemp("photos") / "hills.png"
    Image.fromarray(np.stack(waves, axis=2).astype(np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen people in one photo, the later ones a little smaller."""
    whole = Image.new("RGB", (800, 800), (110, 110, 110))
    for index, path in enumerate(sorted(resources.path("samples").glob("*.webp"))[:16]):
        side = 200 - 2 * index
        with Image.open(path) as portrait:
            row, column = divmod(index, 4)
            whole.paste(portrait.convert("RGB").resize((side, side)), (200 * column, 200 * row))
    path = tmp_path_factory.mktemp("photos") / "crowd.png"
    whole.save(path)
    return path


def encoded(app: App) -> None:
    app.wait(lambda: app.state.encoded is not None and not app.state.encoding)
    app.settle()


def taken(app: App, path: Path) -> None:
    drop(app.explore_view.single.picture, [path])
    encoded(app)


def action(app: App, name: str) -> None:
    """What the key does."""
    app.window.findChild(QAction, name).trigger()
    QApplication.processEvents()


def click_photo(app: App, x: float, y: float) -> None:
    """A click on this pixel of the photo in the framing panel."""
    picker = app.explore_view.single.framing.picker
    QTest.mouseClick(picker, LEFT, pos=picker.place_of((x, y)).toPoint())


def proposed(app: App) -> None:
    app.wait(lambda: app.state.frame is not None and not app.state.frame.busy and app.state.frame.proposed is not None)


def labels(app: App) -> list[str]:
    return [entry.label for entry in app.state.history.entries]


def quick(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Searches of so many steps."""
    encode = OpenModel.encode

    def quicker(self: OpenModel, *args: object, **options: object) -> object:
        return encode(self, *args, **{"steps": steps, **options})

    monkeypatch.setattr(OpenModel, "encode", quicker)


# framing
def test_no_face_opens_the_panel_and_clicked_eyes_are_encoded(app: App, home: Path, landscape: Path) -> None:
    drop(app.explore_view.single.picture, [landscape])
    app.wait(lambda: app.state.frame is not None)
    encoded(app)
    panel = app.explore_view.single.framing
    assert panel.isVisible()
    assert "No face was found" in panel.line.text()
    assert not app.explore_view.single.photo.isVisible()
    middle = app.state.encoded
    QTest.mouseClick(panel.click, LEFT)
    assert "left" in panel.line.text()
    assert not panel.use.isEnabled()
    for x, y in EYES:
        click_photo(app, x, y)
    proposed(app)
    clicked = app.state.frame.points
    np.testing.assert_allclose(clicked, EYES, atol=2.0)
    photo = Session(device="cpu", home=home).load_photo(landscape, size=SIZE, cut=Cut(points=clicked))
    np.testing.assert_array_equal(panel.preview.picture(), photo.picture)
    QTest.mouseClick(panel.use, LEFT)
    encoded(app)
    assert not panel.isVisible()
    assert app.state.loaded.how == "points"
    assert labels(app)[-1] == "hills, eyes clicked"
    reference = engine_model(home, "Tiny VAE").encode(photo.picture)
    np.testing.assert_array_equal(app.explore_view.single.picture.picture(), reference.reconstruction)
    assert [p.name for p in app.state.photos if p.listed].count("hills") == 1
    assert app.state.photo == app.explore_view.library.photos.selected()
    action(app, "edit.undo")
    app.settle()
    assert app.state.encoded is middle
    assert app.state.loaded.how == "centre"
    assert app.state.frame is None


@pytest.mark.slow
def test_esc_goes_out_step_by_step_and_leaves_all_as_it_was(app: App, landscape: Path) -> None:
    taken(app, landscape)
    app.wait(lambda: app.state.frame is not None)
    before, history = app.state.encoded, app.state.history.entries
    picker = app.explore_view.single.framing.picker
    QTest.mouseClick(app.explore_view.single.framing.click, LEFT)
    click_photo(app, *EYES[0])
    click_photo(app, *EYES[1])
    proposed(app)
    QTest.keyClick(picker, Qt.Key.Key_Escape)
    assert app.state.frame is not None
    assert not app.state.frame.clicking
    assert app.state.frame.points == ()
    QTest.keyClick(picker, Qt.Key.Key_Escape)
    assert app.state.frame is None
    app.settle()
    assert app.state.encoded is before
    assert app.state.history.entries == history
    app.explore.photos.choose(app.state.photos[1].key)
    encoded(app)
    app.explore.photos.choose(str(landscape))
    encoded(app)
    assert app.state.frame is None, "it asks once, not each time"


def test_the_third_of_sixteen_faces(app: App, home: Path, crowd: Path) -> None:
    taken(app, crowd)
    single = app.explore_view.single
    assert app.state.frame is None
    count = app.state.loaded.faces
    assert count >= 12
    assert single.photo.captions()[0] == f"face 1 of {count}"
    QTest.mouseClick(single.frame, LEFT)
    app.wait(lambda: single.framing.isVisible())
    assert f"{count} faces" in single.framing.line.text()
    box = app.state.frame.framing.faces[2]
    click_photo(app, box.x + box.size / 2, box.y + box.size / 2)
    proposed(app)
    QTest.mouseClick(single.framing.use, LEFT)
    app.wait(lambda: app.state.photo != str(crowd))
    encoded(app)
    photo = Session(device="cpu", home=home).load_photo(crowd, size=SIZE, cut=Cut(face=2))
    np.testing.assert_array_equal(single.photo.picture(), photo.picture)
    assert single.photo.captions() == (f"face 3 of {count}", "")
    assert labels(app)[-1] == "crowd, face 3"
    # Each face stays in the library by itself, so that two people of one photo can be morphed.
    assert {"crowd", "crowd, face 3"} <= {p.name for p in app.state.photos if p.listed}
    third = app.state.encoded
    QTest.mouseClick(single.face_next, LEFT)
    app.wait(lambda: app.state.encoded not in (None, third))
    encoded(app)
    assert single.photo.captions()[0] == f"face 4 of {count}"
    action(app, "photo.face_previous")
    encoded(app)
    assert app.state.encoded is third
    app.explore.looks.undo()
    app.explore.looks.undo()
    app.settle()
    assert app.state.encoded is third
    app.explore.looks.undo()
    app.settle()
    assert single.photo.captions()[0] == f"face 1 of {count}"


@pytest.mark.slow
def test_a_session_keeps_which_face_it_was(app: App, crowd: Path, tmp_path: Path) -> None:
    taken(app, crowd)
    app.explore.photos.step_face(1)
    app.wait(lambda: app.state.photo != str(crowd))
    encoded(app)
    second, picture = app.state.photo, app.state.loaded.picture
    app.explore.sessions.save(tmp_path / "two.loom")
    app.settle()
    app.explore.photos.remove(second)
    app.explore.photos.choose(str(crowd))
    encoded(app)
    app.explore.sessions.open(tmp_path / "two.loom")
    app.wait(lambda: app.state.photo == second)
    app.settle()
    item = app.explore.photos.item(second)
    assert item.cut.face == 1
    assert item.base == str(crowd)
    # The photo is found again, and the cut in it.
    app.wait(lambda: app.state.loaded is not None and app.state.loaded.framing is not None)
    action(app, "photo.frame")
    assert (app.state.frame.cut.face, app.state.frame.framing.face) == (1, 1)
    app.explore.framing.choose_face(1)
    proposed(app)
    np.testing.assert_array_equal(app.state.frame.proposed.picture, picture)


@pytest.mark.slow
def test_a_photo_that_is_gone_cannot_be_cut_anew(app: App, crowd: Path, tmp_path: Path) -> None:
    copy = tmp_path / "gone.png"
    copy.write_bytes(crowd.read_bytes())
    taken(app, copy)
    before = app.state.encoded
    copy.unlink()
    app.explore.photos.step_face(1)
    app.wait(lambda: "gone.png" in app.said)
    app.settle()
    assert app.state.encoded is before
    action(app, "photo.frame")
    app.explore.framing.choose_face(3)
    app.wait(lambda: bool(app.state.frame.message))
    assert "gone.png" in app.explore_view.single.framing.line.text()
    assert not app.explore_view.single.framing.use.isEnabled()


def test_framing_by_keyboard_alone(app: App, crowd: Path) -> None:
    taken(app, crowd)
    action(app, "photo.frame")
    picker = app.explore_view.single.framing.picker
    QTest.keyClick(picker, Qt.Key.Key_Right)
    proposed(app)
    QTest.keyClick(picker, Qt.Key.Key_Return)
    app.wait(lambda: app.state.photo != str(crowd))
    encoded(app)
    assert app.state.loaded.framing.face == 1
    action(app, "photo.frame")
    app.explore.framing.start_clicking()
    for _ in range(3):
        QTest.keyClick(picker, Qt.Key.Key_Right)
        QTest.keyClick(picker, Qt.Key.Key_Return)
    QTest.keyClick(picker, Qt.Key.Key_Backspace)
    proposed(app)
    assert len(app.state.frame.points) == 2
    QTest.keyClick(app.explore_view.single.framing, Qt.Key.Key_Return)
    encoded(app)
    assert app.state.loaded.how == "points"


@pytest.mark.slow
def test_the_middle_instead_of_a_face(app: App, home: Path, crowd: Path) -> None:
    taken(app, crowd)
    action(app, "photo.frame")
    QTest.mouseClick(app.explore_view.single.framing.middle, LEFT)
    proposed(app)
    QTest.mouseClick(app.explore_view.single.framing.use, LEFT)
    app.wait(lambda: app.state.photo != str(crowd))
    encoded(app)
    photo = Session(device="cpu", home=home).load_photo(crowd, size=SIZE, cut=Cut(align="centre"))
    np.testing.assert_array_equal(app.explore_view.single.photo.picture(), photo.picture)


@pytest.mark.slow
def test_eyes_at_one_place_are_one_sentence_in_the_panel(app: App, crowd: Path) -> None:
    taken(app, crowd)
    action(app, "photo.frame")
    app.explore.framing.start_clicking()
    app.explore.framing.set_points(((50.0, 50.0), (50.0, 50.0)))
    app.wait(lambda: not app.state.frame.busy)
    panel = app.explore_view.single.framing
    if app.state.frame.proposed is None:
        assert app.state.frame.message in panel.line.text()
        assert not panel.use.isEnabled()
    before = app.state.encoded
    QTest.mouseClick(panel.cancel, LEFT)
    QTest.mouseClick(panel.cancel, LEFT)
    assert app.state.frame is None
    assert app.state.encoded is before


def test_without_a_photo_there_is_nothing_to_frame(app: App) -> None:
    action(app, "photo.frame")
    assert "no photo to frame" in app.said
    assert app.state.frame is None


def test_a_second_photo_without_a_face_asks_too(app: App, landscape: Path, tmp_path: Path) -> None:
    taken(app, landscape)
    app.wait(lambda: app.state.frame is not None)
    first = app.state.frame.key
    other = tmp_path / "other.png"
    Image.open(landscape).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(other)
    taken(app, other)
    app.wait(lambda: app.state.frame is not None and app.state.frame.key != first)
    assert app.state.frame.key == app.state.photo


@pytest.mark.slow
def test_another_photo_closes_the_panel(app: App, landscape: Path) -> None:
    taken(app, landscape)
    app.wait(lambda: app.state.frame is not None)
    app.explore.photos.choose(app.state.photos[2].key)
    encoded(app)
    assert app.state.frame is None
    assert not app.explore_view.single.framing.isVisible()


# searching and improving
@pytest.mark.slow
def test_a_search_shows_its_curve_and_keeps_it(
    home: Path, open_app: OpenApp, portrait: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick(monkeypatch, 60)
    app = open_app(model="Tiny GAN")
    single = app.explore_view.single
    drop(single.picture, [portrait])
    app.wait(lambda: app.state.search is not None and len(app.state.search.errors) > 2)
    assert single.curve.isVisible()
    assert single.stop.isVisible()
    assert single.error.captions()[1].endswith("%")
    encoded(app)
    assert not single.curve.isVisible()
    assert app.state.search is None
    readout = app.explore_view.inspector.photo
    assert not readout.curve.isHidden()
    assert readout.curve.curve()[1][-1] == pytest.approx(app.state.encoded.errors[-1])
    assert single.improve.isVisible()


@pytest.mark.slow
def test_cancel_under_the_curve(home: Path, open_app: OpenApp, portrait: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick(monkeypatch, 100_000)
    app = open_app(model="Tiny GAN")
    single = app.explore_view.single
    look = app.state.look
    drop(single.picture, [portrait])
    app.wait(lambda: app.state.search is not None and len(app.state.search.errors) > 2)
    QTest.mouseClick(single.stop, LEFT)
    app.wait(lambda: app.state.search is None and not app.state.encoding)
    assert app.state.look is look
    assert app.state.photo is None
    assert not app.state.jobs


@pytest.mark.slow
def test_another_photo_ends_the_search_of_the_first(
    home: Path, open_app: OpenApp, portrait: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_app(model="Tiny GAN")
    app.model("Tiny VAE")
    second = tmp_path / "second.png"
    Image.new("RGB", (40, 40), (90, 20, 160)).save(second)
    taken(app, second)
    app.model("Tiny GAN")
    app.wait(lambda: app.state.search is None and not app.state.encoding)
    quick(monkeypatch, 100_000)
    drop(app.explore_view.single.picture, [portrait])
    app.wait(lambda: app.state.search is not None and len(app.state.search.errors) > 2)
    app.explore.photos.choose(str(second))
    encoded(app)
    assert app.state.photo == str(second)
    assert app.state.search is None
    assert not app.state.jobs


def test_improve_is_a_step_of_the_history(app: App, portrait: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick(monkeypatch, 40)
    encode = OpenModel.encode

    def worse(self: OpenModel, *args: object, **options: object) -> object:
        """An encoder that leaves something to improve, which that of an untrained model may not."""
        found = encode(self, *args, **options)
        return found if options.get("improve") else replace(found, psnr_db=found.psnr_db - 1.0)

    monkeypatch.setattr(OpenModel, "encode", worse)
    taken(app, portrait)
    single, before = app.explore_view.single, app.state.encoded
    app.explore.looks.set_edit("Smiling", 1.0)
    app.explore.looks.settle()
    app.settle()
    QTest.mouseClick(single.improve, LEFT)
    app.wait(lambda: app.state.encoded is not before)
    app.settle()
    after = app.state.encoded
    assert after.improved
    assert after.psnr_db > before.psnr_db
    assert labels(app)[-1] == "Improved"
    assert app.state.look.edits == (("Smiling", 1.0),)
    assert app.state.look.source.code is after.code
    assert f"{before.psnr_db:.2f} dB → {after.psnr_db:.2f} dB" in app.state.status
    assert not app.state.jobs
    action(app, "edit.undo")
    app.settle()
    assert app.state.encoded is before
    action(app, "edit.redo")
    app.settle()
    assert app.state.encoded is after


def test_an_improve_that_gains_nothing_leaves_the_code(
    app: App, portrait: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken(app, portrait)
    before, look = app.state.encoded, app.state.look
    monkeypatch.setattr(OpenModel, "encode", lambda *args, **options: replace(before, improved=True))
    action(app, "photo.improve")
    app.wait(lambda: "Nothing nearer" in app.state.status)
    assert app.state.encoded is before
    assert app.state.look is look
    assert not app.state.jobs


@pytest.mark.slow
def test_a_cancelled_improve_changes_nothing(
    home: Path, open_app: OpenApp, portrait: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        quick(patch, 4)
        app = open_app(model="Tiny GAN")
        taken(app, portrait)
    quick(monkeypatch, 100_000)
    before, look = app.state.encoded, app.state.look
    action(app, "photo.improve")
    app.wait(lambda: app.state.search is not None and len(app.state.search.errors) > 2)
    assert app.state.encoded is before
    QTest.mouseClick(app.explore_view.single.stop, LEFT)
    app.wait(lambda: app.state.search is None)
    app.settle()
    assert app.state.encoded is before
    assert app.state.look is look
    assert "cancelled" in app.state.status


def test_a_failed_improve_is_said_and_changes_nothing(
    app: App, portrait: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken(app, portrait)
    before = app.state.encoded

    def fails(*args: object, **options: object) -> None:
        raise MemoryError

    monkeypatch.setattr(OpenModel, "encode", fails)
    action(app, "photo.improve")
    app.wait(lambda: "memory" in app.said)
    assert app.state.encoded is before
    assert app.state.search is None


@pytest.mark.slow
def test_an_exact_code_has_no_improve(home: Path, open_app: OpenApp, portrait: Path) -> None:
    app = open_app(model="Tiny Glow")
    taken(app, portrait)
    assert not app.explore_view.single.improve.isVisible()
    action(app, "photo.improve")
    assert "encodes exactly" in app.said


def test_the_readout_has_the_rows_that_apply(app: App, portrait: Path) -> None:
    readout = app.explore_view.inspector.photo
    assert readout.isHidden()
    taken(app, portrait)
    found = app.state.encoded
    assert not readout.isHidden()
    assert readout.psnr.text() == f"{found.psnr_db:.1f} dB"
    assert readout.ssim.text() == f"{found.ssim:.3f}"
    assert readout.bits.text() == f"≤ {found.bits_per_dim:.2f} bits/dim"
    assert float(readout.norm.text()) == pytest.approx(
        np.linalg.norm(found.code) / math.sqrt(found.code.size), abs=1e-3
    )
    # A model without a reference has no percentile, one with an encoder no curve.
    assert readout.shares.isHidden()
    assert readout.curve.isHidden()
    app.explore.looks.set_seed(3)
    app.settle()
    assert readout.isHidden()


# dropping
def drop_mime(widget: QWidget, mime: QMimeData) -> None:
    """Drops on a widget, or on the first of its parents that takes it, as Qt does."""
    copy, plain = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    target: QWidget | None = widget
    while target is not None:
        enter = QDragEnterEvent(QPoint(5, 5), copy, mime, LEFT, plain)
        enter.ignore()
        if target.acceptDrops():
            QApplication.sendEvent(target, enter)
            if enter.isAccepted():
                target.dropEvent(QDropEvent(QPointF(5, 5), copy, mime, LEFT, plain))
                return
        target = target.parentWidget()
    pytest.fail("nothing takes this drop")


def places(app: App) -> dict[str, QWidget]:
    explore = app.explore_view
    return {
        "library": explore.library.models,
        "thumbs": explore.library.photos,
        "picture": explore.single.picture,
        "history": explore.single.history,
        "inspector": explore.inspector.temperature,
        "readout": explore.inspector.norm,
        "tabs": explore.switch,
    }


def test_a_picture_from_a_browser_can_be_dropped_anywhere(app: App) -> None:
    for index, (name, widget) in enumerate(places(app).items()):
        mime = QMimeData()
        picture = np.random.default_rng(index).integers(0, 255, (48, 48, 3), dtype=np.uint8)
        mime.setImageData(to_qimage(picture))
        mime.setUrls([QUrl("https://example.org/face.jpg")])
        before = app.state.photo
        drop_mime(widget, mime)
        app.wait(lambda before=before: app.state.photo != before)
        encoded(app)
        assert app.state.photos[0].name == "pasted picture", name


def test_files_can_be_dropped_anywhere_and_the_first_is_used(app: App, tmp_path: Path) -> None:
    for index, (name, widget) in enumerate(places(app).items()):
        files = []
        for part in "ab":
            files.append(tmp_path / f"{index}{part}.png")
            Image.new("RGB", (40, 40), (20 * index, 90, ord(part))).save(files[-1])
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(file)) for file in files])
        drop_mime(widget, mime)
        app.wait(lambda first=files[0]: app.state.photo == str(first))
        encoded(app)
        assert {str(file) for file in files} <= {p.key for p in app.state.photos}, name


def test_garbage_dropped_anywhere_is_one_sentence(app: App, portrait: Path, tmp_path: Path) -> None:
    taken(app, portrait)
    before = app.state.encoded
    garbage = tmp_path / "notes.txt"
    garbage.write_bytes(b"\x00\xffnothing to see")
    for where in ("library", "inspector", "picture"):
        app.window.notice.clear()
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(garbage))])
        drop_mime(places(app)[where], mime)
        app.wait(lambda: bool(app.said))
        assert "notes.txt" in app.said, where
        app.settle()
        assert app.state.encoded is before, where
        assert app.state.photo == str(portrait), where


def test_an_address_alone_fetches_nothing_and_says_so(app: App) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl("https://example.org/face.jpg")])
    drop_mime(app.explore_view.inspector, mime)
    assert "Only an address" in app.said
    assert app.state.photo is None
