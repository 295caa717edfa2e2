"""What a layer of a stack is, and the dense network that most of them hold."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

SLOPE = 1.1
"""Steepest slope of x * sigmoid(x), rounded up: divided by it, the function stretches nothing."""


class Layer(nn.Module, ABC):
    """An invertible map of points (B, D), which goes from the data's side to the code's."""

    @abstractmethod
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(y (B, D), log |det dy/dx| (B,))."""

    @abstractmethod
    def inverse(self, y: Tensor) -> Tensor:
        """The points (B, D) of which `forward` makes these."""

    stops = 1
    """How many points `path` gives."""

    def path(self, y: Tensor) -> tuple[Tensor, ...]:
        """Points (B, D) on the way from y to `inverse(y)`, which is the last."""
        return (self.inverse(y),)

    @torch.no_grad()
    def initialise(self, x: Tensor) -> None:
        """Data-dependent initialisation from points (B, D); most layers have none."""


class Dense(nn.Module):
    """(B, I) -> (B, O) through linear layers and x * sigmoid(x) / 1.1, whose slope is at most 1.

    It starts near zero. `jacobian` goes through the same layers with the derivatives by its side, so that it needs no
    automatic differentiation: it works without gradients, and has gradients of its own.
    """

    def __init__(self, inputs: int, widths: Sequence[int], outputs: int, *, last: float = 0.0) -> None:
        super().__init__()
        sizes = (inputs, *widths, outputs)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))
        head = self.layers[-1]
        assert isinstance(head, nn.Linear)
        nn.init.normal_(head.weight, std=last) if last else nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)

    def weights(self) -> list[Tensor]:
        """The matrices (out, in), first layer first; a derived class may change what is multiplied."""
        return [layer.weight for layer in self.linear()]

    def linear(self) -> list[nn.Linear]:
        """The layers themselves."""
        return [layer for layer in self.layers if isinstance(layer, nn.Linear)]

    def forward(self, x: Tensor) -> Tensor:
        pairs = list(zip(self.weights(), self.linear(), strict=True))
        for index, (weight, layer) in enumerate(pairs):
            x = nn.functional.linear(x, weight, layer.bias)
            if index < len(pairs) - 1:
                x = nn.functional.silu(x) / SLOPE
        return x

    def jacobian(self, x: Tensor, moved: int) -> tuple[Tensor, Tensor]:
        """(values (B, O), d values / d x[:, :moved] (B, O, moved))."""
        tangents = torch.eye(x.shape[1], moved, dtype=x.dtype, device=x.device).T.expand(len(x), -1, -1)
        pairs = list(zip(self.weights(), self.linear(), strict=True))
        for index, (weight, layer) in enumerate(pairs):
            x = nn.functional.linear(x, weight, layer.bias)
            tangents = tangents @ weight.T
            if index < len(pairs) - 1:
                gate = torch.sigmoid(x)
                tangents = tangents * ((gate + x * gate * (1 - gate)) / SLOPE)[:, None]
                x = x * gate / SLOPE
        return x, tangents.transpose(1, 2)
