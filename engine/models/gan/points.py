"""The two networks for points of R^d: plain dense layers, no normalisation."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu
from torch.nn.utils.parametrizations import spectral_norm

SLOPE = 0.2


class _Dense(nn.Module):
    """(B, I) -> (B, O) through two hidden layers of one width, He initialisation."""

    def __init__(self, inputs: int, width: int, outputs: int, *, bias: bool = True, bounded: bool = False) -> None:
        super().__init__()
        sizes = list(pairwise((inputs, width, width, outputs)))
        layers = [nn.Linear(a, b, bias=bias or b != outputs) for a, b in sizes]
        for layer in layers:
            nn.init.normal_(layer.weight, std=math.sqrt(2.0 / layer.in_features))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        self.layers = nn.ModuleList([spectral_norm(layer) for layer in layers] if bounded else layers)

    def forward(self, x: Tensor) -> Tensor:
        for index, layer in enumerate(self.layers):
            x = layer(x) if index == len(self.layers) - 1 else leaky_relu(layer(x), SLOPE)
        return x


class PointGenerator(nn.Module):
    """Codes (B, D) -> points as images (B, d, 1, 1)."""

    def __init__(self, code: int, width: int, dimension: int) -> None:
        super().__init__()
        self.net = _Dense(code, width, dimension)

    def forward(self, z: Tensor) -> Tensor:
        x: Tensor = self.net(z)
        return x[:, :, None, None]

    def first_matrix(self) -> Tensor:
        """(F, D)."""
        first = self.net.layers[0]
        assert isinstance(first, nn.Linear)
        return first.weight

    def early(self, z: Tensor) -> Tensor:
        """The first hidden layer (B, F)."""
        return leaky_relu(self.net.layers[0](z), SLOPE)


class PointDiscriminator(nn.Module):
    """Points (B, d, 1, 1) -> outputs (B,)."""

    def __init__(self, width: int, dimension: int, *, bias: bool, bounded: bool) -> None:
        super().__init__()
        self.net = _Dense(dimension, width, 1, bias=bias, bounded=bounded)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.net(torch.flatten(x, 1)).squeeze(1)
        return y
