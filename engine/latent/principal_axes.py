"""The PCA baseline: what k components, learned in seconds, reconstruct and sample; any model must beat it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine.errors import DataError

_EXACT_SIDE = 1024
_BLOCK_ROWS = 2048
_EXTRA = 16
_ROUNDS = 6

Rows = npt.NDArray[Any] | Tensor
Images = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Axes:
    """Principal axes of rows (N, D), longest first.

    `mean` (D,), `axes` (k, D) unit rows, `deviations` (k,) standard deviations along them (divisor N),
    `shares` (k,) parts of the whole variance in [0, 1]. All are float32 tensors on the CPU.
    """

    mean: Tensor
    axes: Tensor
    deviations: Tensor
    shares: Tensor


def principal_axes(rows: Rows, k: int, *, seed: int = 0) -> Axes:
    """The `k` principal axes of rows (N, D), at most min(N - 1, D) of them; rows may be memory-mapped.

    Exact (an eigendecomposition in float64) where N or D is at most 1,024, otherwise randomised subspace
    iteration with 16 extra vectors (Halko, Martinsson and Tropp 2011, algorithm 4.4), the same for the same
    `seed`. The largest number of each axis is positive. Rows are read in blocks, so that a large set never
    lies in memory as floats.

    Raises:
        DataError: fewer than two rows, or rows that are all the same.
    """
    count, size = rows.shape
    if count < 2:
        raise DataError(f"Principal components need at least two samples, got {count}: add more.")
    k = max(1, min(k, count - 1, size))
    mean = torch.zeros(size, dtype=torch.float64)
    for block in _blocks(rows):
        mean += block.double().sum(0)
    mean /= count
    total = sum(float((block.double() - mean).square().sum()) for block in _blocks(rows))
    if not total > 0:
        raise DataError("The samples are all the same, so they have no principal components: use varied ones.")
    if size <= _EXACT_SIDE:
        squares, axes = _from_covariance(rows, mean, k)
    elif count <= _EXACT_SIDE:
        squares, axes = _from_products(rows, mean, k)
    else:
        squares, axes = _by_iteration(rows, mean, k, seed)
    peak = axes.gather(1, axes.abs().argmax(dim=1, keepdim=True))
    axes = axes * torch.where(peak < 0, -1.0, 1.0)
    squares = squares.clamp(min=0)
    return Axes(mean.float(), axes.float(), (squares / count).sqrt().float(), (squares / total).float())


def _blocks(rows: Rows) -> Iterator[Tensor]:
    for start in range(0, rows.shape[0], _BLOCK_ROWS):
        part = rows[start : start + _BLOCK_ROWS]
        if isinstance(part, Tensor):
            yield part.detach().cpu()
        else:
            # A copy: a read-only memory map must not become a tensor that could be written.
            yield torch.from_numpy(np.array(part))


def _from_covariance(rows: Rows, mean: Tensor, k: int) -> tuple[Tensor, Tensor]:
    scatter = torch.zeros(mean.numel(), mean.numel(), dtype=torch.float64)
    for block in _blocks(rows):
        centred = block.double() - mean
        scatter += centred.T @ centred
    squares, vectors = torch.linalg.eigh(scatter)
    return squares.flip(0)[:k], vectors.flip(1).T[:k]


def _from_products(rows: Rows, mean: Tensor, k: int) -> tuple[Tensor, Tensor]:
    centred = torch.cat([block.double() for block in _blocks(rows)]) - mean
    squares, vectors = torch.linalg.eigh(centred @ centred.T)
    axes = vectors.flip(1).T[:k] @ centred
    # Orthonormal also where two lengths are equal or a length is almost zero.
    basis, triangle = torch.linalg.qr(axes.T)
    sign = torch.where(torch.diagonal(triangle) < 0, -1.0, 1.0)
    return squares.flip(0)[:k], (basis * sign).T


def _by_iteration(rows: Rows, mean: Tensor, k: int, seed: int) -> tuple[Tensor, Tensor]:
    count, size = rows.shape
    width = min(k + _EXTRA, count, size)
    centre = mean.float()
    axes = torch.randn(size, width, generator=torch.Generator().manual_seed(seed))
    for _ in range(_ROUNDS):
        # (X^T X) axes, a block of rows at a time.
        product = torch.zeros(size, width)
        for block in _blocks(rows):
            centred = block.float() - centre
            product += centred.T @ (centred @ axes)
        axes = torch.linalg.qr(product)[0]
    small = torch.zeros(width, width, dtype=torch.float64)
    for block in _blocks(rows):
        seen = ((block.float() - centre) @ axes).double()
        small += seen.T @ seen
    squares, turn = torch.linalg.eigh(small)
    return squares.flip(0)[:k], (axes.double() @ turn.flip(1)[:, :k]).T


@dataclass(frozen=True, eq=False)
class ImagePca:
    """A fitted PCA of images: its axes over flattened uint8 pixels, and the image shape (H, W, C)."""

    axes: Axes
    image_shape: tuple[int, ...]


def fit_pca(images: Images, k: int, *, seed: int = 0) -> ImagePca:
    """A PCA with `k` components of uint8 images (N, H, W, C); see `principal_axes` for exactness and errors."""
    return ImagePca(principal_axes(images.reshape(images.shape[0], -1), k, seed=seed), tuple(images.shape[1:]))


def project(pca: ImagePca, images: Images) -> Tensor:
    """Component values (N, k), float32, of uint8 images (N, H, W, C)."""
    rows = torch.from_numpy(np.array(images.reshape(images.shape[0], -1))).float()
    return (rows - pca.axes.mean) @ pca.axes.axes.T


def reconstruct(pca: ImagePca, images: Images) -> Images:
    """The images (N, H, W, C) that their components make, uint8."""
    return _pictures(pca, project(pca, images))


def sample(pca: ImagePca, n: int, *, temperature: float = 1.0, generator: torch.Generator | None = None) -> Images:
    """`n` images (n, H, W, C), uint8, from a Gaussian with `temperature` times the components' deviations."""
    values = torch.randn(n, pca.axes.deviations.numel(), generator=generator)
    return _pictures(pca, values * pca.axes.deviations * temperature)


def _pictures(pca: ImagePca, values: Tensor) -> Images:
    pixels = (values @ pca.axes.axes + pca.axes.mean).round().clamp(0, 255).to(torch.uint8)
    pictures: Images = pixels.reshape(values.shape[0], *pca.image_shape).numpy()
    return pictures
