"""The loader: the same cuts as without it, and no file is read twice that is still the same."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import engine.photos.decode
import engine.photos.heads
import engine.photos.load
from engine.api import Cut
from engine.photos.load import PhotoLoader, load_photo
from tests.engine.photos.people import portrait


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    counts: Counter[str] = Counter()
    for owner, name in ((engine.photos.decode, "read_photo"), (engine.photos.heads, "find_heads")):
        original = getattr(owner, name)

        def call(*args: object, name: str = name, original: object = original) -> object:
            counts[name] += 1
            return original(*args)  # type: ignore[operator]

        monkeypatch.setattr(owner, name, call)
    return counts


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "one.png"
    Image.fromarray(portrait(0)).save(path)
    return path


CUTS = (Cut(), Cut("centre"), Cut(points=((100.0, 120.0), (160.0, 120.0))), Cut("none"))


@pytest.mark.slow
def test_all_cuts_of_a_photo_are_those_of_fresh_readings(file: Path, calls: Counter[str]) -> None:
    loader = PhotoLoader()
    found = [loader.load(file, size=size, cut=cut) for cut in CUTS for size in (32, 64)]
    assert calls == {"read_photo": 1, "find_heads": 1}
    fresh = [load_photo(file, size=size, cut=cut) for cut in CUTS for size in (32, 64)]
    for one, other in zip(found, fresh, strict=True):
        np.testing.assert_array_equal(one.picture, other.picture)
        assert (one.name, one.how, one.note, one.faces) == (other.name, other.how, other.note, other.faces)


def test_a_file_that_was_written_anew_is_read_anew(file: Path, calls: Counter[str]) -> None:
    loader = PhotoLoader()
    before = loader.load(file, size=32, cut=Cut("none"))
    Image.fromarray(255 - portrait(0)).save(file)
    after = loader.load(file, size=32, cut=Cut("none"))
    assert calls["read_photo"] == 2
    assert not np.array_equal(before.picture, after.picture)


def test_another_array_is_never_taken_for_one_that_is_gone() -> None:
    loader = PhotoLoader()
    for grey in range(40):
        picture = np.full((20, 20, 3), grey, np.uint8)
        assert (loader.load(picture, size=8, cut=Cut("none")).picture == grey).all()
        del picture


def test_only_the_newest_photos_are_kept(tmp_path: Path, calls: Counter[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.photos.load, "KEPT_PIXELS", 2 * 100)
    paths = [tmp_path / f"{index}.png" for index in range(3)]
    for path in paths:
        Image.new("RGB", (10, 10)).save(path)
    loader = PhotoLoader()

    def read(*which: int) -> int:
        calls.clear()
        for index in which:
            loader.load(paths[index], size=8, cut=Cut("none"))
        return calls["read_photo"]

    assert read(0, 1, 0, 1) == 2
    assert read(2, 1) == 1
    assert read(0) == 1


@pytest.mark.slow
def test_the_bytes_of_a_photo_are_a_source_too(file: Path) -> None:
    found, other = load_photo(file.read_bytes(), size=32, name="mine"), load_photo(str(file), size=32)
    np.testing.assert_array_equal(found.picture, other.picture)
    assert (found.name, other.name) == ("mine", "one.png")
