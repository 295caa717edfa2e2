"""Generators of points: where their loss would have the samples go."""

from __future__ import annotations

import pytest
import torch

from engine.errors import UsageError
from engine.models.gan.dcgan import Dcgan, DcganConfig
from engine.objectives.adversarial import OBJECTIVES


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_pull_on_samples_is_that_of_the_generators_loss(objective: str):
    """A small step along it lowers the loss by what its slope says."""
    torch.manual_seed(4)
    config = DcganConfig(
        code=2, width=16, discriminator_width=16, objective=objective, regulariser="none", augment=False
    )
    model = Dcgan(config, (2, 1, 1)).double().eval()
    samples, batch = torch.randn(24, 2, 1, 1).double(), torch.randn(24, 2, 1, 1).double() + 1.0
    game = model.objective

    def loss(x: torch.Tensor) -> float:
        if game.compare is not None:
            return float(game.compare(batch.flatten(1), x.flatten(1)))
        return float(game.generator(model.discriminator(x)).detach())

    pull = model.pull(samples, batch)
    assert pull.shape == samples.shape
    slope = float(pull.square().sum()) / len(samples)
    assert slope > 0
    step = 1e-5
    fallen = (loss(samples - step * pull) - loss(samples + step * pull)) / (2 * step)
    # Sinkhorn's few rounds stop short of the optimum that its slope is of: by 15 % here.
    assert fallen == pytest.approx(slope, rel=0.2 if objective == "sinkhorn" else 1e-4)


@pytest.mark.parametrize("knob", ["grown", "fade", "critic_first"])
def test_points_do_not_grow(knob: str):
    with pytest.raises(UsageError, match="points have no size"):
        Dcgan(DcganConfig(**{knob: 1}), (2, 1, 1))
