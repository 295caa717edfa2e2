"""Planar layers: a fold along one plane (Rezende and Mohamed 2015, arXiv:1505.05770)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.models.stack.layers.base import Layer
from engine.nn.planar import bounded, fold, unfold


class Planar(Layer):
    """y = x + u tanh(w . x + b), with u moved so that it can be inverted."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(size) / size**0.5)
        self.u = nn.Parameter(0.1 * torch.randn(size) / size**0.5)
        self.b = nn.Parameter(torch.randn(()))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return fold(x, self.w, bounded(self.w, self.u), b=self.b)

    def inverse(self, y: Tensor) -> Tensor:
        return unfold(y, self.w, bounded(self.w, self.u), b=self.b)
