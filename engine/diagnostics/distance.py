"""Distances of sets of images: sliced Wasserstein at each resolution."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from engine.errors import DataError
from engine.progress import SILENT, Progress

Images = npt.NDArray[Any]

_PATCH = 7
_SMALLEST = 16
_DIRECTIONS_A_ROUND = 128
_ROUNDS = 4
_IMAGES_A_BLOCK = 256


@dataclass(frozen=True)
class SlicedDistance:
    """Sliced Wasserstein distances x 1000, one a resolution, and their mean.

    Resolutions are the shorter side in px, largest first. 0 is equal; lower is better. Fine resolutions hold
    texture and noise, coarse ones the layout.
    """

    resolutions: tuple[int, ...]
    distances: tuple[float, ...]
    mean: float
    images: int


def sliced_wasserstein(
    samples: Images, real: Images, *, patches_per_image: int = 128, seed: int = 0, progress: Progress = SILENT
) -> SlicedDistance:
    """Sliced Wasserstein distance of 7x7 patches of Laplacian pyramids (Karras et al. 2018, section 5).

    Images are (N, H, W, C), uint8 or float in any range (each set's patches are normalised by its own mean
    and deviation a channel, as in the paper, so contrast and tint do not count). Resolutions halve down to 16
    px; 4 x 128 random directions. Patches lie at the same places in both sets, so two equal sets in one order
    have distance 0. Of sets of unequal size the longer one is cut. The paper uses 16,384 images; values of
    different counts do not compare.

    Raises:
        DataError: fewer than two images in a set, unlike image shapes, or images smaller than a patch.
    """
    count = min(samples.shape[0], real.shape[0])
    shape = tuple(real.shape[1:])
    if count < 2:
        raise DataError(f"A distance between sets needs at least two images in each, got {count}: add more.")
    if tuple(samples.shape[1:]) != shape:
        raise DataError(f"The two sets differ in image shape, {tuple(samples.shape[1:])} and {shape}: use one size.")
    if min(shape[:2]) < _PATCH:
        raise DataError(f"The images are smaller than the patches of {_PATCH} px: use larger images.")
    sizes = _level_sizes(shape[0], shape[1])
    ours = _descriptors(samples[:count], sizes, patches_per_image, seed, progress)
    theirs = _descriptors(real[:count], sizes, patches_per_image, seed, progress)
    generator = torch.Generator().manual_seed(seed + 1)
    found = []
    for a, b in zip(ours, theirs, strict=True):
        found.append(1000 * _sliced(_normalised(a), _normalised(b), generator, progress))
    return SlicedDistance(tuple(min(size) for size in sizes), tuple(found), float(np.mean(found)), count)


def _level_sizes(height: int, width: int) -> list[tuple[int, int]]:
    sizes = [(height, width)]
    while min(sizes[-1]) >= 2 * _SMALLEST:
        sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
    return sizes


def _descriptors(
    images: Images, sizes: list[tuple[int, int]], patches: int, seed: int, progress: Progress
) -> list[Tensor]:
    """Patches (N * patches, C, 7, 7) of each level, float32; the places depend on the seed and the count
    alone."""
    generator = torch.Generator().manual_seed(seed)
    levels: list[list[Tensor]] = [[] for _ in sizes]
    for start in range(0, images.shape[0], _IMAGES_A_BLOCK):
        progress.check()
        block = torch.from_numpy(np.array(images[start : start + _IMAGES_A_BLOCK])).float().permute(0, 3, 1, 2)
        for found, level in zip(levels, laplacian_pyramid(block, len(sizes)), strict=True):
            found.append(_patches(level, patches, generator))
    return [torch.cat(found) for found in levels]


def laplacian_pyramid(images: Tensor, levels: int) -> list[Tensor]:
    """Bands of images (N, C, H, W), finest first; the last is the small picture itself (Burt and Adelson
    1983)."""
    bands = [images]
    for _ in range(levels - 1):
        smaller = _smooth(bands[-1])[:, :, ::2, ::2]
        bands[-1] = bands[-1] - _enlarged(smaller, bands[-1])
        bands.append(smaller)
    return bands


def _smooth(images: Tensor) -> Tensor:
    line = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], dtype=images.dtype) / 16
    channels = images.shape[1]
    kernel = torch.outer(line, line).expand(channels, 1, 5, 5)
    return F.conv2d(F.pad(images, (2, 2, 2, 2), mode="reflect"), kernel, groups=channels)


def _enlarged(smaller: Tensor, like: Tensor) -> Tensor:
    spaced = torch.zeros_like(like)
    spaced[:, :, ::2, ::2] = smaller
    # Three of four pixels are zero, so the mean is four times too small.
    return _smooth(spaced) * 4


def _patches(level: Tensor, patches: int, generator: torch.Generator) -> Tensor:
    count, channels, height, width = level.shape
    top = torch.randint(height - _PATCH + 1, (count, patches), generator=generator)
    left = torch.randint(width - _PATCH + 1, (count, patches), generator=generator)
    reach = torch.arange(_PATCH)
    rows = (top[..., None] + reach)[:, :, None, :, None]
    columns = (left[..., None] + reach)[:, :, None, None, :]
    which = torch.arange(count)[:, None, None, None, None]
    channel = torch.arange(channels)[None, None, :, None, None]
    return level[which, channel, rows, columns].reshape(-1, channels, _PATCH, _PATCH)


def _normalised(patches: Tensor) -> Tensor:
    mean = patches.mean(dim=(0, 2, 3), keepdim=True)
    deviation = patches.std(dim=(0, 2, 3), keepdim=True)
    return ((patches - mean) / deviation.clamp(min=1e-8)).flatten(1)


def _sliced(a: Tensor, b: Tensor, generator: torch.Generator, progress: Progress) -> float:
    total = 0.0
    for _ in range(_ROUNDS):
        progress.check()
        directions = torch.randn(a.shape[1], _DIRECTIONS_A_ROUND, generator=generator)
        directions /= torch.linalg.vector_norm(directions, dim=0)
        # Rows of contiguous numbers sort several times faster than columns.
        ours = (directions.T @ a.T).sort(dim=1).values
        theirs = (directions.T @ b.T).sort(dim=1).values
        total += float((ours - theirs).abs().mean())
    return total / _ROUNDS
