"""A run's checkpoints: EMA weights for everyone, raw weights and moments for resuming, a manifest that proves both."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from engine.checkpoints.model_file import ModelHeader, encode_model
from engine.errors import CheckpointError, RunError
from engine.files import tensors
from engine.files.disk import publish_folder, told_as, write_json
from engine.models.base import LatentModel
from engine.runs.checkpoints import SCHEMA, in_order, read_manifest
from engine.training.optimisers import Optimisers


@dataclass(frozen=True)
class Position:
    """Where a run stands: the next step, and how often it has been rolled back."""

    step: int
    strikes: int = 0


class Keeps(Protocol):
    """What has moments to keep."""

    def state(self) -> dict[str, Tensor]:
        """All moments as named tensors."""


def save_snapshot(
    run: Path,
    at: Position,
    *,
    model: LatentModel,
    average: LatentModel,
    optimisers: Keeps,
    header: ModelHeader,
    keep: int,
) -> Path:
    """Publishes checkpoints/step_000500 by one rename, then removes all but the newest `keep`.

    Raises:
        RunError: the disk does not take it; older checkpoints stay.
    """
    folder = run / "checkpoints" / f"step_{at.step:06d}"
    state = {f"model/{k}": v for k, v in model.state_dict().items()}
    state |= {f"optimiser/{k}": v for k, v in optimisers.state().items()}
    files = {
        "model.safetensors": encode_model(average, header, whole=False),
        "state.safetensors": tensors.save({k: v.cpu().clone() for k, v in state.items()}),
    }
    with told_as(RunError, f"Checkpoint {folder.name} could not be written", "free some space."):
        need = 3 * sum(map(len, files.values()))
        free = shutil.disk_usage(run).free
        if free < need:
            raise RunError(
                f"The disk of {run} has {free / 1e6:.0f} MB left and a checkpoint needs {need / 1e6:.0f} MB: "
                "free some space."
            )
        with publish_folder(folder) as work:
            for name, data in files.items():
                (work / name).write_bytes(data)
            digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
            write_json(
                work / "manifest.json", {"schema": SCHEMA, "step": at.step, "strikes": at.strikes, "sha256": digests}
            )
    for old in in_order(folder.parent)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def load_snapshot(folder: Path, *, model: LatentModel, average: LatentModel, optimisers: Optimisers) -> Position:
    """Restores weights, averaged weights and moments exactly as they were.

    Raises:
        CheckpointError: damaged, or of another model.
    """
    manifest = read_manifest(folder)
    try:
        state = tensors.load((folder / "state.safetensors").read_bytes())
        shown = tensors.load((folder / "model.safetensors").read_bytes())
        _restore(
            model, {k.removeprefix("model/"): v for k, v in state.items() if k.startswith("model/")}, complete=True
        )
        _restore(average, shown, complete=False)
        optimisers.load({k.removeprefix("optimiser/"): v for k, v in state.items() if k.startswith("optimiser/")})
        return Position(int(str(manifest["step"])), int(str(manifest["strikes"])))
    except (OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{folder.name} does not fit this run ({error}): start a new run.") from error


@torch.no_grad()
def _restore(model: LatentModel, state: dict[str, Tensor], *, complete: bool) -> None:
    own = model.state_dict()
    left_out = () if complete else model.training_only
    missing = [k for k in own if k not in state and not (left_out and k.startswith(left_out))]
    if missing or set(state) - set(own):
        raise KeyError(missing[0] if missing else sorted(set(state) - set(own))[0])
    for key, value in state.items():
        if own[key].shape != value.shape:
            raise ValueError(f"{key} has another shape")
        own[key].copy_(value)
