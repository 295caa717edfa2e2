"""Layers that are linear: they turn, shear, stretch and shift, and have one determinant everywhere."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from engine.models.stack.layers.base import Layer
from engine.nn.invertible import InvertibleConv

LEAST_STD: Final = 1e-3
"""A coordinate that never changes is not blown up without end."""


class Diagonal(Layer):
    """y = exp(log_scale) * (x + shift), coordinate by coordinate."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(size))
        self.shift = nn.Parameter(torch.zeros(size))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.log_scale.exp() * (x + self.shift), self.log_scale.sum().expand(len(x))

    def inverse(self, y: Tensor) -> Tensor:
        return y * (-self.log_scale).exp() - self.shift


class ActNorm(Diagonal):
    """`Diagonal` that starts with what makes the first batch's mean 0 and variance 1 (Glow, section 3.1)."""

    initialised: Tensor

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.register_buffer("initialised", torch.tensor(False))

    @torch.no_grad()
    def initialise(self, x: Tensor) -> None:
        if bool(self.initialised):
            return
        self.shift.copy_(-x.mean(0))
        self.log_scale.copy_(-x.std(0, unbiased=False).clamp_min(LEAST_STD).log())
        self.initialised.fill_(True)


class Triangular(Layer):
    """y = L x + bias with a lower triangular L whose diagonal is positive: its determinant is their product."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.lower = nn.Parameter(torch.zeros(size, size))
        self.log_diagonal = nn.Parameter(torch.zeros(size))
        self.bias = nn.Parameter(torch.zeros(size))

    def matrix(self) -> Tensor:
        """L, (D, D)."""
        return self.lower.tril(-1) + torch.diag(self.log_diagonal.exp())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x @ self.matrix().T + self.bias, self.log_diagonal.sum().expand(len(x))

    def inverse(self, y: Tensor) -> Tensor:
        x: Tensor = torch.linalg.solve_triangular(self.matrix(), (y - self.bias).T, upper=False).T
        return x


class Linear(Layer):
    """y = W x + bias with any W that turns the way it began; kept as P L U (Glow, section 3.2), so never singular."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.mix = InvertibleConv(size)
        self.bias = nn.Parameter(torch.zeros(size))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x @ self.mix.matrix().T + self.bias, self.mix.log_diagonal.sum().expand(len(x))

    def inverse(self, y: Tensor) -> Tensor:
        x: Tensor = torch.linalg.solve(self.mix.matrix(), (y - self.bias).T).T
        return x


class Permutation(Layer):
    """The coordinates in another order: one that is drawn once, or the reverse ("swap")."""

    order: Tensor
    back: Tensor

    def __init__(self, size: int, *, reverse: bool) -> None:
        super().__init__()
        order = torch.arange(size).flip(0) if reverse else torch.randperm(size)
        self.register_buffer("order", order)
        self.register_buffer("back", torch.argsort(order))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x[:, self.order], x.new_zeros(len(x))

    def inverse(self, y: Tensor) -> Tensor:
        return y[:, self.back]
