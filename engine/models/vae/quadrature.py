"""Integrals over a code of one or two numbers, so that a small VAE's evidence and posterior are known and not bounded.

The prior is cut into equal cells (the trapezoid rule, whose error falls faster than any power of the cells' width).
What is integrated is as narrow as the decoder's noise is small, so the cells are made so fine that what is decoded at
neighbouring ones lies at most `APART` deviations of that noise apart, as far as `MOST` allows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import torch
from torch import Tensor

from engine.objectives.likelihood import LOG_2PI

REACH: Final = {1: 6.0, 2: 5.0}
"""How far from the middle the prior is integrated: beyond lies 2e-9 of it on a line, and 4e-6 in the plane."""
LEAST: Final = {1: 128, 2: 32}
MOST: Final = {1: 4096, 2: 128}
"""Nodes along each coordinate, by the size of the code."""
APART: Final = 1.5
"""In deviations: a Gaussian's integral by steps of 1.5 sigma is off by 3e-4, by steps of 1 sigma by 5e-9."""
MASS: Final = 0.995
"""The share of the prior that is to be as fine as that; the rest lies where the decoder leaps from mode to mode."""
HERMITE: Final = 40
CHUNK: Final = 4_000_000

Decoder = Callable[[Tensor], tuple[Tensor, Tensor]]
"""(mean, log deviation), both (N, d), of codes (N, D)."""


@dataclass(frozen=True)
class Rule:
    """Nodes of the prior with what is decoded there, in float64.

    `codes` (N, D), `log_weights` (N,) of masses that add up to 1, `means` and `log_stds` (N, d); `cell` is a cell's
    volume, and `apart` how many deviations neighbours lie apart in all but 0.5 % of the prior.
    """

    codes: Tensor
    log_weights: Tensor
    means: Tensor
    log_stds: Tensor
    cell: float
    apart: float

    def joint(self, x: Tensor) -> Tensor:
        """log p(x, z) at every node, as masses: (B, N) for points (B, d)."""
        wide, inverse = x.double(), torch.exp(-2.0 * self.log_stds)
        square = wide.square() @ inverse.T - 2.0 * wide @ (self.means * inverse).T
        constant = self.log_weights - 0.5 * (self.means.square() * inverse).sum(1) - self.log_stds.sum(1)
        return constant - 0.5 * square - 0.5 * LOG_2PI * x.shape[1]

    def evidence(self, x: Tensor) -> Tensor:
        """log p(x) in nats, (B,) float64."""
        size = max(1, CHUNK // len(self.codes))
        return torch.cat([torch.logsumexp(self.joint(part), 1) for part in x.split(size)])

    def posterior(self, x: Tensor) -> Tensor:
        """log p(z|x) at every node, as densities: (B, N)."""
        joint = self.joint(x)
        found: Tensor = joint - torch.logsumexp(joint, 1, keepdim=True) - np.log(self.cell)
        return found


def rule(decoder: Decoder, size: int, like: Tensor) -> Rule:
    """The rule for codes of `size` numbers (1 or 2), on `like`'s device and asking the decoder in its type."""
    side = LEAST[size]
    found = _rule(decoder, size, side, like)
    # What a coarse rule says of slopes is too little where they are steep, so one look may not be enough.
    while found.apart > APART and side < MOST[size]:
        side = min(MOST[size], max(side + side // 2, int(side * found.apart / APART) + 1))
        found = _rule(decoder, size, side, like)
    return found


def _rule(decoder: Decoder, size: int, side: int, like: Tensor) -> Rule:
    reach = REACH[size]
    line = torch.linspace(-reach, reach, side, dtype=torch.float64, device=like.device)
    codes = line[:, None] if size == 1 else torch.cartesian_prod(line, line)
    log_weights = -0.5 * codes.square().sum(1)
    log_weights = log_weights - torch.logsumexp(log_weights, 0)
    means, log_stds = (part.double() for part in decoder(codes.to(like.dtype)))
    apart = _apart(means, log_stds, log_weights.exp(), side=side, size=size)
    # The corners of the square hold next to nothing, and are a fifth of all nodes.
    near = codes.square().sum(1) <= reach**2 + 1e-9
    log_weights = log_weights[near] - torch.logsumexp(log_weights[near], 0)
    cell = float(line[1] - line[0]) ** size
    return Rule(codes[near], log_weights, means[near], log_stds[near], cell, apart)


def _apart(means: Tensor, log_stds: Tensor, weights: Tensor, *, side: int, size: int) -> float:
    """How far neighbours lie apart, in the smaller of their deviations: all but a little of the mass is nearer."""
    shape = (side,) * size
    places, stds, mass = means.view(*shape, -1), log_stds.exp().view(*shape, -1), weights.view(shape)
    steps, masses = [], []
    for axis in range(size):
        one, other = ([part.narrow(axis, start, side - 1) for part in (places, stds, mass)] for start in (0, 1))
        steps.append(((one[0] - other[0]) / torch.minimum(one[1], other[1])).norm(dim=-1).flatten())
        masses.append((0.5 * (one[2] + other[2])).flatten())
    step, share = torch.cat(steps), torch.cat(masses)
    order = step.argsort()
    reached = share[order].cumsum(0) >= MASS * share.sum()
    return float(step[order][int(reached.int().argmax())])


@cache
def hermite(size: int, side: int = HERMITE) -> tuple[Tensor, Tensor]:
    """Gauss-Hermite nodes (side ** size, size) of a standard normal, and their weights, which add up to 1; float64."""
    t, w = np.polynomial.hermite_e.hermegauss(side)
    nodes, weights = torch.from_numpy(t), torch.from_numpy(w / w.sum())
    if size == 1:
        return nodes[:, None], weights
    return torch.cartesian_prod(nodes, nodes), torch.outer(weights, weights).flatten()
