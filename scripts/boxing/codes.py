"""Codes of many real pictures: by the model's encoder, or by the one fitted beside it and some steps of search."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from boxing.baseline import cached_file
from boxing.figures import chunks
from engine.data import DataSet
from engine.latent.encoder import CodeEncoder
from engine.models.base import LatentModel
from engine.pictures import to_images, to_pictures

Floats = NDArray[np.float32]


def weights_digest(model: LatentModel, encoder: CodeEncoder | None, steps: int) -> str:
    """What codes depend on: the weights themselves, not the file's words around them."""
    digest = hashlib.sha256(str(steps).encode())
    for module in (model, encoder):
        for name, value in () if module is None else sorted(module.state_dict().items()):
            digest.update(name.encode() + value.contiguous().numpy().tobytes())
    return digest.hexdigest()[:24]


def search(model: LatentModel, images: Tensor, start: Tensor, steps: int) -> Tensor:
    """Codes of a batch by Adam from a first guess: squared error and a pull towards the prior."""
    code = start.clone().requires_grad_(True)
    adam = torch.optim.Adam([code], lr=0.05)
    for step in range(steps):
        adam.param_groups[0]["lr"] = 0.05 * 0.5 * (1 + math.cos(math.pi * step / steps))
        adam.zero_grad(set_to_none=True)
        error = (model.decode(code) - images).square().flatten(1).sum(1)
        loss = (error * 20 + 0.5 * code.square().sum(1)).sum() / 100
        loss.backward()
        adam.step()
    return code.detach()


def encode_with(model: LatentModel, encoder: CodeEncoder | None, steps: int) -> Callable[[Tensor], Tensor]:
    """Images (B, C, S, S) -> codes (B, D).

    Raises:
        SystemExit: a model without an encoder, and none beside it.
    """
    if model.abilities.encode != "search":
        return model.encode
    if encoder is None:
        raise SystemExit("There is no encoder beside the model: run scripts/fit_encoder.py, then --only-directions.")
    beside = encoder

    def found(images: Tensor) -> Tensor:
        with torch.no_grad():
            start = beside(images)
        return search(model, images, start, steps) if steps else start

    return found


def codes_of(
    model: LatentModel, data: DataSet, rows: NDArray[np.int64], *, encoder: CodeEncoder | None = None, steps: int = 0
) -> Floats:
    """Codes (N, D) of the pictures of `rows`; from the cache where they were found before."""
    what = hashlib.sha256(rows.tobytes() + data.fingerprint.encode()).hexdigest()[:16]
    path: Path = cached_file(f"codes-{weights_digest(model, encoder, steps)}-{what}.npy")
    if path.is_file():
        kept: Floats = np.load(path, allow_pickle=False)
        return kept
    encode, began = encode_with(model, encoder, steps), time.monotonic()
    found = np.empty((len(rows), model.spec.size), np.float32)
    done = 0
    for part in chunks(rows, 64):
        with torch.no_grad():
            images = to_images(np.asarray(data.images[part]))
        with torch.inference_mode(model.abilities.encode != "search"):
            found[done : done + len(part)] = encode(images).numpy()
        done += len(part)
    np.save(path, found)
    print(f"codes of {len(rows)} images in {time.monotonic() - began:.0f} s", flush=True)
    return found


def decode_with(model: LatentModel, channels: int) -> Callable[[Floats], NDArray[np.uint8]]:
    """Codes (n, D) -> pictures (n, S, S, C)."""

    def decode(codes: Floats) -> NDArray[np.uint8]:
        with torch.inference_mode():
            parts = [model.decode(part) for part in torch.from_numpy(codes).split(32)]
            return np.concatenate([to_pictures(part) for part in parts])[..., :channels]

    return decode
