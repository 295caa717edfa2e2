"""Averaged weights follow the trained ones slowly, and at first quickly."""

from __future__ import annotations

import pytest
import torch

from engine.families import FAMILIES
from engine.models.ema import Ema
from tests.contract.tiny import make


def moved(ema: Ema, before: dict[str, torch.Tensor]) -> set[float]:
    """By how much each averaged weight has moved."""
    after = ema.model.state_dict()
    names = [name for name, value in ema.model.named_parameters() if value.is_floating_point()]
    skip = ema.model.training_only
    kept = [name for name in names if not (skip and name.startswith(skip))]
    return {round(float((after[name] - before[name]).mean()), 3) for name in kept}


@pytest.mark.parametrize("family", list(FAMILIES))
@pytest.mark.parametrize(("decay", "step", "expected"), [(0.9, 100_000, 0.1), (0.99, 100_000, 0.01), (0.99, 0, 0.9)])
def test_a_step_moves_the_average_by_what_the_decay_leaves(family, decay, step, expected) -> None:
    model = make(family).double()
    ema = Ema(model, decay)
    before = {key: value.clone() for key, value in ema.model.state_dict().items()}
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1.0)
    ema.update(step)
    assert moved(ema, before) == {expected}
    assert not ema.model.training
    assert not any(parameter.requires_grad for parameter in ema.model.parameters())


def test_counts_are_copied_and_not_averaged() -> None:
    model = make("gan")
    ema = Ema(model, 0.99)
    counts = {key: value for key, value in model.state_dict().items() if not value.is_floating_point()}
    assert counts, "batch norm counts its batches"
    for value in counts.values():
        value.add_(7)
    ema.update(100)
    assert all(torch.equal(ema.model.state_dict()[key], value) for key, value in counts.items())
