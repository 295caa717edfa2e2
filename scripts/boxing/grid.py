"""The checkerboard figure: does a grid of 2 or 4 pixels stand out in pictures, as transposed convolutions leave it?

Odena, Dumoulin and Olah 2016, "Deconvolution and Checkerboard Artifacts": uneven overlap of strides draws patterns
whose period is the stride, 2 pixels, and 4 where two layers do it. In the spectrum they are single points.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

PERIODS: Final = (2, 4)
"""In pixels."""
NEAR: Final = (-3, -2, 2, 3)
"""Frequencies beside a grid's point that it is compared with; its nearest are left out, the window smears it there."""


def grid_energy(pictures: NDArray[np.uint8], period: int) -> NDArray[np.float64]:
    """(N, P, 2): power of pictures (N, S, S, C) at each of a grid's P points of the spectrum, and the mean around it.

    Of grey values under a Hann window. The points are across, down and both ways aslant. Those on an axis are compared
    along it, for level and upright edges make the axes bright in every picture.
    """
    grey = np.asarray(pictures, np.float64).mean(-1)
    side = grey.shape[1]
    window = np.hanning(side + 1)[:side]
    grey = (grey - grey.mean((1, 2), keepdims=True)) * window[:, None] * window
    power = np.abs(np.fft.fft2(grey)) ** 2
    at = side // period
    beside = {
        (at, 0): [(at + d, 0) for d in NEAR],
        (0, at): [(0, at + d) for d in NEAR],
        (at, at): [(at + d, at + e) for d in NEAR for e in NEAR],
        (at, side - at): [(at + d, side - at + e) for d in NEAR for e in NEAR],
    }
    found = [
        (power[:, y, x % side], np.mean([power[:, v % side, u % side] for v, u in around], axis=0))
        for (y, x), around in beside.items()
    ]
    return np.stack([np.stack(pair, -1) for pair in found], 1)


def grid_excess(energy: NDArray[Any], real: NDArray[Any]) -> float:
    """What stands out at the grid's brightest point, as a share of the power around it there or in real pictures.

    Of rows of `grid_energy`; the larger power counts. 0: nothing stands out; 1: a grid as strong as all detail of that
    fineness. A blurred picture has hardly any power there, so what stands out of it does not count for much.
    """
    ours, theirs = energy.mean(0), real.mean(0)
    around = np.maximum(np.maximum(ours[:, 1], theirs[:, 1]), 1e-12)
    return float(((ours[:, 0] - ours[:, 1]) / around).max())
