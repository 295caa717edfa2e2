"""A layer without steps: points flow along a field for one unit of time (Chen et al. 2018, arXiv:1806.07366)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor

from engine.models.stack.layers.base import Dense, Layer

STEPS: Final = 16
"""Steps of Runge and Kutta's fourth-order rule."""


def runge_kutta(
    rate: Callable[[float, Tensor], tuple[Tensor, Tensor]], x: Tensor, *, start: float, end: float, steps: int
) -> tuple[Tensor, Tensor]:
    """(x at `end` (B, D), the integral (B,) of the second thing that `rate(t, x)` gives), from x at `start`."""
    h, total = (end - start) / steps, x.new_zeros(len(x))
    for index in range(steps):
        t = start + index * h
        v1, d1 = rate(t, x)
        v2, d2 = rate(t + h / 2, x + h / 2 * v1)
        v3, d3 = rate(t + h / 2, x + h / 2 * v2)
        v4, d4 = rate(t + h, x + h * v3)
        x = x + h / 6 * (v1 + 2 * v2 + 2 * v3 + v4)
        total = total + h / 6 * (d1 + 2 * d2 + 2 * d3 + d4)
    return x, total


class Ode(Layer):
    """dx/dt = v(x, t), from the code at t = 0 to the data at t = 1; the log-density changes by minus the trace of
    dv/dx, which is exact here: points have few coordinates. `matched`: it is to be fitted by `matching_loss`.
    """

    def __init__(self, size: int, widths: Sequence[int], *, matched: bool = False) -> None:
        super().__init__()
        self.matched = matched
        self.net = Dense(size + 1, widths, size)

    def field(self, x: Tensor, t: Tensor) -> Tensor:
        """The velocity (B, D) of points (B, D) at times (B, 1)."""
        v: Tensor = self.net(torch.cat([x, t], 1))
        return v

    def _rate(self, t: float, x: Tensor) -> tuple[Tensor, Tensor]:
        size = x.shape[1]
        v, jacobian = self.net.jacobian(torch.cat([x, x.new_full((len(x), 1), t)], 1), size)
        return v, jacobian.diagonal(dim1=1, dim2=2).sum(1)

    def _velocity(self, t: float, x: Tensor) -> tuple[Tensor, Tensor]:
        """The field alone, where nobody asks for the density."""
        return self.field(x, x.new_full((len(x), 1), t)), x.new_zeros(len(x))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return runge_kutta(self._rate, x, start=1.0, end=0.0, steps=STEPS)

    def inverse(self, y: Tensor) -> Tensor:
        return self.path(y)[-1]

    stops = STEPS

    def path(self, y: Tensor) -> tuple[Tensor, ...]:
        points = [y]
        for index in range(STEPS):
            t = index / STEPS
            points.append(runge_kutta(self._velocity, points[-1], start=t, end=t + 1 / STEPS, steps=1)[0])
        return tuple(points[1:])

    def matching_loss(self, x: Tensor, *, code: Tensor, t: Tensor) -> Tensor:
        """Squared error of the field against data - code on the straight line between them, (B,) summed over D.

        Flow matching (Lipman et al. 2023, arXiv:2210.02747, with straight paths): for data (B, D), codes (B, D) and
        times (B, 1). Its least value is not zero, since many lines cross at one point.
        """
        return (self.field((1 - t) * code + t * x, t) - (x - code)).square().sum(1)
