"""PCA as a model: the contract as far as it applies, numpy's own decomposition, and the density in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from engine.checkpoints.model_file import ModelHeader, load_model, save_model
from engine.errors import CheckpointError, Unsupported, UsageError
from engine.families import FAMILIES, KNOWN, LINEAR, build, family
from engine.knobs import from_json, to_json
from tests.contract.tiny import PlainSteps, images

SHAPE = (3, 8, 8)
SIZE = math.prod(SHAPE)
COMPONENTS = 5


def pictures(n=200, seed=0):
    """Correlated rows (n, SIZE) in about [-0.5, 0.5]."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(SIZE, 9)) * np.geomspace(1, 0.05, 9)
    return 0.08 * (rng.normal(size=(n, 9)) @ mixing.T) + 0.01 * rng.normal(size=(n, SIZE)) + 0.1


def made(rows=None, dtype=torch.float32):
    """A model of the rows, put together from numpy's decomposition."""
    rows = pictures() if rows is None else rows
    centred = rows - rows.mean(0)
    _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
    variances = lengths**2 / len(rows)
    model = build("pca", {"components": COMPONENTS}, SHAPE).to(dtype)
    model.set_components(
        mean=torch.from_numpy(rows.mean(0)),
        axes=torch.from_numpy(axes[:COMPONENTS].copy()),
        deviations=torch.from_numpy(np.sqrt(variances[:COMPONENTS])),
        noise=math.sqrt(variances[COMPONENTS:].sum() / (SIZE - COMPONENTS)),
    )
    return model.eval().requires_grad_(False)


def image(rows, dtype=torch.float32):
    return torch.from_numpy(rows).to(dtype).view(len(rows), *SHAPE)


def test_it_stands_beside_the_families_and_is_no_family():
    assert set(LINEAR) == {"pca"}
    assert not set(LINEAR) & set(FAMILIES)
    assert family("pca").model.abilities.encode == "amortised"
    assert list(KNOWN)[: len(FAMILIES) + 1] == [*FAMILIES, "pca"]


def test_codes_of_real_pictures_are_white_and_decoding_gives_numpys_projection():
    rows = pictures()
    model = made(rows)
    x = image(rows)
    codes = model.encode(x).double()
    torch.testing.assert_close(codes.mean(0), torch.zeros(COMPONENTS, dtype=torch.float64), atol=1e-4, rtol=0)
    white = torch.eye(COMPONENTS, dtype=torch.float64)
    torch.testing.assert_close(codes.T @ codes / len(rows), white, atol=1e-3, rtol=0)
    centred = rows - rows.mean(0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    wanted = centred @ axes[:COMPONENTS].T @ axes[:COMPONENTS] + rows.mean(0)
    assert abs(wanted).max() < 1
    once = model.decode(model.encode(x))
    torch.testing.assert_close(once, image(wanted), atol=1e-5, rtol=0)
    # A projection: a second time changes nothing.
    torch.testing.assert_close(model.decode(model.encode(once)), once, atol=1e-5, rtol=0)


def test_the_density_is_that_of_the_gaussian_with_that_covariance():
    rows = pictures()
    model = made(rows, torch.float64)
    axes, deviations = model.axes.numpy(), model.deviations.numpy()
    noise = float(model.noise)
    covariance = axes.T @ np.diag(deviations**2) @ axes + noise**2 * (np.eye(SIZE) - axes.T @ axes)
    sign, log_volume = np.linalg.slogdet(covariance)
    off = rows[:7] - model.mean.numpy()
    squares = np.einsum("ni,ij,nj->n", off, np.linalg.inv(covariance), off)
    wanted = -0.5 * (squares + log_volume + SIZE * np.log(2 * np.pi))
    assert sign == 1
    np.testing.assert_allclose(model.log_prob(image(rows[:7], torch.float64)).numpy(), wanted, rtol=1e-9)


def test_the_noise_is_the_most_likely_one():
    rows = pictures()
    model = made(rows, torch.float64)
    x = image(rows, torch.float64)
    best = float(model.log_prob(x).mean())
    for factor in (0.9, 1.1):
        model.noise.mul_(factor)
        assert float(model.log_prob(x).mean()) < best
        model.noise.div_(factor)


def test_it_keeps_the_contract():
    model = made()
    z = model.sample_codes(4, generator=torch.Generator().manual_seed(0))
    x = model.decode(z)
    assert x.shape == (4, *SHAPE)
    assert model.decode(1000 * z).abs().max() == 1
    assert not torch.equal(model.decode(z + 0.5), x)
    torch.testing.assert_close(model.decode(z[1:2]), x[1:2], atol=1e-6, rtol=0)
    assert model.bits_per_dim(images(3, SHAPE)).shape == (3,)
    matrix = model.first_layer()
    torch.testing.assert_close((z @ matrix.T + model.mean).view_as(x).clamp(-1, 1), x)
    with pytest.raises(Unsupported, match="computed at once"):
        PlainSteps(model.requires_grad_(True)).run(images(2, SHAPE), 1)
    slope = z.clone().requires_grad_()
    model.decode(slope).square().sum().backward()
    assert slope.grad is not None
    assert slope.grad.abs().max() > 0


def test_saved_in_half_precision_it_is_the_same_model(tmp_path):
    model = made()
    settings = to_json(from_json(family("pca").config, {"components": COMPONENTS}))
    save_model(tmp_path / "m.safetensors", model, ModelHeader("pca", settings, SHAPE, title="Flat"), half=True)
    again, header, _ = load_model(tmp_path / "m.safetensors")
    assert header.family == "pca"
    z = model.sample_codes(8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(again.decode(z), model.decode(z), atol=2e-3, rtol=0)
    x = image(pictures(5, seed=3))
    torch.testing.assert_close(again.log_prob(x), model.log_prob(x), rtol=1e-2, atol=1.0)


def test_flat_data_gives_no_infinite_figure():
    model = made(np.full((10, SIZE), 0.25))
    assert bool(torch.isfinite(model.log_prob(images(3, SHAPE))).all())
    assert bool(torch.isfinite(model.encode(images(3, SHAPE))).all())


@pytest.mark.parametrize(
    ("config", "shape", "words"),
    [({"components": SIZE}, SHAPE, "fewer than the 192"), ({"components": 8192}, (3, 512, 512), "over 1,000,000,000")],
)
def test_nonsense_is_refused(config, shape, words):
    with pytest.raises(UsageError, match=words):
        build("pca", config, shape)


def test_a_file_that_promises_a_giant_is_refused_before_memory_is_taken(tmp_path):
    path = tmp_path / "m.safetensors"
    save_model(path, made(), ModelHeader("pca", {"components": 8000}, (3, 128, 128)))
    with pytest.raises(CheckpointError, match="does not fit"):
        load_model(path)
