"""A VAE of points: evidence, posterior and bounds by quadrature against what linear algebra says of a linear one."""

from __future__ import annotations

import math

import pytest
import torch

from engine.errors import Unsupported, UsageError
from engine.families import build
from engine.lab.truths import mesh
from engine.models.vae.quadrature import APART, hermite
from tests.contract.tiny import PlainSteps, stir

LINE = torch.tensor([[2.0], [1.0]])
TILTED = torch.tensor([[2.0, 0.0], [1.0, 1.0]])


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make(d: int = 2, **knobs):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build("vae", {"code": 2, "width": 16, **knobs}, (d, 1, 1)).eval()


def linear(matrix: torch.Tensor, **knobs):
    """x = W z + N(0, 0.25 I) (probabilistic PCA), with the best encoder of its kind."""
    code = matrix.shape[1]
    fixed = {"likelihood": "gaussian-fixed", "sigma": 0.5}
    model = make(hidden_layers=0, code=code, **fixed, **knobs)
    precision = torch.eye(code) + matrix.T @ matrix / 0.25
    covariance = torch.linalg.inv(precision)
    full = model.config.posterior == "full"
    # The best diagonal Gaussian has the diagonal of the precision (Bishop 2006, section 10.1.2).
    factor = torch.linalg.cholesky(covariance) if full else torch.diag(precision.diagonal().rsqrt())
    with torch.no_grad():
        model.decoder[0].weight.copy_(matrix)
        model.decoder[0].bias.zero_()
        model.encoder[0].weight.zero_()
        model.encoder[0].weight[:code] = covariance @ matrix.T / 0.25
        bias = [torch.zeros(code), factor.diagonal().log() + 1.0]
        bias += [factor[tuple(torch.tril_indices(code, code, -1))]] if full else []
        model.encoder[0].bias.copy_(torch.cat(bias))
    return model


def images(x: torch.Tensor) -> torch.Tensor:
    return x.float()[:, :, None, None]


def expected(matrix: torch.Tensor, value) -> float:
    """The mean over the model's own points, whose covariance is W W^T + 0.25 I; exact for polynomials."""
    nodes, weights = hermite(2)
    spread = torch.linalg.cholesky((matrix @ matrix.T + 0.25 * torch.eye(2)).double())
    return float(weights @ value(images(nodes @ spread.T)).double())


@pytest.mark.parametrize(("matrix", "evidence"), [(LINE, -2.973844), (TILTED, -3.695901)])
def test_the_evidence_is_that_of_probabilistic_pca(matrix, evidence):
    model = linear(matrix)
    covariance = matrix @ matrix.T + 0.25 * torch.eye(2)
    x = torch.randn(200, 2, generator=seeded())
    known = torch.distributions.MultivariateNormal(torch.zeros(2), covariance).log_prob(x)
    with torch.no_grad():
        torch.testing.assert_close(model.log_prob(images(x)), known, atol=2e-4, rtol=1e-4)
        assert expected(matrix, model.log_prob) == pytest.approx(evidence, abs=1e-3)


def test_a_tilted_posterior_has_no_gap_and_a_diagonal_one_a_known_one():
    diagonal, full = linear(TILTED), linear(TILTED, posterior="full")
    with torch.no_grad():
        assert expected(TILTED, diagonal.elbo) == pytest.approx(-3.778563, abs=1e-4)
        assert expected(TILTED, full.elbo) == pytest.approx(-3.695901, abs=1e-4)
        assert expected(LINE, linear(LINE).elbo) == pytest.approx(-2.973844, abs=1e-4), "one number has no tilt"


@pytest.mark.parametrize("posterior", ["diagonal", "full"])
@pytest.mark.parametrize("code", [1, 2])
def test_the_evidence_is_the_elbo_and_the_gap_found_another_way(posterior, code):
    model = stir(make(code=code, posterior=posterior, likelihood="gaussian-each"), amount=0.1)
    x = images(torch.randn(30, 2, generator=seeded()))
    with torch.no_grad():
        gap = model.posterior_gap(x)
        assert float(gap.min()) > 0.01, "an encoder that has learned nothing is off"
        torch.testing.assert_close(model.elbo(x) + gap.float(), model.log_prob(x), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("likelihood", ["gaussian-learned", "gaussian-fixed", "gaussian-each"])
@pytest.mark.parametrize("code", [1, 2])
def test_the_density_integrates_to_one(likelihood, code):
    model = stir(make(code=code, likelihood=likelihood), amount=0.2)
    points, cell = mesh((-4.0, 4.0), 160, 2)
    with torch.no_grad():
        assert float(model.log_prob(images(points)).exp().sum()) * cell == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("code", [1, 2])
def test_the_rule_grows_finer_until_nothing_is_left_between_its_nodes(code):
    model = make(code=code, likelihood="gaussian-fixed", sigma=0.1, hidden_layers=0)
    with torch.no_grad():
        model.decoder[0].weight.mul_({1: 6.0, 2: 2.0}[code])
        found = model.rule()
        assert found.apart <= APART
        assert len(found.codes) > {1: 128, 2: 32}[code] ** code
        weight = model.decoder[0].weight
        x = images(model.draw(model.sample_codes(100, generator=seeded()), generator=seeded(1)).flatten(1))
        covariance = weight @ weight.T + 0.1**2 * torch.eye(2)
        known = torch.distributions.MultivariateNormal(model.decoder[0].bias, covariance).log_prob(x.flatten(1))
        # The widest gap is 1.5 deviations, which costs 3e-4 at most; float32 the rest.
        torch.testing.assert_close(model.log_prob(x), known, atol=2e-3, rtol=1e-3)


def test_longer_codes_have_a_bound_alone():
    model = make(code=3)
    x = images(torch.randn(400, 2, generator=seeded()))
    assert model.abilities.density == "bound"
    for call in (model.elbo, model.posterior_gap):
        with pytest.raises(Unsupported):
            call(x)
    noise = torch.randn(64, 400, 3, generator=seeded(1))
    with torch.no_grad():
        weights = model.log_weights(x, noise)
        tighter = torch.logsumexp(weights, 0) - math.log(64)
        assert float(tighter.mean()) > float(weights.mean())
        assert float(model.log_prob(x).mean()) == pytest.approx(float(weights.mean()), abs=0.1)


@pytest.mark.parametrize("gradient", ["score", "score-baseline"])
def test_the_score_gradient_is_the_pathwise_one_on_average_and_the_baseline_calms_it(gradient):
    """Of the encoder's mean, over many draws; both estimate the gradient of one ELBO."""

    def gradients(kind: str, draws: int) -> torch.Tensor:
        model = linear(LINE, gradient=kind)
        with torch.no_grad():
            model.encoder[0].bias[0] += 0.5
        x = images(torch.tensor([[1.0, 0.5]])).expand(64, -1, -1, -1)
        found = []
        steps = PlainSteps(model, rate=0.0)
        for _ in range(draws):
            model.training_step(x, steps)
            found.append(model.encoder[0].bias.grad[0].clone())
        return torch.stack(found)

    exact, other = gradients("pathwise", 60), gradients(gradient, 120)
    error = other.std() / len(other) ** 0.5
    assert abs(float(other.mean() - exact.mean())) < 4 * float(error) + 4 * float(exact.std() / 60**0.5)
    assert float(other.std()) > 2 * float(exact.std())
    if gradient == "score-baseline":
        assert float(other.std()) < 0.8 * float(gradients("score", 120).std())


def test_training_a_linear_one_comes_to_the_evidence():
    """Both networks learn: the ELBO ends within 0.05 of the best evidence there is, -2.973844 of each point."""
    model = make(hidden_layers=0, code=1, likelihood="gaussian-learned").train()
    steps, generator = PlainSteps(model, rate=0.02), seeded()
    for _ in range(500):
        x = torch.randn(256, 1, generator=generator) @ LINE.T + 0.5 * torch.randn(256, 2, generator=generator)
        model.training_step(images(x), steps)
    with torch.no_grad():
        assert expected(LINE, model.elbo) == pytest.approx(-2.973844, abs=0.05)
        assert float(model.log_std.exp()) == pytest.approx(0.5, abs=0.05)


def test_a_bound_of_several_codes_trains_and_is_tighter():
    model = make(bound="iwae", samples=8).train()
    steps, x = PlainSteps(model, rate=5e-3), images(torch.randn(128, 2, generator=seeded()))
    found = [model.training_step(x, steps) for _ in range(60)]
    assert float(found[-1]["loss"]) < float(found[0]["loss"])
    assert -2 * float(found[-1]["loss"]) > float(found[-1]["elbo_nats"])


def test_a_warm_up_brings_the_price_of_the_code_in_slowly():
    x = images(torch.randn(64, 2, generator=seeded()))
    losses = []
    for knobs in ({}, {"kl_warmup": 4}):
        model = make(**knobs).train()
        (found,) = PlainSteps(model, rate=0.0).run(x, 1)
        losses.append((2 * float(found["loss"]), float(found["reconstruction_nats"]), float(found["kl_nats"])))
    (whole, cost, kl), (part, _, _) = losses
    assert whole == pytest.approx(cost + kl, rel=1e-5)
    assert part == pytest.approx(cost + kl / 4, rel=1e-5)


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"prior": 4}, "prior is for pictures"),
        ({"texture": 0.5}, "texture is for pictures"),
        ({"bound": "iwae", "gradient": "score"}, "set bound to elbo"),
    ],
)
def test_what_does_not_go_together_is_said(knobs, said):
    with pytest.raises(UsageError, match=said):
        make(**knobs)


def test_a_picture_has_more_than_one_number_of_code():
    with pytest.raises(UsageError, match="points alone"):
        build("vae", {"code": 1}, (1, 32, 32))
