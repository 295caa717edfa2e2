"""Precision, recall, density and coverage: which samples lie among the real pictures, and which real ones are reached.

A set's manifold is the union of balls around its rows, each as wide as the distance to its k-th nearest other row.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.diagnostics.frechet import Z95, checked_pair
from engine.progress import SILENT, Progress

Features = NDArray[Any]

NEAREST: Final = 3
"""k of precision and recall (Kynkaanniemi et al. 2019, section 2)."""
NEAREST_DENSITY: Final = 5
"""k of density and coverage (Naeem et al. 2020, section 3.3)."""
_BLOCK: Final = 512
_ROUNDING: Final = 1e-9


@dataclass(frozen=True)
class Share:
    """A mean over `n` pictures with its 95 % interval, Wilson's where it is a share."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, eq=False)
class Manifolds:
    """Precision and recall (shares), density (about 1 where the sets are equal, may be above) and coverage (a share).

    Precision: samples inside the real manifold. Recall: real pictures inside the samples' manifold. Density: real balls
    that a sample lies in, over k. Coverage: real pictures with a sample in their ball. `inside` (N,) says which samples
    lie in the real manifold and `reached` (M,) which real pictures are covered; `nearest` (M,) is the distance from a
    real picture to its nearest sample over its ball's radius, `farness` (N,) from a sample to its nearest real picture.
    """

    precision: Share
    recall: Share
    density: Share
    coverage: Share
    inside: NDArray[np.bool_]
    reached: NDArray[np.bool_]
    nearest: NDArray[np.float64]
    farness: NDArray[np.float64]


def wilson(successes: int, n: int) -> Share:
    """A share with Wilson's 95 % interval (Wilson 1927): sensible also at 0 and 1; 0 to 1 where nothing was counted."""
    if n == 0:
        return Share(0.0, 0.0, 1.0, 0)
    share = successes / n
    z2 = Z95 * Z95
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return Share(share, max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half)), n)


def manifolds(samples: Features, real: Features, *, progress: Progress = SILENT) -> Manifolds:
    """All four of features (N, F) and (M, F), block by block: no more than 512 rows of distances lie in memory.

    Intervals are over the pictures that are counted; the other set's manifold is taken as it is.

    Raises:
        DataError: fewer than 8 rows in a set, unlike numbers of features, or numbers that are not finite.
    """
    ours, theirs = checked_pair(samples, real)
    centre = theirs.mean(0)
    ours, theirs = ours - centre, theirs - centre
    # float64 keeps equal rows at zero to about 1e-15 of the spread, and this much counts as touching.
    slack = _ROUNDING * float(theirs.square().sum(1).mean())
    own_radii = _radii(ours, (NEAREST,), progress)[:, 0]
    radii = _radii(theirs, (NEAREST, NEAREST_DENSITY), progress)
    inside = torch.zeros(len(ours), dtype=torch.bool)
    balls = torch.zeros(len(ours), dtype=torch.float64)
    far = torch.zeros(len(ours), dtype=torch.float64)
    recalled = torch.zeros(len(theirs), dtype=torch.bool)
    near = torch.full((len(theirs),), math.inf, dtype=torch.float64)
    for start in range(0, len(ours), _BLOCK):
        progress.check()
        block = slice(start, start + _BLOCK)
        squares = _squares(ours[block], theirs)
        inside[block] = (squares <= radii[:, 0] + slack).any(1)
        balls[block] = (squares <= radii[:, 1] + slack).sum(1).double()
        far[block] = squares.min(1).values
        recalled |= (squares <= own_radii[block, None] + slack).any(0)
        near = torch.minimum(near, squares.min(0).values)
    reached = near <= radii[:, 1] + slack
    density = balls.numpy() / NEAREST_DENSITY
    spread = Z95 * float(density.std(ddof=1)) / math.sqrt(len(density))
    mean = float(density.mean())
    return Manifolds(
        precision=wilson(int(inside.sum()), len(ours)),
        recall=wilson(int(recalled.sum()), len(theirs)),
        density=Share(mean, max(0.0, mean - spread), mean + spread, len(ours)),
        coverage=wilson(int(reached.sum()), len(theirs)),
        inside=inside.numpy(),
        reached=reached.numpy(),
        nearest=(near / radii[:, 1].clamp(min=slack + 1e-300)).sqrt().numpy(),
        farness=far.sqrt().numpy(),
    )


def _squares(rows: Tensor, others: Tensor) -> Tensor:
    return (rows.square().sum(1, keepdim=True) + others.square().sum(1) - 2 * rows @ others.T).clamp_(min=0)


def _radii(rows: Tensor, ks: tuple[int, ...], progress: Progress) -> Tensor:
    """Squared distances (N, len(ks)) to the k-th nearest other row."""
    found = torch.empty(len(rows), len(ks), dtype=torch.float64)
    most = min(max(ks), len(rows) - 1)
    at = torch.tensor([min(k, most) - 1 for k in ks])
    for start in range(0, len(rows), _BLOCK):
        progress.check()
        squares = _squares(rows[start : start + _BLOCK], rows)
        squares[torch.arange(len(squares)), torch.arange(len(squares)) + start] = math.inf
        found[start : start + _BLOCK] = squares.topk(most, largest=False).values[:, at]
    return found
