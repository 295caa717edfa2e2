"""How far a model of points is from the truth: exact where the density is known, and always with a floor beside it.

A figure of samples without its floor says nothing: it is above zero for a perfect model too, because samples are few.
Its floor is what the same measure gives for a fresh draw of the truth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from engine.lab.truths import LogDensity, Modes, Truth, mesh

SIDE: Final = 200
DIRECTIONS: Final = 64
MODE_SHARE: Final = 0.01
"""A mode counts as found where at least this share of the samples lie within three sigma of it."""


@dataclass(frozen=True)
class Divergences:
    """Between the truth p and a model q, in nats (`tv` between 0 and 1): 0 where they are equal.

    `missing` is the mass of q outside the view, which these do not see.
    """

    kl: float
    reverse_kl: float
    js: float
    tv: float
    missing: float


def divergences(log_p: Tensor, log_q: Tensor, cell: float) -> Divergences:
    """Of two densities on the same grid: nats (N,) at the middles of cells of the same volume.

    KL(p to q) is infinite where q has no density and p has some; JS and TV are always finite.
    """
    log_p, log_q = log_p.double(), log_q.double()
    p, q = log_p.exp() * cell, log_q.exp() * cell
    log_m = torch.logaddexp(log_p, log_q) - math.log(2.0)
    js = 0.5 * (_relative(p, log_p, log_m) + _relative(q, log_q, log_m))
    return Divergences(
        kl=_relative(p, log_p, log_q),
        reverse_kl=_relative(q, log_q, log_p),
        js=js,
        tv=0.5 * float((p - q).abs().sum()),
        missing=1.0 - float(q.sum()),
    )


def _relative(p: Tensor, log_p: Tensor, log_q: Tensor) -> float:
    there = p > 0
    return float((p[there] * (log_p[there] - log_q[there])).sum())


def against(truth: Truth, log_q: LogDensity, *, side: int = SIDE) -> Divergences:
    """Of a model's density log_q, points (B, d) float32 -> nats (B,), on a grid over the truth's view."""
    points, cell = mesh(truth.view, side if truth.dimension == 2 else 50 * side, truth.dimension)
    log_p, found = [], []
    for part in points.split(8192):
        log_p.append(truth.log_density(part))
        found.append(log_q(part.float()).double())
    return divergences(torch.cat(log_p), torch.cat(found), cell)


def smoothed(samples: Tensor, view: tuple[float, float], *, side: int, sigma: float) -> Tensor:
    """Log-density (side^d,) of samples (N, d), each spread out as a Gaussian of `sigma`, in cells as `mesh` has them.

    For a model that has no density. Samples outside the view are left out of the sum and not of the count.
    """
    samples = samples.double()
    lines = mesh(view, side, 1)[0][:, 0]
    step = (view[1] - view[0]) / side
    kernels = [
        torch.exp(-0.5 * ((samples[:, axis, None] - lines) / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))
        for axis in range(samples.shape[1])
    ]
    # A narrow kernel that falls between the middles of cells would lose mass: each has its own back.
    kernels = [
        k * (_inside(samples[:, axis], view, sigma) / (k.sum(1) * step).clamp_min(1e-300))[:, None]
        for axis, k in enumerate(kernels)
    ]
    if len(kernels) == 1:
        density = kernels[0].mean(0)
    else:
        density = (kernels[0].T @ kernels[1] / len(samples)).flatten()
    return density.clamp_min(1e-300).log()


def _inside(x: Tensor, view: tuple[float, float], sigma: float) -> Tensor:
    """The part of each sample's Gaussian that lies within the view."""
    scale = sigma * math.sqrt(2.0)
    return 0.5 * (torch.erf((view[1] - x) / scale) - torch.erf((view[0] - x) / scale))


def sliced_wasserstein(a: Tensor, b: Tensor, *, seed: int = 0) -> float:
    """Mean over directions of the W1 distance of two sets of points (N, d) of the same number, in their own unit.

    On the line it is W1 itself. In the plane the directions are evenly spread, so that the figure repeats.

    Raises:
        ValueError: sets of different sizes.
    """
    if len(a) != len(b):
        raise ValueError(f"as many points on both sides, got {len(a)} and {len(b)}")
    a, b = a.double(), b.double()
    if a.shape[1] == 1:
        directions = a.new_ones(1, 1)
    elif a.shape[1] == 2:
        angle = (torch.arange(DIRECTIONS, dtype=torch.float64) + 0.5) * (math.pi / DIRECTIONS)
        directions = torch.stack([angle.cos(), angle.sin()])
    else:
        generator = torch.Generator().manual_seed(seed)
        directions = torch.randn(a.shape[1], DIRECTIONS, generator=generator, dtype=torch.float64)
        directions = directions / directions.norm(dim=0)
    return float(((a @ directions).sort(0)[0] - (b @ directions).sort(0)[0]).abs().mean())


@dataclass(frozen=True)
class ModeCount:
    """`found` of `of` modes hold at least 1 % of the samples; `near` is the share within three sigma of any mode, which
    for a perfect model is `perfect`."""

    found: int
    of: int
    near: float
    perfect: float


def count_modes(samples: Tensor, modes: Modes) -> ModeCount:
    """Of samples (N, d)."""
    distance, nearest = torch.cdist(samples.double(), modes.centres).min(1)
    near = distance < 3 * modes.sigma
    counts = torch.bincount(nearest[near], minlength=len(modes.centres))
    found = int((counts >= MODE_SHARE * len(samples)).sum())
    # Of a Gaussian within three sigma: erf(3 / sqrt 2) on the line, 1 - exp(-9/2) in the plane.
    perfect = math.erf(3 / math.sqrt(2)) if modes.centres.shape[1] == 1 else 1 - math.exp(-4.5)
    return ModeCount(found, len(modes.centres), float(near.double().mean()), perfect)
