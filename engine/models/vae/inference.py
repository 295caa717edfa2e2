"""Inference for each point by itself: what the encoder says is improved by gradient steps on that point's own bound.

What is gained is the amortisation gap (Cremer, Li and Duvenaud 2018, arXiv:1801.03558): the price of one network that
answers for all points at once. What is left of the bound's gap is the price of the posterior's kind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor

from engine.nn.descent import Adam

STEPS: Final = 80
RATE: Final = 0.05


def ascend(
    start: Sequence[Tensor], bound: Callable[[Sequence[Tensor]], Tensor], *, steps: int = STEPS, rate: float = RATE
) -> tuple[Tensor, ...]:
    """Parameters (B, ...) after so many steps of Adam up `bound`, which gives (B,) of them; the rate falls to 0.

    No network's gradient is touched, and each row is moved by its own bound alone.
    """
    with torch.enable_grad():
        free = [one.detach().clone().requires_grad_() for one in start]
        adam = Adam(free, lr=rate, betas=(0.9, 0.99))
        for step in range(steps):
            adam.param_groups[0]["lr"] = rate * (1.0 - step / steps)
            gradients = torch.autograd.grad(-bound(free).sum(), free)
            for one, gradient in zip(free, gradients, strict=True):
                one.grad = gradient
            adam.step()
    return tuple(one.detach() for one in free)
