"""Distances between sets: zero for equal, growing with damage."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.diagnostics.distance import laplacian_pyramid, sliced_wasserstein
from engine.errors import Cancelled, DataError
from engine.progress import Progress


def pictures(count: int = 48, side: int = 32, seed: int = 0) -> np.ndarray:
    """Random soft discs with a little texture."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    cx, cy, r = (rng.uniform(low, high, (count, 1, 1)) * side for low, high in ((0.3, 0.7), (0.3, 0.7), (0.1, 0.4)))
    disc = 0.5 - 0.5 * np.tanh(np.hypot(x - cx, y - cy) - r)
    colour = rng.uniform(60, 220, (count, 1, 1, 3))
    return np.clip(disc[..., None] * colour + rng.normal(15, 10, (count, side, side, 3)), 0, 255).astype(np.uint8)


def blurred(x: np.ndarray, times: int) -> np.ndarray:
    y = x.astype(np.float32)
    for _ in range(times):
        y = (np.roll(y, 1, 1) + 2 * y + np.roll(y, -1, 1)) / 4
        y = (np.roll(y, 1, 2) + 2 * y + np.roll(y, -1, 2)) / 4
    return y.astype(np.uint8)


@pytest.mark.slow
def test_equal_sets_have_no_distance_and_another_draw_has_little():
    a = pictures()
    same = sliced_wasserstein(a, a, patches_per_image=32)
    assert same.distances == (0.0, 0.0)
    assert (same.resolutions, same.images) == ((32, 16), 48)
    other = sliced_wasserstein(a, pictures(seed=9), patches_per_image=32)
    far = sliced_wasserstein(
        a, np.random.default_rng(0).integers(0, 255, a.shape).astype(np.uint8), patches_per_image=32
    )
    assert 0 < other.mean < 0.5 * far.mean


@pytest.mark.slow
def test_distance_grows_with_blur_first_at_the_finest_resolution():
    a = pictures()
    found = [sliced_wasserstein(blurred(a, n), a, patches_per_image=32) for n in (1, 3, 9)]
    assert found[0].mean < found[1].mean < found[2].mean
    assert found[0].distances[0] > found[0].distances[1]


@pytest.mark.slow
def test_distance_repeats_and_is_symmetric():
    a, b = pictures(), pictures(seed=1)
    assert sliced_wasserstein(a, b, patches_per_image=16) == sliced_wasserstein(a, b, patches_per_image=16)
    assert sliced_wasserstein(b, a, patches_per_image=16).mean == pytest.approx(
        sliced_wasserstein(a, b, patches_per_image=16).mean, rel=1e-5
    )
    assert sliced_wasserstein(a, b, patches_per_image=16, seed=4) != sliced_wasserstein(a, b, patches_per_image=16)


def test_contrast_and_scale_do_not_count():
    a, b = pictures(), pictures(seed=1)
    as_bytes = sliced_wasserstein(a, b, patches_per_image=16)
    as_floats = sliced_wasserstein(a / 127.5 - 1, b / 127.5 - 1, patches_per_image=16)
    assert as_floats.mean == pytest.approx(as_bytes.mean, rel=1e-3)


def test_one_slice_of_shifted_patches_by_hand():
    # One pixel value a picture, so that the sorted values can be written down: every patch is flat.
    a = np.repeat(np.arange(10.0), 49).reshape(10, 7, 7, 1)
    b = (np.repeat(np.arange(10.0), 49) ** 2).reshape(10, 7, 7, 1)
    found = sliced_wasserstein(a, b, patches_per_image=1)
    za, zb = ((v - v.mean()) / v.std(ddof=1) for v in (a[:, 0, 0, 0].repeat(49), b[:, 0, 0, 0].repeat(49)))
    gap = np.abs(za - zb).mean()
    # A direction scales both by the sum of its 49 numbers: |sum of a random unit vector| is sqrt(2 / pi) on
    # average.
    assert found.mean == pytest.approx(1000 * gap * np.sqrt(2 / np.pi), rel=0.12)


@pytest.mark.parametrize("side", [32, 33])
def test_a_pyramid_holds_the_whole_picture(side: int):
    x = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    flat = torch.full((1, 1, side, side), 5.0)
    assert float(laplacian_pyramid(flat, 2)[0][..., 4:-4, 4:-4].abs().max()) < 1e-5
    bands = laplacian_pyramid(x, 2)
    assert [band.shape[-1] for band in bands] == [side, (side + 1) // 2]
    spaced = torch.zeros_like(x)
    spaced[:, :, ::2, ::2] = bands[1]
    kernel = torch.outer(*(torch.tensor([1.0, 4, 6, 4, 1]),) * 2).expand(3, 1, 5, 5) / 64
    padded = torch.nn.functional.pad(spaced, (2, 2, 2, 2), mode="reflect")
    torch.testing.assert_close(bands[0] + torch.nn.functional.conv2d(padded, kernel, groups=3), x)


def test_sets_that_do_not_compare_are_refused_and_cancel_is_heard():
    a = pictures(4)
    with pytest.raises(DataError, match="differ in image shape"):
        sliced_wasserstein(a, pictures(4, side=16))
    with pytest.raises(DataError, match="at least two"):
        sliced_wasserstein(a[:1], a)
    with pytest.raises(DataError, match="smaller than the patches"):
        sliced_wasserstein(a[:, :6, :6], a[:, :6, :6])

    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        sliced_wasserstein(a, a, progress=Progress(stop))
