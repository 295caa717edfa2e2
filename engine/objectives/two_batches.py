"""Distances between two batches of points that need no discriminator: the generator follows their gradient itself."""

from __future__ import annotations

import math
from functools import partial
from typing import Final

import torch
from torch import Tensor

WIDTHS: Final = (0.1, 0.25, 0.5, 1.0, 2.0)
"""Deviations of the Gaussian kernels whose mean is the kernel: one alone is blind to what is much nearer or farther."""
EPSILON: Final = 0.1
ROUNDS: Final = 20


def squares(x: Tensor, y: Tensor) -> Tensor:
    """|x_i - y_j|^2, (N, M), of points (N, d) and (M, d); differentiable where two points coincide."""
    return (x[:, None] - y[None]).square().sum(2)


def squared_mmd(x: Tensor, y: Tensor, *, widths: tuple[float, ...] = WIDTHS) -> Tensor:
    """The squared maximum mean discrepancy of points (N, d) and (M, d), without bias: the mean over kernels
    exp(-|x - y|^2 / (2 l^2)) (Gretton et al. 2012, lemma 6). It may fall a little below 0 where both are alike.
    """
    n, m = len(x), len(y)

    def kernel(square: Tensor) -> Tensor:
        return torch.stack([torch.exp(square * (-0.5 / width**2)) for width in widths]).mean(0)

    # Each point's kernel with itself is 1.
    own = (kernel(squares(x, x)).sum() - n) / (n * (n - 1)) + (kernel(squares(y, y)).sum() - m) / (m * (m - 1))
    found: Tensor = own - 2.0 * kernel(squares(x, y)).mean()
    return found


def transport(
    x: Tensor, y: Tensor, *, epsilon: float, rounds: int, log_a: Tensor | None = None, log_b: Tensor | None = None
) -> Tensor:
    """Entropic transport cost of points (N, d) and (M, d) with cost |x - y|^2: min <P, C> + epsilon KL(P to a b^T).

    Sinkhorn's rounds in logarithms (Peyre & Cuturi 2019, section 4.4). By the envelope theorem the gradient is that of
    <P, C> with the plan P held still. `log_a`, `log_b`: log masses (N,), (M,); without them all points weigh the same.
    """
    cost = squares(x, y)
    with torch.no_grad():
        scaled = cost / epsilon
        log_a = x.new_full((len(x),), -math.log(len(x))) if log_a is None else log_a
        log_b = y.new_full((len(y),), -math.log(len(y))) if log_b is None else log_b
        f, g = torch.zeros_like(log_a), torch.zeros_like(log_b)
        for _ in range(rounds):
            f = -torch.logsumexp(g + log_b - scaled, 1)
            g = -torch.logsumexp((f + log_a)[:, None] - scaled, 0)
        plan = (f[:, None] + g + log_a[:, None] + log_b - scaled).exp()
        value = epsilon * ((log_a.exp() * f).sum() + (log_b.exp() * g).sum())
    moving = (plan * cost).sum()
    return value + moving - moving.detach()


def sinkhorn_divergence(
    x: Tensor,
    y: Tensor,
    *,
    epsilon: float = EPSILON,
    rounds: int = ROUNDS,
    log_a: Tensor | None = None,
    log_b: Tensor | None = None,
) -> Tensor:
    """OT(x, y) - OT(x, x) / 2 - OT(y, y) / 2 of `transport` (Genevay et al. 2018, arXiv:1706.00292): 0 where both are
    alike, which the first term by itself is not.
    """
    cost = partial(transport, epsilon=epsilon, rounds=rounds)
    between = cost(x, y, log_a=log_a, log_b=log_b)
    within = cost(x, x, log_a=log_a, log_b=log_a)
    other = cost(y, y, log_a=log_b, log_b=log_b)
    return between - 0.5 * within - 0.5 * other
