"""What is measured for the lesson of pairs and cycles: small nets that translate one number, and maps of Gaussians."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss, mse_loss
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from engine.lab.lessons.hearing import heard_steps
from engine.models.gan.points import PointDiscriminator, PointGenerator
from engine.nn.descent import Adam
from engine.nn.seeded import Seeded
from engine.objectives.adversarial import discriminator_loss, generator_loss, r1_penalty

UPPER: Final = 2 / 3
"""How often y is on the upper branch, 1; else it is on the lower, -1."""
SPREAD: Final = 0.05
STEPS: Final = {"l1": 600, "l2": 600, "gan": 1500}


def pairs(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """(x, y), both (count, 1): x even on [-1, 1], y at 1 or -1 whatever x is, with noise of `SPREAD`."""
    x = 2 * torch.rand(count, 1, generator=generator) - 1
    upper = torch.rand(count, 1, generator=generator) < UPPER
    return x, torch.where(upper, 1.0, -1.0) + SPREAD * torch.randn(count, 1, generator=generator)


@lru_cache(maxsize=3)
def _translator(loss: str) -> nn.Module:
    """A net that makes y of x and a random number, after learning from pairs by `l1`, `l2` or a conditional `gan`
    (Isola et al. 2017, arXiv:1611.07004, without the distance that they add)."""
    with Seeded(0):
        net = PointGenerator(2, 32, 1)
        judge = PointDiscriminator(64, 2, bias=True, bounded=False)
    generator = torch.Generator().manual_seed(1)
    descent = Adam(net.parameters(), lr=2e-3, betas=(0.5, 0.99))
    other = Adam(judge.parameters(), lr=2e-3, betas=(0.5, 0.99))
    shown, steps = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.99)), STEPS[loss]
    for step in heard_steps(steps):
        for each in (descent, other):
            each.param_groups[0]["lr"] = 2e-3 * min(1.0, 2 * (1 - step / steps))
        x, y = pairs(256, generator)
        made = net(torch.cat([x, torch.randn(x.shape, generator=generator)], 1))[:, :, 0, 0]
        if loss == "gan":
            real, fake = torch.cat([x, y], 1), torch.cat([x, made], 1)
            other.zero_grad()
            value = discriminator_loss(judge(real), judge(fake.detach())) + 0.2 * r1_penalty(judge, real)
            value.backward()
            other.step()
            value = generator_loss(judge(fake))
        else:
            value = l1_loss(made, y) if loss == "l1" else mse_loss(made, y)
        descent.zero_grad()
        value.backward()
        descent.step()
        shown.update_parameters(net)
    return shown


def translated(loss: str, what: str) -> float:
    """Of what such a net makes of x = 0 and 4,096 random numbers: their `mean`, the share in the `upper` half, or the
    share that is `near` one of the branches, within 0.25."""
    noise = torch.randn(4096, 1, generator=torch.Generator().manual_seed(7))
    net = _translator(loss)
    with torch.no_grad():
        y = net(torch.cat([torch.zeros_like(noise), noise], 1)).flatten()
    if what == "mean":
        return float(y.mean())
    found = y > 0 if what == "upper" else (y.abs() - 1).abs() < 0.25
    return float(found.double().mean())


def cycled(what: str, *, starts: int = 4, steps: int = 250) -> float:
    """Two matrices, G from N(0, I) to N(0, S) and F back, learn from the distributions alone and from F(G(z)) = z; G
    starts near a turn by a fifth of a circle for each start, and F near its inverse.

    `cycle` is the largest mean |F(G z) - z|^2 over the starts, `fit` the largest KL of G z to its target, both of which
    must come to 0; `apart` is how far the starts' maps G differ, the largest mean |G z - G' z|^2. All are exact in the
    matrices: any map S^(1/2) R with R orthogonal fits and has an inverse (Zhu et al. 2017, arXiv:1703.10593, ask for no
    more).
    """
    found = [_cycle(seed, steps) for seed in range(starts)]
    if what == "apart":
        return max(float((one[2] - other[2]).square().sum()) for one in found for other in found)
    return max(one[0] if what == "cycle" else one[1] for one in found)


TARGET: Final = ((1.0, 0.6), (0.6, 1.0))


@lru_cache(maxsize=16)
def _cycle(seed: int, steps: int) -> tuple[float, float, Tensor]:
    """(cycle error, KL, G) after learning from a random start."""
    target = torch.tensor(TARGET, dtype=torch.float64)
    generator = torch.Generator().manual_seed(seed)
    turn = turn_by(2 * math.pi * seed / 5)
    there, back = (
        (matrix + 0.2 * torch.randn(2, 2, generator=generator, dtype=torch.float64)).requires_grad_()
        for matrix in (turn, turn.T)
    )
    descent = Adam([there, back], lr=0.05)
    identity = torch.eye(2, dtype=torch.float64)
    cycle = fit = torch.zeros(())
    for step in range(steps):
        descent.param_groups[0]["lr"] = 0.05 * min(1.0, 2 * (1 - step / steps))
        fit = _gaussian_kl(there @ there.T, target)
        cycle = (back @ there - identity).square().sum()
        descent.zero_grad()
        (fit + _gaussian_kl(back @ target @ back.T, identity) + cycle).backward()
        descent.step()
    return float(cycle.detach()), float(fit.detach()), there.detach()


def _gaussian_kl(one: Tensor, other: Tensor) -> Tensor:
    """KL(N(0, one) to N(0, other)) in nats."""
    ratio: Tensor = torch.linalg.solve(other, one)
    found: Tensor = 0.5 * (ratio.trace() - len(one) - torch.logdet(ratio))
    return found


def turned(angle: float, what: str) -> float:
    """Of G z = R z, a turn of N(0, I) by `angle`, with F its inverse: the `cycle` error, and how far its pairs are from
    those of the identity, `apart`: E |R z - z|^2 = 4 (1 - cos angle)."""
    turn = turn_by(angle)
    other = turn.T @ turn if what == "cycle" else turn
    return float((other - torch.eye(2, dtype=torch.float64)).square().sum())


def turn_by(angle: float) -> Tensor:
    """The matrix (2, 2) that turns by `angle`."""
    cos, sin = math.cos(angle), math.sin(angle)
    return torch.tensor([[cos, -sin], [sin, cos]], dtype=torch.float64)
