"""latent-loom encode --improve: better codes, and the figures of each photo."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.commands.answers import Answer
from tests.contract.tiny import picture, save


@pytest.fixture
def encode(tmp_path: Path, call: Callable[..., Answer]):
    """Encodes one photo with a tiny model: (status, the photo's row, standard error, the code)."""
    models = tmp_path / "own-home" / "models"
    models.mkdir(parents=True)
    Image.fromarray(picture(1)).save(tmp_path / "me.png")

    def run(family: str, *more: object) -> tuple[int, dict, str, np.ndarray]:
        file = models / f"tiny-{family}.safetensors"
        if not file.exists():
            save(file, family, title=f"Tiny {family}")
        out = tmp_path / "codes.npz"
        command = ("encode", file, tmp_path / "me.png", "-o", out, "--align", "none", "--json", *more)
        status, text, error = call(*command)
        if status:
            return status, {}, error, np.empty(0)
        with np.load(out, allow_pickle=False) as archive:
            return status, json.loads(text)["photos"][0], error, archive["codes"][0]

    return run


@pytest.mark.parametrize("family", ["vae", "gan"])
@pytest.mark.slow
def test_improving_finds_a_code_that_is_no_worse(family, encode):
    _, plain, _, _ = encode(family, *(["--steps", 2] if family == "gan" else []))
    status, better, _, code = encode(family, "--improve", "--steps", 20)
    assert status == 0
    assert better["psnr_db"] >= plain["psnr_db"]
    assert (plain["improved"], better["improved"]) == (False, True)
    assert better["norm_ratio"] == pytest.approx(float(np.sqrt(np.mean(code**2))), abs=1e-3)
    assert better["seconds"] == pytest.approx(better["milliseconds"] / 1000, abs=1e-3)
    assert (better["percentile"], better["percentile_training"]) == (None, None)


@pytest.mark.slow
def test_an_exact_code_stays_and_the_note_says_so(encode):
    _, plain, _, code = encode("flow")
    _, better, _, same = encode("flow", "--improve")
    np.testing.assert_array_equal(code, same)
    assert not better["improved"]
    assert "nothing to improve" in better["note"]
    assert "nothing to improve" not in plain["note"]


@pytest.mark.parametrize("steps", ["-1", "many", "1000000"])
def test_steps_out_of_bounds_are_a_wrong_call(steps, encode):
    status, _, error, _ = encode("gan", "--steps", steps)
    assert status == 2
    assert "--steps" in error
    assert "Traceback" not in error
