"""Cartoon faces as data, generators whose faults are known, and runs that are made to fail: for tests of verdicts."""

from __future__ import annotations

import contextlib
import io
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import resources
from engine.api import TrainRequest
from engine.control import Control
from engine.data import DataSet, open_dataset
from engine.diagnostics.base import Subject
from engine.diagnostics.facts import Origin
from engine.diagnostics.subjects import subject_of
from engine.errors import RunError
from engine.models.base import Abilities, Group, LatentModel, LatentSpec
from engine.session import Session

SIDE = 32


def cartoons(first: int, count: int) -> np.ndarray:
    """Cartoon faces of the box from number `first` on, (count, 32, 32, 3) uint8."""
    pictures = []
    with zipfile.ZipFile(resources.path("data/cartoons64.zip")) as archive:
        for number in range(first, first + count):
            with Image.open(io.BytesIO(archive.read(f"{number:05d}.webp"))) as image:
                pictures.append(np.asarray(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)))
    return np.stack(pictures)


def save_set(folder: Path, count: int) -> Path:
    """The first `count` cartoons as a data set."""
    path = folder / f"cartoons-{count}.npz"
    np.savez(path, images=cartoons(0, count))
    return path


def opened(path: Path) -> DataSet:
    return open_dataset(path, size=SIDE)


class Draws(LatentModel):
    """A generator of given pictures: the code's first number says which, and all its numbers a little noise."""

    abilities = Abilities(encode="search", density="none")

    def __init__(self, pictures: np.ndarray, *, levels: float = 3.0) -> None:
        super().__init__()
        images = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
        self.spec = LatentSpec(8, (Group("code", 0, 8),), (3, SIDE, SIDE))
        self.images = torch.nn.Parameter(images, requires_grad=False)
        self.levels_of_noise = levels

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        place = (torch.special.ndtr(z[:, 0]) * len(self.images)).long().clamp(max=len(self.images) - 1)
        waves = torch.sin(torch.arange(3 * SIDE * SIDE) * (1 + z[:, 1:2].abs())).view(-1, 3, SIDE, SIDE)
        return (self.images[place] + waves * self.levels_of_noise / 127.5).clamp(-1, 1)

    def training_step(self, batch, steps):
        raise AssertionError("it is not trained")


def subject(model: LatentModel, data: DataSet, **origin) -> Subject:
    return subject_of(
        model, data, device=torch.device("cpu"), origin=Origin(**{"trained_on": "yes", "title": "made", **origin})
    )


def trained(folder: Path, data: Path, family: str, *, steps: int, **knobs) -> tuple[Session, Path]:
    """A run of the real loop to its last step; knobs that are the model's go there."""
    session = Session(device="cpu", home=folder / "home")
    training = {"batch": 16, "preview_every": 50, "save_every": 10_000, "warmup": 20, **knobs.pop("training", {})}
    request = TrainRequest(family=family, data=str(data), size=SIDE, model=knobs, training={**training, "steps": steps})
    run = session.new_run(request)
    with contextlib.suppress(RunError):  # A run that is made to fail may end so: the verdict is about what is left.
        session.train(run, control=Control(), emit=lambda event: None)
    return session, run
