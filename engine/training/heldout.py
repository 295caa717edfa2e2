"""Figures of the averaged model on fixed images: likelihoods in parts and with errors, PSNR, diversity of samples."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.data import DataSet, Split
from engine.measures import diversity
from engine.models.base import LatentModel
from engine.pictures import to_images, to_pictures

MAX_IMAGES = 128
CHUNK = 32


def fixed_pictures(data: DataSet, split: Split) -> NDArray[np.uint8]:
    """At most 256 pictures (N, S, S, C) of a split, the same ones in every run and at every preview."""
    chosen = np.random.default_rng(0).permutation(data.indices(split))[:256]
    return np.asarray(data.images[np.sort(chosen)])


@torch.inference_mode()
def likelihood_metrics(
    model: LatentModel, pictures: NDArray[np.uint8], device: torch.device, *, prefix: str
) -> dict[str, float]:
    """Means of `model.likelihood_parts` over pictures (N, S, S, C) uint8, and the standard error of their sum.

    Every set of pictures meets the same dequantisation noise, so two figures of one set differ by the model alone.
    Empty for a family without a density.
    """
    if model.abilities.density == "none":
        return {}
    found: dict[str, list[Tensor]] = {}
    for chunk in to_images(pictures[:MAX_IMAGES], device).split(CHUNK):
        parts = model.likelihood_parts(chunk, generator=torch.Generator().manual_seed(0))
        for name, values in parts.items():
            found.setdefault(name, []).append(values)
    whole = {name: torch.cat(values) for name, values in found.items()}
    means = {f"{prefix}{name}": float(values.mean()) for name, values in whole.items()}
    name, values = next(iter(whole.items()))
    if len(values) > 1:
        means[f"{prefix}{name}_error"] = float(values.std()) / math.sqrt(len(values))
    return {name: value for name, value in means.items() if math.isfinite(value)}


@torch.inference_mode()
def heldout_metrics(
    model: LatentModel, pictures: NDArray[np.uint8], samples: Tensor, device: torch.device
) -> dict[str, float]:
    """Held-out likelihood and PSNR where the family has them, and the spread of samples over that of real images.

    `pictures` (N, S, S, C) uint8 are held-out images, `samples` (M, C, S, S) in [-1, 1]. Points have the root of the
    mean squared error in place of PSNR, and their spread is not measured.
    """
    means = likelihood_metrics(model, pictures, device, prefix="heldout/")
    images = to_images(pictures[:MAX_IMAGES], device)
    if model.abilities.encode == "amortised":
        errors = [(model.decode(model.encode(x)) - x).square().flatten(1).mean(1) for x in images.split(CHUNK)]
        if model.spec.range is None:
            means["heldout/rms_error"] = float(torch.cat(errors).mean().sqrt())
        else:
            low, high = model.spec.range
            means["heldout/psnr_db"] = float((-10.0 * torch.log10(torch.cat(errors) / (high - low) ** 2)).mean())
    if len(images) > 1 and model.spec.range is not None:
        ratio = diversity(to_pictures(samples), to_pictures(images))
        means |= {} if ratio is None else {"heldout/diversity": ratio}
    return {name: value for name, value in means.items() if math.isfinite(value)}
