"""The commands on a GPU that is not there, called in this process with `--device cuda`.

Not rehearsed: commands without a tensor (data, runs, machine, timelapse's frames), the window, and `train --processes`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.families import FAMILIES
from engine.latent.direction_files import DirectionSet, save_directions
from engine.latent.directions import Direction
from tests.commands.answers import Answer, one_object
from tests.contract.tiny import folder_of_pictures, make, picture, save, settings

pytestmark = pytest.mark.rehearsed

EVERY = pytest.mark.parametrize("family", list(FAMILIES))
THERE = ("--device", "cuda")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a tiny model of every family, each with a direction."""
    models = tmp_path / "own-home" / "models"
    models.mkdir(parents=True)
    for family in FAMILIES:
        digest = save(models / f"tiny-{family}.safetensors", family, title=f"Tiny {family}")
        size = make(family, shape=(3, 32, 32)).spec.size
        smile = Direction("Smiling", np.eye(size, dtype=np.float32)[0], 3.0, auc=0.91, auc_low=0.9, auc_high=0.92)
        save_directions(models / f"tiny-{family}.directions.safetensors", DirectionSet(digest, (smile,)))
    return models.parent


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "me.png"
    Image.fromarray(picture(3)).save(path)
    return path


def well(answer: Answer) -> dict:
    status, _, error = answer
    assert status == 0, error
    return one_object(answer)


@EVERY
def test_sample_encode_edit_morph(home, photo, call: Callable[..., Answer], family, tmp_path):
    out, model = tmp_path / "out.png", f"tiny-{family}"
    assert well(call("sample", model, "-n", 4, "-o", out, *THERE, "--json"))["samples"] == 4
    well(call("sample", model, "-n", 9, "--neighbours", photo, "--align", "none", "-o", out, *THERE, "--json"))
    codes = tmp_path / "codes.npz"
    well(call("encode", model, photo, "--align", "none", "--steps", 2, "-o", codes, *THERE, "--json"))
    improve = ("--improve", "--steps", 2)
    (row,) = well(call("encode", model, photo, "--align", "none", *improve, "-o", codes, *THERE, "--json"))["photos"]
    assert row["norm_ratio"] > 0
    well(call("edit", model, photo, "--set", "Smiling=+1", "--align", "none", "-o", out, *THERE, "--json"))
    film = tmp_path / "film.gif"
    corners = ("seed:1", f"{codes}#0", "seed:2")
    well(call("morph", model, *corners, "--frames", 5, "--scale", 1, "-o", film, *THERE, "--json"))
    assert film.exists()


@EVERY
def test_directions_are_made_and_found(home, call: Callable[..., Answer], family, tmp_path):
    for name, seed in (("one", 0), ("two", 50)):
        (tmp_path / name).mkdir()
        for i in range(5):
            Image.fromarray(picture(seed + i)).save(tmp_path / name / f"{i}.png")
    model = f"tiny-{family}"
    groups = ("--positive", tmp_path / "one", "--negative", tmp_path / "two")
    find = ("directions", model, "find", "-n", 2)
    if family == "gan":  # A search for each photo takes long, and `encode` has searched already.
        well(call(*find, "--method", "weights", *THERE, "--json"))
        return
    well(call("directions", model, "make", "One", *groups, *THERE, "--json"))
    well(call(*find, "--method", "pca", "--data", tmp_path / "one", *THERE, "--json"))


@EVERY
def test_train_and_diagnose(call: Callable[..., Answer], family, tmp_path):
    data, run = folder_of_pictures(tmp_path / "data", n=160), tmp_path / "run"
    knobs = (*settings(family), "--set", "batch=4", "--set", "preview_every=2", "--set", "save_every=2")
    arguments = ("--family", family, "--data", data, "--run", run, "--size", 32, "--steps", 3)
    status, out, error = call("train", *arguments, *knobs, *THERE, "--json")
    assert status == 0, error
    assert json.loads(out.splitlines()[-1])["step"] == 3
    well(call("diagnose", run, "--quick", "--only", "spread,likelihood", *THERE, "--json"))
