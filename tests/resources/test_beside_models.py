"""What lies beside the models in the box belongs to them, is whole, and is small."""

from __future__ import annotations

import pytest

import resources
from engine.checkpoints.model_file import load_model
from engine.latent.bits_reference import load_reference
from engine.latent.encoder import load_encoder
from engine.latent.encoding import load_aids

MODELS = resources.path("models")


def test_the_gans_encoder_is_its_own_and_says_where_it_comes_from():
    model, _, digest = load_model(MODELS / "faces-gan-64.safetensors")
    path = MODELS / "faces-gan-64.encoder.safetensors"
    _, facts = load_encoder(path, model_sha256=digest, code=model.spec.size, image_shape=model.spec.image_shape)
    assert path.stat().st_size < 4_000_000
    assert "non-commercial" in facts.card["terms"]
    assert facts.card["test"]["psnr_db"] > 17
    assert load_aids(MODELS / "faces-gan-64.safetensors", model, digest).encoder is not None


@pytest.mark.parametrize("family", ["vae", "glow"])
def test_the_references_are_of_enough_images_of_the_very_model(family):
    model, _, digest = load_model(MODELS / f"faces-{family}-64.safetensors")
    found = load_reference(MODELS / f"faces-{family}-64.reference.json", model_sha256=digest)
    assert min(found.training.n, found.heldout.n) >= 1000
    assert 2**found.bits == model.bins
    assert found.density == model.abilities.density
    assert found.training.percentile(float(found.training.quantiles[100])) == pytest.approx(50, abs=0.5)
    # Both are of the same kind of picture: neither median is at the other's edge.
    assert 20 < found.heldout.percentile(float(found.training.quantiles[100])) < 80
