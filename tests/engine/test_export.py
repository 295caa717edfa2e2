"""Moving pictures come back from disk with as many frames as went in."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from engine.errors import Cancelled, UsageError, UserError
from engine.export import save_animation
from tests.contract.tiny import picture


@pytest.fixture
def frames() -> np.ndarray:
    return np.stack([picture(i) for i in range(7)])


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".GIF"])
def test_a_file_holds_every_frame_at_its_time(suffix, frames, tmp_path):
    path = tmp_path / "new folder" / f"Bewegung 动{suffix}"
    assert save_animation(path, frames, frames_per_second=10, scale=2) == path
    with Image.open(path) as image:
        assert image.n_frames == 7
        assert image.size == (64, 64)
        image.seek(3)
        image.load()
        assert image.info["duration"] == 100
        shown = np.asarray(image.convert("RGB").resize((32, 32)), int)
        assert np.abs(shown - frames[3]).mean() < 12
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_folder_holds_every_frame_exactly(frames, tmp_path):
    seen = []
    save_animation(tmp_path / "frames", frames, progress=lambda done, total: seen.append((done, total)))
    files = sorted((tmp_path / "frames").iterdir())
    assert len(files) == 7
    for file, frame in zip(files, frames, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(file)), frame)
    assert seen[-1] == (7, 7)


def test_fewer_frames_into_the_same_folder_leave_no_old_ones(frames, tmp_path):
    save_animation(tmp_path / "frames", frames)
    (tmp_path / "frames" / "notes.txt").write_text("mine")
    save_animation(tmp_path / "frames", frames[:3])
    assert sorted(p.name for p in (tmp_path / "frames").iterdir()) == [
        "00000.png",
        "00001.png",
        "00002.png",
        "notes.txt",
    ]


def test_an_unknown_suffix_is_refused_by_naming_the_known(frames, tmp_path):
    with pytest.raises(UsageError, match=r"\.gif, \.webp, \.mp4"):
        save_animation(tmp_path / "a.avi", frames)


@pytest.mark.parametrize("name", ["file/a.gif", "file/a.webp", "file"])
def test_a_place_that_cannot_be_written_is_told(name, frames, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UserError, match="could not be written") as caught:
        save_animation(tmp_path / name, frames)
    assert "\n" not in str(caught.value)
    assert (tmp_path / "file").read_text() == "not a folder"


def test_a_full_disk_leaves_the_old_file_and_nothing_else(frames, tmp_path, monkeypatch):
    save_animation(tmp_path / "a.gif", frames)
    before = (tmp_path / "a.gif").read_bytes()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(UserError, match="No space left"):
        save_animation(tmp_path / "a.gif", frames[:2])
    assert (tmp_path / "a.gif").read_bytes() == before
    assert len(list(tmp_path.glob("*.gif"))) == 1
    assert not list(tmp_path.glob(".*.tmp"))


@pytest.mark.parametrize("name", ["a.gif", "b.webp", "frames"])
def test_a_cancelled_export_stops(name, frames, tmp_path):
    def cancel() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        save_animation(tmp_path / name, frames, check_cancel=cancel)
    assert not (tmp_path / name).is_file()
