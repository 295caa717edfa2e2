"""A run's checkpoints: EMA weights for everyone, raw weights and moments for resuming, a manifest that proves both."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from engine.checkpoints.atomic import publish_folder, sha256_of, write_json
from engine.checkpoints.model_file import ModelHeader, encode_model
from engine.errors import CheckpointError, RunError
from engine.models.base import LatentModel
from engine.training.optimisers import Optimisers

SCHEMA = 1
FILES = {"model.safetensors", "state.safetensors"}


@dataclass(frozen=True)
class Progressed:
    """Where a run stands: the next step, and how often it has been rolled back."""

    step: int
    strikes: int = 0


def save_snapshot(
    run: Path,
    at: Progressed,
    *,
    model: LatentModel,
    average: LatentModel,
    optimisers: Optimisers,
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
        "state.safetensors": save_tensors({k: v.detach().cpu().contiguous().clone() for k, v in state.items()}),
    }
    try:
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
                work / "manifest.json",
                {"schema": SCHEMA, "step": at.step, "strikes": at.strikes, "sha256": digests},
            )
    except OSError as error:
        raise RunError(f"Checkpoint {folder.name} could not be written ({error.strerror}): free some space.") from error
    for old in _in_order(folder.parent)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def _in_order(folder: Path) -> list[Path]:
    """The checkpoints, oldest first; by number, since step_1000000 sorts before step_999500 as a word."""
    found = [p for p in folder.glob("step_*") if p.name.removeprefix("step_").isdecimal()]
    return sorted(found, key=lambda p: int(p.name.removeprefix("step_")))


def read_manifest(folder: Path) -> dict[str, object]:
    """The manifest, after its files' SHA-256 have been checked.

    Raises:
        CheckpointError: damaged or incomplete.
    """
    try:
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        if manifest["schema"] > SCHEMA:
            raise CheckpointError(f"{folder.name} was written by a newer Latent Loom: update this one.")
        if set(manifest["sha256"]) != FILES or f"step_{manifest['step']:06d}" != folder.name:
            raise ValueError("its manifest is of something else")
        for name, digest in manifest["sha256"].items():
            if Path(name).name != name or sha256_of(folder / name) != digest:
                raise CheckpointError(f"{folder.name} is damaged ({name} differs from its manifest).")
        return dict(manifest)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{folder.name} is incomplete ({error}).") from error


def newest_snapshot(run: Path) -> tuple[Path | None, list[str]]:
    """(the newest checkpoint that verifies, sentences about those that do not)."""
    problems = []
    for folder in reversed(_in_order(run / "checkpoints")):
        try:
            read_manifest(folder)
        except CheckpointError as error:
            problems.append(f"{error} An earlier checkpoint is used.")
            continue
        return folder, problems
    return None, problems


def load_snapshot(folder: Path, *, model: LatentModel, average: LatentModel, optimisers: Optimisers) -> Progressed:
    """Restores weights, averaged weights and moments exactly as they were.

    Raises:
        CheckpointError: damaged, or of another model.
    """
    manifest = read_manifest(folder)
    try:
        state = load_tensors((folder / "state.safetensors").read_bytes())
        shown = load_tensors((folder / "model.safetensors").read_bytes())
        _restore(
            model,
            {k.removeprefix("model/"): v for k, v in state.items() if k.startswith("model/")},
            complete=True,
        )
        _restore(average, shown, complete=False)
        optimisers.load({k.removeprefix("optimiser/"): v for k, v in state.items() if k.startswith("optimiser/")})
        return Progressed(int(str(manifest["step"])), int(str(manifest["strikes"])))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
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
