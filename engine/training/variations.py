"""Small changes that make several training pictures out of one, for data sets that are small.

All but `lit` work on bytes and copy pixels without resampling, so that they blur nothing.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Variation:
    """How pictures may vary: mirrored, moved by up to `shift` pixels, and up to the share `light` in other light."""

    flip: bool = False
    shift: int = 0
    light: float = 0.0


def mirrored(pictures: NDArray[np.uint8], which: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """(B, H, W, C), those of `which` (B,) mirrored left to right, in place."""
    pictures[which] = pictures[which, :, ::-1]
    return pictures


def shifted(pictures: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.uint8]:
    """(B, H, W, C) moved down and right by `offsets` (B, 2) whole pixels; the border's pixels fill what comes free."""
    height, width = pictures.shape[1:3]
    rows = np.clip(np.arange(height) - offsets[:, :1], 0, height - 1)
    columns = np.clip(np.arange(width) - offsets[:, 1:], 0, width - 1)
    moved: NDArray[np.uint8] = pictures[np.arange(len(pictures))[:, None, None], rows[:, :, None], columns[:, None, :]]
    return moved


def lit(x: Tensor, amounts: Tensor) -> Tensor:
    """(B, C, H, W) in [-1, 1] in other light, clamped to the range.

    `amounts` (B, 2 + C) in [-1, 1] times the strength: of brightness, of contrast about the picture's mean, and of each
    channel's own brightness, which counts half, so that colours change less than light.
    """
    brightness, contrast, tint = amounts[:, :1], amounts[:, 1:2], amounts[:, 2:]
    mean = x.mean((1, 2, 3), keepdim=True)
    shift = (brightness + 0.5 * tint)[:, :, None, None]
    return ((x - mean) * (1.0 + contrast[:, :, None, None]) + mean + shift).clamp(-1.0, 1.0)


def drawn_offsets(count: int, shift: int, generator: torch.Generator) -> NDArray[np.int64]:
    """(count, 2) whole pixels, each way equally likely."""
    offsets: NDArray[np.int64] = torch.randint(-shift, shift + 1, (count, 2), generator=generator).numpy()
    return offsets


def drawn_amounts(count: int, channels: int, light: float, generator: torch.Generator) -> Tensor:
    """(count, 2 + channels) for `lit`."""
    return (2.0 * torch.rand(count, 2 + channels, generator=generator) - 1.0) * light
