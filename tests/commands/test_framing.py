"""encode, edit and morph: which face of a photo is taken, and eyes given by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import resources
from tests.commands.answers import one_object
from tests.contract.tiny import save


@pytest.fixture(autouse=True)
def _model(tmp_path: Path) -> None:
    models = tmp_path / "own-home" / "models"
    models.mkdir(parents=True)
    save(models / "tiny-vae.safetensors", "vae", title="Tiny VAE")


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """Two people beside each other, the right one larger."""
    left, right = (Image.open(resources.path(f"samples/portrait-{n:02}.webp")).convert("RGB") for n in (3, 9))
    scene = Image.new("RGB", (900, 512), (128, 140, 150))
    scene.paste(left.resize((380, 380)), (0, 100))
    scene.paste(right, (388, 0))
    scene.save(tmp_path / "pair.png")
    return tmp_path / "pair.png"


@pytest.mark.slow
def test_the_face_that_is_asked_for_is_encoded(call, pair: Path, tmp_path: Path):
    out, photo = tmp_path / "codes.npz", str(pair)
    command = ("encode", "tiny-vae", photo, photo, "-o", out, "--json")
    rows = one_object(call(*command, "--face", "1", "--face", "2"))["photos"]
    assert [(row["faces"], row["how"]) for row in rows] == [(2, "face"), (2, "face")]
    assert "the largest is used" in rows[0]["note"]
    assert "number 2" in rows[1]["note"]
    codes = np.load(out)["codes"]
    assert not np.allclose(codes[0], codes[1])
    rows = one_object(call(*command, "--eyes", "150,250,230,250", "--eyes", "auto"))["photos"]
    assert [row["how"] for row in rows] == ["points", "face"]


@pytest.mark.slow
def test_edit_and_morph_take_faces_and_eyes(call, pair: Path, tmp_path: Path):
    out = tmp_path / "out.png"
    values = one_object(call("edit", "tiny-vae", pair, "-o", out, "--eyes", "150,250,230,250,190,330", "--json"))
    assert (values["faces"], values["how"]) == (2, "points")
    frames = ("--frames", "3", "--scale", "1", "-o", tmp_path / "frames", "--json")
    values = one_object(call("morph", "tiny-vae", pair, "seed:1", "--face", "2", *frames))
    assert values["corners"][0]["how"] == "face"
    assert "number 2" in values["corners"][0]["note"]
    assert values["corners"][1] == {"corner": "seed:1"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--face", "3"), "Face 3 was asked for and 2 were found"),
        (("--face", "0"), "between 1 and"),
        (("--face", "1", "--face", "2"), "--face was given 2 times for one photo"),
        (("--eyes", "10,10,10,10"), "same place"),
        (("--eyes", "10,10,nan,10"), "4 or 6 numbers"),
        (("--eyes", "1,2,3"), "4 or 6 numbers"),
        (("--eyes", "10,10,5000,10"), "inside the photo"),
        (("--eyes", "auto", "--eyes", "auto"), "--eyes was given 2 times"),
    ],
)
def test_impossible_cuts_are_refused(call, pair: Path, tmp_path: Path, options: tuple[str, ...], says: str):
    status, _, err = call("encode", "tiny-vae", pair, "-o", tmp_path / "codes.npz", *options)
    assert status == 2
    assert says in err
    assert not (tmp_path / "codes.npz").exists()
