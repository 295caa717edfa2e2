"""Objectives against their definitions and against what torch computes another way."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from engine.objectives.adversarial import discriminator_loss, generator_loss, r1_penalty
from engine.objectives.elbo import active_units, free_bits, kl_to_standard_normal
from engine.objectives.likelihood import bits_per_dim, dequantise, gaussian_log_density, standard_normal_log_density
from engine.pictures import to_images


def test_kl_is_torchs():
    mean, log_std = torch.randn(5, 7), torch.randn(5, 7)
    expected = kl_divergence(Normal(mean, log_std.exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(kl_to_standard_normal(mean, log_std), expected)
    assert not kl_to_standard_normal(torch.zeros(1, 3), torch.zeros(1, 3)).any()


def test_free_bits_cost_nothing_below_the_floor_and_all_above():
    kl = torch.tensor([[0.1, 3.0], [0.3, 5.0]], requires_grad=True)
    penalty = free_bits(kl, 1.0)
    assert penalty.tolist() == [1.0, 4.0]
    penalty.sum().backward()
    assert kl.grad.tolist() == [[0.0, 0.5], [0.0, 0.5]]


def test_active_units_are_those_that_vary():
    mean = torch.stack([torch.zeros(100), torch.randn(100), torch.full((100,), 9.0)], 1)
    assert float(active_units(mean)) == 1.0


def test_gaussian_densities_are_torchs():
    x, mean, log_std = torch.randn(4, 6), torch.randn(4, 6), torch.randn(6)
    torch.testing.assert_close(gaussian_log_density(x, mean, log_std), Normal(mean, log_std.exp()).log_prob(x))
    torch.testing.assert_close(standard_normal_log_density(x), Normal(0.0, 1.0).log_prob(x).sum(1))


@pytest.mark.parametrize("bits", [5, 8])
def test_dequantised_pictures_stay_in_their_cells(bits):
    levels = 2**bits
    pictures = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, 3)
    x = to_images(pictures)
    y = dequantise(x, levels, torch.Generator().manual_seed(0))
    assert (float(y.min()) >= -1.0, float(y.max()) < 1.0) == (True, True)
    cells = torch.floor((y + 1) * levels / 2).long()
    wanted = torch.from_numpy(pictures).permute(0, 3, 1, 2).long() // (256 // levels)
    assert torch.equal(cells, wanted)
    assert torch.equal(y, dequantise(x, levels, torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("bits", [5, 8])
def test_a_uniform_density_costs_as_many_bits_as_there_are(bits):
    # Uniform over [-1, 1)^12: density 1/2 a dimension.
    nats = torch.tensor([-12 * math.log(2.0)])
    assert float(bits_per_dim(nats, 12, 2**bits)) == pytest.approx(bits)


def test_the_game_is_at_its_balance_at_log_two():
    zero = torch.zeros(8)
    assert float(discriminator_loss(zero, zero)) == pytest.approx(2 * math.log(2))
    assert float(generator_loss(zero)) == pytest.approx(math.log(2))
    assert float(discriminator_loss(zero + 50, zero - 50)) == pytest.approx(0.0, abs=1e-6)
    real, fake = torch.randn(8), torch.randn(8)
    expected = -(torch.sigmoid(real).log().mean() + (1 - torch.sigmoid(fake)).log().mean())
    torch.testing.assert_close(discriminator_loss(real, fake), expected)
    # Non-saturating: the gradient is largest where the generator does worst.
    logits = torch.tensor([-10.0, 10.0], requires_grad=True)
    generator_loss(logits).backward()
    assert logits.grad[0].abs() > 100 * logits.grad[1].abs()


def test_r1_is_the_squared_gradient_and_can_be_differentiated():
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 1), torch.nn.Flatten(0))
    penalty = r1_penalty(net, torch.randn(5, 3, 2, 2))
    torch.testing.assert_close(penalty, net[1].weight.square().sum())
    penalty.backward()
    torch.testing.assert_close(net[1].weight.grad, 2 * net[1].weight.detach())
