"""Measures of the Lab against closed forms, and the floors that a perfect model reads."""

from __future__ import annotations

import math

import pytest
import torch

from engine.lab.measure import against, count_modes, divergences, sliced_wasserstein, smoothed
from engine.lab.truths import mesh, normal_log_density, truth


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def gaussian(mean: float, sigma: float):
    return lambda x: normal_log_density(x.double(), torch.tensor(mean, dtype=torch.float64), sigma)


@pytest.mark.parametrize("theta", [1.0, 3.0, 6.0])
def test_gaussians_that_part(theta):
    view = (-9.0, 9.0 + theta)
    points, cell = mesh(view, 20_000, 1)
    found = divergences(gaussian(0, 1)(points), gaussian(theta, 1)(points), cell)
    known = {1.0: (0.1114, 0.3829), 3.0: (0.5268, 0.8664), 6.0: (0.6893, 0.9973)}[theta]
    assert (found.js, found.tv) == pytest.approx(known, abs=5e-5)
    assert (found.kl, found.reverse_kl) == pytest.approx((theta**2 / 2, theta**2 / 2), rel=1e-6)
    assert 2 * found.tv == pytest.approx(2 * math.erf(theta / 2 / math.sqrt(2)), abs=1e-6)


def test_another_scale():
    points, cell = mesh((-12.0, 12.0), 20_000, 1)
    found = divergences(gaussian(1, 0.5)(points), gaussian(0, 1)(points), cell)
    assert found.kl == pytest.approx(0.818147, abs=1e-6)


@pytest.mark.parametrize(
    ("covered", "reverse_kl", "js"), [(1, 2.0794, 0.4969), (2, 1.3863, 0.3804), (4, 0.6931, 0.2158), (8, 0.0, 0.0)]
)
def test_a_ring_of_which_some_modes_are_covered(covered, reverse_kl, js):
    ring = truth("ring8")
    centres = ring.modes.centres[:covered]

    def some(x):
        return torch.logsumexp(normal_log_density(x.double()[:, None], centres, 0.1), 1) - math.log(covered)

    found = against(ring, some)
    assert found.reverse_kl == pytest.approx(reverse_kl, abs=2e-3)
    assert found.js == pytest.approx(js, abs=2e-3)
    assert abs(found.missing) < 1e-3


def test_one_gaussian_for_the_ring_and_for_two_bumps():
    spread = math.sqrt(2.0 + 0.01)
    assert against(truth("ring8"), gaussian(0, spread)).kl == pytest.approx(3.2239, abs=0.1), "what the view holds"
    assert against(truth("bumps"), gaussian(0, math.sqrt(4.25))).kl == pytest.approx(0.7236, abs=2e-3)


def test_sliced_wasserstein_on_the_line_and_in_the_plane():
    levels = (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000
    quantile = torch.special.ndtri(levels)[:, None]
    assert sliced_wasserstein(quantile, quantile + 3.0) == pytest.approx(3.0)
    assert sliced_wasserstein(quantile, 1 + 2 * quantile) == pytest.approx(1.166631, abs=1e-3)
    x = torch.randn(500, 2, generator=seeded())
    # A shift by v is seen as |v . direction|, on average 2 |v| / pi.
    assert sliced_wasserstein(x, x + torch.tensor([3.0, 4.0])) == pytest.approx(10 / math.pi, rel=1e-3)
    with pytest.raises(ValueError, match="as many points"):
        sliced_wasserstein(x, x[1:])


def test_smoothing_keeps_the_mass_and_blurs_by_as_much_as_it_says():
    x = torch.randn(5000, 1, generator=seeded()) * 0.5
    log_q = smoothed(x, (-4.0, 4.0), side=400, sigma=0.3)
    points, cell = mesh((-4.0, 4.0), 400, 1)
    assert float(log_q.exp().sum()) * cell == pytest.approx(1.0, abs=1e-6)
    variance = float((log_q.exp() * points[:, 0] ** 2).sum()) * cell
    assert variance == pytest.approx(float(x.double().square().mean()) + 0.09, rel=1e-3)
    outside = smoothed(torch.full((10, 2), 50.0), (-1.0, 1.0), side=20, sigma=0.1)
    assert float(outside.exp().sum()) == pytest.approx(0.0, abs=1e-200)


def test_a_perfect_model_reads_its_floors():
    ring = truth("ring8")
    found = count_modes(ring.draw(20_000, seeded()), ring.modes)
    assert (found.found, found.of) == (8, 8)
    assert found.near == pytest.approx(found.perfect, abs=0.003)
    assert found.perfect == pytest.approx(0.98889, abs=1e-5)
    one = ring.modes.centres[:1] + 0.01 * torch.randn(1000, 2, generator=seeded(), dtype=torch.float64)
    assert count_modes(one, ring.modes).found == 1
    far = torch.full((100, 2), 7.0)
    assert (count_modes(far, ring.modes).found, count_modes(far, ring.modes).near) == (0, 0.0)
