"""What a newcomer does in the first minute, with a model of the box: a photo from a phone, a smile, a morph, a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps, ImageSequence
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton

import resources

from .conftest import App, OpenApp, drop


@pytest.fixture
def phone_photo(tmp_path: Path) -> Path:
    """A large, tilted JPEG that only its EXIF turns upright, with the face off the middle."""
    with Image.open(resources.path("samples/portrait-05.webp")) as portrait:
        face = portrait.convert("RGB").resize((900, 900), Image.Resampling.LANCZOS)
    photo = Image.new("RGB", (2000, 1500), (120, 140, 150))
    photo.paste(face.rotate(8, Image.Resampling.BICUBIC, fillcolor=(120, 140, 150)), (900, 350))
    path = tmp_path / "IMG_2026 (1).JPG"
    exif = Image.Exif()
    exif[0x0112] = 6  # Turned by a quarter: the stored pixels lie on their side.
    photo.transpose(Image.Transpose.ROTATE_90).save(path, "JPEG", quality=90, exif=exif)
    with Image.open(path) as back:
        assert ImageOps.exif_transpose(back).size == (2000, 1500)
    return path


def test_photo_smile_morph_file(open_app: OpenApp, phone_photo: Path, tmp_path: Path):
    app = open_app(model="Faces VAE 64")
    explore = app.explore_view

    drop(app.window, [phone_photo])
    app.wait(lambda: app.state.encoded is not None)
    app.settle()
    assert app.state.loaded is not None
    assert app.state.loaded.how == "face"
    assert app.state.encoded is not None
    assert app.state.encoded.psnr_db > 17, "the eyes are where the model expects them"

    before = app.state.drawn
    slider = explore.inspector.sliders["Smiling"]
    slider.setFocus()
    for _ in range(20):
        QTest.keyClick(slider, Qt.Key.Key_Right)
    app.settle()
    assert app.state.look is not None
    assert app.state.look.edit("Smiling") > 0.9
    after = app.state.drawn
    assert before is not None
    assert after is not None
    assert mouth_change(before.picture, after.picture) > rest_change(before.picture, after.picture)

    spot = explore.switch.segment_rect("morph").center().toPoint()
    QTest.mouseClick(explore.switch, Qt.MouseButton.LeftButton, pos=spot)
    app.wait(lambda: app.state.morph.strip is not None)
    target = tmp_path / "me.webp"
    app.explore.morph.set_timing("frames", 24)
    app.explore.morph.export(target)
    app.wait(target.is_file)
    app.settle()
    with Image.open(target) as written:
        frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(written)]
    assert len(frames) >= 24
    assert not np.array_equal(frames[0], frames[len(frames) // 2])


def mouth_change(a: np.ndarray, b: np.ndarray) -> float:
    """Mean change where the mouth is in the models' framing."""
    return float(np.abs(a.astype(int) - b)[44:58, 20:44].mean())


def rest_change(a: np.ndarray, b: np.ndarray) -> float:
    """Mean change in the uppermost rows: hair and background."""
    return float(np.abs(a.astype(int) - b)[:16].mean())


def test_every_part_of_the_window_has_words_for_a_screen_reader(app: App):
    nameless = [
        button
        for button in app.window.findChildren(QAbstractButton)
        if button.isVisible() and not (button.accessibleName() or button.text() or button.toolTip())
    ]
    assert nameless == []
