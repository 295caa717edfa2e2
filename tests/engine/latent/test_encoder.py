"""An encoder beside a generator: what it learns by regression, its file, and what that file refuses."""

from __future__ import annotations

import struct

import pytest
import torch
from safetensors.torch import load, save

from engine.errors import CheckpointError
from engine.latent.encoder import CodeEncoder, EncoderFacts, EncoderShape, load_encoder, save_encoder
from tests.contract.tiny import images

SHAPE = (3, 32, 32)
SHA = "a" * 64


def made(code: int = 6, shape=SHAPE, width: int = 8) -> CodeEncoder:
    encoder = CodeEncoder(EncoderShape(code, shape, width))
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    return encoder.eval()


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "tiny.encoder.safetensors"
    save_encoder(path, made(), EncoderFacts(SHA, {"steps": 7}))
    return path


def opened(path, **other):
    return load_encoder(path, **{"model_sha256": SHA, "code": 6, "image_shape": SHAPE, **other})


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 16, 16), (3, 8, 8), (3, 128, 128)])
def test_any_image_size_gives_codes_and_features(shape):
    encoder, batch = made(shape=shape), images(2, shape)
    assert encoder(batch).shape == (2, 6)
    assert all(len(found) == 2 for found in encoder.features(batch))


def test_the_file_gives_back_the_same_encoder_but_for_rounding(tmp_path):
    encoder, path = made(), tmp_path / "e.safetensors"
    save_encoder(path, encoder, EncoderFacts(SHA, {"steps": 7}))
    again, facts = opened(path)
    batch = images(4, SHAPE)
    torch.testing.assert_close(again(batch), encoder(batch), atol=0.02, rtol=0.02)
    assert (facts.model_sha256, facts.card) == (SHA, {"steps": 7})
    assert not again.training
    assert not any(p.requires_grad for p in again.parameters())
    save_encoder(path, again, facts)
    assert torch.equal(opened(path)[0](batch), again(batch))


def test_it_is_refused_on_another_model_with_the_reason(path):
    with pytest.raises(CheckpointError, match=r"belongs to another model \(aaaaaaaaaaaa, this one is bbbbbbbbbbbb"):
        opened(path, model_sha256="b" * 64)
    for other in ({"code": 7}, {"image_shape": (3, 64, 64)}):
        with pytest.raises(CheckpointError, match="does not fit"):
            opened(path, **other)


def test_damage_of_every_kind_is_an_error_in_one_sentence(path):
    data = path.read_bytes()
    tensors = load(data)
    length = struct.unpack("<Q", data[:8])[0]
    metadata = {
        "schema": "latent-loom/encoder/1",
        "model_sha256": SHA,
        "code": "6",
        "image_shape": "[3, 32, 32]",
        "width": "8",
        "card": "{}",
    }
    wrong = {
        "empty": b"",
        "cut header": data[:40],
        "cut": data[:-50],
        "pickle": b"\x80\x04\x95" + bytes(60),
        "no metadata": save(tensors),
        "endless header": struct.pack("<Q", 2**60) + data[8:],
        "header of noise": data[:8] + bytes(length) + data[8 + length :],
        "missing": save({k: v for k, v in tensors.items() if k != "head.bias"}, metadata=metadata),
        "more": save({**tensors, "extra": torch.zeros(1)}, metadata=metadata),
        "shape": save({**tensors, "head.bias": torch.zeros(5)}, metadata=metadata),
        "kind": save({**tensors, "head.bias": torch.zeros(6, dtype=torch.int32)}, metadata=metadata),
        "nan": save({**tensors, "head.bias": torch.full((6,), torch.nan)}, metadata=metadata),
        "huge": save(tensors, metadata={**metadata, "width": "100000000"}),
        "negative": save(tensors, metadata={**metadata, "width": "-8"}),
        "card": save(tensors, metadata={**metadata, "card": "[1]"}),
        "sides": save(tensors, metadata={**metadata, "image_shape": "[3, 32]"}),
    }
    assert save(tensors, metadata=metadata) != data
    for name, content in wrong.items():
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=path.name) as caught:
            opened(path)
        assert "\n" not in str(caught.value), name
    path.unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        opened(path)


def test_the_linear_start_finds_planted_codes():
    generator = torch.Generator().manual_seed(0)
    codes = torch.randn(400, 6, generator=generator)
    basis = torch.nn.functional.interpolate(torch.randn(6, 3, 4, 4, generator=generator), (32, 32), mode="bilinear")
    batch = torch.einsum("nd,dchw->nchw", codes, basis) * 0.1
    encoder = CodeEncoder(EncoderShape(6, SHAPE, 8))
    encoder.prepare(batch[:300], codes[:300])
    with torch.no_grad():
        # Before any training the network's own part is silent, so this is the regression alone.
        found = encoder(batch[300:])
    assert float((found - codes[300:]).square().mean()) < 0.05
