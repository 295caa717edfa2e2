"""A photo in Single saved and copied whole, with the edits of all its faces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from app.explore.fullsize.saver import suggested_name
from app.widgets.pixels import from_qimage
from engine.blending import blended, prepare
from engine.files import disk
from engine.photos import original_of, read_recipe, recipe_from
from tests.gui.conftest import App
from tests.gui.test_fullsize import click_face, opened, pixels, smile


def dialog(app: App) -> QFileDialog:
    app.press("picture.save")
    return app.window.findChildren(QFileDialog)[-1]


def save(app: App, path: Path) -> str:
    """By Ctrl+S and the dialog; gives the dialog's title."""
    asked = dialog(app)
    title = asked.windowTitle()
    asked.fileSelected.emit(str(path))
    asked.done(0)
    app.settle()
    app.wait(lambda: not app.state.jobs)
    return title


def expected(app: App, two: Path) -> np.ndarray:
    file = pixels(two)
    edits = app.explore.full.edits_on_photo()
    return blended(file, [(prepare(file, edit.framing, edit.base), edit.picture) for edit in edits])


def test_two_faces_are_in_the_file_and_on_the_clipboard(app: App, two: Path, tmp_path: Path) -> None:
    opened(app, two)
    smile(app)
    click_face(app, 2)
    smile(app, -2.0)
    path = tmp_path / "out.png"
    assert "1,000 × 640" in save(app, path)
    saved, file = pixels(path), pixels(two)
    np.testing.assert_array_equal(saved, expected(app, two))
    changed = (saved != file).any(axis=2)
    assert changed[:, :505].any()
    assert changed[:, 505:].any()
    inside = np.zeros(changed.shape, bool)
    for edit in app.explore.full.edits_on_photo():
        xs, ys = zip(*edit.framing.corners, strict=True)
        inside[max(0, int(min(ys))) : int(max(ys)) + 2, max(0, int(min(xs))) : int(max(xs)) + 2] = True
    assert not changed[~inside].any(), "outside the faces it is the photo bit for bit"
    assert "out.png" in app.said
    assert "KB" in app.said or "MB" in app.said
    app.press("picture.copy")
    app.settle()
    np.testing.assert_array_equal(from_qimage(QGuiApplication.clipboard().image()), saved)
    text = read_recipe(path) or ""
    recipe = recipe_from(text, "out.png")
    assert recipe.original == original_of(two, pixels(two), "two.png")
    assert [face.edits for face in recipe.faces] == [(("Smiling", 2.0),), (("Smiling", -2.0),)]
    assert [face.cut.face for face in recipe.faces] == [0, 1]
    assert {face.title for face in recipe.faces} == {"Tiny VAE"}
    assert {face.sha256 for face in recipe.faces} == {app.state.info.sha256}
    assert recipe.complete
    assert str(tmp_path) not in text
    assert str(two.parent) not in text


def test_an_unedited_photo_is_saved_as_it_is(app: App, two: Path, tmp_path: Path) -> None:
    opened(app, two)
    save(app, tmp_path / "same.png")
    np.testing.assert_array_equal(pixels(tmp_path / "same.png"), pixels(two))
    assert read_recipe(tmp_path / "same.png") is None


def test_a_turned_jpeg_is_saved_upright_under_a_name_of_its_own(app: App, two: Path, tmp_path: Path) -> None:
    turned = tmp_path / "a; turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(two) as image:
        image.transpose(Image.Transpose.ROTATE_90).save(turned, exif=exif, quality=95)
    opened(app, turned)
    smile(app)
    asked = dialog(app)
    assert [Path(name).name for name in asked.selectedFiles()] == ["a; turned, Smiling +2.0.jpg"]
    assert "JPEG" in asked.selectedNameFilter()
    asked.fileSelected.emit(str(tmp_path / "out.jpg"))
    asked.done(0)
    app.settle()
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.format == "JPEG"
        assert image.size == (1000, 640)
        assert 0x0112 not in image.getexif()
    whole = app.conductor.store.photo_loader.whole(turned)
    apart = np.abs(pixels(tmp_path / "out.jpg").astype(int) - whole)
    assert apart[:, -20:].mean() < 3, "beside the faces it is the photo, upright"


def test_what_cannot_be_written_leaves_the_old_file(
    app: App, two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(app, two)
    smile(app)
    before = two.read_bytes()
    save(app, two)
    assert "choose another name" in app.said
    assert two.read_bytes() == before, "the edits are made from it"
    save(app, tmp_path / "out.tiff")
    assert ".png, .jpg or .webp" in app.said
    old = tmp_path / "old.png"
    old.write_bytes(b"old")

    def full(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk.Path, "write_bytes", full)
    save(app, old)
    assert "No space left on device" in app.said
    assert old.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["old.png"]


def test_what_the_model_sees_is_saved_in_its_own_size(app: App, two: Path, tmp_path: Path) -> None:
    opened(app, two)
    smile(app)
    app.press("view.photo")
    app.settle()
    assert "the model's picture, 32 × 32" in save(app, tmp_path / "small.png")
    np.testing.assert_array_equal(pixels(tmp_path / "small.png"), app.state.drawn.picture)
    app.press("picture.copy")
    assert QGuiApplication.clipboard().image().width() == 32


def test_suggested_names_are_safe() -> None:
    assert suggested_name("", Path("/a/holiday.heic"), ()) == "holiday, copy.png"
    name = suggested_name('x/..\\y:"\n' + "é" * 300, np.zeros((1, 1, 3), np.uint8), ())
    assert not set('/\\:"\n') & set(name)
    assert len(name.encode()) <= 200
    assert name.endswith(".png")
