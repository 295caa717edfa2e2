"""Likelihood: the importance-weighted bound where the truth is known, the gap, the membership test, the ranking."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.diagnostics.base import Request, Subject
from engine.diagnostics.facts import Origin
from engine.diagnostics.importance import importance_bounds, log_mean_exp
from engine.diagnostics.likelihood import gap_of, image_bits, run, separation, why_not
from engine.diagnostics.ranking import rank_photos
from engine.errors import Cancelled, Unsupported
from engine.models.base import Abilities, Group, LatentModel, LatentSpec
from engine.objectives.likelihood import gaussian_log_density
from engine.progress import Progress
from tests.contract.tiny import make

SIDE = 4
SIZE = SIDE * SIDE


class LinearGaussian(LatentModel):
    """x = W z + noise with a posterior that is too wide by `slack`, so that its ELBO is loose and log p(x) is known."""

    abilities = Abilities(encode="amortised", density="bound")

    def __init__(self, *, slack: float = 1.6, std: float = 0.5) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.spec = LatentSpec(2, (Group("code", 0, 2),), (1, SIDE, SIDE))
        self.weight = torch.nn.Parameter(0.5 * torch.randn(SIZE, 2, generator=generator).double(), requires_grad=False)
        self.std, self.slack = std, slack

    def decode(self, z):
        return (z.double() @ self.weight.T).view(-1, 1, SIDE, SIDE).float()

    def truth(self, x):
        """log N(x; 0, W W' + std^2 I), (B,)."""
        covariance = self.weight @ self.weight.T + self.std**2 * torch.eye(SIZE).double()
        flat = x.flatten(1).double()
        half = torch.linalg.solve(covariance, flat.T).T
        return -0.5 * ((flat * half).sum(1) + torch.logdet(covariance) + SIZE * math.log(2 * math.pi))

    def encode(self, x):
        precision = torch.eye(2).double() + self.weight.T @ self.weight / self.std**2
        return torch.linalg.solve(precision, self.weight.T @ x.flatten(1).double().T / self.std**2).T.float()

    def log_weights(self, x, noise):
        precision = torch.eye(2).double() + self.weight.T @ self.weight / self.std**2
        root = torch.linalg.cholesky(torch.linalg.inv(precision)) * self.slack
        mean = self.encode(x).double()
        z = mean + noise.double() @ root.T
        density = gaussian_log_density(x.flatten(1).double(), z @ self.weight.T, math.log(self.std)).sum(2)
        prior = gaussian_log_density(z, 0.0, 0.0).sum(2)
        posterior = gaussian_log_density(noise.double(), 0.0, 0.0).sum(2) - torch.logdet(root)
        return density + prior - posterior

    def log_prob(self, x):
        noise = torch.randn(16, len(x), 2, generator=torch.Generator().manual_seed(0))
        return self.log_weights(x, noise).mean(0)

    def training_step(self, batch, steps):
        raise AssertionError("it is not trained")


def images(n: int = 12) -> torch.Tensor:
    return torch.randn(n, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def test_the_bound_rises_with_k_and_reaches_the_true_likelihood() -> None:
    model, x = LinearGaussian(), images()
    bounds = importance_bounds(model, x, codes=5000)
    means = bounds.nats.mean(axis=1)
    truth = float(model.truth(x).mean())
    assert bounds.codes[0] == 1
    assert bounds.codes[-1] == 5000
    assert (np.diff(means) > -5e-3).all()
    # The KL of a Gaussian that is 1.6 times too wide in two dimensions, in closed form.
    assert truth - means[0] == pytest.approx(2 * (0.5 * (1.6**2 - 1) - math.log(1.6)), abs=0.05)
    assert means[-1] == pytest.approx(truth, abs=0.01)
    assert (bounds.nats[-1] <= model.truth(x).numpy() + 0.1).all()
    assert (bounds.effective > 1000).all()


def test_a_true_posterior_leaves_no_slack_whatever_k() -> None:
    model, x = LinearGaussian(slack=1.0), images(3)
    bounds = importance_bounds(model, x, codes=20)
    assert np.allclose(bounds.nats, model.truth(x).numpy()[None], atol=1e-5)


def test_the_vaes_weights_are_the_densities_they_stand_for() -> None:
    vae = make("vae", shape=(3, 16, 16)).eval()
    x = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    noise = torch.randn(4, 3, vae.spec.size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found = vae.log_weights(x, noise)
        mean, log_std = vae.posterior(x)
        z = mean + noise * log_std.exp()
        drawn = torch.stack([vae._mean_image(one) for one in z])
        density = torch.distributions.Normal(drawn, vae.log_std.exp()).log_prob(x).sum((2, 3, 4))
        prior = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(2)
        posterior = torch.distributions.Normal(mean, log_std.exp()).log_prob(z).sum(2)
    assert found.shape == (4, 3)
    assert torch.allclose(found, density + prior - posterior, rtol=1e-4, atol=0.05)


def test_log_mean_exp_survives_what_exp_does_not() -> None:
    assert log_mean_exp(np.array([[-1e5, -1e5], [1e5, 1e5 - 1000]])) == pytest.approx([-1e5, 1e5 - math.log(2)])


def test_cancelling_stops_the_bound() -> None:
    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        importance_bounds(LinearGaussian(), images(1), codes=10, progress=Progress(stop))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=2, max_size=30), st.lists(st.integers(0, 5), min_size=2, max_size=30))
def test_separation_is_the_share_of_pairs(train: list[int], held: list[int]) -> None:
    share, low, high = separation(np.array(train, float), np.array(held, float))
    pairs = [(h > t) + 0.5 * (h == t) for t in train for h in held]
    assert share == pytest.approx(np.mean(pairs))
    assert 0 <= low <= share <= high <= 1


def test_the_gaps_interval_covers_the_truth_in_most_trials() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(300):
        gap, low, high = gap_of(rng.normal(3.0, 0.3, 80), rng.normal(3.1, 0.4, 60))
        assert low < gap < high
        hits += low <= 0.1 <= high
    assert 0.91 <= hits / 300 <= 0.98


def pictures(n: int, seed: int, *, noise: float = 8.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 216, (n, 4, 4, 3)).repeat(4, 1).repeat(4, 2)
    return np.clip(coarse + rng.normal(0, noise, (n, 16, 16, 3)), 0, 255).astype(np.uint8)


@pytest.fixture
def subject() -> Subject:
    return Subject(
        make("flow", shape=(3, 16, 16)).eval(), pictures(80, 1), pictures(60, 2), origin=Origin(trained_on="yes")
    )


def test_a_flow_that_learned_nothing_by_heart_has_no_gap(subject: Subject) -> None:
    found = run(Request(subject, quick=True))
    gap = next(f for f in found.figures if f.name == "gap_bits")
    assert gap.low is not None
    assert gap.low < 0 < gap.high
    assert found.level == "good"
    assert found.value("heldout_bits") == pytest.approx(image_bits(subject, subject.heldout).mean())
    assert found.value("heldout_p05") < found.value("heldout_p50") < found.value("heldout_p95")
    assert len(found.values["heldout_bits"]) == 60
    assert found.evidence[0].rows[0].shape == (10, 16, 16, 3)


def test_the_costliest_and_cheapest_images_are_shown(subject: Subject) -> None:
    found = run(Request(subject, quick=True))
    bits = np.sort(image_bits(subject, subject.heldout))
    assert found.evidence[0].captions[0] == f"{bits[-1]:.2f} bits/dim"
    assert found.evidence[1].captions[0] == f"{bits[0]:.2f} bits/dim"


def test_a_vae_has_its_bound_and_what_its_codes_carry() -> None:
    vae = Subject(make("vae", shape=(3, 16, 16)).eval(), pictures(40, 1), pictures(40, 2))
    found = run(Request(vae, values={"codes": 20, "bound_images": 6}))
    assert found.value("iwae_bits") <= found.value("elbo_bits")
    assert found.value("iwae_gap_bits") >= 0
    assert found.values["bound_codes"] == (1.0, 2.0, 5.0, 10.0, 20.0)
    assert 0 <= found.value("active_units") <= vae.model.spec.size
    assert "is not known" in found.sentence


def test_a_family_without_a_density_is_told_why(subject: Subject) -> None:
    gan = Subject(make("gan", shape=(3, 16, 16)), pictures(8, 1), pictures(8, 2))
    assert "no density" in why_not(gan)
    assert why_not(subject) == ""
    with pytest.raises(Unsupported):
        rank_photos(gan, pictures(1, 1), ("a",))


def test_photos_are_ranked_by_cost_with_percentiles_and_the_caveat(subject: Subject) -> None:
    usual, loud, plain = pictures(1, 7)[0], pictures(1, 8, noise=90)[0], np.full((16, 16, 3), 128, np.uint8)
    found = rank_photos(subject, np.stack([plain, usual, loud]), ("plain", "usual", "loud"))
    assert found.figures[0].title == "loud"
    assert found.figures[-1].title == "plain"
    assert found.values["percentiles"][0] == 100
    assert found.values["percentiles"][-1] == 0
    assert "loud costs more bits than 99 %" in found.sentence
    assert "Nalisnick" in found.sentence
    assert found.level == "unknown"


def test_a_photos_bits_do_not_depend_on_the_photos_beside_it(subject: Subject) -> None:
    several = pictures(4, 9)
    together = rank_photos(subject, several, tuple("abcd"))
    alone = rank_photos(subject, several[2:3], ("c",))
    value = next(figure.value for figure in together.figures if figure.title == "c")
    assert value == pytest.approx(alone.figures[0].value, abs=1e-6)
