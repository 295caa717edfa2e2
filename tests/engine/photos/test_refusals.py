"""What cannot or must not be opened ends in one sentence with the picture's name, and in nothing else."""

from __future__ import annotations

import io
import os
import struct
import time
import tracemalloc
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from engine.errors import ImageError
from engine.photos import decode
from engine.photos.decode import read_photo


def refused(source: str | Path | bytes, *words: str) -> str:
    with pytest.raises(ImageError) as caught:
        read_photo(source)
    text = str(caught.value)
    assert text.isprintable()
    assert "\n" not in text
    assert len(text) < 500
    assert text.endswith(".")
    for word in words:
        assert word in text
    return text


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(999))) + chunk(b"IEND", b"")


@cache
def sample(form: str, mode: str = "RGB") -> bytes:
    rng = np.random.default_rng(3)
    image = Image.fromarray(rng.integers(0, 256, (40, 48, 3), np.uint8)).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    image.save(file, form, **({"exif": exif} if form in ("JPEG", "PNG", "WEBP", "TIFF") else {}))
    return file.getvalue()


@pytest.mark.parametrize(("width", "height"), [(20000, 10000), (9000, 8000), (100_000, 100_000), (64_000_001, 1)])
def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path: Path, width: int, height: int):
    path = tmp_path / "huge.png"
    path.write_bytes(png_header(width, height))
    tracemalloc.start()
    started = time.perf_counter()
    refused(path, "huge.png", "megapixels", "64", "scale it down")
    assert time.perf_counter() - started < 1.0
    assert tracemalloc.get_traced_memory()[1] < 10 * 2**20
    tracemalloc.stop()


def test_the_limit_itself_is_about_pixels_not_sides(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(decode, "MAX_PIXELS", 40 * 48)
    assert read_photo(sample("PNG")).rgb.shape == (48, 40, 3)
    monkeypatch.setattr(decode, "MAX_PIXELS", 40 * 48 - 1)
    refused(sample("PNG"), "megapixels")


def test_a_file_too_long_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "long.png"
    path.write_bytes(sample("PNG"))
    monkeypatch.setattr(decode, "MAX_BYTES", path.stat().st_size - 1)
    refused(path, "long.png", "MB")
    refused(path.read_bytes(), "MB")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM"])
@pytest.mark.parametrize("share", [0.3, 0.6])
def test_a_picture_cut_short(tmp_path: Path, form: str, share: float):
    path = tmp_path / "half.bin"
    path.write_bytes(sample(form)[: int(len(sample(form)) * share)])
    refused(path, "half.bin")


@pytest.mark.parametrize(
    "data",
    [
        b"hello, this is a text",
        b"\0" * 5000,
        b"\xff\xd8\xff",
        b"GIF89a",
        b"RIFF\0\0\0\0WEBP",
        b"P6 9 9 255 ",
        b"II*\0",
        b"BM",
    ],
)
def test_what_is_no_picture(data: bytes):
    refused(data, "the picture")


def test_an_empty_file(tmp_path: Path):
    (tmp_path / "empty.png").touch()
    refused(tmp_path / "empty.png", "empty.png is empty")
    refused(b"", "empty")


def test_formats_off_the_list_are_refused_unopened(tmp_path: Path):
    path = tmp_path / "drawing.eps"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n")
    refused(path, "drawing.eps", "no picture that can be opened")
    for form in ("ICO", "TGA", "PCX", "PDF", "DDS", "SGI"):
        refused(sample(form), "no picture that can be opened")


def test_folders_and_missing_files(tmp_path: Path):
    folder = tmp_path / "holiday"
    folder.mkdir()
    refused(folder, "holiday is a folder")
    refused(tmp_path / "gone.png", "There is no picture", "gone.png")
    refused(folder / "..", "folder")
    refused(".", "folder")
    refused("", "folder")
    refused("~nobody-of-this-name/a.png", "a.png")
    refused("a\0b.png", "check the path")
    refused("x" * 290, "check the path")


def test_an_unreadable_file_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "secret.png"
    path.write_bytes(sample("PNG"))

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    text = refused(path, "secret.png", "Permission denied")
    assert str(tmp_path) not in text


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.png")
    refused(tmp_path / "pipe.png", "no ordinary file")


@pytest.mark.skipif(os.name == "nt", reason="Windows forbids such names")
def test_a_strange_name_stays_one_printable_line(tmp_path: Path):
    path = tmp_path / "two\nlines\t.png"
    path.write_bytes(b"nothing")
    refused(path, "two lines .png")
    refused(tmp_path / "gone\n.png", "There is no picture")
    refused(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"), "caf?.png")


KINDS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
CHANGES = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6)


@pytest.mark.parametrize("form", KINDS)
@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.differing_executors])
@given(changes=CHANGES, early=st.booleans(), keep=st.floats(0.5, 1), mode=st.sampled_from(["RGB", "L"]))
def test_damage_ends_in_a_picture_or_a_sentence(
    form: str, changes: list[tuple[float, int]], early: bool, keep: float, mode: str
):
    """`early` aims at the header, where a changed byte says something else; warnings count as errors here."""
    data = bytearray(sample(form, mode))
    for place, value in changes:
        data[int(place * min(len(data), 120 if early else len(data)))] = value
    outcome = outcome_of(bytes(data[: max(1, int(len(data) * keep))] if keep < 0.7 else data))
    if isinstance(outcome, str):
        assert outcome.isprintable()
        assert outcome.startswith("the picture ")
    else:
        assert outcome.dtype == np.uint8
        assert outcome.ndim == 3
        assert outcome.shape[2] == 3
        assert outcome.size


def outcome_of(data: bytes) -> np.ndarray | str:
    """The picture, or the sentence; any other exception is the test's failure."""
    try:
        return read_photo(data).rgb
    except ImageError as error:
        return str(error)
