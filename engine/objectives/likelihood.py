"""Densities and their units: Gaussian log-density, dequantisation, nats to bits/dim."""

from __future__ import annotations

import math

import torch
from torch import Tensor

LOG_2PI = math.log(2.0 * math.pi)


def gaussian_log_density(x: Tensor, mean: Tensor | float, log_std: Tensor | float) -> Tensor:
    """log N(x; mean, exp(log_std)^2) of each element, in nats; shapes broadcast."""
    log_std = torch.as_tensor(log_std, dtype=x.dtype, device=x.device)
    return -0.5 * ((x - mean) * torch.exp(-log_std)) ** 2 - log_std - 0.5 * LOG_2PI


def bernoulli_log_density(x: Tensor, logits: Tensor) -> Tensor:
    """log P of each number of images in [-1, 1] cut to black and white at middle grey, in nats; `logits` are the log
    odds of white. Cells of two values are 1 wide in [-1, 1], so this is a density there as well; shapes broadcast."""
    return -torch.nn.functional.softplus(torch.where(x >= 0, -logits, logits))


def standard_normal_log_density(z: Tensor) -> Tensor:
    """log N(z; 0, I) of each row of (B, ...), as (B,), in nats."""
    return -0.5 * (z.flatten(1) ** 2 + LOG_2PI).sum(1)


def dequantise(
    x: Tensor, bins: int, generator: torch.Generator | None = None, *, noise: Tensor | None = None
) -> Tensor:
    """Images in [-1, 1] of 256 values -> uniform noise within each of `bins` cells of [-1, 1).

    The model's continuous density then bounds the discrete probability (Theis, van den Oord, Bethge 2016,
    "A note on the evaluation of generative models", section 3.1). Fewer bins drop the low bits (Glow, section 6).
    The noise in [0, 1) is `noise`, of x's shape, or drawn from `generator`.
    """
    cell = torch.floor((x + 1.0) * 127.5 + 0.5).clamp_(0, 255)
    if bins < 256:
        cell = torch.floor(cell / (256 // bins))
    if noise is None:
        noise = torch.rand(x.shape, generator=generator, dtype=torch.float32).to(x)
    return (cell + noise) * (2.0 / bins) - 1.0


def bits_per_dim(nats: Tensor, dimensions: int, bins: int) -> Tensor:
    """-log density over images in [-1, 1] (nats an image) -> bits/dim of images with `bins` values.

    A cell is 2/bins wide, so P(cell) = density * (2/bins)^D.
    """
    return -nats / (dimensions * math.log(2.0)) + math.log2(bins / 2.0)
