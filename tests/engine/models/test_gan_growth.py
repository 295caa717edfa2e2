"""A grown GAN is the smaller one to begin with: its picture enlarged, its judgement of the picture made smaller."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import avg_pool2d, interpolate

from engine.errors import UsageError
from engine.families import build
from engine.knobs import from_json, to_json
from engine.models.gan import DcganConfig
from engine.models.gan.growth import enlarged, faded_in, grown_config
from tests.contract.tiny import PlainSteps, images, make, stir, tiny_config

CONFIG = from_json(DcganConfig, tiny_config("gan"))


def pair(**knobs):
    """A trained model of 16 pixels that has numbers everywhere, and what it grows into."""
    config = replace(CONFIG, **knobs)
    small = stir(make("gan", config=to_json(config), shape=(3, 16, 16)))
    small.generator.train()(torch.randn(16, config.code))  # Batch norms have seen something.
    large = build("gan", to_json(grown_config(config, steps=0, complete=True)), (3, 32, 32))
    own = large.state_dict()
    for name, value in small.state_dict().items():
        assert own[name].shape == value.shape, "what is learned keeps its name and shape"
        own[name].copy_(value)
    return small.eval(), large.eval()


@pytest.mark.parametrize("knobs", [{"fine": 0}, {"fine": 8}, {"upsampling": "transposed"}, {"grown": 1}])
@torch.no_grad()
def test_it_begins_as_the_smaller_one(knobs):
    small, large = pair(**knobs)
    z = torch.randn(4, CONFIG.code)
    expected = enlarged(small.generator.logits(z))
    assert expected.std() > 0.01
    torch.testing.assert_close(large.generator.logits(z), expected, rtol=0, atol=1e-5)
    x = images(8, (3, 32, 32))
    scores = small.discriminator(avg_pool2d(x, 2))
    assert scores.std() > 0
    torch.testing.assert_close(large.discriminator(x), scores, rtol=1e-4, atol=1e-5)
    # The new stages are there all the same: moved, they change both.
    stir(large)
    assert (large.generator.logits(z) - enlarged(avg_pool2d(large.generator.logits(z), 2))).abs().max() > 1e-3
    alike = enlarged(avg_pool2d(x, 2))
    assert (large.discriminator(x) - large.discriminator(alike)).abs().max() > 0


def test_enlarging_is_linear_between_the_middles_of_pixels():
    x = torch.randn(2, 3, 4, 8)
    torch.testing.assert_close(enlarged(x), interpolate(x, scale_factor=2.0, mode="bilinear"))


def test_detail_is_faded_in_once_the_critic_has_looked():
    config = replace(CONFIG, grown=1, critic_first=10, fade=100)
    x = images(4, (3, 16, 16))
    coarse = enlarged(avg_pool2d(x, 2))
    assert (coarse - x).abs().max() > 0.01
    for step, share in ((0, 0.0), (10, 0.0), (60, 0.5), (110, 1.0), (5000, 1.0)):
        torch.testing.assert_close(faded_in(x, config, step), torch.lerp(coarse, x, share))
    torch.testing.assert_close(faded_in(x, replace(config, grown=0), 0), x)
    torch.testing.assert_close(faded_in(x, replace(config, fade=0), 0), x)


def test_a_new_discriminator_learns_alone_at_first():
    config = to_json(replace(CONFIG, grown=1, critic_first=2, fade=4))
    model = make("gan", config=config).train()
    steps = PlainSteps(model)
    before = {name: value.clone() for name, value in model.named_parameters()}

    def moved():
        return {name.partition(".")[0] for name, value in model.named_parameters() if not value.equal(before[name])}

    assert all("generator_loss" not in found for found in steps.run(images(8, (3, 16, 16)), 2))
    assert moved() == {"discriminator"}
    assert all("generator_loss" in found for found in steps.run(images(8, (3, 16, 16)), 2))
    assert moved() == {"discriminator", "generator"}


def test_knobs_that_do_not_go_together_are_sentences():
    with pytest.raises(UsageError, match=r"16 pixels.*\.$"):
        build("gan", to_json(replace(CONFIG, grown=2)), (3, 16, 16))
    with pytest.raises(UsageError, match=r"Spectral.*\.$"):
        build("gan", to_json(replace(CONFIG, grown=1, regulariser="spectral")), (3, 16, 16))
