"""The models that need no network, against closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from engine.lab.baselines import fit_histogram, fit_kernel_density, fit_mixture
from engine.lab.measure import against
from engine.lab.truths import truth

# Azzalini and Bowman's waiting times of Old Faithful (R's `faithful`), minutes: mean 70.897, deviation 13.570.


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_one_gaussian_is_the_moments():
    x = truth("ring8").draw(4000, seeded())
    found = fit_mixture(x)
    assert torch.allclose(found.means[0], x.double().mean(0))
    covariance = found.factors[0] @ found.factors[0].T
    assert torch.allclose(covariance, torch.cov(x.double().T, correction=0), atol=1e-6)
    # No linear flow of any depth does better: half the log of the determinant, and one and log 2 pi.
    floor = 1 + math.log(2 * math.pi) + 0.5 * float(torch.logdet(covariance))
    assert -float(found.log_density(x).mean()) == pytest.approx(floor, abs=1e-6)
    assert floor == pytest.approx(3.536, abs=0.03)


def test_expectation_maximisation_finds_the_ring():
    ring = truth("ring8")
    found = fit_mixture(ring.draw(4000, seeded()), 8, seed=1)
    assert against(ring, found.log_density).kl < 0.02
    again = ring.draw(4000, seeded(5))
    assert -float(found.log_density(again).mean()) == pytest.approx(ring.entropy, abs=0.03)
    assert against(ring, fit_mixture(found.draw(4000, seeded(2)), 8, seed=1).log_density).kl < 0.05


def test_a_kernel_density_chooses_its_width_and_no_width_is_a_copy():
    ring = truth("ring8")
    x, fresh = ring.draw(1500, seeded()), ring.draw(1500, seeded(7))
    found = fit_kernel_density(x)
    assert 0.01 < found.width < 0.1
    chosen = -float(found.log_density(fresh).mean())
    assert chosen < ring.entropy + 0.2
    narrow = fit_kernel_density(x, torch.tensor([1e-3]))
    assert -float(narrow.log_density(x).mean()) < ring.entropy, "its own points it knows by heart"
    assert -float(narrow.log_density(fresh).mean()) > chosen + 50
    copies = narrow.draw(200, seeded())
    assert torch.cdist(copies, x).min(1)[0].max() < 0.01


@pytest.mark.parametrize(("name", "side"), [("bumps", 40), ("ring8", 40)])
def test_a_histogram_is_a_density(name, side):
    one = truth(name)
    x = one.draw(50_000, seeded())
    found = fit_histogram(x, one.view, side)
    cell = ((one.view[1] - one.view[0]) / side) ** one.dimension
    assert float(found.log_cells.exp().sum()) * cell == pytest.approx(1.0, abs=1e-3)
    assert against(one, found.log_density).tv < 0.25
    assert found.log_density(torch.full((1, one.dimension), 99.0)).tolist() == [-math.inf]
