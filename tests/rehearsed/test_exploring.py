"""What Explore asks of a model on a GPU, with numbers: drawing, searches, directions, ways and maps of every family.

Each answer is compared with the CPU's where it is a matter of arithmetic alone, so that a rehearsal that computed
nothing would fail. Not rehearsed: lanes (a thread each; the simulated device belongs to one thread).
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.api import Coded, DrawRequest, LevelRule, Sampled
from engine.checkpoints.model_file import ModelHeader
from engine.device import Device, placed
from engine.exploring.open_model import OpenModel
from engine.families import FAMILIES
from engine.latent import paths
from engine.latent.direction_files import DirectionSet
from engine.latent.directions import METHODS, Direction, apply, fit_attribute, pca_directions
from engine.latent.encoder import CodeEncoder, EncoderShape
from engine.latent.encoding import Aids
from engine.latent.factorisation import UNSUPERVISED, Search, find_directions
from engine.latent.features import energies
from engine.latent.inversion import invert, refine, regression_guess
from engine.models.base import LatentModel
from engine.progress import Progress
from tests.contract.tiny import images, make, picture, stir, tiny_config

pytestmark = pytest.mark.rehearsed

SHAPE = (3, 32, 32)
EVERY = pytest.mark.parametrize("family", list(FAMILIES))
SIMULATED = Device("cuda", "simulated")


def stirred(family: str) -> LatentModel:
    return stir(make(family, shape=SHAPE), amount=0.02).eval()


def opened(family: str, device: Device = SIMULATED, *, aids: Aids | None = None) -> OpenModel:
    model = stirred(family)
    smile = Direction("Smiling", np.eye(model.spec.size, dtype=np.float32)[0], 2.0)
    header = ModelHeader(family, tiny_config(family), SHAPE, title="Tiny")
    shipped = DirectionSet("ab", (smile,))
    return OpenModel(model, header, key="tiny", sha256="ab", directions=shipped, device=device, aids=aids)


@EVERY
def test_pictures_are_drawn_as_on_the_cpu(cuda, family):
    here, there = opened(family, Device("cpu", "CPU")), opened(family)
    there.warm_up()
    codes = there.sample(3, seed=4)
    np.testing.assert_array_equal(codes, here.sample(3, seed=4))
    assert np.abs(there.decode(codes).astype(int) - here.decode(codes)).max() <= 1
    for precision in ("float32", "float64"):
        request = DrawRequest(
            Sampled(3, 0.8),
            edits=(("Smiling", 1.5),),
            levels=(LevelRule(taken=Coded(codes[0])),) * len(there.info.groups),
            precision=precision,
        )
        drawn, expected = there.draw(request), here.draw(request)
        assert np.abs(drawn.picture.astype(int) - expected.picture).max() <= 1
        readout = there.measure(request)
        assert readout.norm_ratio > 0
        assert (readout.bits_per_dim is None) == (there.info.density == "none")
    request = DrawRequest(Coded(codes[1]))
    assert there.decode(there.neighbour(request, 3, side=3, radius=0.3, seed=1)[None]).shape == (1, 32, 32, 3)
    assert len(there.level_maps(request)) == len(there.info.groups)
    for method in paths.PATHS:
        there.decode(there.morph(codes, [0.0, 0.4, 1.0], method=method, loop=True))
        there.decode(there.morph_pad(codes, 0.3, 0.6, method=method)[None])


@EVERY
@pytest.mark.parametrize("improve", [False, True])
def test_a_photo_is_encoded_and_its_code_improved(cuda, family, improve):
    here, there = opened(family, Device("cpu", "CPU")), opened(family)
    found = there.encode(picture(3), steps=4, improve=improve)
    expected = here.encode(picture(3), steps=4, improve=improve)
    assert found.psnr_db == pytest.approx(expected.psnr_db, abs=0.5)
    assert found.improved == expected.improved
    assert there.codes_of(np.stack([picture(1), picture(2)]), steps=1).shape == (2, there.info.code_size)


def test_an_encoder_beside_a_model_is_used_there(cuda):
    size = stirred("gan").spec.size
    encoder = CodeEncoder(EncoderShape(size, SHAPE, width=8))
    model = placed(stirred("gan"), cuda)
    codes = model.sample_codes(32, generator=torch.Generator().manual_seed(0))
    placed(encoder, cuda).prepare(model.decode(codes).detach(), codes)
    encoder.eval().requires_grad_(False)
    found = opened("gan", aids=Aids(encoder=encoder)).encode(picture(3), steps=2)
    assert np.isfinite(found.psnr_db)


@EVERY
def test_a_search_descends_there(cuda, family):
    model = placed(stirred(family), cuda).eval()
    target = images(1, SHAPE).to(cuda)
    guess = regression_guess(model, samples=32, generator=torch.Generator().manual_seed(0))
    told: list[int] = []
    found = invert(
        model,
        target,
        steps=3,
        starts=8,
        guess=guess,
        features=energies,
        generator=torch.Generator().manual_seed(0),
        progress=Progress(tell=lambda step: told.append(step.done)),
    )
    assert found.code.is_cuda
    again = refine(model, target, model.sample_codes(1), steps=4, features=energies)
    assert again.code.is_cuda
    assert again.errors[-1] < again.errors[0]
    assert (model.abilities.encode == "exact") == (not told)


@EVERY
@pytest.mark.parametrize("method", list(UNSUPERVISED))
def test_directions_are_found_without_labels(cuda, family, method):
    model = placed(stirred(family), cuda).eval().requires_grad_(False)
    if method == "weights" and model.first_layer() is None:
        pytest.skip("this family has no first layer that sees a code whole")
    codes = model.sample_codes(24, generator=torch.Generator().manual_seed(0)).cpu()
    here = find_directions(
        stirred(family).requires_grad_(False), method, count=3, search=Search(codes=codes, samples=32)
    )
    there = find_directions(model, method, count=3, search=Search(codes=codes, samples=32))
    assert [d.name for d in there] == [d.name for d in here]
    # An axis near another of its strength may turn towards it, so the spread is compared and not the vector.
    np.testing.assert_allclose([d.sigma for d in there], [d.sigma for d in here], rtol=0.1)


@pytest.mark.parametrize("method", list(METHODS))
def test_attributes_are_fitted_to_codes_that_lie_there(cuda, method):
    codes = torch.randn(40, 6, generator=torch.Generator().manual_seed(0))
    has_it = codes[:, 1] > 0
    here = fit_attribute(codes, has_it, name="One", method=method)
    there = fit_attribute(codes.to(cuda), has_it.to(cuda), name="One", method=method)
    np.testing.assert_allclose(there.vector, here.vector, atol=1e-5)
    moved = apply(codes.to(cuda), {"One": 1.0}, DirectionSet("ab", (there,)))
    assert moved.is_cuda
    assert len(pca_directions(codes.to(cuda), 3)) == 3


@pytest.mark.parametrize("method", list(paths.PATHS))
def test_ways_between_codes_that_lie_there(cuda, method):
    groups = stirred("flow").spec.groups
    codes = torch.randn(3, groups[-1].stop, generator=torch.Generator().manual_seed(0))
    at = torch.linspace(0, 1, 5)
    for there_at in (at, at.to(cuda), at.numpy(), at.tolist()):
        found = paths.path(codes.to(cuda), there_at, method=method, loop=False, groups=groups)
        assert found.is_cuda
        expected = paths.path(codes, at, method=method, loop=False, groups=groups)
        torch.testing.assert_close(found.cpu(), expected)
    assert paths.pad(codes.to(cuda), 0.2, 0.7, method=method, groups=groups).is_cuda
