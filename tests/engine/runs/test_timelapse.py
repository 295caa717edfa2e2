"""A run as a film: every preview in its order, the step in the corner, and broken previews in nobody's way."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import Cancelled, UsageError, UserError
from engine.progress import Progress
from engine.runs import directory as runs
from engine.runs import timelapse
from engine.runs.directory import RunConfig
from engine.runs.pins import sheet_file

SIZE = 32
CONFIG = RunConfig("vae", {}, {}, "data", None, "f", (3, SIZE, SIZE), title="A run")


def shade(step: int) -> np.ndarray:
    return np.full((5 * SIZE, 5 * SIZE, 3), 20 + step // 10, np.uint8)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = tmp_path / "run"
    runs.create(path, CONFIG)
    for step in (0, 500, 1000, 1500):
        Image.fromarray(shade(step)).save(path / "previews" / f"{step:06d}.webp", lossless=True)
    return path


def test_frames_are_the_previews_enlarged_with_the_step_in_the_corner(run):
    film = timelapse.plan(run, scale=2, hold=2)
    frames = list(timelapse.frames(film))
    assert film.count == len(frames) == 6
    for step, frame in zip((0, 500, 1000, 1500, 1500, 1500), frames, strict=True):
        assert frame.shape == (10 * SIZE, 10 * SIZE, 3)
        assert (frame[: 8 * SIZE] == 20 + step // 10).all()
        assert frame[-24:, -80:].max() > 200, "the step is written there"
    corners = [frame[-40:, -120:] for frame in frames[:4]]
    assert not np.array_equal(corners[0], corners[1])
    plain = list(timelapse.frames(dataclasses.replace(film, stamp=False)))
    assert (plain[1] == 70).all()


def test_a_film_is_read_back_frame_by_frame(run, tmp_path):
    film = timelapse.plan(run, scale=1, hold=1, stamp=False)
    for name in ("film.gif", "film.webp"):
        timelapse.save_timelapse(film, tmp_path / name, frames_per_second=4)
        with Image.open(tmp_path / name) as image:
            assert image.n_frames >= 4
            assert image.size == (5 * SIZE, 5 * SIZE)
            seen = []
            for index in range(image.n_frames):
                image.seek(index)
                seen.append(int(np.asarray(image.convert("RGB"))[5, 5, 0]))
        wanted = [20, 70, 120, 170]
        assert np.abs(np.array(seen[:4]) - wanted).max() <= 3
    timelapse.save_timelapse(film, tmp_path / "frames")
    names = sorted(p.name for p in (tmp_path / "frames").iterdir())
    assert names == [f"{i:05d}.png" for i in range(5)]


def test_damaged_previews_and_sheets_of_other_heights(run):
    (run / "previews" / "000500.webp").write_bytes(b"RIFF torn")
    (run / "previews" / "notes.webp").write_bytes(b"")
    film = timelapse.plan(run)
    assert [step for step, _ in film.previews] == [0, 1000, 1500]
    # One breaks after the plan: the frame before stands in its place, so the count stays.
    (run / "previews" / "001000.webp").write_bytes(b"gone")
    assert len(list(timelapse.frames(film))) == 3
    for step, rows in ((500, 1), (1000, 3)):
        Image.fromarray(np.full((rows * SIZE, 3 * SIZE, 3), 90, np.uint8)).save(sheet_file(run, step), lossless=True)
    film = timelapse.plan(run, "pins", scale=1, stamp=False)
    assert film.size == (3 * SIZE, 3 * SIZE)
    first, second = timelapse.frames(film)
    assert (first[:SIZE] == 90).all()
    assert (first[SIZE:] == 24).all()
    assert (second == 90).all()


def test_what_cannot_be_a_film_is_a_sentence(run, tmp_path):
    with pytest.raises(UsageError, match="samples, pins"):
        timelapse.plan(run, "curves")
    with pytest.raises(UserError, match="pin one"):
        timelapse.plan(run, "pins")
    with pytest.raises(UserError, match="no run"):
        timelapse.plan(tmp_path / "nowhere")
    for file in (run / "previews").iterdir():
        file.unlink()
    with pytest.raises(UserError, match="wait for the first"):
        timelapse.plan(run)


def test_a_cancelled_film_leaves_nothing(run, tmp_path):
    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        timelapse.save_timelapse(timelapse.plan(run), tmp_path / "film.gif", progress=Progress(stop))
    assert not (tmp_path / "film.gif").exists()
