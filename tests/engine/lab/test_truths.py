"""The truths of the Lab: each density is one, is that of its draws, and has the entropy of the closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from engine.lab.truths import MAKERS, gauss_legendre, mesh, truth

EVERY = pytest.mark.parametrize("name", list(MAKERS))
CURVED = ["moons", "spirals", "roll", "pinwheel"]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@EVERY
def test_the_density_integrates_to_one(name):
    one = truth(name)
    points, cell = mesh(
        one.view, 500 if one.kinks and one.dimension == 2 else 300 if one.dimension == 2 else 20_000, one.dimension
    )
    mass = sum(float(one.log_density(part).exp().sum()) for part in points.split(16384)) * cell
    assert mass == pytest.approx(1.0, abs=0.012 if one.kinks else 0.002)


@EVERY
def test_draws_are_of_the_density_and_inside_the_view(name):
    """The mean of -log p over draws is the entropy, within four standard errors; a wrong scale costs more."""
    one = truth(name)
    x = one.draw(20_000, seeded())
    assert x.shape == (20_000, one.dimension)
    assert x.dtype == torch.float32
    cost = -one.log_density(x.double())
    assert torch.isfinite(cost).all()
    error = float(cost.std()) / len(cost) ** 0.5
    assert float(cost.mean()) == pytest.approx(one.entropy, abs=4 * error + 1e-6)
    inside = ((x > one.view[0]) & (x < one.view[1])).all(1).double().mean()
    assert inside > 0.999


@pytest.mark.parametrize("name", [*CURVED, "ring8", "checkerboard", "banana"])
def test_draws_fall_into_cells_as_the_density_says(name):
    """Chi-squared over coarse cells, each with enough in it: the entropy would not see a curve at another place."""
    one = truth(name)
    count, side = 40_000, 16
    points, cell = mesh(one.view, 20 * side, 2)
    mass = torch.cat([one.log_density(part).exp() for part in points.split(16384)]) * cell
    expected = mass.view(side, 20, side, 20).sum((1, 3)).flatten() * count
    low, high = one.view
    at = ((one.draw(count, seeded(3)).double() - low) / (high - low) * side).floor().long().clamp(0, side - 1)
    seen = torch.bincount(at[:, 0] * side + at[:, 1], minlength=side * side).double()
    enough = expected > 25
    assert enough.sum() >= 10
    chi = float(((seen - expected)[enough] ** 2 / expected[enough]).sum())
    assert float(torch.special.gammaincc((enough.sum() - 1) / 2, torch.tensor(chi / 2))) > 1e-4


def test_entropies_are_those_of_the_closed_forms():
    assert truth("ring8").entropy == pytest.approx(0.312148, abs=1e-6)
    assert truth("banana").entropy == pytest.approx(-3.153587, abs=1e-6)
    assert truth("checkerboard").entropy == pytest.approx(math.log(32))
    assert truth("square").entropy == pytest.approx(math.log(4))
    assert truth("narrow").entropy == pytest.approx(-0.190499, abs=1e-6)
    assert truth("uniform2").entropy == pytest.approx(math.log(2))
    # Bumps four deviations apart on each side overlap hardly: nearly log 2 above one of them.
    assert truth("bumps").entropy == pytest.approx(math.log(2) + 0.5 * math.log(2 * math.pi * math.e * 0.25), abs=1e-3)


def test_the_banana_is_the_lectures():
    there = truth("banana").log_density(torch.tensor([[-0.025, 0.0], [0.6, 0.0], [0.6, 0.25], [0.6, -0.25]]).double())
    latent, straight, *ends = there.tolist()
    assert straight == pytest.approx(-283.8, abs=0.1)
    assert ends == pytest.approx([0.529, 0.529], abs=1e-3)
    assert latent == pytest.approx(3.154 - 0.0, abs=0.51)


def test_places_of_the_rule_integrate_polynomials_exactly():
    x, w = gauss_legendre(8, -1.0, 3.0)
    assert float((w * x**15).sum()) == pytest.approx((3.0**16 - 1) / 16)
