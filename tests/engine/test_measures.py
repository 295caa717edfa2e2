"""Picture measures agree with their formulas written out slowly, and move the way a person would say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.measures import diversity, error_map, heat_colours, pairwise_spread, psnr, sharpness, ssim


def picture(seed: int = 0, shape: tuple[int, ...] = (20, 17, 3)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    ramp = np.add.outer(np.arange(shape[0]), np.arange(shape[1])) * 4.0
    return np.clip(ramp.reshape(*shape[:2], 1) + rng.normal(0, 30, shape), 0, 255).astype(np.uint8)


def blurred(x: np.ndarray) -> np.ndarray:
    y = x.astype(float)
    y = (np.roll(y, 1, -3) + y + np.roll(y, -1, -3)) / 3
    return ((np.roll(y, 1, -2) + y + np.roll(y, -1, -2)) / 3).astype(np.uint8)


def slow_ssim(a: np.ndarray, b: np.ndarray, peak: float) -> float:
    """Wang et al. 2004, equations 5 to 16, window by window."""
    offsets = range(-5, 6)
    weights = np.array([[math.exp(-(i * i + j * j) / (2 * 1.5**2)) for j in offsets] for i in offsets])
    weights /= weights.sum()
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    values = []
    for c in range(a.shape[2]):
        for i in range(a.shape[0] - 10):
            for j in range(a.shape[1] - 10):
                x, y = (p[i : i + 11, j : j + 11, c].astype(float) for p in (a, b))
                mx, my = (weights * x).sum(), (weights * y).sum()
                sx, sy = (weights * (x - mx) ** 2).sum(), (weights * (y - my) ** 2).sum()
                sxy = (weights * (x - mx) * (y - my)).sum()
                values.append((2 * mx * my + c1) * (2 * sxy + c2) / ((mx**2 + my**2 + c1) * (sx + sy + c2)))
    return float(np.mean(values))


def test_psnr_of_a_known_error():
    a = np.full((4, 5, 3), 100, dtype=np.uint8)
    assert psnr(a, a + np.uint8(10)) == pytest.approx(10 * math.log10(255**2 / 100))
    assert psnr(a + np.uint8(10), a) == psnr(a, a + np.uint8(10))
    assert psnr(a, a) == math.inf
    x = a / 255
    assert psnr(x, x + 0.1, value_range=1.0) == pytest.approx(20)


def test_psnr_is_the_same_in_every_range():
    a, b = picture(0), picture(1)
    expected = psnr(a, b)
    assert psnr(a / 127.5 - 1, b / 127.5 - 1, value_range=2.0) == pytest.approx(expected)
    assert psnr(a / 255, b / 255, value_range=1.0) == pytest.approx(expected)


@pytest.mark.parametrize("shape", [(20, 17, 3), (11, 11, 1)])
def test_ssim_equals_the_slow_formula(shape: tuple[int, int, int]):
    a = picture(0, shape)
    b = np.clip(a.astype(int) + np.random.default_rng(5).integers(-40, 40, shape), 0, 255).astype(np.uint8)
    assert ssim(a, b) == pytest.approx(slow_ssim(a, b, 255), abs=1e-9)
    assert ssim(a / 255, b / 255, value_range=1.0) == pytest.approx(ssim(a, b), abs=1e-9)
    assert ssim(a, a) == pytest.approx(1, abs=1e-12)
    assert ssim(a[..., 0], b[..., 0]) == pytest.approx(ssim(a[..., :1], b[..., :1]), abs=1e-12)


def test_ssim_falls_with_noise_and_inversion_is_below_zero():
    a = picture(0, (32, 32, 3))
    worse = [
        ssim(a, np.clip(a + np.random.default_rng(1).normal(0, s, a.shape), 0, 255).astype(np.uint8))
        for s in (5, 20, 60)
    ]
    assert 1 > worse[0] > worse[1] > worse[2]
    assert ssim(a, 255 - a) < 0


def test_sharpness_of_a_checkerboard_and_a_ramp():
    board = (np.indices((8, 8)).sum(0) % 2 * 255).astype(np.uint8)
    assert sharpness(board) == pytest.approx(4)
    ramp = np.tile(np.arange(8, dtype=np.uint8) * 9, (8, 1))
    assert sharpness(ramp) == 0
    assert 0 < sharpness(blurred(picture())) < sharpness(picture())


@pytest.mark.parametrize("block", [3, 1000])
def test_spread_equals_all_pairs_by_hand(block: int):
    images = np.stack([picture(s) for s in range(8)])
    by_hand = [math.sqrt(np.mean((images[i] / 255 - images[j] / 255) ** 2)) for i in range(8) for j in range(i + 1, 8)]
    assert pairwise_spread(images, block=block) == pytest.approx(np.mean(by_hand), rel=1e-9)
    assert pairwise_spread(images / 255, value_range=1.0, block=block) == pytest.approx(np.mean(by_hand), rel=1e-9)


def test_diversity_sees_a_collapse():
    real = np.stack([picture(s) for s in range(8)])
    assert diversity(real, real) == pytest.approx(1)
    narrow = np.concatenate([real[:1]] * 7 + [real[1:2]])
    assert 0 < diversity(narrow, real) < 0.5
    assert diversity(narrow, real) == pytest.approx(pairwise_spread(narrow) / pairwise_spread(real))
    assert diversity(np.stack([real[0]] * 5), real) == pytest.approx(0, abs=1e-9)
    assert diversity(real, np.stack([real[0]] * 5)) is None


def test_error_map_is_dark_where_equal_and_light_where_not():
    a = np.zeros((4, 4, 3), dtype=np.uint8)
    b = a.copy()
    b[0, 0], b[1, 1] = 255, 64
    found = error_map(a, b)
    assert (found.dtype, found.shape) == (np.uint8, (4, 4, 3))
    np.testing.assert_array_equal(found[3, 3], heat_colours()[0])
    np.testing.assert_array_equal(found[0, 0], heat_colours()[255])
    np.testing.assert_array_equal(found[1, 1], heat_colours()[64])
    np.testing.assert_array_equal(error_map(a, b, gain=4)[1, 1], heat_colours()[255])
    np.testing.assert_array_equal(found, error_map(b, a))


def test_heat_colours_rise_in_lightness_by_even_steps():
    linear = heat_colours() / 255
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    lightness = np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance)
    assert lightness[0] < 5
    assert lightness[-1] > 88
    steps = lightness[8:] - lightness[:-8]
    assert steps.min() > 0
    assert steps.max() < 4 * np.median(steps)
    saturation = heat_colours().max(1).astype(int) - heat_colours().min(1)
    assert saturation[80:220].min() > 90
    assert not heat_colours().flags.writeable


def test_misuse_is_named():
    a = picture()
    with pytest.raises(ValueError, match="value_range"):
        psnr(a / 255, a / 255)
    with pytest.raises(ValueError, match="one shape"):
        psnr(a, a[:5])
    with pytest.raises(ValueError, match="one dtype"):
        psnr(a, a / 255)
    with pytest.raises(ValueError, match="11 px"):
        ssim(a[:10], a[:10])
    with pytest.raises(ValueError, match="at least two"):
        pairwise_spread(a[None])
