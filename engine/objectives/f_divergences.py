"""f-divergences and the games that reach them (Nowozin et al. 2016, "f-GAN", arXiv:1606.00709).

D_f(p, q) = E_q f(p / q) is the largest value of E_p T - E_q f*(T) over all functions T with values where the conjugate
f* is finite; the best T is f'(p / q). A network gives any number v, and an activation brings it there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import softplus

Map = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class FDivergence:
    """f(u) of a ratio u > 0, its slope f'(u), its conjugate f*(t), and the activation g(v) that any number v takes to
    where f* is finite. `conjugate_of` is f*(g(v)), written so that it neither overflows nor cancels.
    """

    name: str
    title: str
    f: Map
    slope: Map
    conjugate: Map
    activation: Map
    conjugate_of: Map

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """-(E_p T - E_q f*(T)) of outputs v (B,): at its least, minus the divergence."""
        return self.conjugate_of(fake).mean() - self.activation(real).mean()

    def generator(self, fake: Tensor) -> Tensor:
        """-E_q f*(T), the part of the same value that the generator has a hand in."""
        return -self.conjugate_of(fake).mean()


LOG_2: Final = math.log(2.0)


def _itself(v: Tensor) -> Tensor:
    return v


F_DIVERGENCES: Final = (
    FDivergence(
        "f-kl",
        "KL(data to model), f-GAN",
        lambda u: u * u.log(),
        lambda u: 1.0 + u.log(),
        lambda t: torch.exp(t - 1.0),
        _itself,
        lambda v: torch.exp(v - 1.0),
    ),
    FDivergence(
        "f-reverse-kl",
        "KL(model to data), f-GAN",
        lambda u: -u.log(),
        lambda u: -1.0 / u,
        lambda t: -1.0 - torch.log(-t),
        lambda v: -torch.exp(-v),
        lambda v: v - 1.0,
    ),
    FDivergence(
        "f-pearson",
        "Pearson chi-squared, f-GAN",
        lambda u: (u - 1.0).square(),
        lambda u: 2.0 * (u - 1.0),
        lambda t: 0.25 * t.square() + t,
        _itself,
        lambda v: 0.25 * v.square() + v,
    ),
    FDivergence(
        "f-hellinger",
        "Squared Hellinger, f-GAN",
        lambda u: (u.sqrt() - 1.0).square(),
        lambda u: 1.0 - u.rsqrt(),
        lambda t: t / (1.0 - t),
        lambda v: 1.0 - torch.exp(-v),
        lambda v: torch.expm1(v),
    ),
    FDivergence(
        "f-js",
        "Jensen-Shannon, f-GAN",
        lambda u: u * u.log() - (u + 1.0) * torch.log(0.5 * (u + 1.0)),
        lambda u: torch.log(2.0 * u / (1.0 + u)),
        lambda t: -torch.log(2.0 - torch.exp(t)),
        lambda v: LOG_2 - softplus(-v),
        lambda v: softplus(v) - LOG_2,
    ),
)
"""Each as the papers scale it: "f-js" is twice the Jensen-Shannon divergence."""
