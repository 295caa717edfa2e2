"""A photo that is written comes back with its pixels, its colours and its recipe."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from engine.errors import UserError
from engine.photos.decode import read_photo
from engine.photos.write import MOST_RECIPE, photo_bytes, read_recipe, write_photo

from .people import portrait

RECIPE = '{"edits": {"Lächeln 微笑": 2.0}}'


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG", ".webp"])
def test_a_written_photo_comes_back(suffix: str, tmp_path: Path):
    path, rgb = tmp_path / f"photo{suffix}", portrait(0)[:300]
    write_photo(path, rgb, recipe=RECIPE)
    again = read_photo(path).rgb
    assert again.shape == rgb.shape
    if suffix == ".png":
        assert np.array_equal(again, rgb)
    else:
        assert np.abs(again.astype(int) - rgb).mean() < 3
    assert read_recipe(path) == RECIPE
    assert read_recipe(path.read_bytes()) == RECIPE
    with Image.open(path) as image:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        assert profile.profile.profile_description.startswith("sRGB")
        assert image.getexif().get(0x0112, 1) == 1


def test_a_turned_photo_of_another_profile_is_written_upright_in_srgb(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6
    source, lab = tmp_path / "turned.jpg", ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(portrait(1)[:200]).save(source, exif=exif, icc_profile=lab)
    rgb = read_photo(source).rgb
    assert rgb.shape == (512, 200, 3)
    write_photo(tmp_path / "out.png", rgb)
    assert np.array_equal(read_photo(tmp_path / "out.png").rgb, rgb)
    assert read_recipe(tmp_path / "out.png") is None


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_the_longest_recipe_fits_and_a_longer_one_is_refused(suffix: str):
    rgb = np.zeros((2, 2, 3), np.uint8)
    assert read_recipe(photo_bytes(rgb, suffix, recipe="x" * MOST_RECIPE)) == "x" * MOST_RECIPE
    with pytest.raises(UserError, match="recipe"):
        photo_bytes(rgb, suffix, recipe="x" * (MOST_RECIPE + 1))


def test_places_and_formats_that_cannot_be_written(tmp_path: Path):
    rgb = np.zeros((2, 2, 3), np.uint8)
    with pytest.raises(UserError, match=r"not as \.tiff"):
        write_photo(tmp_path / "a.tiff", rgb)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="could not be written"):
        write_photo(tmp_path / "file" / "a.png", rgb)
    with pytest.raises(UserError, match=r"use \.png"):
        photo_bytes(np.zeros((1, 17_000, 3), np.uint8), ".webp")


def hostile() -> list[bytes]:
    good = photo_bytes(np.zeros((4, 4, 3), np.uint8), ".jpg", recipe=RECIPE)
    bomb = PngImagePlugin.PngInfo()
    bomb.add_text("latent-loom", "x" * 30_000_000, zip=True)
    packed = io.BytesIO()
    Image.new("RGB", (2, 2)).save(packed, "PNG", pnginfo=bomb)
    cuts = [good[:length] for length in range(0, len(good), 97)]
    return [b"", b"no picture", b"GIF89a" + b"\0" * 30, packed.getvalue(), *cuts[:-1]]


def test_a_recipe_that_is_too_long_is_refused_and_not_overlooked(tmp_path: Path):
    for letter in "xä":
        notes = PngImagePlugin.PngInfo()
        notes.add_itxt("latent-loom", letter * (MOST_RECIPE + 1))
        Image.new("RGB", (2, 2)).save(tmp_path / "long.png", pnginfo=notes)
        with pytest.raises(UserError, match=r"The recipe in long\.png has .+ are read, so it is open as"):
            read_recipe(tmp_path / "long.png")


def test_a_hostile_file_has_no_recipe_or_the_true_one(tmp_path: Path):
    for data in hostile():
        assert read_recipe(data) in (None, RECIPE)
    assert read_recipe(tmp_path / "missing.png") is None
    assert read_recipe(tmp_path) is None
    path = tmp_path / "plain.jpg"
    Image.new("RGB", (3, 3)).save(path, comment=b"hello")
    assert read_recipe(path) is None
