"""Numbers of the lectures by quadrature or in closed form, each from its definition."""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

from engine.lab.games import MIDDLE, play
from engine.lab.measure import Divergences, divergences
from engine.lab.truths import gauss_legendre, mesh, normal_log_density, truth
from engine.objectives.likelihood import LOG_2PI

ZERO = torch.zeros((), dtype=torch.float64)


def gaussian(x: Tensor, mean: float, sigma: float) -> Tensor:
    """Log-density (B,) of points (B, d) under N(mean, sigma^2 I)."""
    return normal_log_density(x.double(), ZERO + mean, sigma)


def bumps_against(mean: float, sigma: float) -> Divergences:
    """Between the two bumps and one Gaussian, over all of the line that matters."""
    points, cell = mesh((-16.0, 16.0), 32_000, 1)
    return divergences(truth("bumps").log_density(points), gaussian(points, mean, sigma), cell)


def shifted(theta: float, *, cells: int = 40_000) -> Divergences:
    """Between N(0, 1) and N(theta, 1)."""
    points, cell = mesh((-10.0, 10.0 + theta), cells, 1)
    return divergences(gaussian(points, 0.0, 1.0), gaussian(points, theta, 1.0), cell)


def shifted_w1(theta: float) -> float:
    """W1 of N(0, 1) and N(theta, 1): the mean distance of their quantiles."""
    quantiles = _quantiles()
    return float((quantiles + theta - quantiles).abs().mean())


@cache
def _quantiles() -> Tensor:
    """Of N(0, 1) at 200,000 levels."""
    found: Tensor = torch.special.ndtri((torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000)
    return found


def gaussian_of_ring() -> float:
    """KL(ring to the best single Gaussian): 1 + log 2 pi + half the log-determinant, less the ring's entropy."""
    ring = truth("ring8")
    assert ring.modes is not None
    variance = float(ring.modes.centres.square().mean()) + ring.modes.sigma**2
    return 1.0 + LOG_2PI + math.log(variance) - ring.entropy


def ring_by_coordinates() -> float:
    """The least cost of a model of the ring whose coordinates are independent: both marginal entropies."""
    ring = truth("ring8")
    assert ring.modes is not None
    x, w = gauss_legendre(800, -3.0, 3.0)
    total = 0.0
    for axis in (0, 1):
        centres = ring.modes.centres[:, axis]
        log_p = torch.logsumexp(
            normal_log_density(x[:, None, None], centres[None, :, None], ring.modes.sigma), 1
        ) - math.log(len(centres))
        total -= float((w * log_p.exp() * log_p).sum())
    return total


def square_by_volume() -> float:
    """The least cost of a map that keeps volumes on the square [-1, 1]^2: the codes fill a disc of the same area, which
    is where a Gaussian is densest."""
    area = 4.0
    return LOG_2PI + area / (4 * math.pi)


def game(rule: str, what: str, *, steps: int = 1000) -> float:
    """Of the game (x - 1/2)(y - 1/2) from (1, 1/2) at eta 0.1: `growth` of the distance from the middle, the `average`
    place's distance, the `least` and `most` distance, or how many steps a `period` takes."""
    places = play(rule, steps, start=(1.0, 0.3) if rule == "best response" else (1.0, 0.5)) - MIDDLE
    radius = (places**2).sum(1) ** 0.5
    if what == "growth":
        return float(radius[-1] / radius[0])
    if what == "average":
        return float((places[1:].mean(0) ** 2).sum() ** 0.5)
    if what == "period":
        # Crossings of y = 0 from below, with x on the right; between the first and the last lie whole turns.
        up = [i for i in range(1, len(places)) if places[i - 1][1] <= 0 < places[i][1]]
        return (up[-1] - up[0]) / (len(up) - 1)
    return float({"least": radius.min, "most": radius.max, "left": lambda: radius[-1]}[what]())


def ring_value(covered: int) -> float:
    """E_p log D + E_q log(1 - D) of the best discriminator where the generator covers some of the ring's modes."""
    ring = truth("ring8")
    assert ring.modes is not None
    points, cell = mesh((-3.2, 3.2), 500, 2)
    log_p = ring.log_density(points)
    centres = ring.modes.centres[:covered]
    log_q = torch.logsumexp(normal_log_density(points[:, None], centres[None], ring.modes.sigma), 1) - math.log(covered)
    odds = log_p - log_q
    real = (log_p.exp() * -torch.nn.functional.softplus(-odds)).sum()
    fake = (log_q.exp() * -torch.nn.functional.softplus(odds)).sum()
    return float(real + fake) * cell


def pull(loss: str, theta: float) -> float:
    """|d loss / d theta| of a generator N(theta, 1) for data N(0, 1) under the best discriminator, for `wasserstein`
    the best critic of slope 1. log D / (1 - D) = theta^2 / 2 - theta x, so only its slope and D are needed.
    """
    if loss == "wasserstein":
        return 1.0
    x, w = gauss_legendre(400, theta - 12.0, theta + 12.0)
    odds = theta**2 / 2 - theta * x
    said = torch.sigmoid(odds) if loss == "minimax" else torch.sigmoid(-odds)
    return float((w * gaussian(x[:, None], theta, 1.0).exp() * theta * said).sum())


def pushed(name: str, at: float) -> float:
    """The density at `at` of `square` z^2 or `double` 2 z of a uniform z (on [0, 2], on [0, 1]), or `affine` 2 z + 1 of
    a normal one: that of z, by autograd's slope of the inverse.
    """
    x = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    inverse = {"square": lambda: x.sqrt(), "double": lambda: x / 2, "affine": lambda: (x - 1) / 2}[name]()
    (slope,) = torch.autograd.grad(inverse, x)
    base = truth({"square": "uniform2", "double": "uniform1", "affine": "normal"}[name])
    density = base.log_density(inverse.detach().view(1, 1)).exp()
    return float(density[0] * slope.abs())


def strips() -> float:
    """The largest difference of mass between strips of z in [0, 2] and what z^2 makes of them, by counting samples."""
    z = torch.linspace(0.0, 2.0, 11, dtype=torch.float64)
    draws = truth("uniform2").draw(200_000, torch.Generator().manual_seed(0)).double()[:, 0].square()
    counted = torch.histc(torch.bucketize(draws, z.square()).double() - 1, bins=10, min=-0.5, max=9.5) / len(draws)
    return float((counted - 0.1).abs().max())


def importance_bound(codes: int, *, draws: int = 400_000) -> float:
    """E log mean p(x|z) over `codes` draws of the prior, for p(x|z) = N(z, 1) and x = 1; log p(x) = -1.5155."""
    z = torch.randn(draws, codes, generator=torch.Generator().manual_seed(codes), dtype=torch.float64)
    weights = -0.5 * (1.0 - z).square() - 0.5 * LOG_2PI
    return float((torch.logsumexp(weights, 1) - math.log(codes)).mean())


def gradient_moment(kind: str, at: float, what: str, *, draws: int = 400_000) -> float:
    """`mean` or `variance` of estimates of d/d lambda E z^2 for z ~ N(lambda, 1): `pathwise` 2 z, or `score`
    z^2 (z - lambda)."""
    noise = torch.randn(draws, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    z = at + noise
    found = 2 * z if kind == "pathwise" else z.square() * noise
    return float(found.mean() if what == "mean" else found.var())


def mixture_cost(share: float) -> float:
    """How much more than the truth a model costs that is the ring with this share and else noise, in nats."""
    ring = truth("ring8")
    x = ring.draw(4096, torch.Generator().manual_seed(3)).double()
    log_p = ring.log_density(x)
    noise = gaussian(x, 0.0, 5.0)
    model = torch.logaddexp(log_p + math.log(share), noise + math.log(1 - share))
    return float((log_p - model).mean())


def copies_cost(width: float) -> float:
    """The mean cost of fresh points of the ring under a Gaussian of `width` on each of 500 points seen, in nats."""
    from engine.lab.baselines import KernelDensity

    ring = truth("ring8")
    seen, fresh = (ring.draw(500, torch.Generator().manual_seed(seed)).double() for seed in (0, 1))
    return -float(KernelDensity(seen, width).log_density(fresh).mean())


def half_way(path: str) -> float:
    """log p of the banana between (.6, .25) and (.6, -.25): at an `end`, or half-way along a `latent` or `straight`
    path; the exact map is z = ((x1 - 10 x2^2) 40, 10 x2)."""
    middle = {"end": (0.6, 0.25), "straight": (0.6, 0.0), "latent": (-1.0 / 40.0, 0.0)}[path]
    return float(truth("banana").log_density(torch.tensor([middle], dtype=torch.float64))[0])


def within_one(temperature: float) -> float:
    """The share of codes of the plane with |z| < 1, drawn as every model draws them."""
    z = temperature * torch.randn(400_000, 2, generator=torch.Generator().manual_seed(0))
    return float((z.norm(dim=1) < 1).double().mean())


def moments_apart(degree: int) -> float:
    """The largest difference of a moment up to `degree` between the ring and 1 (degree 1) or 3 (degree 2) atoms."""
    ring = truth("ring8")
    assert ring.modes is not None
    atoms = torch.zeros(1, 2, dtype=torch.float64)
    if degree == 2:
        angle = torch.arange(3, dtype=torch.float64) * (2 * math.pi / 3)
        atoms = math.sqrt(2 * (2.0 + ring.modes.sigma**2)) * torch.stack([angle.cos(), angle.sin()], 1)
    first = (ring.modes.centres.mean(0) - atoms.mean(0)).abs().max()
    own = ring.modes.centres.T @ ring.modes.centres / 8 + ring.modes.sigma**2 * torch.eye(2, dtype=torch.float64)
    second = (own - atoms.T @ atoms / len(atoms)).abs().max()
    return float(first if degree == 1 else torch.maximum(first, second))
