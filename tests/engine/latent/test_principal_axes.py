"""The PCA baseline is numpy's PCA, in blocks and by iteration too, and its pictures are pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.errors import DataError
from engine.latent import principal_axes as pca


def rows(count: int, size: int, rank: int = 12, seed: int = 0) -> np.ndarray:
    """A few strong axes with clearly different lengths, and a little noise; not centred."""
    rng = np.random.default_rng(seed)
    strong = (
        rng.normal(size=(count, rank)) * np.geomspace(10, 2, rank) @ np.linalg.qr(rng.normal(size=(size, rank)))[0].T
    )
    return (5 + strong + 0.05 * rng.normal(size=(count, size))).astype(np.float32)


def faces(count: int = 60, side: int = 12) -> np.ndarray:
    return np.clip(rows(count, side * side * 3) * 8 + 80, 0, 255).astype(np.uint8).reshape(count, side, side, 3)


@pytest.mark.parametrize(("count", "size"), [(300, 40), (40, 300)])
@pytest.mark.parametrize("exact", [True, False])
def test_axes_equal_numpy_svd_on_every_road(count: int, size: int, exact: bool, monkeypatch: pytest.MonkeyPatch):
    x = rows(count, size)
    monkeypatch.setattr(pca, "_BLOCK_ROWS", 17)
    # At most 40 on the exact roads, none of them open on the iterative one.
    monkeypatch.setattr(pca, "_EXACT_SIDE", 40 if exact else 1)
    found = pca.principal_axes(x, 8)
    _, lengths, vectors = np.linalg.svd(x.astype(np.float64) - x.mean(0, dtype=np.float64), full_matrices=False)
    np.testing.assert_allclose(found.mean, x.mean(0), rtol=1e-4)
    np.testing.assert_allclose(found.deviations, lengths[:8] / np.sqrt(count), rtol=1e-4)
    np.testing.assert_allclose(found.shares, lengths[:8] ** 2 / np.sum(lengths**2), rtol=1e-3)
    np.testing.assert_allclose(np.abs(np.sum(found.axes.numpy() * vectors[:8], axis=1)), 1, atol=1e-4)
    np.testing.assert_allclose(found.axes @ found.axes.T, np.eye(8), atol=1e-5)


def test_axes_repeat_and_their_sign_is_fixed():
    x = rows(300, 40)
    first, second = pca.principal_axes(x, 5), pca.principal_axes(torch.from_numpy(x), 5)
    assert torch.equal(first.axes, second.axes)
    peaks = first.axes.gather(1, first.axes.abs().argmax(1, keepdim=True))
    assert bool((peaks > 0).all())


def test_more_components_than_there_are_become_fewer():
    assert pca.principal_axes(rows(5, 30), 50).axes.shape == (4, 30)
    with pytest.raises(DataError, match="at least two"):
        pca.principal_axes(rows(1, 30), 2)
    with pytest.raises(DataError, match="all the same"):
        pca.principal_axes(np.ones((6, 4), dtype=np.uint8), 2)


def test_reconstruction_gets_better_with_components_and_is_whole_with_all():
    images = faces()
    error = [np.abs(pca.reconstruct(pca.fit_pca(images, k), images).astype(int) - images).mean() for k in (1, 4, 59)]
    assert error[0] > error[1] > error[2]
    assert error[2] < 0.01
    found = pca.reconstruct(pca.fit_pca(images, 4), images)
    assert (found.dtype, found.shape) == (np.uint8, images.shape)


def test_samples_have_the_mean_and_spread_of_the_images():
    images = faces(400)
    model = pca.fit_pca(images, 12)
    drawn = pca.sample(model, 2000, generator=torch.Generator().manual_seed(0))
    assert (drawn.dtype, drawn.shape) == (np.uint8, (2000, 12, 12, 3))
    assert np.abs(drawn.mean(0) - images.mean(0)).mean() < 2
    assert drawn.std(0).mean() == pytest.approx(images.std(0).mean(), rel=0.1)
    still = pca.sample(model, 2, temperature=0.0)
    np.testing.assert_array_equal(still[0], still[1])
    again = pca.sample(model, 2000, generator=torch.Generator().manual_seed(0))
    np.testing.assert_array_equal(drawn, again)


def test_a_read_only_memory_map_is_read_in_blocks(tmp_path):
    images = faces(50)
    np.save(tmp_path / "x.npy", images)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert torch.equal(pca.fit_pca(mapped, 5).axes.axes, pca.fit_pca(images, 5).axes.axes)
