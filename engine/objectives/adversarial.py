"""Losses of the two-player game, and the penalty that keeps it stable."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-log D(x) - log(1 - D(G(z))), means over the batch (Goodfellow et al. 2014, equation 1)."""
    return softplus(-real_logits).mean() + softplus(fake_logits).mean()


def generator_loss(fake_logits: Tensor) -> Tensor:
    """The non-saturating loss -log D(G(z)) (Goodfellow et al. 2014, section 3)."""
    return softplus(-fake_logits).mean()


def r1_penalty(discriminator: nn.Module, real: Tensor) -> Tensor:
    """E |grad_x D(x)|^2 on real images (Mescheder et al. 2018, arXiv:1801.04406, equation 9, without gamma/2)."""
    x = real.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    penalty: Tensor = gradient.square().flatten(1).sum(1).mean()
    return penalty
