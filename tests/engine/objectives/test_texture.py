"""Texture: how busy a place is counts, where each pixel stands does not."""

from __future__ import annotations

import torch
from torch.nn.functional import avg_pool2d, interpolate

from engine.objectives.texture import texture_distance


def stripes(*, shifted: int = 0, size: int = 32) -> torch.Tensor:
    columns = (torch.arange(size) + shifted) // 2 % 2
    return (columns * 1.0 - 0.5).expand(2, 3, size, size)


def test_equal_pictures_have_no_distance():
    x = torch.rand(2, 3, 32, 32)
    assert float(texture_distance(x, x)) == 0.0


def test_a_moved_pattern_is_near_and_a_blurred_one_far():
    real = stripes()
    moved = stripes(shifted=2)
    blurred = interpolate(avg_pool2d(real, 4), scale_factor=4.0, mode="bilinear")
    assert (moved - real).square().mean() > 2 * (blurred - real).square().mean()
    assert 10 * texture_distance(moved, real) < texture_distance(blurred, real)


def test_it_teaches_a_flat_picture_to_become_busy():
    flat = (0.01 * torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))).requires_grad_(True)
    before = texture_distance(flat, stripes())
    (slope,) = torch.autograd.grad(before, flat)
    assert torch.isfinite(slope).all()
    after = texture_distance(flat - 20.0 * slope / slope.abs().max() * 0.01, stripes())
    assert after < before


def test_small_pictures_have_fewer_bands():
    x = torch.rand(1, 1, 8, 8)
    assert torch.isfinite(texture_distance(x, x.flip(3)))
