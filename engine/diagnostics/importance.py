"""The importance-weighted bound on log p(x): it rises with the number of codes k towards the true value.

Burda, Grosse and Salakhutdinov 2016, "Importance Weighted Autoencoders" (arXiv:1509.00519), equation 8:
L_k = E log 1/k sum_i p(x, z_i) / q(z_i|x). L_1 is the ELBO, L_k <= L_(k+1) <= log p(x).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.models.base import LatentModel
from engine.progress import SILENT, Progress

DECODES: Final = 256
"""Images decoded at once; it bounds the memory whatever k is."""
LADDER: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


@dataclass(frozen=True, eq=False)
class Bounds:
    """Bounds on log p of each image, in nats: `nats` (R, N), one row for each number of codes in `codes` (R,), rising.

    `effective` (N,) is the effective number of codes behind the last row (sum of weights squared over sum of squared
    weights): near 1 one code carries the bound, and the truth may lie well above it.
    """

    codes: tuple[int, ...]
    nats: NDArray[np.float64]
    effective: NDArray[np.float64]


def importance_bounds(
    model: LatentModel, images: Tensor, *, codes: int, seed: int = 0, progress: Progress = SILENT
) -> Bounds:
    """Bounds for images (N, C, H, W) with up to `codes` codes an image, in chunks of constant memory.

    The row of k averages over the codes / k separate groups of k codes, so that the noise of small k is small.

    Raises:
        Unsupported: the model has no posterior.
    """
    ladder = (*(k for k in LADDER if k < codes), codes)
    rows, effective = [], []
    for index, image in enumerate(images):
        weights = _log_weights(model, image, codes, seed + index, progress)
        rows.append([_grouped(weights, k) for k in ladder])
        relative = np.exp(weights - weights.max())
        effective.append(float(relative.sum() ** 2 / np.square(relative).sum()))
        progress.step(index + 1, len(images))
    return Bounds(ladder, np.array(rows).T, np.array(effective))


@torch.inference_mode()
def _log_weights(model: LatentModel, image: Tensor, codes: int, seed: int, progress: Progress) -> NDArray[np.float64]:
    """The log weights of `codes` codes of one image, (codes,) in nats."""
    generator = torch.Generator().manual_seed(seed)
    parts: list[Tensor] = []
    for start in range(0, codes, DECODES):
        progress.check()
        count = min(DECODES, codes - start)
        noise = torch.randn(count, 1, model.spec.size, generator=generator).to(image)
        parts.append(model.log_weights(image[None], noise)[:, 0].double().cpu())
    return torch.cat(parts).numpy()


def _grouped(weights: NDArray[np.float64], k: int) -> float:
    """The mean over separate groups of k weights of log mean exp, in nats; what does not fill a group is left out."""
    groups = weights[: len(weights) // k * k].reshape(-1, k)
    return float(log_mean_exp(groups).mean())


def log_mean_exp(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """log of the mean of exp of each row (R, K) -> (R,), without overflow."""
    top = rows.max(axis=1, keepdims=True)
    means: NDArray[np.float64] = top[:, 0] + np.log(np.exp(rows - top).mean(axis=1))
    return means


def interval(values: Sequence[float] | NDArray[np.float64]) -> tuple[float, float, float]:
    """(mean, low, high): the mean and its 95 % interval under the central limit theorem."""
    array = np.asarray(values, float)
    mean = float(array.mean())
    half = 1.96 * float(array.std(ddof=1)) / math.sqrt(len(array)) if len(array) > 1 else math.inf
    return mean, mean - half, mean + half
