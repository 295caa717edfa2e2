"""What a step does in few calls, against the plain form that does it tensor by tensor."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from engine.device import placed
from engine.families import FAMILIES
from engine.models.ema import Ema
from engine.pictures import to_images
from engine.training.batches import Batches, step_seed
from engine.training.config import TrainConfig, World
from engine.training.optimisers import Optimisers
from engine.training.variations import Variation
from tests.contract.tiny import make

CPU = torch.device("cpu")


class Two(nn.Module):
    """Weights of which one lies with its channels last in memory, as convolutions do while training."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.conv, self.linear = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

    def training_networks(self) -> dict[str, nn.Module]:
        return {"model": self}


def loss_of(model: Two, step: int) -> torch.Tensor:
    x = torch.randn(5, 3, 6, 6, generator=torch.Generator().manual_seed(step))
    return model.linear(model.conv(x).mean((2, 3))).square().sum()


@pytest.mark.parametrize("clip", [0.0, 0.5])
def test_updates_are_adams_also_after_moments_were_put_back(clip):
    config = TrainConfig(learning_rate=0.01, batch=5, clip=clip)
    model, plain = placed(Two(), CPU), Two()
    assert not model.conv.weight.is_contiguous()
    steps = Optimisers(model, config, CPU)
    adam = torch.optim.Adam(plain.parameters(), lr=0.01, betas=(config.momentum, 0.99), foreach=False, fused=False)
    for step in range(8):
        if step == 4:
            state = {key: value.clone().contiguous() for key, value in steps.state().items()}
            steps = Optimisers(model, config, CPU)
            steps.load(state)
        steps.begin(step, step, 0.01)
        given = {}

        class Model:
            @staticmethod
            def training_step(batch, owner, step=step, given=given):
                given["norm"] = owner.update("model", loss_of(model, step))
                return {}

        steps.advance(Model, torch.zeros(5, 3, 6, 6), 5)
        adam.zero_grad()
        loss_of(plain, step).backward()
        norm = torch.nn.utils.clip_grad_norm_(plain.parameters(), clip or float("inf"), foreach=False)
        adam.step()
        torch.testing.assert_close(given["norm"], norm)
        for name, value in plain.state_dict().items():
            torch.testing.assert_close(model.state_dict()[name], value, rtol=1e-5, atol=1e-6, msg=name)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_the_average_in_one_call_is_that_of_each_tensor(family):
    model = placed(make(family), CPU)
    ema = Ema(model, 0.9)
    expected = {key: value.clone() for key, value in ema.model.state_dict().items()}
    with torch.no_grad():
        for value in model.state_dict().values():
            value.add_(1) if value.dtype != torch.bool else value.fill_(True)
    ema.update(1000)
    for key, value in ema.model.state_dict().items():
        new = model.state_dict()[key]
        if family == "gan" and key.startswith("discriminator."):
            new = expected[key]
        wanted = expected[key].lerp(new, 1.0 - 0.9) if value.is_floating_point() else new
        torch.testing.assert_close(value, wanted, rtol=1e-6, atol=1e-6, msg=key)


@pytest.mark.parametrize("world", [World(), World(1, 2)])
def test_a_batch_is_its_rows_half_of_them_mirrored(world):
    pictures = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 3)).astype(np.uint8)
    pictures.flags.writeable = False
    batches = Batches(pictures, np.arange(30), batch=10, seed=1, variation=Variation(flip=True), world=world)
    mirrored = 0
    for step in range(6):
        seed = step_seed(1, step)
        found = batches.at(step, torch.Generator().manual_seed(seed), CPU)
        share = torch.rand(10, generator=torch.Generator().manual_seed(seed))[world.rank :: world.size]
        plain = to_images(pictures[np.sort(batches.rows(step))])
        flipped = torch.where((share < 0.5)[:, None, None, None], plain.flip(3), plain)
        assert torch.equal(found, flipped)
        assert found.is_contiguous(memory_format=torch.channels_last)
        mirrored += int((share < 0.5).sum())
    assert 0 < mirrored < 6 * len(found)
