"""Whole runs of every family on a GPU that is not there: steps, averages, previews, pins, checkpoints, resuming.

Not rehearsed: `compile` and `cuda graphs`, several processes, memory that runs out, and bfloat16 in the backward pass
(autocast of a GPU does not touch simulated tensors, which C++ takes for tensors of the CPU; forward it is rehearsed on
fake tensors). A run's samples are those of the CPU to rounding.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.checkpoints.model_file import load_model
from engine.control import Control
from engine.data import open_dataset
from engine.device import Device
from engine.events import TrainingNotice
from engine.families import FAMILIES
from engine.knobs import from_json, to_json
from engine.runs import directory as runs
from engine.runs import pins
from engine.training.config import TrainConfig
from engine.training.diagnosing import Diagnosing
from engine.training.loop import train
from tests.contract.tiny import images, picture, tiny_config
from tests.rehearsed.simulated import taking_part

pytestmark = pytest.mark.rehearsed

SHAPE = (3, 32, 32)
EVERY = pytest.mark.parametrize("family", list(FAMILIES))
SIMULATED = Device("cuda", "simulated")


def new_run(tmp_path: Path, family: str, name: str, **training):
    """A run and its data, made without the session."""
    archive = tmp_path / "pictures.npz"
    if not archive.exists():
        x = images(48, SHAPE)
        np.savez(archive, images=((x + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy())
    data = open_dataset(archive, size=32)
    row = FAMILIES[family]
    chosen = {**row.training, "batch": 8, "steps": 4, "save_every": 2, "preview_every": 2, **training}
    config = runs.RunConfig(
        family=family,
        model=to_json(from_json(row.config, tiny_config(family))),
        training=to_json(from_json(TrainConfig, chosen)),
        data=str(archive),
        labels=None,
        fingerprint=data.fingerprint,
        image_shape=SHAPE,
    )
    run = tmp_path / name / "tiny"
    runs.create(run, config)
    return run, data


def go(run: Path, data, device: Device = SIMULATED, events: list | None = None):
    return train(run, data, device=device, control=Control(), emit=(events if events is not None else []).append)


@EVERY
def test_a_run_goes_to_its_end_as_on_the_cpu(cuda, family, tmp_path):
    shown = []
    for device in (Device("cpu", "CPU"), SIMULATED):
        run, data = new_run(tmp_path, family, device.kind)
        pins.pin(run, picture(1))
        events: list[object] = []
        assert go(run, data, device, events).state == "done"
        assert not [e for e in events if isinstance(e, TrainingNotice) and e.level != "info"], events
        assert pins.sheets(run)
        shown.append(np.asarray(Image.open(run / "previews/000004.webp")).astype(int))
        model, _, _ = load_model(run / "checkpoints/step_000004/model.safetensors")
        assert all(type(p.data) is torch.Tensor for p in model.parameters())
    here, there = shown
    assert np.abs(here - there).mean() < 2, "in grey values: rounding alone tells the two runs apart"


@EVERY
@pytest.mark.parametrize(
    "knobs",
    [{"accumulate": 2, "checkpointing": True, "flip": True, "shift": 2, "light": 0.2, "precision": "bfloat16"}],
    ids=["every"],
)
def test_knobs_of_training(cuda, family, knobs, tmp_path):
    run, data = new_run(tmp_path, family, "knobs", steps=2, **knobs)
    assert go(run, data).state == "done"


@EVERY
def test_a_run_is_resumed_there(cuda, family, tmp_path):
    run, data = new_run(tmp_path, family, "resumed")
    assert go(run, data).step == 4
    config = runs.read_config(run)
    runs.save_config(run, replace(config, training={**config.training, "steps": 6}))
    assert go(run, data).step == 6


def test_a_run_is_diagnosed_there_while_it_trains(cuda, tmp_path, monkeypatch):
    work, done = Diagnosing._work, []

    def there(self, model, step):
        with taking_part():
            work(self, model, step)
        done.append(self._failed)

    monkeypatch.setattr(Diagnosing, "_work", there)
    run, data = new_run(tmp_path, "vae", "diagnosed", diagnose_every=2)
    assert go(run, data).state == "done"
    assert done == [""]
