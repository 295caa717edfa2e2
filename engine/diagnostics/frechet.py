"""Frechet distance and kernel distance of two sets of features, with intervals and without the bias of small sets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.errors import DataError
from engine.progress import SILENT, Progress

Features = NDArray[Any]

GROUPS: Final = 20
"""Parts that the jackknife leaves out in turn."""
LEAST: Final = 8
"""Rows of a set that a distance needs; GROUPS is fewer for small sets."""
Z95: Final = 1.959964


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean (F,) and unbiased covariance (F, F), float64, of `n` rows."""

    n: int
    mean: Tensor
    covariance: Tensor


@dataclass(frozen=True)
class Estimate:
    """A figure with its standard error; `n` is the rows of the smaller set."""

    value: float
    error: float
    n: int

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.value - Z95 * self.error

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.value + Z95 * self.error


@dataclass(frozen=True)
class FrechetDistance:
    """`plain` is the usual formula at these sizes, which is too large for small sets; `limit` is without that bias.

    `limit` is None where the sets are smaller than twice the number of features: the bias is then no line in 1/n.
    """

    plain: Estimate
    limit: Estimate | None


def checked_pair(a: Features, b: Features) -> tuple[Tensor, Tensor]:
    """Two sets of rows, (N, F) and (M, F), as float64.

    Raises:
        DataError: fewer than 8 rows in a set, unlike numbers of features, or numbers that are not finite.
    """
    left, right = _checked(a), _checked(b)
    if left.shape[1] != right.shape[1]:
        raise DataError(f"The sets have {left.shape[1]} and {right.shape[1]} features: use one network for both.")
    return left, right


def _checked(rows: Features) -> Tensor:
    found = torch.from_numpy(np.array(rows, np.float64))
    if found.ndim != 2 or len(found) < LEAST:
        raise DataError(f"A distance needs at least {LEAST} pictures in each set and a set has {len(found)}: add more.")
    if not bool(found.isfinite().all()):
        raise DataError("The features of a set are not all finite numbers: look at its pictures.")
    return found


@dataclass(frozen=True, eq=False)
class _Sums:
    """Number, sum (F,) and sum of outer products (F, F) of rows: those of a part can be taken away again."""

    n: int
    total: Tensor
    products: Tensor

    @staticmethod
    def of(rows: Tensor) -> _Sums:
        return _Sums(len(rows), rows.sum(0), rows.T @ rows)

    def __sub__(self, part: _Sums) -> _Sums:
        return _Sums(self.n - part.n, self.total - part.total, self.products - part.products)

    def moments(self) -> Moments:
        mean = self.total / self.n
        return Moments(self.n, mean, (self.products - self.n * torch.outer(mean, mean)) / (self.n - 1))


def moments(rows: Features) -> Moments:
    """Mean and covariance of rows (N, F), N at least 2."""
    found = torch.from_numpy(np.array(rows, np.float64))
    centre = found.mean(0)
    centred = _Sums.of(found - centre).moments()
    return Moments(centred.n, centred.mean + centre, centred.covariance)


def frechet(a: Moments, b: Moments) -> float:
    """|ma - mb|^2 + tr(A + B - 2 (A B)^(1/2)), the squared 2-Wasserstein distance of two Gaussians.

    Dowson and Landau 1982, eq. 4; for pictures Heusel et al. 2017, eq. 6. The trace of the root is taken from the
    symmetric A^(1/2) B A^(1/2), whose eigenvalues are those of A B: real also where there are fewer rows than features.
    """
    values, vectors = torch.linalg.eigh(a.covariance)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    cross = torch.linalg.eigvalsh(root @ b.covariance @ root).clamp(min=0).sqrt().sum()
    apart = (a.mean - b.mean).square().sum()
    return max(0.0, float(apart + a.covariance.trace() + b.covariance.trace() - 2 * cross))


def frechet_distance(a: Features, b: Features, *, progress: Progress = SILENT) -> FrechetDistance:
    """The Frechet distance of two sets of features (N, F) and (M, F) whose rows are in random order.

    Error and limit come from leaving out each of 20 parts of both sets in turn. The bias of the plain formula is in
    first order c / n (Chong and Forsyth 2020, section 3); the jackknife (Quenouille 1956) reads that straight line at n
    and at 19/20 n and follows it to 1/n = 0.

    Raises:
        DataError: fewer than 8 rows in a set, unlike numbers of features, or numbers that are not finite.
    """
    left, right = checked_pair(a, b)
    n, m, size = len(left), len(right), left.shape[1]
    # Products of centred rows lose fewer digits; the distance does not change.
    centre = left.mean(0)
    left, right = left - centre, right - centre
    groups = min(GROUPS, n // 2, m // 2)
    whole, other = _Sums.of(left), _Sums.of(right)
    plain = frechet(whole.moments(), other.moments())
    without = []
    for part, other_part in zip(left.tensor_split(groups), right.tensor_split(groups), strict=True):
        progress.check()
        without.append(frechet((whole - _Sums.of(part)).moments(), (other - _Sums.of(other_part)).moments()))
    error = jackknife_error(without)
    limit = groups * plain - (groups - 1) * math.fsum(without) / groups
    few = min(n, m) < 2 * size
    return FrechetDistance(Estimate(plain, error, min(n, m)), None if few else Estimate(limit, error, min(n, m)))


def jackknife_error(without: list[float]) -> float:
    """Standard error of a figure from its values with each part left out (Efron and Tibshirani 1993, eq. 11.5)."""
    values = np.asarray(without, np.float64)
    count = len(values)
    return float(math.sqrt((count - 1) / count * np.square(values - values.mean()).sum()))


def kernel_distance(a: Features, b: Features, *, progress: Progress = SILENT) -> Estimate:
    """The kernel distance (KID) of features (N, F) and (M, F): the unbiased squared MMD with k(x, y) = (x.y / F + 1)^3.

    Binkowski et al. 2018, section 3 (Gretton et al. 2012, eq. 3). It has no bias at any size and may be below zero.
    All pairs are used, block by block, and the error comes from leaving out each of 20 parts of both sets in turn.

    Raises:
        DataError: as `frechet_distance`.
    """
    left, right = checked_pair(a, b)
    groups = min(GROUPS, len(left) // 2, len(right) // 2)
    ours, theirs = left.tensor_split(groups), right.tensor_split(groups)
    sums = torch.stack(
        [
            _kernel_sums(ours, ours, own=True, progress=progress),
            _kernel_sums(theirs, theirs, own=True, progress=progress),
            _kernel_sums(ours, theirs, own=False, progress=progress),
        ]
    )
    counts = torch.tensor([[len(p) for p in ours], [len(p) for p in theirs]], dtype=torch.float64)
    every = torch.ones(groups, dtype=torch.bool)
    whole = _mmd(sums, counts, every)
    without = []
    for out in range(groups):
        kept = every.clone()
        kept[out] = False
        without.append(_mmd(sums, counts, kept))
    return Estimate(whole, jackknife_error(without), min(len(left), len(right)))


def _kernel_sums(rows: tuple[Tensor, ...], others: tuple[Tensor, ...], *, own: bool, progress: Progress) -> Tensor:
    """Sums of the kernel over the pairs of each part with each, (G, G); of one set without a row and itself."""
    size = rows[0].shape[1]
    found = torch.zeros(len(rows), len(others), dtype=torch.float64)
    for i, first in enumerate(rows):
        progress.check()
        for j, second in enumerate(others):
            if own and j < i:
                found[i, j] = found[j, i]
                continue
            kernel = (first @ second.T / size + 1) ** 3
            found[i, j] = kernel.sum() - (kernel.diagonal().sum() if own and i == j else 0)
    return found


def _mmd(sums: Tensor, counts: Tensor, kept: Tensor) -> float:
    n, m = (float(c) for c in counts[:, kept].sum(1))
    own, other, cross = (float(s[kept][:, kept].sum()) for s in sums)
    return own / (n * (n - 1)) + other / (m * (m - 1)) - 2 * cross / (n * m)
