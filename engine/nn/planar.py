"""A fold along one plane, y = x + u tanh(w . x + b) (Rezende and Mohamed 2015, arXiv:1505.05770).

Points are (..., D); `w`, `u` (..., D) and `b` (...) broadcast with them, so that each point can have a fold of its own.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import softplus

HALVINGS: Final = 60
MARGIN: Final = 1e-4
"""Softplus of a large negative number is 0; this keeps w . u above -1 there too."""
STILL: Final = 0.5413
"""w . u at which nothing is folded: softplus of it is 1."""


def bounded(w: Tensor, u: Tensor) -> Tensor:
    """u moved along w so that w . u > -1: then and only then the fold can be inverted.

    The move divides by |w|^2 (appendix A.1 of the paper); dividing by |w| breaks the bound.
    """
    along = (w * u).sum(-1, keepdim=True)
    return u + (softplus(along) + MARGIN - 1.0 - along) * w / w.square().sum(-1, keepdim=True)


def fold(x: Tensor, w: Tensor, u: Tensor, *, b: Tensor) -> tuple[Tensor, Tensor]:
    """(y, log-determinant (...)), with `u` as `bounded` gives it."""
    folded = torch.tanh((x * w).sum(-1) + b)
    return x + folded[..., None] * u, torch.log1p((w * u).sum(-1) * (1.0 - folded.square()))


def unfold(y: Tensor, w: Tensor, u: Tensor, *, b: Tensor) -> Tensor:
    """x of y. Along w it is one rising function of one number, a + c tanh(a + b), found by bisection."""
    c, target = (w * u).sum(-1), (y * w).sum(-1)
    with torch.no_grad():
        low, high = target - c.abs(), target + c.abs()
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            above = middle + c * torch.tanh(middle + b) > target
            low, high = torch.where(above, low, middle), torch.where(above, middle, high)
    a = 0.5 * (low + high)
    # One step of Newton's: it moves nothing that is found, and carries the gradient (implicit function theorem).
    folded = torch.tanh(a + b)
    slope = (1.0 + c * (1.0 - folded.square())).detach()
    a = a - (a + c * folded - target) / slope
    return y - torch.tanh(a + b)[..., None] * u
