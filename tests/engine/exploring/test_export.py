"""Moving pictures come back from disk with as many frames as went in."""

from __future__ import annotations

import weakref
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from engine.errors import Cancelled, UsageError, UserError
from engine.exploring.export import GIF_FASTEST, mp4_missing, save_animation
from engine.progress import Progress
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
        assert image.info["loop"] == 0
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("fps", [24, 30, 50, 60])
@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_durations_add_up_and_frames_that_look_alike_stay_apart(suffix, fps, frames, tmp_path):
    still = np.stack([frames[0], frames[0], frames[1], frames[1], frames[1], frames[2], frames[3]])
    path = save_animation(tmp_path / f"a{suffix}", iter(still), count=7, frames_per_second=fps)
    with Image.open(path) as image:
        assert image.n_frames == 7
        times = []
        for frame in ImageSequence.Iterator(image):
            frame.load()
            times.append(frame.info["duration"])
    wanted = 7000 / (min(fps, GIF_FASTEST) if suffix == ".gif" else fps)
    assert sum(times) == pytest.approx(wanted, abs=10 if suffix == ".gif" else 1)
    assert max(times) - min(times) <= 10


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the reader leaves its pipes open
def test_an_mp4_has_the_frames_size_and_time_that_were_asked(frames, tmp_path):
    reader = pytest.importorskip("imageio_ffmpeg")
    path = save_animation(tmp_path / "Bewegung 动.mp4", iter(frames), count=7, frames_per_second=24, scale=3)
    stream = reader.read_frames(str(path))
    about = next(stream)
    pictures = [np.frombuffer(data, np.uint8).reshape(96, 96, 3) for data in stream]
    assert about["fps"] == 24
    assert about["size"] == (96, 96)
    assert len(pictures) == 7
    assert np.abs(pictures[3][::3, ::3].astype(int) - frames[3]).mean() < 20
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_without_its_encoder_mp4_says_how_to_get_it(frames, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install" in mp4_missing()
    with pytest.raises(UserError, match="pip install"):
        save_animation(tmp_path / "a.mp4", frames)
    assert not list(tmp_path.iterdir())


def test_an_mp4_that_its_encoder_left_unfinished_is_no_export(frames, tmp_path, monkeypatch):
    """A full disk ends the encoder without a word: the file it leaves has no index."""
    encoder = pytest.importorskip("imageio_ffmpeg")
    real = encoder.write_frames

    def cut_short(name, *args, **options):
        writer = real(name, *args, **options)
        writer.send(None)
        try:
            while True:
                writer.send((yield))
        finally:
            writer.close()
            whole = Path(name).read_bytes()
            Path(name).write_bytes(whole[: len(whole) // 2])

    save_animation(tmp_path / "a.mp4", frames)
    before = (tmp_path / "a.mp4").read_bytes()
    monkeypatch.setattr(encoder, "write_frames", cut_short)
    with pytest.raises(UserError, match="half-way"):
        save_animation(tmp_path / "a.mp4", frames[:3])
    assert (tmp_path / "a.mp4").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


def test_square_pixels_stay_square(frames, tmp_path):
    save_animation(tmp_path / "frames", frames[:1], scale=5, smooth=False)
    shown = np.asarray(Image.open(tmp_path / "frames" / "00000.png"))
    np.testing.assert_array_equal(shown, frames[0].repeat(5, axis=0).repeat(5, axis=1))


@pytest.mark.slow
def test_frames_are_taken_one_at_a_time(frames, tmp_path):
    """The next frame is asked for only when the one before is encoded: a long animation needs no more memory."""
    alive: list[weakref.ref[np.ndarray]] = []
    most = 0

    def stream():
        nonlocal most
        for i in range(40):
            frame = frames[i % 7].copy()
            alive.append(weakref.ref(frame))
            most = max(most, sum(reference() is not None for reference in alive))
            yield frame

    for name in ("a.gif", "a.webp", "frames"):
        alive.clear()
        save_animation(tmp_path / name, stream(), count=40)
    assert most <= 4


def test_a_file_that_plays_once_says_so(frames, tmp_path):
    with Image.open(save_animation(tmp_path / "a.gif", frames, forever=False)) as image:
        assert "loop" not in image.info
    with Image.open(save_animation(tmp_path / "a.webp", frames, forever=False)) as image:
        assert image.info["loop"] == 1


def test_no_frames_are_refused(tmp_path):
    with pytest.raises(UsageError, match="at least one"):
        save_animation(tmp_path / "a.gif", [])


def test_a_folder_holds_every_frame_exactly(frames, tmp_path):
    seen = []
    save_animation(
        tmp_path / "frames", frames, progress=Progress(tell=lambda step: seen.append((step.done, step.total)))
    )
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


@pytest.mark.parametrize("name", ["a.gif", "b.webp", "c.mp4", "frames"])
def test_an_export_cancelled_half_way_leaves_what_was_there(name, frames, tmp_path):
    if name.endswith("mp4"):
        pytest.importorskip("imageio_ffmpeg")
    save_animation(tmp_path / name, frames)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    checks = iter([None] * 4)

    def cancel() -> None:
        if next(checks, "over") == "over":
            raise Cancelled

    with pytest.raises(Cancelled):
        save_animation(tmp_path / name, frames[::-1], progress=Progress(cancel))
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    assert not [p for p in tmp_path.iterdir() if p.name != name]
