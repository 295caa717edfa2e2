"""A short code draws a more average picture: the length of a GAN's code truncates its first features."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from engine.checkpoints.model_file import ModelHeader, load_model, save_model
from engine.models.gan import Dcgan
from tests.contract.tiny import PlainSteps, images, make, tiny_config

SHAPE = (3, 16, 16)


def trained() -> Dcgan:
    model = make("gan", shape=SHAPE)
    assert isinstance(model, Dcgan)
    steps = PlainSteps(model, rate=1e-2)
    model.train()
    for steps.index in range(1, 13):
        model.training_step(images(8, SHAPE, seed=steps.index), steps)
    return model.eval()


def spread(model: Dcgan, temperature: float) -> float:
    codes = model.sample_codes(32, temperature=temperature, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        return float(model.decode(codes).std(0).mean())


def test_colder_samples_are_more_alike_down_to_one_average_picture():
    model = trained()
    spreads = [spread(model, temperature) for temperature in (0.0, 0.3, 0.6, 1.0)]
    assert spreads == sorted(spreads)
    assert spreads[0] < 1e-6 < spreads[1]


def test_the_average_is_that_of_the_first_features():
    model = trained()
    codes = model.sample_codes(4000, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        unit = codes / codes.square().mean(1, keepdim=True).sqrt()
        mean = model.generator.first_features(unit).mean(0, keepdim=True)
        wide = float(model.generator.first_features(unit).std(0).mean())
    # The running mean follows batches of 8 at one hundredth: it is near, not equal.
    assert float((mean - model.generator.centre).abs().mean()) < wide


def test_a_code_of_the_usual_length_is_drawn_as_it_is():
    model = trained()
    code = torch.randn(1, model.spec.size)
    code = code / code.square().mean().sqrt()
    with torch.inference_mode():
        usual = model.decode(code)
        model.generator.centre.zero_()
        torch.testing.assert_close(model.decode(code), usual, atol=1e-5, rtol=0)


def test_a_file_from_before_draws_its_codes_as_they_are(tmp_path: Path):
    model = trained()
    header = ModelHeader("gan", tiny_config("gan"), SHAPE, "Old", 12, {})
    save_model(tmp_path / "new.safetensors", model, header)
    state = load_file(tmp_path / "new.safetensors")
    old = {key: value for key, value in state.items() if not key.startswith("generator.cent")}
    with safe_open(tmp_path / "new.safetensors", "pt") as file:
        metadata = file.metadata()
    save_file(old, tmp_path / "old.safetensors", metadata=metadata)
    loaded, _, _ = load_model(tmp_path / "old.safetensors")
    assert isinstance(loaded, Dcgan)
    code = 0.5 * torch.randn(3, loaded.spec.size)
    with torch.inference_mode():
        plain = torch.relu(loaded.generator.stem_norm(loaded.generator.stem(code).unflatten(1, (-1, 4, 4))))
        torch.testing.assert_close(loaded.generator.first_features(code), plain)
