"""The games: their losses against the papers' formulas, which way their gradients pull, and the penalties."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from engine.objectives.adversarial import OBJECTIVES, clip_weights, gradient_penalty, overfitting
from tests.contract.gaps import objective_gaps

EVERY = pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES.keys())
GAMES = [row for row in OBJECTIVES.values() if row.compare is None]
GAME = pytest.mark.parametrize("objective", GAMES, ids=lambda row: row.name)


@EVERY
def test_no_piece_of_an_objective_is_missing(objective):
    assert not objective_gaps(objective), " ".join(objective_gaps(objective))


@GAME
def test_losses_are_those_of_the_paper(objective):
    worked = objective.worked
    real, fake = torch.tensor(worked.real), torch.tensor(worked.fake)
    assert float(objective.discriminator(real, fake)) == pytest.approx(worked.discriminator, rel=1e-5)
    assert float(objective.generator(fake)) == pytest.approx(worked.generator, rel=1e-5)


TABLE_REAL = torch.tensor([0] * 5 + [1] * 3 + [2] * 2)
TABLE_FAKE = torch.tensor([0] * 2 + [1] * 3 + [2] * 5)
"""Batches of three atoms with p = (.5, .3, .2) and q = (.2, .3, .5)."""


@pytest.mark.parametrize(
    ("name", "loss"),
    [("minimax", 1.253466), ("non-saturating", 1.253466), ("least-squares", 0.217857), ("hinge", 1.4), ("tv", -0.6)],
)
def test_the_best_discriminator_of_three_atoms_has_the_loss_of_the_closed_form(name, loss):
    """-V = -(2 JS - 2 log 2); 0.217857 for squares; 2 sum min(p, q) for the hinge; minus twice the total variation."""
    objective, scores = OBJECTIVES[name], torch.zeros(3, dtype=torch.float64, requires_grad=True)
    descent = torch.optim.Adam([scores], lr=0.05)
    for index in range(1500):
        descent.zero_grad()
        descent.param_groups[0]["lr"] = 0.05 * (1 - index / 1500)
        value = objective.discriminator(scores[TABLE_REAL], scores[TABLE_FAKE])
        value.backward()
        descent.step()
    assert float(value.detach()) == pytest.approx(loss, abs=2e-3)
    if name == "minimax":
        torch.testing.assert_close(
            torch.sigmoid(scores.detach()), torch.tensor([5 / 7, 0.5, 2 / 7]).double(), atol=1e-3, rtol=0
        )


@GAME
def test_the_discriminator_is_pulled_apart_and_the_generator_up(objective):
    real, fake = (torch.tensor([0.3, 0.2], requires_grad=True) for _ in range(2))
    on_real, on_fake = torch.autograd.grad(objective.discriminator(real, fake), [real, fake])
    # Going downhill raises the score of real images and lowers that of generated ones.
    assert bool((on_real < 0).all())
    assert bool((on_fake > 0).all())
    (up,) = torch.autograd.grad(objective.generator(fake), fake)
    assert bool((up < 0).all())


@GAME
def test_even_play_is_the_best_that_a_blind_discriminator_can_do(objective):
    if objective.even_loss is None:
        return
    scores = torch.linspace(-3, 3, 601)
    losses = torch.stack([objective.discriminator(s.reshape(1), s.reshape(1)) for s in scores])
    assert float(losses.min()) == pytest.approx(objective.even_loss, abs=1e-3)


@GAME
def test_a_reading_is_a_probability_only_where_scores_are_log_odds(objective):
    read = objective.reading(torch.tensor([-50.0, 0.0, 50.0])).tolist()
    # Cross-entropy takes its outputs for log-odds, and loses log 2 twice where it cannot tell.
    odds = objective.even_loss == pytest.approx(2 * math.log(2), abs=1e-3)
    bounded = [-1.0, 0.0, 1.0] if objective.name == "tv" else [-50.0, 0.0, 50.0]
    assert read == pytest.approx([0.0, 0.5, 1.0] if odds else bounded)


def linear_critic(norm: float, shape=(3, 8, 8)) -> nn.Module:
    layer = nn.Linear(math.prod(shape), 1, bias=False)
    with torch.no_grad():
        layer.weight.mul_(norm / layer.weight.norm())
    return nn.Sequential(nn.Flatten(), layer, nn.Flatten(0))


@pytest.mark.parametrize("norm", [1.0, 0.0, 3.0])
def test_the_gradient_penalty_of_a_linear_critic_is_known(norm):
    real, fake = torch.rand(5, 3, 8, 8), torch.rand(5, 3, 8, 8)
    penalty = gradient_penalty(linear_critic(norm), real, fake, torch.rand(5))
    assert penalty.item() == pytest.approx((norm - 1.0) ** 2, abs=1e-5)


def test_the_gradient_penalty_teaches_the_critic_and_looks_between_the_two():
    critic = linear_critic(3.0)
    seen = []
    critic.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach()))
    real, fake = torch.ones(2, 3, 8, 8), torch.zeros(2, 3, 8, 8)
    gradient_penalty(critic, real, fake, torch.tensor([0.0, 0.75])).backward()
    assert seen[0][:, 0, 0, 0].tolist() == [0.0, 0.75]
    weight = critic[1].weight
    assert bool((weight.grad * weight).sum() > 0), "the penalty must shrink a critic that is too steep"


def test_clipped_weights_are_in_their_box():
    critic = linear_critic(100.0)
    signs = critic[1].weight.sign()
    clip_weights(critic, 0.01)
    assert float(critic[1].weight.detach().abs().max()) <= 0.01
    assert torch.equal(critic[1].weight.sign(), signs)


def test_overfitting_is_where_held_out_images_stand_between_training_and_samples():
    def at(training, heldout, samples):
        return float(overfitting(*(torch.full((4,), float(v)) for v in (training, heldout, samples))))

    assert at(2, 2, -2) == 0.0
    assert at(2, -2, -2) == 1.0
    assert at(2, 1, -2) == 0.25
    assert math.isnan(at(-1, 0, 1))
