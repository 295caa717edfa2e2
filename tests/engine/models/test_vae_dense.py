"""The VAE's dense layers, alone at first, and its learned prior."""

from __future__ import annotations

import pytest
import torch

from engine.errors import UsageError
from engine.models.vae import Vae, VaeConfig
from engine.objectives.elbo import kl_to_standard_normal
from engine.objectives.likelihood import gaussian_log_density
from tests.contract.tiny import PlainSteps, images, stir

SHAPE = (3, 16, 16)


def made(
    *, dense_steps: int = 0, linear: bool = True, texture: float = 0.0, prior: int = 0, free_bits: float = 0.0
) -> Vae:
    torch.manual_seed(0)
    config = VaeConfig(
        code=4,
        width=8,
        dense=16,
        dense_steps=dense_steps,
        linear=linear,
        texture=texture,
        prior=prior,
        free_bits=free_bits,
    )
    model = Vae(config, SHAPE)
    model.prepare(images(64, SHAPE))
    return model


def moved(model: Vae, steps: PlainSteps) -> set[str]:
    before = {name: value.clone() for name, value in model.named_parameters()}
    model.training_step(images(8, SHAPE, seed=steps.index), steps)
    assert all(value.grad is not None for value in model.parameters())
    return {name.partition(".")[0] for name, value in model.named_parameters() if not torch.equal(value, before[name])}


def test_convolutions_wait_for_the_dense_layers():
    model = made(dense_steps=2)
    steps = PlainSteps(model)
    for steps.index in (0, 1):
        assert not moved(model, steps) & {"encoder", "decoder"}
    steps.index = 2
    assert {"encoder", "decoder", "dense_encode", "dense_decode", "linear_decode"} <= moved(model, steps)


def test_together_they_start_where_the_linear_path_is():
    model = made()
    x = images(8, SHAPE)
    with torch.no_grad():
        alone = model.posterior(x, convolutions=False)[0]
        assert (alone - model.linear_encode(model._thumbnail(x).flatten(1))).abs().max() < 0.1
        assert (model._mean_image(alone) - model._mean_image(alone, convolutions=False)).abs().max() < 0.1


def test_dense_layers_need_the_thumbnail():
    with pytest.raises(UsageError, match="dense"):
        made(linear=False)


def test_texture_is_told_only_where_it_counts():
    told = made(texture=1.0)
    assert "texture" in told.training_step(images(8, SHAPE), PlainSteps(told))
    quiet = made()
    assert "texture" not in quiet.training_step(images(8, SHAPE), PlainSteps(quiet))


def test_a_learned_prior_leaves_reconstructions_alone_and_moves_samples():
    plain, model = made().double(), made(prior=3).double()
    stir(model, amount=0.2)
    x = images(8, SHAPE).double()
    with torch.inference_mode():
        seen = model.posterior(x)[0]
        torch.testing.assert_close(model.prior.inverse(model.encode(x)), seen)
        torch.testing.assert_close(
            model.decode(model.encode(x)), model._mean_image(seen).clamp(-1, 1), atol=1e-5, rtol=0
        )
        assert (model.encode(x) - seen).abs().max() > 1e-2
        torch.testing.assert_close(plain.encode(x), plain.posterior(x)[0])


def test_an_importance_weight_is_density_less_kl_of_the_same_sample():
    model = made(prior=3).double()
    stir(model, amount=0.1)
    x = images(3, SHAPE).double()
    noise = torch.randn(2, 3, model.spec.size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with torch.inference_mode():
        mean, log_std = model.posterior(x)
        for weights, part in zip(model.log_weights(x, noise), noise, strict=True):
            seen = model._mean_image(mean + part * log_std.exp())
            density = gaussian_log_density(x, seen, model._decoder_log_std()).flatten(1).sum(1)
            torch.testing.assert_close(weights, density - model.kl(mean, log_std, part).sum(1))


def test_its_kl_is_the_closed_form_where_the_flow_is_the_identity():
    model = made(prior=2).double()
    mean, log_std = model.posterior(images(4, SHAPE).double())
    noise = torch.randn(5000 * 4, model.spec.size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    many = model.kl(mean.repeat(5000, 1), log_std.repeat(5000, 1), noise).sum(1)
    found = many.unflatten(0, (5000, 4)).mean(0)
    torch.testing.assert_close(found, kl_to_standard_normal(mean, log_std).sum(1), rtol=0.1, atol=0.05)


def test_free_bits_and_a_learned_prior_exclude_each_other():
    with pytest.raises(UsageError, match="free_bits"):
        made(prior=2, free_bits=0.1)
