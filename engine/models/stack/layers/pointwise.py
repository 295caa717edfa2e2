"""Layers that bend each coordinate by itself, in the same way wherever the others are."""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor, nn

from engine.models.stack.layers.base import Layer

EDGE: Final = 1e-6
"""How near to 0 and 1 `Logit` looks: beyond, float32 knows no slope."""
TINY: Final = 1e-12


class SinhArcsinh(Layer):
    """y = sinh(exp(log_tail) * asinh(x) + skew): lighter or heavier tails, and a lean (Jones and Pewsey 2009)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.log_tail = nn.Parameter(torch.zeros(size))
        self.skew = nn.Parameter(torch.zeros(size))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        inner = self.log_tail.exp() * torch.asinh(x) + self.skew
        # log cosh, which for large numbers is their size less log 2.
        log_cosh = inner.abs() + nn.functional.softplus(-2 * inner.abs()) - math.log(2.0)
        return torch.sinh(inner), (self.log_tail + log_cosh - 0.5 * torch.log1p(x * x)).sum(1)

    def inverse(self, y: Tensor) -> Tensor:
        return torch.sinh((torch.asinh(y) - self.skew) * (-self.log_tail).exp())


class Logit(Layer):
    """y = log(x / (1 - x)) of coordinates in (0, 1); outside there is no density."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        inside = x.clamp(EDGE, 1 - EDGE)
        log_det = -(inside.log() + torch.log1p(-inside)).sum(1)
        outside = ((x < 0) | (x > 1)).any(1)
        return torch.logit(inside), log_det.masked_fill(outside, -math.inf)

    def inverse(self, y: Tensor) -> Tensor:
        return torch.sigmoid(y)


class SignedSquare(Layer):
    """x = y * |y|, so y = sign(x) sqrt(|x|): the lecture's x = z^2, made invertible on the whole line."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        size = x.abs().clamp_min(TINY)
        return x.sign() * size.sqrt(), -(math.log(2.0) + 0.5 * size.log()).sum(1)

    def inverse(self, y: Tensor) -> Tensor:
        return y * y.abs()
