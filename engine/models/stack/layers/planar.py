"""Planar layers: a fold along one plane (Rezende and Mohamed 2015, arXiv:1505.05770)."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from engine.models.stack.layers.base import Layer

HALVINGS: Final = 60
MARGIN: Final = 1e-4
"""Softplus of a large negative number is 0; this keeps w . u above -1 there too."""


class Planar(Layer):
    """y = x + u tanh(w . x + b), with u moved so that w . u > -1: then and only then it can be inverted.

    The move divides by |w|^2 (appendix A.1 of the paper); dividing by |w| breaks the bound.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(size) / size**0.5)
        self.u = nn.Parameter(0.1 * torch.randn(size) / size**0.5)
        self.b = nn.Parameter(torch.randn(()))

    def _u(self) -> Tensor:
        along = self.w @ self.u
        return self.u + (nn.functional.softplus(along) + MARGIN - 1.0 - along) * self.w / self.w.square().sum()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        u = self._u()
        fold = torch.tanh(x @ self.w + self.b)
        return x + fold[:, None] * u, torch.log1p((self.w @ u) * (1.0 - fold.square()))

    def inverse(self, y: Tensor) -> Tensor:
        """Along w it is one rising function of one number, a + c tanh(a + b), found by bisection."""
        u = self._u()
        c, target = self.w @ u, y @ self.w
        with torch.no_grad():
            low, high = target - c.abs(), target + c.abs()
            for _ in range(HALVINGS):
                middle = 0.5 * (low + high)
                above = middle + c * torch.tanh(middle + self.b) > target
                low, high = torch.where(above, low, middle), torch.where(above, middle, high)
        a = 0.5 * (low + high)
        # One step of Newton's: it moves nothing that is found, and carries the gradient (implicit function theorem).
        fold = torch.tanh(a + self.b)
        slope = (1.0 + c * (1.0 - fold.square())).detach()
        a = a - (a + c * fold - target) / slope
        return y - torch.tanh(a + self.b)[:, None] * u
