"""A header may promise any size: what it promises is compared with the file before the memory is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.checkpoints.model_file import ModelHeader, load_model, save_model
from engine.errors import CheckpointError
from engine.families import build

TINY = {
    "vae": {"width": 8, "code": 8},
    "gan": {"width": 8, "discriminator_width": 8, "code": 8},
    "flow": {"depth": 1, "extra_depth": 1, "hidden": 8},
}
GIANT = {
    "vae": {"width": 256, "blocks": 4, "code": 512},
    "gan": {"width": 256, "discriminator_width": 256, "code": 8},
    "flow": {"depth": 48, "extra_depth": 32, "hidden": 1024},
}

LOAD = """
import resource, sys, pathlib
from engine.checkpoints.model_file import load_model
from engine.errors import CheckpointError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    load_model(pathlib.Path(sys.argv[1]))
except CheckpointError as error:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, error)
"""


@pytest.mark.parametrize("name", list(TINY))
def test_giant_header_over_tiny_weights_costs_no_giant(tmp_path: Path, name: str):
    model = build(name, TINY[name], (3, 32, 32))
    path = tmp_path / "x.safetensors"
    save_model(path, model, ModelHeader(name, GIANT[name], (3, 32, 32), title="Giant"))
    done = subprocess.run([sys.executable, "-c", LOAD, str(path)], capture_output=True, text=True, check=True)
    kilobytes, words = done.stdout.split(" ", 1)
    assert "does not fit its model" in words
    # What shapes without numbers import; the giants of VAE and Glow weigh 0.7 and 1.5 GB.
    assert int(kilobytes) < 400_000


@pytest.mark.parametrize("name", list(TINY))
def test_header_of_another_size_is_refused(tmp_path: Path, name: str):
    model = build(name, TINY[name], (3, 32, 32))
    path = tmp_path / "x.safetensors"
    save_model(path, model, ModelHeader(name, {**TINY[name]}, (3, 64, 64), title="Other"))
    with pytest.raises(CheckpointError, match="does not fit"):
        load_model(path)
