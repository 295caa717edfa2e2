"""A VAE's prior, fitted once more while encoder and decoder stand still (Ghosh et al. 2020, arXiv:1903.12436).

While all of a VAE learns, its prior runs after codes that move, and pictures that were varied widen them. Afterwards
the codes of the plain training pictures are fixed and cheap, so that the prior sees each of them many times.
"""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.data import DataSet, Split
from engine.models.base import LatentModel
from engine.models.vae.vae import Vae
from engine.pictures import to_images

BATCH = 256
RATE = 1e-3
CLIP = 50.0
DECAY = 0.995
ENCODED_AT_ONCE = 128


@torch.no_grad()
def posteriors(model: Vae, data: DataSet, rows: NDArray[np.int64], *, mirror: bool) -> Tensor:
    """(N or 2N, 2, D): mean and log standard deviation of these pictures, and of their mirror images."""
    parts = []
    for start in range(0, len(rows), ENCODED_AT_ONCE):
        x = to_images(data.images[rows[start : start + ENCODED_AT_ONCE]])
        parts += [torch.stack(model.posterior(image), 1) for image in ((x, x.flip(3)) if mirror else (x,))]
    return torch.cat(parts)


def _nats(model: Vae, codes: Tensor, generator: torch.Generator) -> Tensor:
    noise = torch.randn(len(codes), codes.shape[2], generator=generator)
    return model.kl(codes[:, 0], codes[:, 1], noise).sum(1).mean()


def fit_prior(model: LatentModel, data: DataSet, *, steps: int, mirror: bool, seed: int = 0) -> str:
    """Fits the prior of `model` in place on the training split; what was done and what it brought, in a sentence.

    The weights kept are an average over the last few hundred steps.

    Raises:
        SystemExit: the model is no VAE, or its code has no learned prior.
    """
    if not isinstance(model, Vae) or not model.config.prior:
        raise SystemExit("--prior-steps needs a VAE with a learned prior.")
    model.eval().requires_grad_(False)
    codes = posteriors(model, data, data.indices(Split.TRAIN), mirror=mirror)
    held = posteriors(model, data, data.indices(Split.VALIDATION), mirror=mirror)
    before = float(_nats(model, held, torch.Generator().manual_seed(seed)))
    average = copy.deepcopy(model.prior)
    generator = torch.Generator().manual_seed(seed + 1)
    optimiser = torch.optim.Adam(model.prior.requires_grad_(True).parameters(), lr=RATE)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = RATE * (1.0 - step / steps)
        rows = torch.randint(len(codes), (BATCH,), generator=generator)
        loss = _nats(model, codes[rows], generator)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.prior.parameters(), CLIP)
        optimiser.step()
        with torch.no_grad():
            for mean, weight in zip(average.parameters(), model.prior.parameters(), strict=True):
                mean.lerp_(weight, 1.0 - DECAY)
    model.prior.load_state_dict(average.state_dict())
    model.requires_grad_(False)
    after = float(_nats(model, held, torch.Generator().manual_seed(seed)))
    return (
        f"The prior alone then learned {steps:,} steps of {BATCH} from the codes of the plain training pictures"
        f"{' and their mirror images' if mirror else ''}: the KL of held-out "
        f"pictures fell from {before:.1f} to {after:.1f} nats."
    )
