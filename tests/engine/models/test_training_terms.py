"""What a family's loss is made of, term by term: a term that is left out still trains, only worse."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
import torch

from engine.objectives.adversarial import r1_penalty
from engine.objectives.likelihood import bits_per_dim
from tests.contract.tiny import PlainSteps, images, make, stir, tiny_config

SHAPE = (3, 16, 16)


@dataclass
class Told(PlainSteps):
    """It notes the loss of each update."""

    losses: dict[str, torch.Tensor] = field(default_factory=dict)

    def update(self, name: str, loss: torch.Tensor) -> torch.Tensor:
        self.losses[name] = loss.detach()
        return super().update(name, loss)


def stepped(family: str, index: int = 0, **config) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """(metrics, losses of the updates) of one step."""
    model = stir(make(family, config={**tiny_config(family), **config}, shape=SHAPE)).train()
    steps = Told(model, index=index)
    metrics = model.training_step(images(8, SHAPE), steps)
    return metrics, steps.losses


@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0])
def test_the_vae_pays_reconstruction_and_beta_times_the_kl(beta: float) -> None:
    metrics, losses = stepped("vae", beta=beta)
    pixels = 3 * 16 * 16
    expected = (metrics["reconstruction_nats"] + beta * metrics["kl_nats"]) / pixels
    torch.testing.assert_close(losses["model"], expected)
    bound = -(metrics["reconstruction_nats"] + metrics["kl_nats"])
    torch.testing.assert_close(metrics["elbo_bits_per_dim"], bits_per_dim(bound, pixels, 256))


def test_r1_is_the_squared_gradient_at_real_images() -> None:
    """Half of it, weighted, is what is paid (Mescheder et al. 2018, arXiv:1801.04406); here without half and weight."""
    real = images(8, SHAPE)
    slope = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(r1_penalty(lambda x: (x * slope).flatten(1).sum(1), real), slope.square().sum())


def test_the_discriminator_pays_r1_every_few_steps_for_all_of_them() -> None:
    """Lazy regularisation (Karras et al. 2020, arXiv:1912.04958): seldom, and as many times as much."""
    config = {"regulariser": "r1", "r1_weight": 3.0, "r1_every": 4}
    for index in (0, 4):
        metrics, losses = stepped("gan", index, **config)
        assert float(metrics["discriminator/penalty"]) > 0.0
        paid = losses["discriminator"] - metrics["discriminator_loss"]
        torch.testing.assert_close(paid, 0.5 * 3.0 * 4 * metrics["discriminator/penalty"])
    metrics, losses = stepped("gan", 1, **config)
    torch.testing.assert_close(losses["discriminator"], metrics["discriminator_loss"])
