"""Folded posteriors and inference for each point by itself, against quadrature and linear algebra."""

from __future__ import annotations

import math

import pytest
import torch

from engine.errors import Unsupported, UsageError
from engine.families import build
from engine.lab.presets import PRESETS
from engine.lab.setup import LabTraining, Setup
from engine.lab.stage import Stage
from engine.models.vae.posterior import FOLDS, Posterior, still_folds
from engine.nn.seeded import Seeded
from tests.contract.tiny import PlainSteps, images, stir
from tests.engine.models.test_point_vae import LINE, TILTED, linear, make
from tests.engine.models.test_point_vae import images as points


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def folded(size: int) -> Posterior:
    """Two posteriors far from any Gaussian, float64."""
    with Seeded(0):
        folds = still_folds(size).double().expand(2, -1) * 2 + 1.5 * torch.randn(2, FOLDS * (2 * size + 1)).double()
    factor = torch.diag_embed(torch.full((2, size), 0.8).double())
    return Posterior(torch.full((2, size), 0.2).double(), factor, folds.unflatten(1, (FOLDS, -1)))


@pytest.mark.parametrize("size", [1, 2])
def test_a_folded_posterior_is_a_density_and_is_that_of_its_codes(size):
    q = folded(size)
    line = torch.linspace(-14, 14, 3001 if size == 1 else 281).double()
    z = line[:, None] if size == 1 else torch.cartesian_prod(line, line)
    density = q.log_density(z[:, None]).exp()
    cell = float(line[1] - line[0]) ** size
    torch.testing.assert_close(density.sum(0) * cell, torch.ones(2).double(), atol=5e-3, rtol=0)
    noise = torch.randn(2000, 2, size, generator=seeded()).double()
    codes, log_q = q.codes(noise)
    torch.testing.assert_close(q.log_density(codes), log_q)
    torch.testing.assert_close(codes.mean(0), (density.T @ z) * cell, atol=0.15, rtol=0)
    skew = ((codes - codes.mean(0)) / codes.std(0)).pow(3).mean(0)
    assert float(skew.abs().max()) > 0.3, "no Gaussian leans to one side"


def test_folds_start_as_none_and_an_encoder_with_them_is_the_upright_one():
    model = make(posterior="flow")
    x = points(torch.randn(20, 2, generator=seeded()))
    with torch.no_grad():
        q = model.posterior(x)
        plain = Posterior(q.mean, q.factor)
        noise = torch.randn(5, 20, 2, generator=seeded(1))
        torch.testing.assert_close(q.codes(noise)[0], plain.codes(noise)[0], atol=0.2, rtol=0)
        torch.testing.assert_close(model.elbo(x), model.expected(x, plain), atol=0.3, rtol=0.05)


@pytest.mark.parametrize("code", [1, 2])
def test_evidence_is_bound_and_gap_of_a_folded_posterior_too(code):
    model = stir(make(code=code, posterior="flow", likelihood="gaussian-each"), amount=0.1)
    x = points(torch.randn(12, 2, generator=seeded()))
    with torch.no_grad():
        gap = model.posterior_gap(x)
        assert float(gap.min()) > 0.01
        torch.testing.assert_close(model.elbo(x) + gap.float(), model.log_prob(x), atol=3e-3, rtol=2e-3)


def test_folds_reach_what_no_gaussian_does():
    """p(x|z) = N(|z|, 0.3^2) has two codes for a point. Where they lie far apart a Gaussian covers one and lacks log 2;
    where they are nearer, folds cover both and hardly anything is lacking."""

    class Even(torch.nn.Module):
        def forward(self, z: torch.Tensor) -> torch.Tensor:
            return z.abs()

    def gap(posterior: str, at: float) -> float:
        model = make(1, code=1, posterior=posterior, likelihood="gaussian-fixed", sigma=0.3)
        model.decoder = torch.nn.Sequential(torch.nn.Linear(1, 1), Even())
        with torch.no_grad():
            model.decoder[0].weight.fill_(1.0)
            model.decoder[0].bias.zero_()
        x = points(torch.tensor([[at]]))
        with torch.no_grad():
            evidence = model.rule().evidence(x.flatten(1))
        better = model.inferred(x, steps=250)
        with torch.no_grad():
            return float(evidence - model.expected(x, better))

    assert gap("diagonal", 1.5) == pytest.approx(math.log(2), abs=3e-3)
    assert gap("diagonal", 0.8) == pytest.approx(0.603, abs=5e-3)
    assert 0 < gap("flow", 0.8) < 0.15


@pytest.mark.parametrize(("posterior", "matrix"), [("diagonal", TILTED), ("full", TILTED), ("full", LINE)])
def test_inference_for_each_point_finds_the_best_posterior_of_its_kind(posterior, matrix):
    model = linear(matrix, posterior=posterior)
    x = points(torch.randn(48, 2, generator=seeded()))
    with torch.no_grad():
        right = model.elbo(x)
        model.encoder[0].weight[:2] *= 0.6
        model.encoder[0].bias += 0.4
        assert (model.elbo(x) < right - 0.1).all()
        assert model.elbo(x)[0] < right[0] - 0.1
    before = [one.grad for one in model.parameters()]
    found = model.inferred(x, steps=150)
    assert [one.grad for one in model.parameters()] == before, "no network's gradient is touched"
    with torch.no_grad():
        torch.testing.assert_close(model.expected(x, found), right, atol=0.01, rtol=0)
        gaps, own = model.gaps(x), model.elbo(x)
    # The best Gaussian is known, and with it the encoder's part of the gap.
    torch.testing.assert_close(gaps["amortisation_gap"], right - own, atol=0.03, rtol=0)
    assert (gaps["bound_gap"] > gaps["amortisation_gap"] - 1e-3).all()


def test_inference_for_each_picture_gains_on_an_encoder_that_has_learned_nothing():
    with Seeded(0):
        model = build("vae", {"code": 4, "width": 8}, (1, 16, 16))
    x = images(32, (1, 16, 16))
    model.prepare(x)
    PlainSteps(model, rate=2e-3).run(x, 20)
    model.eval()
    learned = model.gaps(x[:4])["amortisation_gap"]
    with torch.no_grad():
        model.encoder.head.bias[: model.config.code] += 1.0
    spoilt = model.gaps(x[:4])["amortisation_gap"]
    assert (spoilt > learned + 1.0).all()


def test_a_stage_tells_the_gap_and_the_encoders_part_of_it():
    row = PRESETS["vae-folded"]
    stage = Stage(Setup("normal2", row.family, {**row.knobs, "width": 16}, LabTraining(steps=30)))
    stage.advance(30)
    found = {one.name: one.value for one in stage.figures()}
    assert found["bound_gap"] > 0
    assert 0 <= found["amortisation_gap"] <= found["bound_gap"] + 1e-3
    assert stage.shown.abilities.density == "exact"


def test_what_cannot_be_folded_is_said():
    with pytest.raises(UsageError, match="set gradient to pathwise"):
        make(posterior="flow", gradient="score")
    with pytest.raises(Unsupported):
        make(code=3).inferred(points(torch.zeros(1, 2)))
    assert make(code=3).gaps(points(torch.zeros(1, 2))) == {}
