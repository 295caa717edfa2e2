"""Every optimiser of the table: moments by their names, a resume bit for bit, and how far a step goes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine.knobs import from_json, to_json
from engine.nn.descent import OPTIMISERS
from engine.training.config import TrainConfig
from engine.training.optimisers import Optimisers
from tests.contract.tiny import images, make

CPU = torch.device("cpu")
SHAPE = (3, 16, 16)
EVERY = pytest.mark.parametrize("optimiser", OPTIMISERS)
MOMENTUM = pytest.mark.parametrize("momentum", [0.0, 0.5])
RATES = {"adam": 1e-3, "rmsprop": 1e-3, "sgd": 1e-2}


def config(optimiser: str, momentum: float) -> TrainConfig:
    return TrainConfig(optimiser=optimiser, momentum=momentum, beta2=0.9, learning_rate=RATES[optimiser])


def step(model, steps: Optimisers, index: int) -> None:
    steps.begin(index, 100 + index, steps.rate)
    steps.advance(model, images(6, SHAPE, seed=index), 6)


@EVERY
@MOMENTUM
@pytest.mark.parametrize("family", ["vae", "gan"])
def test_a_resume_is_bit_for_bit(optimiser, momentum, family):
    model, again = (make(family).train() for _ in range(2))
    steps = Optimisers(model, config(optimiser, momentum), CPU)
    for index in range(3):
        step(model, steps, index)
    weights, moments = model.state_dict(), {key: value.clone() for key, value in steps.state().items()}
    again.load_state_dict(weights)
    resumed = Optimisers(again, config(optimiser, momentum), CPU)
    resumed.load(moments)
    for index in range(3, 6):
        step(model, steps, index)
        step(again, resumed, index)
    for key, value in model.state_dict().items():
        assert torch.equal(value, again.state_dict()[key]), key
    if OPTIMISERS[optimiser].kept(momentum):
        fresh = make(family).train()
        fresh.load_state_dict(weights)
        other = Optimisers(fresh, config(optimiser, momentum), CPU)
        with pytest.raises(KeyError):
            other.load(dict(list(moments.items())[:-1]))


@EVERY
@MOMENTUM
def test_moments_are_named_by_the_optimiser(optimiser, momentum):
    model = make("vae").train()
    steps = Optimisers(model, config(optimiser, momentum), CPU)
    step(model, steps, 0)
    assert {key.split("/")[-1] for key in steps.state()} == set(OPTIMISERS[optimiser].kept(momentum))


@EVERY
@MOMENTUM
def test_step_sizes_are_how_far_the_weights_went(optimiser, momentum):
    model = make("vae").train()
    steps = Optimisers(model, config(optimiser, momentum), CPU)
    for index in range(3):
        before = torch.cat([p.detach().flatten().clone() for p in model.parameters()])
        step(model, steps, index)
    after = torch.cat([p.detach().flatten() for p in model.parameters()])
    known = float((after - before).norm() / after.norm())
    assert steps.step_sizes()["model/update_ratio"] == pytest.approx(known, rel=0.01)


def test_runs_from_before_there_was_a_choice_are_adams():
    old = {key: value for key, value in to_json(TrainConfig(steps=7)).items() if key not in ("optimiser", "beta2")}
    assert from_json(TrainConfig, old) == TrainConfig(steps=7)
    model, known = make("vae").train(), make("vae").train()
    steps = Optimisers(model, from_json(TrainConfig, old), CPU)
    plain = torch.optim.Adam(known.parameters(), lr=5e-4, betas=(0.9, 0.99), fused=True)

    class Steps(Optimisers):
        def update(self, name, loss):
            plain.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(known.parameters(), 50.0)
            plain.step()
            return loss.detach()

    by_hand = Steps(known, TrainConfig(), CPU)
    for index in range(3):
        step(model, steps, index)
        step(known, by_hand, index)
    for one, other in zip(model.parameters(), known.parameters(), strict=True):
        assert torch.equal(one, other)


def test_both_betas_are_knobs():
    found = []
    for change in ({}, {"beta2": 0.5}, {"momentum": 0.1}, {"optimiser": "rmsprop"}):
        model = make("vae").train()
        steps = Optimisers(model, replace(config("adam", 0.9), **change), CPU)
        for index in range(2):
            step(model, steps, index)
        found.append(next(model.parameters()).detach().clone())
    assert all(not torch.equal(found[0], other) for other in found[1:])
