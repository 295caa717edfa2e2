"""A model as one safetensors file: weights, and in its header the config, so that the file is the whole model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from engine.errors import CheckpointError, UserError
from engine.families import build, family, sizes
from engine.files import tensors
from engine.files.disk import MALFORMED, TooLarge, read_bytes, reason, told_as, write_bytes
from engine.knobs import knobs_of
from engine.models.base import LatentModel, are_points
from engine.nn.undrawn import Undrawn

SCHEMA: Final = 1
KEY: Final = "latent_loom"
MAX_HEADER_BYTES: Final = 4 * 2**20
MAX_FILE_BYTES: Final = 4 * 2**30
SIDES: Final = (8, 16, 32, 64, 128, 256, 512, 1024)
"""Of pictures, beside the sizes of the families here."""
MOST_NUMBERS: Final = 4096
"""Of a point, whose image is (d, 1, 1)."""
REAL: Final = (torch.float16, torch.bfloat16, torch.float32)


@dataclass(frozen=True)
class ModelHeader:
    """What a model file says of itself before any weight is read."""

    family: str
    config: Mapping[str, Any]
    image_shape: tuple[int, int, int]
    title: str = ""
    step: int = 0
    card: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "family": self.family,
            "config": dict(self.config),
            "image_shape": list(self.image_shape),
            "title": self.title,
            "step": self.step,
            "card": dict(self.card),
        }


def read_header(path: Path) -> ModelHeader:
    """The header alone, without loading weights.

    Raises:
        CheckpointError: not one of our model files.
    """
    return _header(path, path.name)


def _header(source: Path | bytes, name: str) -> ModelHeader:
    try:
        return _parse(tensors.read_header(source, most=MAX_HEADER_BYTES).metadata[KEY], name)
    except OSError as error:
        raise CheckpointError(
            f"{name} cannot be opened ({reason(error)}): check the path and its permissions."
        ) from error
    except tensors.NoHeader as error:
        if error.start[:2] in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
            raise CheckpointError(
                f"{name} is a pickle or a zip of pickles, which could run code, so it is not opened: "
                "convert it to safetensors where you trust it."
            ) from error
        raise CheckpointError(
            f"{name} is not a Latent Loom model (its first bytes are no safetensors header): choose another file."
        ) from error
    except MALFORMED as error:
        raise CheckpointError(
            f"{name} is not a Latent Loom model (its header is damaged or foreign): choose another file."
        ) from error


def _parse(text: str, name: str) -> ModelHeader:
    values = json.loads(text)
    if values["schema"] > SCHEMA:
        raise CheckpointError(
            f"{name} was written by a newer Latent Loom (format {values['schema']}): update this one."
        )
    channels, height, width = (int(v) for v in values["image_shape"])
    shape = (channels, height, width)
    square = channels in (1, 3) and height == width and height in (*SIDES, *sizes())
    if not (square or (are_points(shape) and 1 <= channels <= MOST_NUMBERS)):
        raise ValueError("image shape")
    if not isinstance(values["config"], dict) or not isinstance(values["card"], dict):
        raise ValueError("config")
    return ModelHeader(
        family=str(values["family"]),
        config=dict(values["config"]),
        image_shape=shape,
        title=str(values["title"]),
        step=int(values["step"]),
        card=dict(values["card"]),
    )


def encode_model(model: LatentModel, header: ModelHeader, *, half: bool = False, whole: bool = True) -> bytes:
    """The file's bytes. `half` stores weights of two or more axes as float16; `whole=False` leaves out what only
    training needs."""
    state = {
        key: _stored(value, half)
        for key, value in model.state_dict().items()
        if whole or not key.startswith(model.training_only or ("\0",))
    }
    return tensors.save(state, {KEY: json.dumps(header.to_json(), ensure_ascii=False)})


def _stored(value: Tensor, half: bool) -> Tensor:
    # Scales, shifts and biases stay float32: they are few, and exponentials magnify their rounding.
    return value.cpu().half() if half and value.is_floating_point() and value.dim() >= 2 else value


def save_model(path: Path, model: LatentModel, header: ModelHeader, *, half: bool = False, whole: bool = True) -> str:
    """Writes the file atomically and gives its SHA-256.

    Raises:
        CheckpointError: it cannot be written.
    """
    data = encode_model(model, header, half=half, whole=whole)
    with told_as(CheckpointError, f"{path.name} could not be written", "free some space or choose another place."):
        write_bytes(path, data)
    return hashlib.sha256(data).hexdigest()


def load_model(path: Path, *, sha256: str | None = None) -> tuple[LatentModel, ModelHeader, str]:
    """(model in evaluation mode on the CPU, header, SHA-256 of the file).

    Every tensor's name, shape and kind is compared with a model built from the header before anything is copied.

    Raises:
        CheckpointError: not our file, damaged, or its weights do not fit its own header.
    """
    header = read_header(path)
    try:
        data = read_bytes(path, most=MAX_FILE_BYTES)
    except TooLarge as error:
        raise CheckpointError(f"{error}: that is no model of this program.") from error
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read ({reason(error)}): check the disk.") from error
    digest = hashlib.sha256(data).hexdigest()
    if sha256 is not None and digest != sha256:
        raise CheckpointError(
            f"{path.name} is damaged (its SHA-256 differs from the recorded one): restore it from a copy."
        )
    return _built(header, data, path.name), header, digest


def decode_model(data: bytes, name: str) -> tuple[LatentModel, ModelHeader, str]:
    """Like `load_model`, of the bytes of a file called `name`.

    Raises:
        CheckpointError: as `load_model`.
    """
    header = _header(data, name)
    return _built(header, data, name), header, hashlib.sha256(data).hexdigest()


def _built(header: ModelHeader, data: bytes, name: str) -> LatentModel:
    """The model of a header with the weights of a file, strictly."""
    with told_as(CheckpointError, f"{name} is damaged", "restore it from a copy.", errors=ValueError):
        state = tensors.load(data)
    try:
        if _unusually_large(header):
            # Shapes without numbers: a header that promises a giant must not cost a giant's memory.
            with torch.device("meta"), Undrawn():
                _check_fit(build(header.family, header.config, header.image_shape), state, name)
        with Undrawn():
            model = build(header.family, header.config, header.image_shape)
        if not set(model.state_dict()) <= set(state):
            # What the file may lack begins as in training.
            model = build(header.family, header.config, header.image_shape)
    except UserError as error:
        raise CheckpointError(f"{name} describes a model that cannot be built ({error})") from error
    copy_weights(model, state, name)
    return model.eval()


def _unusually_large(header: ModelHeader) -> bool:
    """Whether a knob is beyond every default and preset of its family."""
    row = family(header.family)
    if not row.presets:
        return True
    largest = {knob.name: knob.default for knob in knobs_of(row.config)}
    for preset in row.presets.values():
        largest |= {
            key: value
            for key, value in preset.knobs.items()
            if isinstance(value, int | float) and value > float(largest[key])
        }
    return max(header.image_shape) > 128 or any(
        isinstance(value, int | float) and isinstance(largest.get(key), int | float) and value > float(largest[key])
        for key, value in header.config.items()
    )


def _check_fit(model: LatentModel, state: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """The model's own tensors, if `state` has the same with the same shapes.

    Raises:
        CheckpointError: a missing, unknown or misshapen tensor.
    """
    own: dict[str, Tensor] = model.state_dict()
    optional = {key for key in own if key.startswith((*model.training_only, *model.added_later) or ("\0",))}
    missing = sorted(set(own) - set(state) - optional)
    unknown = sorted(set(state) - set(own))
    if missing or unknown:
        what = f"lacks {missing[0]}" if missing else f"has an unknown tensor {unknown[0]}"
        raise CheckpointError(f"{name} does not fit its model ({what}): it belongs to another model or version.")
    for key, value in state.items():
        if value.shape != own[key].shape:
            raise CheckpointError(
                f"{name} does not fit its model ({key} is {tuple(value.shape)}, not {tuple(own[key].shape)}): "
                "it belongs to another model."
            )
    return own


def copy_weights(model: LatentModel, state: Mapping[str, Tensor], name: str) -> None:
    """Copies `state` into the model strictly.

    Raises:
        CheckpointError: a missing, unknown, misshapen, mistyped or non-finite tensor; the model is then unchanged.
    """
    own = _check_fit(model, state, name)
    for key, value in state.items():
        kinds = REAL if own[key].is_floating_point() else (own[key].dtype,)
        if value.dtype not in kinds:
            raise CheckpointError(
                f"{name} does not fit its model ({key} holds {value.dtype}): it belongs to another model."
            )
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise CheckpointError(
                f"{name} holds numbers that are not finite (in {key}): it is damaged; use an earlier checkpoint."
            )
    with torch.no_grad():
        for key, value in state.items():
            own[key].copy_(value)
