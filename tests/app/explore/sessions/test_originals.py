"""The files of photos in a session: as they were, as a copy, or refused."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.explore.photos.state import NO_THUMB, PhotoItem
from app.explore.sessions import originals
from app.explore.sessions.originals import OriginalKeeper, SavedOriginal, check_originals, cut_in_copy, is_unchanged
from engine.api import Cut, PhotoSource
from engine.photos.decode import MAX_PIXELS, read_photo


def item(source: PhotoSource, key: str = "a", *, shipped: bool = False) -> PhotoItem:
    return PhotoItem(key, key, NO_THUMB, source, shipped)


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    Image.fromarray(noise(40, 60)).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_a_file_is_kept_byte_for_byte_and_once_for_all_its_faces(path: Path):
    kept = OriginalKeeper().keep([item(path), item(path, "a#face 2"), item(path, "b", shipped=True)], files=True)
    assert kept.files == (path.read_bytes(),)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert kept.by_key == {"a": SavedOriginal(0, digest), "a#face 2": SavedOriginal(0, digest)}
    assert kept.on_disk == {"a": digest, "a#face 2": digest}
    assert kept.notes == ()
    check_originals(list(kept.by_key.values()), kept.files)


def test_by_itself_a_window_keeps_only_what_has_no_file(path: Path):
    picture = noise(30, 20)
    kept = OriginalKeeper().keep([item(path), item(picture, "b"), item(b"bytes", "c")], files=False)
    assert set(kept.by_key) == {"b", "c"}
    np.testing.assert_array_equal(read_photo(kept.files[kept.by_key["b"].index]).rgb, picture)
    assert kept.files[kept.by_key["c"].index] == b"bytes"


def test_a_picture_without_a_file_is_encoded_once(monkeypatch: pytest.MonkeyPatch):
    keeper, picture = OriginalKeeper(), noise(30, 20)
    first = keeper.keep([item(picture)], files=False)
    monkeypatch.setattr(originals, "photo_bytes", lambda *args: pytest.fail("it was encoded"))
    assert keeper.keep([item(picture)], files=False).files[0] is first.files[0]
    assert keeper.keep([], files=False).files == ()
    assert keeper._made == {}, "what left the library is not held"


def test_a_large_file_is_kept_as_a_copy_and_told(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(originals, "MOST_BYTES", path.stat().st_size - 1)
    monkeypatch.setattr(originals, "COPIES_PX", (30, 15))
    kept = OriginalKeeper().keep([item(path)], files=True)
    saved = kept.by_key["a"]
    assert (saved.width, saved.height, saved.scale) == (30, 20, 0.5)
    assert read_photo(kept.files[0]).rgb.shape == (20, 30, 3)
    assert kept.on_disk["a"] == hashlib.sha256(path.read_bytes()).hexdigest(), "of the file, and not of the copy"
    (note,) = kept.notes
    assert "a copy of 30 × 20 pixels is kept" in note
    check_originals([saved], kept.files)
    assert cut_in_copy(Cut(points=((4.0, 6.0), (8.0, 6.0))), saved.scale).points == ((2.0, 3.0), (4.0, 3.0))


def test_more_than_a_session_holds_and_what_cannot_be_read_is_told(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(originals, "MOST_TOGETHER", path.stat().st_size + 10)
    other, gone = path.with_name("b.png"), path.with_name("c.png")
    other.write_bytes(path.read_bytes())
    kept = OriginalKeeper().keep([item(path), item(other, "b"), item(gone, "c")], files=True)
    assert set(kept.by_key) == {"a"}
    assert len(kept.notes) == 2
    assert any("c could not be read" in note for note in kept.notes)
    assert any("1 of its photos" in note for note in kept.notes)


def giant(width: int, height: int) -> bytes:
    """A PNG whose head promises this size."""
    out = io.BytesIO()
    Image.new("1", (width, height)).save(out, "PNG")
    return out.getvalue()


def saved(data: bytes, **changes: object) -> SavedOriginal:
    return replace(SavedOriginal(0, hashlib.sha256(data).hexdigest()), **changes)


def test_hostile_files_are_refused(path: Path):
    good, large = path.read_bytes(), giant(MAX_PIXELS // 5_000 + 1, 5_000)
    bomb = giant(14_000, 14_000)
    assert len(bomb) < 250_000
    for one, data, words in (
        (saved(good, index=1), good, "missing"),
        (saved(good, index=-1), good, "missing"),
        (saved(good), good[:-1] + b"x", "another one than was kept"),
        (saved(good, scale=0.0), good, "no size"),
        (saved(good, scale=float("nan")), good, "no size"),
        (saved(good, width=-5), good, "no size"),
        (saved(large), large, "64 megapixels and 64 are the most"),
        (saved(bomb), bomb, "megapixels and 64 are the most"),
        (saved(b"MZ program"), b"MZ program", "no picture"),
        (saved(b""), b"", "empty"),
    ):
        with pytest.raises(ValueError, match=words):
            check_originals([None, one], [data])


def test_a_file_that_changed_is_known(path: Path):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert is_unchanged(path, digest)
    assert is_unchanged(path, "")
    path.write_bytes(b"else")
    assert not is_unchanged(path, digest)
    path.unlink()
    assert not is_unchanged(path, "")
