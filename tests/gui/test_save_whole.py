"""What Compare, Morph and the grid show of photos, saved and copied at full size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from app.core.file_kinds import ANIMATIONS
from app.widgets.pixels import from_qimage
from engine.api import Coded, DrawRequest
from engine.blending import blended, prepare
from engine.photos import PhotoLoader, read_recipe, recipe_from
from tests.gui.conftest import SIZE, App, engine_model
from tests.gui.test_compare import drag_slider
from tests.gui.test_save_photo import dialog, pixels, save
from tests.gui.test_whole_compare import compared, photo, rested
from tests.gui.test_whole_grid import edits
from tests.gui.test_whole_morph import alike, frame, photos
from tests.gui.test_whole_morph import rested as morph_rested

__all__ = ["compared", "edits", "photo", "photos"]


def clipboard(app: App) -> np.ndarray:
    app.press("picture.copy")
    app.settle()
    app.wait(lambda: not app.state.jobs)
    return from_qimage(QGuiApplication.clipboard().image())


def test_compare_saves_the_whole_photo_with_the_change_of_the_model_on_show(
    compared: App, home: Path, photo: Path, tmp_path: Path
) -> None:
    value = drag_slider(compared, "Smiling")
    rested(compared)
    row = next(row for row in compared.state.compare if row.ref == compared.state.model)
    assert [Path(name).stem for name in dialog(compared).selectedFiles()] == [f"whole, Smiling {value:+.1f}"]
    assert "whole photo" in save(compared, tmp_path / "out.png")
    model, loader = engine_model(home, row.title), PhotoLoader()
    canvas = prepare(loader.whole(photo), loader.load(photo, size=SIZE).framing, row.encoded.reconstruction)
    decoded = model.draw(DrawRequest(Coded(row.encoded.code), (("Smiling", value),))).picture
    expected = blended(canvas.picture, [(canvas, decoded)])
    assert (expected != canvas.picture).any()
    np.testing.assert_array_equal(pixels(tmp_path / "out.png"), expected)
    np.testing.assert_array_equal(clipboard(compared), expected)
    recipe = recipe_from(read_recipe(tmp_path / "out.png") or "", "out.png")
    assert [(face.title, face.edits) for face in recipe.faces] == [(row.title, (("Smiling", value),))]
    compared.press("view.photo")
    compared.settle()
    assert clipboard(compared).shape[0] == SIZE, "what the model sees is as large as it is"


def test_compare_saves_the_place_on_the_way_to_a_second_photo(compared: App, tmp_path: Path) -> None:
    compared.explore.compare.set_other(compared.state.photos[-1].key)
    compared.wait(lambda: all(row.other is not None for row in compared.state.compare))
    compared.explore_view.compare.path.changed.emit(0.5)
    rested(compared)
    assert "512 × 512" in save(compared, tmp_path / "out.png")
    assert pixels(tmp_path / "out.png").shape == (512, 512, 3)
    row = next(row for row in compared.state.compare if row.ref == compared.state.model)
    step = 512 / len(row.close.picture)
    at = (np.arange(len(row.close.picture)) * step).astype(int)
    apart = pixels(tmp_path / "out.png")[np.ix_(at, at)].astype(int) - row.close.picture
    assert np.abs(apart).mean() < 8, "it is what the row shows"


def test_morph_saves_the_frame_at_the_present_place(photos: App, home: Path, tmp_path: Path) -> None:
    photos.explore.morph.set_fraction(0.3)
    morph_rested(photos)
    names = [slot.name for slot in photos.state.morph.slots]
    assert [Path(name).name for name in dialog(photos).selectedFiles()] == [f"{names[0]} to {names[1]}, 30%.png"]
    assert "512 × 512" in save(photos, tmp_path / "out.png")
    saved = pixels(tmp_path / "out.png")
    assert alike(saved, frame(photos, home, 0.3, 512))
    np.testing.assert_array_equal(clipboard(photos), saved)
    photos.explore.morph.set_export("side", 1024)
    assert clipboard(photos).shape == (1024, 1024, 3), "as large as an exported frame"


def test_morph_saves_the_place_of_the_pad(photos: App, tmp_path: Path) -> None:
    photos.explore.morph.add_slot()
    photos.explore.morph.set_photo(photos.state.photos[2].key, 2)
    photos.wait(lambda: all(slot is not None and slot.code is not None for slot in photos.state.morph.slots))
    photos.explore.morph.show_pad(True)
    photos.explore.morph.set_pad(0.0, 1.0)
    morph_rested(photos)
    corner = clipboard(photos)
    assert corner.shape == (512, 512, 3)
    third = photos.state.morph.whole.ends[2]
    at = (np.arange(len(third)) * 512 / len(third)).astype(int)
    assert np.abs(corner[np.ix_(at, at)].astype(int) - third).mean() < 8, "it is the third photo"


def test_the_grid_of_edits_saves_the_whole_photo(edits: App, tmp_path: Path) -> None:
    assert "whole photo" in save(edits, tmp_path / "out.png")
    item = edits.explore.photos.item(edits.state.look.photo)
    whole = edits.conductor.store.photo_loader.whole(item.source)
    assert pixels(tmp_path / "out.png").shape == whole.shape


def offered(app: App, action: str) -> QFileDialog:
    app.press(action)
    return app.window.findChildren(QFileDialog)[-1]


def test_names_are_suggested_for_sessions_and_morphs(photos: App) -> None:
    names = [slot.name for slot in photos.state.morph.slots]
    asked = offered(photos, "morph.export")
    assert [Path(name).name for name in asked.selectedFiles()] == [f"{names[0]} to {names[1]}.gif"]
    for words, suffix in list(ANIMATIONS.items())[::-1]:
        asked.selectNameFilter(words)
        asked.filterSelected.emit(words)
        assert [Path(name).name for name in asked.selectedFiles()] == [f"{names[0]} to {names[1]}{suffix}"]
    photos.explore.photos.choose(photos.state.photos[1].key)
    photos.settle()
    asked = offered(photos, "session.save")
    assert [Path(name).name for name in asked.selectedFiles()] == [f"{names[1]}, Tiny VAE.loom"]
    # A dot is no end of a name, or a folder would lose what follows it.
    slots = photos.state.morph.slots
    photos.conductor.store.change("morph", slots=(replace(slots[0], name="Anna v1.2"), *slots[1:]))
    asked = offered(photos, "morph.export")
    folder = next(words for words, suffix in ANIMATIONS.items() if not suffix)
    asked.selectNameFilter(folder)
    asked.filterSelected.emit(folder)
    assert [Path(name).name for name in asked.selectedFiles()] == [f"Anna v1_2 to {names[1]}"]


@pytest.mark.parametrize("key", ["compare", "morph"])
def test_without_a_photo_the_models_picture_is_saved(app: App, key: str) -> None:
    app.press("view.photo")
    app.explore.show_view(key)
    app.settle()
    assert clipboard(app).shape[:2] == (SIZE, SIZE)
