"""The figures of a card: intervals that hold what they promise, and a grid that is seen and told from sharpness."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from boxing.figures import QUICK, Counted, of_samples
from boxing.grid import grid_energy, grid_excess
from boxing.intervals import STUDENT, bootstrap, over_images, over_repeats, ratio_of_means

from tests.contract.tiny import make


def test_a_mean_over_images_has_the_interval_of_the_mean():
    values = np.random.default_rng(0).normal(3.0, 2.0, 400)
    found = over_images(values)
    half = 1.959964 * values.std(ddof=1) / 20
    assert found["mean"] == pytest.approx(values.mean(), abs=1e-5)
    assert found["high"] - found["mean"] == pytest.approx(half, abs=1e-4)
    assert found["n"] == 400


def test_an_interval_over_few_repeats_is_wide_enough():
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(400):
        found = over_repeats(rng.normal(5.0, 1.0, 3).tolist(), 10)
        hits += found["low"] <= 5.0 <= found["high"]
    assert 0.91 < hits / 400 < 0.985
    assert STUDENT[1] == pytest.approx(4.303)
    alone = over_repeats([2.0], 10)
    assert (alone["low"], alone["high"], alone["repeats"]) == (2.0, 2.0, 1)


@pytest.mark.slow
def test_the_bootstrap_of_a_ratio_holds_the_true_ratio_about_as_often_as_it_says():
    rng = np.random.default_rng(2)
    hits = 0
    for seed in range(120):
        ours, theirs = rng.gamma(4, 1, 80), rng.gamma(2, 1, 80)
        found = bootstrap(ratio_of_means, ours, theirs, seed=seed, resamples=200)
        hits += found["low"] <= 2.0 <= found["high"]
    assert hits / 120 > 0.85


def smooth(n=24, side=32, seed=0):
    """Pictures like clouds, of a falling spectrum."""
    rng = np.random.default_rng(seed)
    y, x = np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side), indexing="ij")
    fall = 1 / np.maximum(np.hypot(y, x), 1 / side)
    clouds = np.fft.ifft2(np.fft.fft2(rng.normal(size=(n, side, side))) * fall).real
    clouds = 128 + 40 * clouds / clouds.std()
    return np.repeat(clouds[..., None], 3, -1)


@pytest.mark.parametrize("period", [2, 4])
def test_a_faint_grid_stands_out_at_its_period_and_mere_noise_does_not(period):
    plain = smooth()
    y, x = np.meshgrid(np.arange(32), np.arange(32), indexing="ij")
    grid = 6.0 * ((y % period < period // 2) ^ (x % period < period // 2))
    noise = np.random.default_rng(3).normal(0, 6, plain.shape)

    def excess(pictures):
        energies = (grid_energy(p.round().clip(0, 255).astype(np.uint8), period) for p in (pictures, plain))
        return grid_excess(*energies)

    sharper = plain + 1.0 * (plain - np.roll(plain, 1, 1))
    blurred = (plain + np.roll(plain, 1, 1) + np.roll(plain, 1, 2) + np.roll(plain, (1, 1), (1, 2))) / 4
    others = [abs(excess(pictures)) for pictures in (plain, plain + noise, sharper, blurred)]
    assert excess(plain + grid[..., None]) > 1
    assert max(others) < 0.5


@pytest.mark.slow
def test_a_set_beside_itself_is_perfect_and_one_beside_its_blur_is_not():
    real = smooth(QUICK.part, seed=4).round().clip(0, 255).astype(np.uint8)
    other = smooth(2 * QUICK.part, seed=5).round().clip(0, 255).astype(np.uint8)
    blurred = ((other.astype(float) + np.roll(other, 1, 1) + np.roll(other, 1, 2)) / 3).astype(np.uint8)
    good, bad = of_samples(other, real, QUICK), of_samples(blurred, real, QUICK)
    assert good["sharpness"]["low"] <= 1 <= good["sharpness"]["high"]
    assert bad["sharpness"]["high"] < 0.8
    assert good["diversity"]["mean"] == pytest.approx(1, abs=0.1)
    assert good["swd_32"]["mean"] < bad["swd_32"]["mean"]
    assert good["swd_32"]["repeats"] == 2
    with pytest.raises(ValueError, match="fewer"):
        of_samples(other[:5], real, QUICK)


def test_numbers_that_are_not_finite_are_counted_while_one_looks():
    model = make("vae").eval()
    codes = model.sample_codes(6)
    codes[2] = math.nan
    codes[5] = math.inf
    with torch.inference_mode(), Counted(model) as count:
        model.decode(codes[:3])
        model.decode(codes[3:])
    assert (count.bad, count.seen) == (2, 6)
    with torch.inference_mode():
        model.decode(codes)
    assert count.seen == 6
