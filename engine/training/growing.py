"""A new run that begins with a trained model of half its size: what was learned stays, and the family adds a stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.api import TrainRequest
from engine.checkpoints.model_file import ModelHeader, copy_weights, load_model, read_header
from engine.errors import CheckpointError, UsageError
from engine.families import FAMILIES, build, family
from engine.files import tensors
from engine.files.disk import reason
from engine.knobs import Value, from_json, to_json
from engine.models.base import are_points
from engine.models.ema import Ema
from engine.nn.undrawn import Undrawn
from engine.runs import directory as runs
from engine.runs.checkpoints import read_manifest
from engine.runs.library import Checkpoint, find_checkpoint, origin_of
from engine.training.batches import step_seed
from engine.training.config import TrainConfig
from engine.training.optimisers import Optimisers
from engine.training.snapshot import Position, save_snapshot


@dataclass(frozen=True)
class Trained:
    """A model to start from, of a run's `checkpoint` or, where that is None, of the model file `path`."""

    path: Path
    name: str
    family: str
    knobs: Mapping[str, Any]
    image_shape: tuple[int, int, int]
    step: int
    checkpoint: Checkpoint | None

    @property
    def size(self) -> int:
        """Pixels a side."""
        return self.image_shape[1]

    def grows_for(self, request: TrainRequest) -> bool:
        """Whether a run of `request` cannot go on with it as it is; a file has no moments to go on with."""
        return self.checkpoint is None or self.size != request.size

    def origin(self) -> dict[str, object]:
        """What the config of a run that starts from it says of it."""
        if self.checkpoint is not None:
            return origin_of(self.checkpoint)
        return {"run": self.name, "path": str(self.path.resolve()), "step": self.step}


def find_trained(path: Path) -> Trained:
    """What `path` means: a model file, a run, or a folder in its checkpoints; no weight is read.

    Raises:
        CheckpointError: a file, and none of our models.
        RunError: there is neither.
    """
    if path.is_file():
        header = read_header(path)
        name = header.title or path.stem
        return Trained(path, name, header.family, header.config, header.image_shape, header.step, None)
    found = find_checkpoint(path)
    source = found.path.parent.parent
    config = runs.read_config(source)
    return Trained(found.path, source.name, config.family, config.model, config.image_shape, found.step, found)


def grown_knobs(trained: Trained, request: TrainRequest, *, steps: int) -> dict[str, Value]:
    """The knobs of the model of `request.size` pixels that `trained` grows into; `request.model` changes some of them.

    Raises:
        UsageError: it cannot grow to this size, or not with these knobs.
    """
    row, size, wanted = family(trained.family), trained.size, request.size
    if trained.family != request.family:
        raise UsageError(
            f"{trained.name} is a {row.title}, and its weights fit no other family: "
            f"leave the family out, or start a {family(request.family).title} without them."
        )
    if row.grow is None or row.name not in FAMILIES or are_points(trained.image_shape):
        raise UsageError(
            f"{trained.name} is a {row.title} of {size} pixels, and that cannot grow: "
            f"train one of {wanted} pixels from the start."
        )
    if wanted == size:
        raise UsageError(
            f"{trained.name} draws {size} pixels already: name the size that it is to grow to, "
            "or start from a run to go on at this one."
        )
    if wanted != 2 * size:
        to = f"to {2 * size} pixels" + (" first" if wanted > size else "")
        can = f"it can grow {to}" if 2 * size in row.sizes else f"no {row.title} is trained on more"
        raise UsageError(f"{trained.name} draws {size} pixels and cannot become one of {wanted}: {can}.")
    if request.channels != trained.image_shape[0]:
        raise UsageError(
            f"{trained.name} draws pictures of {trained.image_shape[0]} channels, got {request.channels}: "
            "colour and grey keep apart."
        )
    known: object = from_json(row.config, trained.knobs)
    changed: object = from_json(row.config, {**to_json(known), **request.model})
    for name, value in to_json(changed).items():
        if name in request.model and _shapes(trained, {name: value}) != _shapes(trained, {}):
            raise UsageError(
                f"{name} cannot change where a model grows, since the weights of {trained.name} "
                f"({to_json(known)[name]} there) would not fit: leave it out."
            )
    complete = trained.checkpoint is not None or _holds_all(trained.path, trained)
    grown = row.grow(changed, steps=steps, complete=complete)
    return {**to_json(grown), **{name: to_json(changed)[name] for name in request.model}}


def _shapes(trained: Trained, changes: Mapping[str, Value]) -> dict[str, torch.Size]:
    """Names and shapes of all tensors of the model with some knobs changed."""
    with torch.device("meta"), Undrawn():
        model = build(trained.family, {**trained.knobs, **changes}, trained.image_shape)
    return {name: value.shape for name, value in model.state_dict().items()}


def _holds_all(path: Path, trained: Trained) -> bool:
    """Whether a model file holds the weights that only training needs."""
    return set(_shapes(trained, {})) <= set(tensors.read_header(path).entries)


def save_grown(run: Path, trained: Trained) -> None:
    """Writes the grown model as the first checkpoint of the new `run`, for training to go on from.

    What is shown begins with the averaged weights of `trained`, and so does what is trained; all else of them comes
    from the run's own state.

    Raises:
        CheckpointError: the weights are damaged.
        RunError: the disk does not take them.
    """
    config = runs.read_config(run)
    training = from_json(TrainConfig, config.training)
    state = _weights(trained)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(step_seed(training.seed, 0, salt="weights"))
        model = build(config.family, config.model, config.image_shape).train()
    own = model.state_dict()
    lost = [name for name, value in state.items() if name not in own or own[name].shape != value.shape]
    if lost:
        raise CheckpointError(f"{trained.name} does not fit what it grows into ({lost[0]}): train without it.")
    copy_weights(model, {**own, **state}, trained.name)
    device = torch.device("cpu")
    save_snapshot(
        run,
        Position(0),
        model=model,
        average=Ema(model, training.ema).model,
        optimisers=Optimisers(model, training, device),
        header=ModelHeader(
            family=config.family, config=config.model, image_shape=config.image_shape, title=config.title or run.name
        ),
        keep=training.keep,
    )
    runs.write_status(run, "stopped", 0, training.steps)


def _weights(trained: Trained) -> dict[str, Tensor]:
    """The averaged weights, and those that only training needs where they are kept."""
    if trained.checkpoint is None:
        return _of_file(trained.path)
    read_manifest(trained.path)
    shown = _of_file(trained.path / "model.safetensors")
    try:
        state = tensors.load((trained.path / "state.safetensors").read_bytes())
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{trained.path.name} of {trained.name} cannot be read ({reason(error)}): choose another checkpoint."
        ) from error
    kept = {name.removeprefix("model/"): value for name, value in state.items() if name.startswith("model/")}
    return {**kept, **shown}


def _of_file(path: Path) -> dict[str, Tensor]:
    """What a model file holds, in full precision, once it is proved to fit its own header."""
    with torch.random.fork_rng(devices=[]):
        model, _, _ = load_model(path)
    held = set(tensors.read_header(path).entries)
    return {name: value for name, value in model.state_dict().items() if name in held}
