"""A morph of photos at full size: under the hand, played and exported, and what happens where a corner has none."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

import resources
from app.bench.morph import measure_morph
from app.explore.morph.view import MorphView
from engine.blending import blended, corner_of, drawn_canvas, morphed, prepare, shares
from engine.exploring.open_model import OpenModel
from engine.photos import PhotoLoader
from engine.photos.similarity import cut_out
from tests.gui.conftest import SIZE, App, drag, engine_model
from tests.quick import quick

LEFT = Qt.MouseButton.LeftButton


def view(app: App) -> MorphView:
    return app.explore_view.morph


def rested(app: App) -> None:
    """Until the frame on show is in full, and the small ones are there."""
    app.settle()
    app.wait(lambda: app.state.morph.whole is not None and app.state.morph.whole.fine)
    app.settle()


@pytest.fixture
def photos(app: App) -> App:
    """The morph view between two portraits."""
    app.explore.show_view("morph")
    for index in (0, 1):
        app.explore.morph.set_photo(app.state.photos[index].key, index)
    app.wait(lambda: all(slot is not None and slot.photo and slot.code is not None for slot in app.state.morph.slots))
    rested(app)
    return app


def frame(app: App, home: Path, fraction: float, side: int, *, background: str = "faded") -> np.ndarray:
    """What the engine makes of the window's corners."""
    model, loader, corners = engine_model(home, app.state.info.title), PhotoLoader(), []
    for slot in app.state.morph.slots:
        if slot.photo is None:
            corners.append(corner_of(drawn_canvas(slot.picture), side))
            continue
        item = next(item for item in app.state.photos if item.key == slot.photo)
        loaded = loader.load(item.source, size=SIZE, cut=item.cut)
        base = model.encode(loaded.picture).reconstruction
        corners.append(corner_of(prepare(loader.whole(item.source), loaded.framing, base), side))
    codes = np.stack([slot.code for slot in app.state.morph.slots])
    decoded = model.decode(model.morph(codes, [fraction]))[0]
    return morphed(corners, decoded, shares(fraction, len(corners)), background=background)


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    # A decoding of one picture and of several differ by a rounding.
    return one.shape == other.shape and float(np.abs(one.astype(int) - other).mean()) < 0.5


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def scrub(app: App, *shares_: float) -> None:
    slider = view(app).slider
    track = slider.track_rect()
    drag(slider, [QPoint(round(track.left() + s * track.width()), round(track.center().y())) for s in shares_])


def test_photos_morph_as_large_as_there_is_room_and_end_as_they_are(photos: App, home: Path) -> None:
    shown = view(photos).picture
    room = min(shown.width(), shown.height() - 24)
    assert photos.state.morph.whole.picture.shape == (room, room, 3)
    assert alike(shown.picture(), frame(photos, home, 0.5, room))
    scrub(photos, 0.5, 0.3, -0.1)
    rested(photos)
    first = photos.state.morph.whole
    # Where the cut leaves the photo, a few pixels are neither.
    assert (np.abs(shown.picture().astype(int) - first.ends[0]) <= 1).mean() > 0.998, "at its end it is the photo"
    assert view(photos).corners[1].picture() is first.ends[1]
    assert view(photos).strip.count() == 9
    assert photos.state.morph.whole_strip.shape[1] > SIZE


def test_a_dragged_frame_is_quick_and_the_newest_wins(photos: App, home: Path) -> None:
    seen = []
    photos.conductor.store.changed.connect(
        lambda before, now: seen.append(now.morph.whole) if now.morph.whole is not before.morph.whole else None
    )
    scrub(photos, *np.linspace(0.5, 0.9, 15), 0.2)
    fraction = photos.state.morph.fraction
    rested(photos)
    room = photos.state.morph.whole.picture.shape[0]
    assert {len(one.picture) for one in seen if one is not None and not one.fine} == {320}
    assert seen[-1].fine
    assert alike(seen[-1].picture, frame(photos, home, fraction, room))


def test_the_key_shows_what_the_model_sees_and_the_photos_again(photos: App, home: Path) -> None:
    switch, panel = photos.explore_view.photo_as, photos.explore_view.morph_panel
    assert switch.isVisible()
    assert switch.current() == "photo"
    assert panel.behind.isVisible()
    assert panel.side.isVisible()
    assert not panel.scale.isVisible()
    whole = view(photos).picture.picture()
    photos.press("view.photo")
    photos.settle()
    assert view(photos).picture.picture().shape == (SIZE, SIZE, 3)
    assert view(photos).picture.picture() is photos.state.morph.picture
    assert not panel.behind.isVisible()
    assert panel.scale.isVisible()
    QTest.mouseClick(switch, LEFT, pos=switch.segment_rect("photo").center().toPoint())
    rested(photos)
    np.testing.assert_array_equal(view(photos).picture.picture(), whole)


def test_a_background_is_chosen_by_its_tile(photos: App, home: Path) -> None:
    tiles, state = photos.explore_view.morph_panel.background, photos.state.morph
    photos.wait(lambda: photos.state.morph.tiles is not None)
    faded = view(photos).picture.picture()
    assert len({picture.tobytes() for picture in photos.state.morph.tiles}) == 3
    QTest.mouseClick(tiles, LEFT, pos=tiles.item_rect(1).center())
    assert photos.state.morph.background == "last"
    photos.wait(lambda: photos.state.morph.whole is not state.whole)
    rested(photos)
    last = view(photos).picture.picture()
    assert not alike(last, faded)
    assert alike(last, frame(photos, home, 0.5, len(last), background="last"))
    QTest.keyClick(tiles, Qt.Key.Key_Left)
    assert photos.state.morph.background == "first"


@pytest.mark.slow
def test_a_corner_without_a_photo_is_soft_and_that_is_said(photos: App, home: Path) -> None:
    view(photos).slotCurrent.emit(1)
    photos.settle()
    rested(photos)
    assert "B has no photo" in photos.explore_view.hint.text()
    assert view(photos).corners[1].captions()[1].endswith("no photo")
    assert alike(view(photos).picture.picture(), frame(photos, home, 0.5, len(view(photos).picture.picture())))
    scrub(photos, 0.5, 1.1)
    rested(photos)
    large = Image.fromarray(photos.state.morph.slots[1].picture).resize(photos.state.morph.whole.picture.shape[:2])
    assert np.abs(photos.state.morph.whole.picture.astype(int) - np.asarray(large)).mean() < 6
    view(photos).slotCurrent.emit(0)
    photos.settle()
    assert not photos.explore_view.photo_as.isVisible(), "there is no photo left"
    assert view(photos).picture.picture().shape == (SIZE, SIZE, 3)


@pytest.mark.parametrize("strength", quick([1.0, 0.6], 0.6))
def test_an_edited_photo_is_a_corner_with_its_detail(app: App, strength: float) -> None:
    app.explore.photos.choose(app.state.photos[1].key)
    app.wait(lambda: app.state.encoded is not None and app.state.look.photo is not None)
    app.explore.looks.set_edit("Smiling", 3.0)
    app.explore.looks.set_strength(strength)
    app.explore.looks.settle()
    app.settle()
    app.explore.show_view("morph")
    app.settle()
    view(app).slotCurrent.emit(1)
    app.settle()
    rested(app)
    assert "no photo" not in app.explore_view.hint.text()
    scrub(app, 0.5, 1.1)
    rested(app)
    item, loader, encoded = app.state.photos[1], PhotoLoader(), app.state.encoded
    loaded = loader.load(item.source, size=SIZE, cut=item.cut)
    canvas = prepare(loader.whole(item.source), loaded.framing, encoded.reconstruction)
    edited = blended(canvas.picture, [(canvas, app.state.drawn.picture)], strength=strength)
    frame = cut_out(edited, canvas.face.frame, app.state.morph.room)
    plain = cut_out(canvas.picture, canvas.face.frame, app.state.morph.room)
    shown, there = app.state.morph.whole.picture.astype(int), np.abs(frame.astype(int) - plain).max(axis=2) > 1
    assert there.any()
    assert np.abs(shown - frame)[there].mean() < 0.3 * np.abs(shown - plain)[there].mean()


def test_a_morph_begins_with_the_photo_as_it_is_edited(app: App) -> None:
    app.explore.photos.choose(app.state.photos[1].key)
    app.wait(lambda: app.state.encoded is not None and app.state.look.photo is not None)
    app.settle()
    app.explore.looks.set_edit("Smiling", 3.0)
    app.explore.looks.settle()
    app.settle()
    app.explore.show_view("morph")
    app.settle()
    slot = app.state.morph.slots[0]
    assert slot.edit_of == app.state.photo
    np.testing.assert_array_equal(slot.code, app.state.drawn.code)


def test_a_photo_that_is_gone_leaves_what_the_model_sees_and_says_why(app: App, tmp_path: Path) -> None:
    file = tmp_path / "gone.webp"
    file.write_bytes(resources.path("samples/portrait-03.webp").read_bytes())
    app.press("view.photo")
    app.explore.show_view("morph")
    app.explore.photos.add_files([str(file)], lambda key: app.explore.morph.set_photo(key, 1))
    app.explore.morph.set_photo(app.state.photos[0].key, 0)
    app.wait(lambda: all(slot is not None and slot.code is not None for slot in app.state.morph.slots))
    app.settle()
    file.unlink()
    app.conductor.store.photo_loader._kept.clear()
    app.press("view.photo")
    app.settle()
    assert "gone" in app.state.morph.why
    assert not app.state.closing
    assert view(app).picture.picture().shape == (SIZE, SIZE, 3)
    assert app.explore_view.photo_as.current() == "model"


def test_photos_are_prepared_played_and_halted_in_full(photos: App) -> None:
    photos.conductor.store.update(decode_ms=500.0)
    photos.explore.morph.set_timing("frames", 10)
    view(photos).play.clicked.emit()
    photos.wait(lambda: photos.state.morph.frames is not None)
    assert photos.state.morph.frames.shape[1] == photos.state.morph.room
    fraction = photos.state.morph.fraction
    photos.wait(lambda: photos.state.morph.fraction != fraction)
    assert view(photos).picture.picture().shape[0] == photos.state.morph.room
    view(photos).play.clicked.emit()
    rested(photos)
    assert not photos.state.jobs
    view(photos).play.clicked.emit()
    photos.wait(lambda: photos.state.morph.playing)
    photos.press("view.photo")
    assert not photos.state.morph.playing
    assert photos.state.morph.frames is None, "frames of photos are none of the model"


def test_export_writes_photos_one_frame_after_the_other(
    photos: App, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos.explore.morph.set_timing("frames", 10)
    photos.explore.morph.set_timing("easing", "linear")
    photos.explore_view.morph_panel.exportChanged.emit("side", 256)
    most: list[int] = []
    decode = OpenModel.decode

    def counted(self: OpenModel, codes: np.ndarray) -> np.ndarray:
        if threading.current_thread().name == "lane-study":
            most.append(len(codes))
        return decode(self, codes)

    monkeypatch.setattr(OpenModel, "decode", counted)
    photos.explore.morph.export(tmp_path / "frames")
    photos.wait(lambda: "Saved" in photos.said)
    files = sorted((tmp_path / "frames").glob("*.png"))
    assert len(files) == 10
    assert set(most) == {1}, "of large frames a few would fill the memory"
    middle = pixels(files[5])
    assert alike(middle, frame(photos, home, 1.0, 256))
    photos.press("view.photo")
    photos.settle()
    photos.window.notice.clear()
    photos.explore.morph.export(tmp_path / "model")
    photos.wait(lambda: "Saved" in photos.said)
    assert pixels(tmp_path / "model" / "00000.png").shape[:2] == (4 * SIZE, 4 * SIZE)


def test_a_place_of_the_pad_is_of_all_photos(photos: App) -> None:
    for index in (2, 3):
        view(photos).more.clicked.emit()
        photos.explore.morph.set_photo(photos.state.photos[index].key, index)
    photos.wait(lambda: all(slot is not None and slot.code is not None for slot in photos.state.morph.slots))
    view(photos).mode.changed.emit("pad")
    rested(photos)
    assert len(photos.state.morph.whole.ends) == 4
    view(photos).pad.placed.emit(0.0, 1.0)
    rested(photos)
    third = photos.state.morph.whole
    assert (np.abs(third.picture.astype(int) - third.ends[2]) <= 1).mean() > 0.998


@pytest.mark.slow  # What it drags is dragged above; the figures are a benchmark's.
def test_the_benchmark_drags_along_a_morph(app: App) -> None:
    cards = {card.family: card for card in app.state.models if card.family != "gan"}
    found = measure_morph(app.conductor, cards, 3)
    assert set(found) == {"vae", "flow"}
    for row in found.values():
        assert row["frame"]["n"] == 3
        assert row["side_px"] == 320, "what is under the hand is quick"
