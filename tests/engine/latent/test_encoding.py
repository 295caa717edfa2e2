"""A photo inside a model: improved codes, the encoder beside a GAN, percentiles, and files that are damaged."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from engine import library
from engine.api import DrawRequest, Sampled
from engine.errors import Cancelled
from engine.exploring.open_model import OpenModel
from engine.families import FAMILIES
from engine.latent.bits_reference import Reference, Spread, save_reference
from engine.latent.encoder import CodeEncoder, EncoderFacts, EncoderShape, save_encoder
from engine.latent.encoding import EXACT_NOTE
from engine.models.base import Plain
from engine.pictures import to_pictures
from engine.progress import Progress, Step
from engine.session import Session
from tests.contract.tiny import picture, save
from tests.quick import quick

EVERY = pytest.mark.parametrize("family", list(FAMILIES))


@pytest.fixture
def session(tmp_path, monkeypatch) -> Session:
    monkeypatch.setattr(library, "shipped_models", list)
    home = tmp_path / "home"
    (home / "models").mkdir(parents=True)
    return Session(device="cpu", home=home)


def beside(session: Session, family: str, suffix: str):
    return session.models_folder / f"tiny-{family}{suffix}"


def opened(session: Session, family: str) -> OpenModel:
    path = beside(session, family, ".safetensors")
    if not path.exists():
        save(path, family, title=f"Tiny {family}")
    return session.open(str(path))


def with_encoder(session: Session, *, sha256: str | None = None, answer: float = 0.25) -> OpenModel:
    """A tiny GAN with an encoder that answers `answer` in every number."""
    info = opened(session, "gan").info
    encoder = CodeEncoder(EncoderShape(info.code_size, (3, 32, 32), 8))
    with torch.no_grad():
        encoder.linear.bias.fill_(answer)
    save_encoder(beside(session, "gan", library.ENCODER), encoder, EncoderFacts(sha256 or info.sha256))
    return opened(session, "gan")


@EVERY
@pytest.mark.parametrize("seed", quick(range(3), 0))
def test_improving_is_never_worse_and_its_curve_never_rises(family, seed, session):
    model = opened(session, family)
    told: list[Step] = []
    plain = model.encode(picture(seed), steps=5, note="cut")
    better = model.encode(picture(seed), steps=15, improve=True, note="cut", progress=Progress(tell=told.append))
    assert better.psnr_db >= plain.psnr_db
    assert better.norm_ratio == pytest.approx(np.sqrt(np.mean(better.code.astype(float) ** 2)), rel=1e-5)
    np.testing.assert_array_equal(better.reconstruction, model.decode(better.code[None])[0])
    assert list(better.errors) == sorted(better.errors, reverse=True)
    if model.info.encode == "exact":
        np.testing.assert_array_equal(better.code, plain.code)
        assert (better.improved, better.errors, told) == (False, (), [])
        assert better.note == f"cut {EXACT_NOTE}"
    else:
        assert (better.improved, better.note, plain.improved) == (True, "cut", False)
        assert [(step.done, step.total) for step in told] == [(i, 15) for i in range(1, len(told) + 1)]
        assert len(told) == len(better.errors) - 1
        # A tiny VAE starts as PCA, which leaves nothing to gain: then the curve is flat.
        if family == "gan" or better.psnr_db > plain.psnr_db:
            assert [step.value for step in told] == list(better.errors[1:])
            assert better.psnr_db > plain.psnr_db


@pytest.mark.parametrize("family", ["vae", "gan"])
def test_improving_stops_within_a_step_when_told(family, session):
    model = opened(session, family)
    model.encode(picture(0), steps=1)
    told = []

    def stop() -> None:
        if len(told) >= 4:
            raise Cancelled

    with pytest.raises(Cancelled):
        model.encode(picture(0), steps=50, improve=True, progress=Progress(stop, told.append))
    assert len(told) == 4


def test_the_search_starts_where_the_encoder_beside_the_model_points(session):
    bare = opened(session, "gan").encode(picture(1), steps=1)
    model = with_encoder(session)
    code = np.full((1, model.info.code_size), 0.25, np.float32)
    start = float(np.sqrt(np.mean((model.decode(code)[0] / 127.5 - picture(1) / 127.5) ** 2)))
    aided = model.encode(picture(1), steps=20)
    assert aided.errors[0] == pytest.approx(start, abs=0.01)
    assert aided.errors[0] != pytest.approx(bare.errors[0], abs=1e-4)
    assert aided.errors[-1] < aided.errors[0]


@pytest.mark.parametrize("damage", ["other model", "cut", "empty", "noise"])
@pytest.mark.slow
def test_a_bad_encoder_is_passed_over_with_a_line_in_the_log(damage, session, caplog):
    expected = opened(session, "gan").encode(picture(2), steps=3)
    with_encoder(session, sha256="b" * 64 if damage == "other model" else None)
    path = beside(session, "gan", library.ENCODER)
    if damage != "other model":
        path.write_bytes({"cut": path.read_bytes()[:-9], "empty": b"", "noise": bytes(range(256)) * 9}[damage])
    with caplog.at_level(logging.WARNING):
        model = opened(session, "gan")
    assert "no encoder" in caplog.text
    found = model.encode(picture(2), steps=3)
    np.testing.assert_array_equal(found.code, expected.code)
    # Nor is it taken for a model.
    assert [card.family for card in session.models()] == ["gan"]


def reference_for(model: OpenModel, *, sha256: str | None = None) -> Reference:
    bits = [model.encode(picture(i)).bits_per_dim for i in range(4)]
    middle = float(np.median(bits))
    training, heldout = np.linspace(middle - 1, middle + 1, 50), np.linspace(middle - 1.5, middle + 0.5, 50)
    return Reference(sha256 or model.info.sha256, Spread.of(training), Spread.of(heldout), 5, "exact")


@pytest.mark.parametrize("family", ["vae", "flow"])
def test_percentiles_among_training_and_held_out_images(family, session):
    model = opened(session, family)
    plain = model.encode(picture(0))
    assert (plain.percentile, plain.percentile_training) == (None, None)
    reference = reference_for(model)
    save_reference(beside(session, family, library.REFERENCE), reference)
    model = opened(session, family)
    found = [model.encode(picture(i)) for i in range(4)]
    for one in found:
        assert one.percentile_training == pytest.approx(reference.training.percentile(one.bits_per_dim), abs=0.01)
        assert one.percentile == pytest.approx(reference.heldout.percentile(one.bits_per_dim), abs=0.01)
    by_bits = sorted(found, key=lambda one: one.bits_per_dim)
    shares = [one.percentile for one in by_bits]
    assert shares == sorted(shares)
    readout = model.measure(DrawRequest(Sampled(1, (0.5,))))
    assert readout.percentile_training == pytest.approx(reference.training.percentile(readout.bits_per_dim), abs=0.01)
    assert readout.percentile == pytest.approx(reference.heldout.percentile(readout.bits_per_dim), abs=0.01)


def test_a_bad_reference_is_passed_over(session, caplog):
    model = opened(session, "vae")
    path = beside(session, "vae", library.REFERENCE)
    save_reference(path, reference_for(model, sha256="c" * 64))
    assert opened(session, "vae").encode(picture(0)).percentile is None
    path.write_text("{")
    assert opened(session, "vae").encode(picture(0)).percentile is None
    assert caplog.text.count("no reference") == 2


@EVERY
def test_an_open_model_infers_through_its_frozen_form_and_never_with_old_weights(family, session):
    model = opened(session, family)
    code = model.sample(2, seed=1)
    assert isinstance(model._frozen(), Plain) == (FAMILIES[family].frozen is None)
    before = model.decode(code)
    with torch.no_grad():
        for weight in model._model.parameters():
            weight.mul_(1.05).add_(0.02)
    after = model.decode(code)
    with torch.inference_mode():
        expected = to_pictures(model._model.decode(torch.from_numpy(code)))
    assert np.abs(after.astype(int) - expected).max() <= 1
    assert np.abs(after.astype(int) - before).max() > 1
