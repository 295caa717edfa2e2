"""MMD, Sinkhorn divergence and total variation against closed forms of Gaussians."""

from __future__ import annotations

import math

import pytest
import torch

from engine.objectives.adversarial import OBJECTIVES
from engine.objectives.two_batches import sinkhorn_divergence, squared_mmd, squares, transport

COMPARED = [row for row in OBJECTIVES.values() if row.compare is not None]


def normal(n: int, mean: float, sigma: float, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return mean + sigma * torch.randn(n, 1, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize(("mean", "sigma", "known"), [(1.0, 1.0, 0.177268), (0.0, 2.0, 0.094187)])
def test_the_unbiased_mmd_of_gaussians_is_the_closed_form(mean, sigma, known):
    """E k = l / sqrt(l^2 + v) exp(-m^2 / (2 (l^2 + v))) for a difference N(m, v)."""

    def kernel(m: float, v: float) -> float:
        return math.exp(-(m**2) / (2 * (1 + v))) / math.sqrt(1 + v)

    assert kernel(0, 2) + kernel(0, 2 * sigma**2) - 2 * kernel(mean, 1 + sigma**2) == pytest.approx(known, abs=1e-6)
    found = torch.stack(
        [squared_mmd(normal(400, 0, 1, 2 * i), normal(400, mean, sigma, 2 * i + 1), widths=(1.0,)) for i in range(60)]
    )
    error = float(found.std()) / len(found) ** 0.5
    assert error < 0.004
    assert abs(float(found.mean()) - known) < 3 * error


def on_grid(mean: float, sigma: float, points: torch.Tensor) -> torch.Tensor:
    log_mass = -0.5 * ((points[:, 0] - mean) / sigma) ** 2
    return log_mass - torch.logsumexp(log_mass, 0)


def closed(epsilon: float) -> float:
    """Janati et al. 2020, arXiv:2006.02572, of N(0, 1) and N(1, 2^2)."""

    def cost(m: float, s1: float, s2: float) -> float:
        d = math.sqrt(4 * s1**2 * s2**2 + epsilon**2 / 4)
        return m**2 + s1**2 + s2**2 - d + epsilon / 2 * (1 - math.log(epsilon) + math.log(d + epsilon / 2))

    return cost(1, 1, 2) - cost(0, 1, 1) / 2 - cost(0, 2, 2) / 2


@pytest.mark.parametrize(
    ("epsilon", "known", "rounds"),
    [pytest.param(0.1, 1.999922, 800, marks=pytest.mark.slow), (1.0, 1.992309, 300), (10.0, 1.650977, 60)],
)
def test_the_sinkhorn_divergence_of_gaussians_is_the_closed_form(epsilon, known, rounds):
    assert closed(epsilon) == pytest.approx(known, abs=1e-6)
    points = torch.linspace(-10, 12, 200, dtype=torch.float64)[:, None]
    masses = {"log_a": on_grid(0, 1, points), "log_b": on_grid(1, 2, points)}
    found = sinkhorn_divergence(points, points, epsilon=epsilon, rounds=rounds, **masses)
    assert float(found) == pytest.approx(known, abs=1e-4)


def test_the_gradient_of_a_transport_is_that_of_its_value():
    x, y = normal(12, 0, 1, 0).requires_grad_(True), normal(15, 1, 2, 1)
    (gradient,) = torch.autograd.grad(transport(x, y, epsilon=1.0, rounds=400), x)
    step = 1e-5
    for place in (0, 7):
        moved = [x.detach().clone() for _ in range(2)]
        moved[0][place] += step
        moved[1][place] -= step
        up, down = (float(transport(at, y, epsilon=1.0, rounds=400)) for at in moved)
        assert float(gradient[place]) == pytest.approx((up - down) / (2 * step), rel=1e-4)


def test_total_variation_is_half_of_what_the_best_bounded_critic_reaches():
    """The slide's own scale, |f| <= 1: N(0, 1) against N(3, 1) gives 2 TV = 1.732771."""
    levels = (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000
    real = torch.special.ndtri(levels)
    # The best critic is the sign of p - q, which changes half-way.
    scores = [50.0 * (1.5 - x).sign() for x in (real, real + 3.0)]
    assert -float(OBJECTIVES["tv"].discriminator(*scores)) == pytest.approx(1.732771, abs=1e-4)
    softer = [1.0 * (1.5 - x) for x in (real, real + 3.0)]
    assert -float(OBJECTIVES["tv"].discriminator(*softer)) < 1.7


@pytest.mark.parametrize("row", COMPARED, ids=lambda row: row.name)
def test_a_worked_example_and_two_batches_alike(row):
    worked = row.worked
    real, fake = (torch.tensor(values, dtype=torch.float64)[:, None] for values in (worked.real, worked.fake))
    assert float(row.compare(real, fake)) == pytest.approx(worked.generator, abs=1e-5)
    assert (row.generator_gradient, row.critic_steps) == ("batch", 0)
    x = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    y = torch.randn(200, 2, generator=torch.Generator().manual_seed(1))
    assert abs(float(row.compare(x, y))) < 0.1 * float(row.compare(x, y + 1.0))
    at = (y + 1.0).requires_grad_(True)
    (gradient,) = torch.autograd.grad(row.compare(x, at), at)
    assert float(gradient.sum(0).min()) > 0.0, "downhill is back to the data"
    assert torch.isfinite(torch.autograd.grad(row.compare(x, at), at)[0]).all()


def test_squares_of_points_that_coincide_have_a_slope():
    x = torch.zeros(2, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(squares(x, torch.zeros(3, 2)).sum(), x)
    assert torch.isfinite(gradient).all()
