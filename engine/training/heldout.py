"""Figures on images that training never sees, and the diversity of samples."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.diagnostics.images import diversity
from engine.models.base import LatentModel
from engine.pictures import to_images, to_pictures

MAX_IMAGES = 128
CHUNK = 32


@torch.inference_mode()
def heldout_metrics(
    model: LatentModel, pictures: NDArray[np.uint8], samples: Tensor, device: torch.device
) -> dict[str, float]:
    """Held-out bits/dim and PSNR where the family has them, and the spread of samples over that of real images.

    `pictures` (N, S, S, C) uint8 are held-out images, `samples` (M, C, S, S) in [-1, 1].
    """
    found: dict[str, list[Tensor]] = {}
    images = to_images(pictures[:MAX_IMAGES], device)
    for chunk in images.split(CHUNK):
        if model.abilities.density != "none":
            noise = torch.Generator().manual_seed(0)
            found.setdefault("heldout/bits_per_dim", []).append(model.bits_per_dim(chunk, generator=noise))
        if model.abilities.encode == "amortised":
            error = (model.decode(model.encode(chunk)) - chunk).square().flatten(1).mean(1)
            found.setdefault("heldout/psnr_db", []).append(-10.0 * torch.log10(error / 4.0))
    means = {name: float(torch.cat(values).mean()) for name, values in found.items()}
    if len(images) > 1:
        ratio = diversity(to_pictures(samples), to_pictures(images)).ratio
        means |= {} if ratio is None else {"heldout/diversity": ratio}
    return {name: value for name, value in means.items() if math.isfinite(value)}
