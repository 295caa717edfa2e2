"""The timelapse command, and photos pinned by the train command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.runs import directory as runs
from engine.runs import pins
from tests.contract.tiny import folder_of_pictures, picture, tiny_config

SIZE = 32


@pytest.mark.slow
def test_a_trained_run_with_a_pinned_photo_becomes_two_films(tmp_path: Path, call):
    data, run = tmp_path / "data", tmp_path / "run"
    folder_of_pictures(data)
    photos = [tmp_path / f"Foto {i} 脸.png" for i in range(2)]
    for index, photo in enumerate(photos):
        Image.fromarray(picture(index, 80)).save(photo)
    knobs = {**tiny_config("vae"), "batch": 4, "preview_every": 2, "save_every": 6}
    given = [part for name, value in knobs.items() for part in ("--set", f"{name}={value}")]
    start = ["train", "--family", "vae", "--data", data, "--size", SIZE, "--steps", 6, *given]
    # A photo that cannot be read stops the command before there is a run.
    status, _, err = call(*start, "--run", run, "--pin", tmp_path / "missing.png")
    assert status == 1
    assert err.count("\n") == 1
    assert not run.exists()
    status, _, err = call(*start, "--run", run, *["--pin", photos[0]] * 5)
    assert (status, run.exists()) == (2, False)
    status, _, err = call(*start, "--run", run, "--pin", photos[0], "--pin", photos[1])
    assert status == 0, err
    assert [number for number, _ in pins.pinned(run)] == [1, 2]
    assert [step for step, _ in pins.sheets(run)] == [2, 4, 6]
    status, out, err = call("timelapse", run, "-o", tmp_path / "film.gif", "--fps", 4, "--json")
    assert status == 0, err
    values = json.loads(out)
    assert (values["previews"], values["frames"], values["last_step"]) == (3, 7, 6)
    with Image.open(tmp_path / "film.gif") as film:
        assert film.size == (values["width"], values["height"]) == (10 * SIZE, 10 * SIZE)
    status, out, err = call(
        "timelapse", run, "--what", "pins", "--no-step", "--scale", 1, "--hold", 0, "-o", tmp_path / "frames"
    )
    assert status == 0, err
    frames = sorted((tmp_path / "frames").iterdir())
    assert len(frames) == 3
    with Image.open(frames[-1]) as frame:
        sheet = pins.read_sheet(pins.sheet_file(run, 6), SIZE)
        assert np.array_equal(np.asarray(frame), sheet.swapaxes(1, 2).reshape(2 * SIZE, 3 * SIZE, 3))


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("nowhere", "-o", "film.gif"), 1, "no run"),
        (("run", "-o", "film.gif"), 1, "wait for the first"),
        (("run", "-o", "film.gif", "--what", "curves"), 2, "what"),
        (("run", "-o", "film.gif", "--fps", "0"), 2, "between"),
        (("run",), 2, "output"),
    ],
)
def test_wrong_calls_are_one_sentence(tmp_path: Path, call, arguments, status, words):
    config = runs.RunConfig("vae", {}, {}, "data", None, "f", (3, SIZE, SIZE))
    runs.create(tmp_path / "run", config)
    (tmp_path / "run" / "previews" / "000001.webp").write_bytes(b"torn")
    places = [str(tmp_path / a) if a in ("nowhere", "run", "film.gif") else a for a in arguments]
    found, out, err = call("timelapse", *places)
    assert (found, out) == (status, "")
    assert words in err
    assert err.count("\n") == 1
    assert not (tmp_path / "film.gif").exists()
