"""Residual layers: y = x + g(x), where g shortens every distance (Behrmann et al. 2019, arXiv:1811.00995)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor

from engine.models.stack.layers.base import Dense, Layer

LIPSCHITZ: Final = 0.9
"""How much of a distance g leaves at most: at 1 the sum could fold."""
ROUNDS: Final = 400
"""Fixed-point steps at most: each leaves 0.9 of the error."""


class Contraction(Dense):
    """A dense network whose matrices are scaled down so that together they stretch by at most `LIPSCHITZ`."""

    def weights(self) -> list[Tensor]:
        matrices = super().weights()
        most = LIPSCHITZ ** (1.0 / len(matrices))
        return [weight * (most / torch.linalg.matrix_norm(weight, 2).clamp_min(most)) for weight in matrices]


class Residual(Layer):
    """The log-determinant is that of the whole Jacobian, exactly: points have few coordinates.

    Inverted by the fixed point x = y - g(x), which Banach's theorem promises.
    """

    def __init__(self, size: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.net = Contraction(size, widths, size, last=0.1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        change, jacobian = self.net.jacobian(x, x.shape[1])
        eye = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
        return x + change, torch.linalg.slogdet(eye + jacobian)[1]

    def inverse(self, y: Tensor) -> Tensor:
        with torch.no_grad():
            x, enough = y, 4 * torch.finfo(y.dtype).eps
            for _ in range(ROUNDS):
                x, before = y - self.net(x), x
                if bool((x - before).abs().max() <= enough * (1 + y.abs().max())):
                    break
            _, jacobian = self.net.jacobian(x, x.shape[1])
            whole = torch.eye(x.shape[1], dtype=x.dtype, device=x.device) + jacobian
        # One step of Newton's: it moves little that is found, and carries the gradient (implicit function theorem).
        rest: Tensor = x + self.net(x) - y
        found: Tensor = x - torch.linalg.solve(whole, rest[..., None])[..., 0]
        return found


def power_series(trace: Callable[[int], Tensor], terms: int) -> Tensor:
    """log det(I + G) = sum of (-1)^(k+1) tr(G^k) / k over k = 1 ... `terms`; `trace(k)` gives tr(G^k)."""
    return torch.stack([(-1.0) ** (k + 1) * trace(k) / k for k in range(1, terms + 1)]).sum(0)


def roulette(trace: Callable[[int], Tensor], *, stop: float = 0.5, generator: torch.Generator) -> Tensor:
    """The whole series by chance, without bias: after each term it ends with probability `stop`, and a term that is
    reached counts as much more as it was unlikely (Chen et al. 2019, arXiv:1906.02735)."""
    total, k, reached = trace(1), 1, 1.0
    while float(torch.rand((), generator=generator)) >= stop:
        k, reached = k + 1, reached * (1.0 - stop)
        total = total + (-1.0) ** (k + 1) * trace(k) / (k * reached)
    return total
