"""A header may promise any size: what it promises is compared with the file before the memory is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.checkpoints.model_file import ModelHeader, load_model, save_model
from engine.errors import CheckpointError
from engine.families import build
from tests.contract.tiny import environment

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
for name in sys.argv[1:]:
    try:
        load_model(pathlib.Path(name))
    except CheckpointError as error:
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, error)
"""


@pytest.mark.slow
def test_giant_headers_over_tiny_weights_cost_no_giant(tmp_path: Path):
    """One process for all, which takes longer to start than to refuse: none of them may raise its peak."""
    paths = [tmp_path / f"{name}.safetensors" for name in TINY]
    for path, (name, config) in zip(paths, TINY.items(), strict=True):
        save_model(path, build(name, config, (3, 32, 32)), ModelHeader(name, GIANT[name], (3, 32, 32), title="Giant"))
    command = [sys.executable, "-c", LOAD, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
    lines = [line.split(" ", 1) for line in done.stdout.splitlines()]
    assert len(lines) == len(paths)
    for path, (kilobytes, words) in zip(paths, lines, strict=True):
        assert path.name in words
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
