"""Local contrast of pictures, place by place and scale by scale, whatever their exact pixels."""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

SCALES = 2
"""Bands of the pyramid that count: the two finest, where a mean picture is blurred."""
_POOL = 4
_FLOOR = 1e-4


def texture_distance(x: Tensor, y: Tensor) -> Tensor:
    """Mean squared difference of the local contrast of images (B, C, H, W) in [-1, 1]: a 0-d tensor.

    Local contrast is the root mean square of a band of the Laplacian pyramid (Burt & Adelson 1983) over 4x4 pixels.
    Squared error alone prefers a blur to a detail at a slightly wrong place; contrast does not depend on the place,
    nor do the energies of filter pairs in models of texture (Portilla & Simoncelli 2000).
    """
    found = x.new_zeros(())
    for _ in range(SCALES):
        x, here = _band(x)
        y, there = _band(y)
        found = found + (_contrast(here) - _contrast(there)).square().mean()
        if min(x.shape[-2:]) < 2 * _POOL:
            break
    return found


def _band(x: Tensor) -> tuple[Tensor, Tensor]:
    """(half the size, what that leaves out)."""
    small = avg_pool2d(x, 2)
    return small, x - interpolate(small, scale_factor=2.0, mode="bilinear", align_corners=False)


def _contrast(band: Tensor) -> Tensor:
    return torch.sqrt(avg_pool2d(band.square(), _POOL, stride=_POOL // 2) + _FLOOR)
