"""The morph command: photos, codes and samples as corners, and files with the frames and times that were asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from engine.session import Session
from tests.commands.answers import Answer
from tests.contract.tiny import picture


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "Foto 脸.png"
    Image.fromarray(picture(3, 80)).save(path)
    return path


@pytest.fixture
def call(home: Path, call: Callable[..., Answer]) -> Callable[..., Answer]:
    """Calls morph, with a tiny model of every family in the library."""
    return lambda *arguments: call("morph", *arguments)


@pytest.fixture
def codes(home: Path, tmp_path: Path) -> Path:
    """Three codes of the tiny flow, as `encode` writes them."""
    model = Session(device="cpu").open("tiny-flow")
    path = tmp_path / "codes.npz"
    np.savez(
        path, codes=model.sample(3, seed=4), names=np.array(["a", "b", "c"]), model_sha256=np.array(model.info.sha256)
    )
    return path


def decoded(code: np.ndarray) -> np.ndarray:
    return Session(device="cpu").open("tiny-flow").decode(code[None])[0]


def frames_in(folder: Path) -> list[np.ndarray]:
    return [np.asarray(Image.open(file)) for file in sorted(folder.iterdir())]


@pytest.mark.slow
def test_codes_and_samples_are_met_at_their_frames(call, codes, tmp_path):
    out = tmp_path / "frames"
    status, text, err = call(
        "tiny-flow", f"{codes}#2", "seed:12", "--frames", 9, "--hold", 2, "--scale", 1, "-o", out, "--json"
    )
    assert status == 0, err
    values = json.loads(text)
    assert (values["frames"], values["hold"], values["loop"], values["method"]) == (9, 2, "once", "slerp")
    found = frames_in(out)
    assert len(found) == 9
    first = decoded(np.load(codes)["codes"][2])
    last = decoded(Session(device="cpu").open("tiny-flow").sample(1, seed=12)[0])
    for frame in found[:3]:
        np.testing.assert_array_equal(frame, first)
    for frame in found[-3:]:
        np.testing.assert_array_equal(frame, last)


def test_there_and_back_comes_home_without_a_doubled_end(call, codes, tmp_path):
    out = tmp_path / "frames"
    command = ["tiny-flow", f"{codes}#0", f"{codes}#1", "--frames", 8, "--scale", 1, "--loop", "there-and-back"]
    assert call(*command, "--easing", "smooth", "-o", out)[0] == 0
    found = frames_in(out)
    assert len(found) == 8
    np.testing.assert_array_equal(found[4], decoded(np.load(codes)["codes"][1]))
    for i in (1, 2, 3):
        np.testing.assert_array_equal(found[i], found[8 - i])
    assert (found[7] != found[0]).any()


@pytest.mark.parametrize("method", ["lerp", "slerp", "norm", "levels"])
def test_methods_share_their_ends_and_differ_between(method, call, codes, tmp_path):
    out = tmp_path / "frames"
    command = ["tiny-flow", f"{codes}#0", f"{codes}#1", "--frames", 3, "--scale", 1, "--method", method, "-o", out]
    assert call(*command)[0] == 0
    model = Session(device="cpu").open("tiny-flow")
    wanted = model.decode(model.morph(np.load(codes)["codes"][:2], [0.0, 0.5, 1.0], method=method))
    assert np.abs(np.array(frames_in(out), int) - wanted).max() <= 1


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_a_file_lasts_as_long_as_asked(suffix, call, photo, tmp_path):
    out = tmp_path / f"out{suffix}"
    command = ("tiny-vae", photo, "seed:3", "seed:4", "--loop", "loop", "--frames", 15, "--fps", 10, "--align", "none")
    status, text, err = call(*command, "-o", out, "--json")
    assert status == 0, err
    assert json.loads(text)["seconds"] == 1.5
    with Image.open(out) as image:
        times = []
        for frame in ImageSequence.Iterator(image):
            frame.load()
            times.append(frame.info["duration"])
    assert len(times) == 15
    assert sum(times) == 1500


@pytest.mark.slow
def test_what_is_wrong_is_one_sentence_and_leaves_nothing(call, codes, tmp_path):
    out = tmp_path / "out.gif"
    text = tmp_path / "notes.npz"
    text.write_text("no codes")
    np.savez(tmp_path / "other.npz", pictures=np.zeros(3))
    wrong = [
        (["tiny-flow", "seed:1"], 2, "two to four"),
        (["tiny-flow", *["seed:1"] * 5], 2, "two to four"),
        (["tiny-flow", "seed:1", "seed:2", "--frames", 10, "--hold", 9], 2, "at least 20"),
        (["tiny-vae", "seed:1", "seed:2", "--easing", "bouncy"], 2, "bouncy"),
        (["tiny-flow", "seed:1", f"{codes}#3"], 1, "no #3"),
        (["tiny-vae", "seed:1", f"{codes}#0"], 1, "another model"),
        (["tiny-flow", "seed:1", f"{text}#0"], 1, "no file of codes"),
        (["tiny-flow", "seed:1", f"{tmp_path / 'other.npz'}#0"], 1, "no file of codes"),
        (["tiny-flow", "seed:1", f"{tmp_path / 'gone.npz'}#0"], 1, "could not be read"),
        (["tiny-flow", "seed:1", tmp_path / "gone.png"], 1, "gone.png"),
    ]
    for command, status, words in wrong:
        found, printed, err = call(*command, "-o", out)
        assert (found, printed, err.count("\n")) == (status, "", 1), err
        assert words in err
        assert "Traceback" not in err
    assert not out.exists()


def test_a_code_of_one_level_turns_as_a_whole_by_levels_too(call, tmp_path):
    for method in ("slerp", "levels"):
        command = ["tiny-vae", "seed:1", "seed:2", "--frames", 4, "--scale", 1, "--method", method]
        assert call(*command, "-o", tmp_path / method)[0] == 0
    np.testing.assert_array_equal(frames_in(tmp_path / "slerp"), frames_in(tmp_path / "levels"))
