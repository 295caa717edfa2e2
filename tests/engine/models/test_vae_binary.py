"""A VAE of black and white pictures: its figures in closed form, and its evidence by quadrature."""

from __future__ import annotations

import math

import pytest
import torch

from engine.errors import UsageError
from engine.families import build
from engine.frozen import freeze_model
from engine.models.vae.quadrature import hermite
from tests.contract.tiny import PlainSteps, images

SHAPE = (1, 16, 16)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def blank(**knobs):
    """Decodes log odds of 0 everywhere, and its posterior is the prior: only what a test sets says anything."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build("vae", {"code": 2, "width": 8, "likelihood": "bernoulli", **knobs}, SHAPE).eval()
    with torch.no_grad():
        last = model.decoder.body[-1]
        last.weight.zero_()
        last.bias.zero_()
        model.encoder.head.weight.zero_()
        # The encoder's numbers for the logarithms of deviations are taken with 2 off.
        model.encoder.head.bias.copy_(torch.tensor([0.0, 0.0, 2.0, 2.0]))
    return model


def test_log_odds_of_nothing_cost_one_bit_a_number():
    model, x = blank(), images(5, SHAPE)
    with torch.no_grad():
        bits = model.bits_per_dim(x, generator=seeded())
        torch.testing.assert_close(bits, torch.ones(5))
        parts = model.likelihood_parts(x, generator=seeded())
        torch.testing.assert_close(parts["bits_per_dim"], torch.ones(5))
        assert float(parts["kl_nats"].abs().max()) < 1e-6
        assert float(model.decode(torch.zeros(1, 2)).abs().max()) == 0


def test_the_cost_is_that_of_each_choice_whatever_grey_it_was():
    model = blank()
    with torch.no_grad():
        model.linear_decode.bias.fill_(1.5)
    x = images(5, SHAPE)
    white = (x >= 0).flatten(1).sum(1)
    size = x[0].numel()
    sure, unsure = math.log(1 + math.exp(-1.5)), math.log(1 + math.exp(1.5))
    with torch.no_grad():
        nats = -model.log_prob(x)
        torch.testing.assert_close(nats, white * sure + (size - white) * unsure)
        torch.testing.assert_close(-model.log_prob(x.sign() + (x == 0)), nats)
        mean = 2 / (1 + math.exp(-1.5)) - 1
        torch.testing.assert_close(model.decode(torch.zeros(1, 2)), torch.full((1, *SHAPE), mean))
        # Dequantised to two values, bits a number are those nats.
        bits = model.bits_per_dim(x, generator=seeded())
        torch.testing.assert_close(bits * size * math.log(2), nats, rtol=1e-4, atol=1e-2)


def test_bounds_of_more_codes_rise_to_the_evidence():
    """Log odds depend on the first number of the code alone: one integral, by Gauss and Hermite."""
    model = blank()
    with torch.no_grad():
        model.linear_decode.weight[:, 0] = 0.15 * torch.randn(model.linear_decode.weight.shape[0], generator=seeded())
    x = images(4, SHAPE)
    nodes, weights = hermite(1)
    codes = torch.cat([nodes, torch.zeros_like(nodes)], 1).float()
    with torch.no_grad():
        mean = model.decode(codes).clamp(-1 + 1e-6, 1 - 1e-6)
        probability = torch.where(x[:, None] >= 0, 1 + mean, 1 - mean) / 2
        evidence = torch.logsumexp(probability.log().flatten(2).sum(2).double() + weights.log(), 1)
        noise = torch.randn(1500, 4, 2, generator=seeded(1))
        found = torch.cat([model.log_weights(x, part) for part in noise.split(500)])
        bound = torch.logsumexp(found.double(), 0) - math.log(len(found))
        torch.testing.assert_close(bound, evidence, atol=0.1, rtol=0)
        assert (found.double().mean(0) < evidence - 0.05).all()


def test_it_learns_black_and_white_pictures_and_its_frozen_form_draws_them():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build("vae", {"code": 4, "width": 8, "likelihood": "bernoulli"}, SHAPE)
    x = images(64, SHAPE)
    model.prepare(x)
    steps = PlainSteps(model, rate=3e-3)
    found = [model.training_step(x, steps) for _ in range(40)]
    assert float(found[-1]["elbo_bits_per_dim"]) < 0.8 * float(found[0]["elbo_bits_per_dim"])
    assert 0 < float(found[-1]["decoder_std"]) < 1
    model.eval()
    z = model.sample_codes(3, generator=seeded())
    with torch.no_grad():
        torch.testing.assert_close(freeze_model(model).decode(z), model.decode(z), atol=1e-4, rtol=1e-4)


def test_points_are_no_choices():
    with pytest.raises(UsageError, match="in black and white"):
        build("vae", {"likelihood": "bernoulli"}, (2, 1, 1))
