"""Every kind of picture that people have becomes upright sRGB, pixel for pixel."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps, TiffImagePlugin

import resources
from engine.photos.decode import read_photo

COLOURS = np.array(
    [[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 0]], [[0, 255, 255], [255, 255, 255]]], np.uint8
)
"""Three rows of two pixels: no turn or mirror leaves it as it is."""

FROM_UPRIGHT = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: np.rot90(p, 1),
    7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
    8: lambda p: np.rot90(p, -1),
}
"""What a camera stores for each EXIF orientation (Exif 3.0, 4.6.5.1.5), so that its reader must turn it back."""


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def read(image: Image.Image, form: str, **options: object) -> np.ndarray:
    rgb = read_photo(saved(image, form, **options)).rgb
    assert rgb.dtype == np.uint8
    assert rgb.ndim == 3
    assert rgb.shape[2] == 3
    assert rgb.flags.c_contiguous
    assert rgb.flags.writeable
    return rgb


def ramp(height: int = 24, width: int = 32) -> np.ndarray:
    down, across = np.mgrid[0:height, 0:width]
    return np.stack([down * 255 // height, across * 255 // width, (down + across) * 4], -1).astype(np.uint8)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(form: str, orientation: int):
    big = COLOURS.repeat(16, 0).repeat(16, 1)
    image = Image.fromarray(np.ascontiguousarray(FROM_UPRIGHT[orientation](big)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    exact = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}
    rgb = read(image, form, exif=exif, **exact.get(form, {}))
    assert rgb.shape == big.shape
    np.testing.assert_allclose(rgb.astype(int), big, atol=4 if form == "JPEG" else 0)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_impossible_orientation_is_ignored(orientation: int):
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(read(Image.fromarray(COLOURS), "PNG", exif=exif), COLOURS)


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12"]
)
def test_a_broken_exif_does_not_refuse_the_picture(exif: bytes):
    np.testing.assert_array_equal(read(Image.fromarray(COLOURS), "PNG", exif=exif), COLOURS)


@pytest.mark.parametrize(
    ("form", "options"), [("PNG", {}), ("BMP", {}), ("PPM", {}), ("TIFF", {}), ("WEBP", {"lossless": True})]
)
def test_lossless_colour_is_exact(form: str, options: dict[str, object]):
    np.testing.assert_array_equal(read(Image.fromarray(ramp()), form, **options), ramp())


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk_keeps_its_colours(form: str):
    rgb = read(Image.fromarray(COLOURS.repeat(16, 0).repeat(16, 1)).convert("CMYK"), form)
    np.testing.assert_allclose(rgb[8::16, 8::16].astype(int), COLOURS, atol=6)


def test_lab_becomes_the_colours_it_was_made_from():
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    lab = ImageCms.profileToProfile(Image.fromarray(ramp()), *profiles, outputMode="LAB")
    assert lab is not None
    error = np.abs(read(lab, "TIFF").astype(int) - ramp())
    # Dark saturated colours lie closer together than the steps of 8-bit L*a*b*.
    assert error.mean() < 2
    assert np.percentile(error, 95) < 8
    white = ImageCms.profileToProfile(Image.new("RGB", (2, 2), "white"), *profiles, outputMode="LAB")
    assert white is not None
    assert read(white, "TIFF").min() >= 254


def test_ycbcr_tiff():
    rgb = read(Image.fromarray(ramp()).convert("YCbCr"), "TIFF")
    np.testing.assert_allclose(rgb.astype(int), ramp(), atol=4)


@pytest.mark.parametrize("form", ["PNG", "TIFF", "PPM"])
@pytest.mark.parametrize("top", [65535, 4095, 200])
def test_sixteen_bit_greys_are_scaled_and_not_clipped(form: str, top: int):
    values = np.linspace(0, top, 64).astype(np.uint16).reshape(4, 16)
    rgb = read(Image.fromarray(values), form)
    np.testing.assert_allclose(rgb[..., 0], values / 257.0, atol=1)
    assert (rgb == rgb[..., :1]).all()


@pytest.mark.parametrize("top", [255, 65535, 2_000_000])
def test_32_bit_integers_use_the_smallest_usual_range(top: int):
    values = np.linspace(-9 if top == 255 else 0, top, 64).astype(np.int32).reshape(4, 16)
    rgb = read(Image.fromarray(values), "TIFF")
    np.testing.assert_allclose(rgb[..., 1], (values / top * 255).clip(0), atol=1)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 255), (-3, 3), (-3e38, 3e38), (0, 0)])
def test_floats_use_0_to_1_or_what_they_hold(low: float, high: float):
    values = np.linspace(low, high, 64).astype(np.float32).reshape(4, 16)
    rgb = read(Image.fromarray(values), "TIFF")
    assert rgb.min() == 0
    assert rgb.max() == (255 if high else 0)
    assert (np.diff(rgb[..., 0].reshape(-1).astype(int)) >= 0).all()


def test_floats_that_are_not_finite_become_black_or_white():
    signalling = np.uint32(0x7FA00000)
    values = np.array([[np.nan, np.inf, -np.inf, 0.5, 0]], np.float32)
    values.view(np.uint32)[0, 4] = signalling
    assert read(Image.fromarray(values), "TIFF")[0, :, 0].tolist() == [0, 255, 0, 128, 0]


@pytest.mark.parametrize("form", ["PNG", "GIF"])
def test_a_palette_with_transparency_is_laid_on_white(form: str):
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putdata([0, 1])
    rgb = read(image, form, transparency=1)
    assert rgb.tolist() == [[[10, 20, 30], [255, 255, 255]]]


def test_a_palette_with_grades_of_transparency():
    image = Image.new("P", (3, 1))
    image.putpalette([0, 0, 0, 0, 0, 0, 0, 0, 0])
    image.putdata([0, 1, 2])
    rgb = read(image, "PNG", transparency=bytes([255, 128, 0]))
    assert rgb[0, :, 0].tolist() == [0, 127, 255]


def test_grey_and_alpha_and_a_transparent_colour():
    image = Image.fromarray(np.array([[[0, 0], [0, 128], [0, 255]]], np.uint8), "LA")
    assert read(image, "PNG")[0, :, 2].tolist() == [255, 127, 0]
    one_colour = read(Image.fromarray(COLOURS), "PNG", transparency=(255, 0, 0))
    assert one_colour[0, 0].tolist() == [255, 255, 255]
    assert one_colour[0, 1].tolist() == [0, 255, 0]


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_alpha_blends_towards_white(form: str):
    alpha = np.arange(768, dtype=np.uint16).reshape(24, 32, 1) * 255 // 767
    layers = np.concatenate([ramp(), alpha.astype(np.uint8)], -1)
    exact = {"lossless": True, "exact": True} if form == "WEBP" else {}
    wanted = ramp() * (alpha / 255) + 255 * (1 - alpha / 255)
    np.testing.assert_allclose(read(Image.fromarray(layers), form, **exact), wanted, atol=1)


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "PPM"])
def test_one_bit_is_black_and_white(form: str):
    image = Image.new("1", (3, 1))
    image.putdata([0, 255, 0])
    assert read(image, form)[0, :, 1].tolist() == [0, 255, 0]


@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP", "TIFF", "PPM"])
def test_grey_becomes_rgb(form: str):
    grey = np.full((8, 8), 77, np.uint8)
    assert (read(Image.fromarray(grey), form) == 77).all()


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_an_animation_gives_its_first_frame(form: str):
    frames = [Image.new("RGB", (9, 7), c) for c in ("red", "lime", "blue")]
    options = {"lossless": True} if form == "WEBP" else {}
    rgb = read(frames[0], form, save_all=True, append_images=frames[1:], **options)
    assert rgb.shape == (7, 9, 3)
    assert (rgb == (255, 0, 0)).all()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM"])
def test_one_pixel(form: str):
    np.testing.assert_allclose(read(Image.new("RGB", (1, 1), (200, 0, 0)), form).astype(int), [[[200, 0, 0]]], atol=12)


def test_a_panorama_keeps_its_shape():
    assert read(Image.new("RGB", (30000, 10), "navy"), "PNG").shape == (10, 30000, 3)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_the_pictures_own_profile_is_used(mode: str):
    """A profile whose tone curve is linear: its middle grey is a light grey in sRGB."""
    profile = linear_profile()
    image = Image.new("RGB", (4, 4), (55, 55, 55))
    image = image.quantize(4) if mode == "P" else image.convert(mode)
    np.testing.assert_allclose(read(image, "PNG", icc_profile=profile).astype(int), 128, atol=4)
    assert (read(image, "PNG") == 55).all()


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("profile", [b"no profile", b"\0" * 200])
def test_a_broken_profile_does_not_refuse_the_picture(mode: str, profile: bytes):
    image = Image.new("RGB", (4, 4), "white").convert(mode)
    assert (read(image, "TIFF", icc_profile=profile) == 255).all()


def test_a_profile_of_other_channels_does_not_refuse_the_picture():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes().replace(b"sRGB", b"tRGB")
    assert (read(Image.new("L", (4, 4), 90), "PNG", icc_profile=profile) == 90).all()


def test_srgb_is_left_alone():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    np.testing.assert_array_equal(read(Image.fromarray(ramp()), "PNG", icc_profile=profile), ramp())


def test_compressed_tiffs():
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits"):
        np.testing.assert_array_equal(read(Image.fromarray(ramp()), "TIFF", compression=compression), ramp())


def test_a_tiff_with_odd_tags_makes_no_noise(recwarn: pytest.WarningsRecorder):
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[65000], tags.tagtype[65000] = "x" * 5, 2
    assert read(Image.fromarray(COLOURS), "TIFF", tiffinfo=tags).shape == COLOURS.shape
    assert not recwarn.list


def test_a_path_beyond_ascii_and_its_name(tmp_path: Path):
    path = tmp_path / "Zoë — 写真 🙂.png"
    Image.fromarray(COLOURS).save(path)
    for source in (path, str(path)):
        photo = read_photo(source)
        assert photo.name == path.name
        np.testing.assert_array_equal(photo.rgb, COLOURS)


def test_the_ending_does_not_matter(tmp_path: Path):
    path = tmp_path / "really-a-png.jpg"
    path.write_bytes(saved(Image.fromarray(COLOURS), "PNG"))
    np.testing.assert_array_equal(read_photo(path).rgb, COLOURS)


def test_home_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    Image.fromarray(COLOURS).save(tmp_path / "a.png")
    assert read_photo("~/a.png").rgb.shape == COLOURS.shape


def test_four_threads_read_what_one_reads():
    paths = sorted(resources.path("samples").glob("*.webp"))[:4]
    jobs: list[Path | bytes] = [*paths]
    image = ImageOps.fit(Image.fromarray(ramp()), (64, 64))
    jobs += [
        saved(image, "PNG", icc_profile=linear_profile()),
        saved(image.convert("CMYK"), "JPEG"),
        saved(image.quantize(8), "GIF"),
        saved(Image.fromarray(np.arange(4096, dtype=np.uint16).reshape(64, 64) * 16), "PNG"),
    ]
    alone = [read_photo(job).rgb for job in jobs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda job: read_photo(job).rgb, jobs * 6))
    for i, rgb in enumerate(together):
        np.testing.assert_array_equal(rgb, alone[i % len(jobs)])


def linear_profile() -> bytes:
    """sRGB with all three tone curves replaced by a straight line (ICC.1:2022, 10.6 and 10.18)."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for i in range(int.from_bytes(data[128:132], "big")):
        entry = 132 + 12 * i
        start = int.from_bytes(data[entry + 4 : entry + 8], "big")
        if data[entry : entry + 4] in (b"rTRC", b"gTRC", b"bTRC"):
            data[start : start + 12] = b"curv" + bytes(8)
            data[entry + 8 : entry + 12] = (12).to_bytes(4, "big")
        elif data[entry : entry + 4] == b"desc":
            size = int.from_bytes(data[entry + 8 : entry + 12], "big")
            data[start : start + size] = data[start : start + size].replace(b"\0s\0R\0G\0B", b"\0l\0i\0n\0e")
    return bytes(data)
