"""Directions in a code space: fitted to attributes or taken from PCA, applied, locked and measured.

A slider value s moves a code by `s * sigma * unit vector`, where sigma is the standard deviation of real
codes along the vector; so +1 means the same for every direction and every family.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from engine.errors import DataError, UsageError, UserError
from engine.latent.principal_axes import principal_axes

FEWEST_EXAMPLES = 5
_ENOUGH_FOR_SIGMA = 30
Floats = npt.NDArray[np.float32]
Codes = TypeVar("Codes", npt.NDArray[np.floating], Tensor)
Fit = Callable[[Tensor, Tensor], Tensor]
"""(codes (N, D) float32, positive (N,) bool) -> a vector (D,) that points to the positives, of any length."""


@dataclass(frozen=True, eq=False)
class Direction:
    """A unit `vector` (D,) float32, its `sigma` among real codes, and how well it separates, if measured.

    `auc` is the held-out area under the ROC curve in [0, 1] with its 95 % interval, None where it was not
    measured. `positives` and `negatives` count the codes it was fitted to (0 for PCA). `share` is the part of
    the variance of real codes along a PCA direction, in [0, 1], and None for the others.
    """

    name: str
    vector: Floats
    sigma: float
    auc: float | None = None
    auc_low: float | None = None
    auc_high: float | None = None
    positives: int = 0
    negatives: int = 0
    method: str = "given"
    share: float | None = None

    def __post_init__(self) -> None:
        length = float(np.linalg.norm(self.vector.astype(np.float64))) if self.vector.ndim == 1 else math.nan
        if not abs(length - 1) < 1e-3:
            raise ValueError(f"the vector of {self.name!r} must be (D,) of length 1, got {self.vector.shape}, {length}")
        if not (math.isfinite(self.sigma) and self.sigma > 0):
            raise ValueError(f"the sigma of {self.name!r} must be positive, got {self.sigma}")


def fit_attribute(
    codes: npt.NDArray[np.floating] | Tensor,
    labels: npt.NDArray[Any] | Tensor,
    *,
    name: str,
    method: str = "logistic",
    held_out_codes: npt.NDArray[np.floating] | Tensor | None = None,
    held_out_labels: npt.NDArray[Any] | Tensor | None = None,
) -> Direction:
    """The direction in which the attribute grows, from codes (N, D) and labels (N,), positive above zero.

    Its AUC is measured on the held-out codes and stays None without them, or where they lack one of the
    classes. Sigma is measured on the held-out codes where there are at least 30, else on the fitted ones.

    Raises:
        UsageError: an unknown method.
        UserError: fewer than 5 codes of a class, codes that are not finite, or classes that do not differ.
    """
    if method not in METHODS:
        raise UsageError(f"There is no method called {method!r}: choose one of {', '.join(METHODS)}.")
    x, positive = _codes(codes), _positive(labels)
    if x.shape[0] != positive.shape[0]:
        raise ValueError(f"codes and labels differ in number: {x.shape[0]} and {positive.shape[0]}")
    ups, downs = int(positive.sum()), int((~positive).sum())
    if min(ups, downs) < FEWEST_EXAMPLES:
        raise UserError(
            f"{name!r} has {ups} pictures with it and {downs} without, too few to fit a direction:"
            f" choose at least {FEWEST_EXAMPLES} of each."
        )
    vector = METHODS[method](x, positive).double()
    length = float(torch.linalg.vector_norm(vector))
    if not (math.isfinite(length) and length > 0):
        raise UserError(f"The codes with and without {name!r} do not differ: choose groups of different pictures.")
    unit = (vector / length).float()
    auc = low = high = None
    real = x
    if held_out_codes is not None and held_out_labels is not None:
        held, held_positive = _codes(held_out_codes), _positive(held_out_labels)
        ups_held, downs_held = int(held_positive.sum()), int((~held_positive).sum())
        # A long code's fitted vector leans on the noise of its own examples, which would count as spread.
        real = held if held.shape[0] >= _ENOUGH_FOR_SIGMA else x
        if ups_held and downs_held:
            auc = area_under_curve((held @ unit).numpy(), held_positive.numpy())
            low, high = auc_interval(auc, ups_held, downs_held)
    sigma = float((real @ unit).double().std(correction=0))
    if not (math.isfinite(sigma) and sigma > 0):
        raise UserError(f"The codes do not vary along {name!r}: choose groups of different pictures.")
    return Direction(name, unit.numpy(), sigma, auc, low, high, ups, downs, method)


def _codes(codes: npt.NDArray[np.floating] | Tensor) -> Tensor:
    # A copy of an array: a read-only one must not become a tensor that could be written.
    x = codes if isinstance(codes, Tensor) else torch.from_numpy(np.array(codes))
    if x.ndim != 2:
        raise ValueError(f"codes must be (N, D), got {tuple(x.shape)}")
    x = x.detach().to("cpu", torch.float32)
    if not bool(torch.isfinite(x).all()):
        raise UserError("Some codes are not finite numbers, so nothing can be fitted to them: encode the images again.")
    return x


def _positive(labels: npt.NDArray[Any] | Tensor) -> Tensor:
    found = labels.cpu() if isinstance(labels, Tensor) else torch.as_tensor(np.asarray(labels))
    return (found > 0).reshape(-1)


def _mean_difference(x: Tensor, positive: Tensor) -> Tensor:
    difference: Tensor = x[positive].mean(0) - x[~positive].mean(0)
    return difference


def _logistic(x: Tensor, positive: Tensor) -> Tensor:
    """Logistic regression, both classes weighing the same, with the ridge that suits white noise: D / N.

    The best ridge grows as D / N over the squared strength of the signal (Dobriban and Wager 2018), here
    taken as 1; the logistic loss curves a quarter as much as the squared one. Minimised by L-BFGS from zero,
    hence deterministic.
    """
    count, size = x.shape
    centred = x - x.mean(0)
    # The numbers of a code have one scale by the prior; one common factor keeps their proportions.
    centred = centred / centred.square().mean().sqrt().clamp(min=1e-20)
    ups = positive.sum()
    weights = torch.where(positive, 0.5 / ups, 0.5 / (count - ups))
    signs = torch.where(positive, 1.0, -1.0)
    ridge = 0.25 * size / count
    with torch.inference_mode(False), torch.enable_grad():
        centred, weights, signs = centred.clone(), weights.clone(), signs.clone()
        slope = torch.zeros(size, requires_grad=True)
        offset = torch.zeros((), requires_grad=True)
        optimiser = torch.optim.LBFGS([slope, offset], max_iter=200, tolerance_grad=1e-6, line_search_fn="strong_wolfe")

        def loss() -> Tensor:
            optimiser.zero_grad()
            margins = signs * (centred @ slope + offset)
            misfit = (weights * F.softplus(-margins)).sum()
            value: Tensor = misfit + 0.5 * ridge * slope.square().sum()
            value.backward()
            return value

        optimiser.step(loss)
        return slope.detach()


def _shrinkage_lda(x: Tensor, positive: Tensor) -> Tensor:
    """Fisher's direction with the within-class covariance shrunk towards white (Ledoit and Wolf 2004).

    With fewer codes than numbers in a code the inverse is taken in its dual form (Woodbury), N x N instead of
    D x D.
    """
    difference = _mean_difference(x, positive).double()
    within = torch.where(positive[:, None], x - x[positive].mean(0), x - x[~positive].mean(0))
    count, size = within.shape
    dual = size > count
    # float32 products: the D x N numbers would not fit twice, and the shrinkage forgives the rounding.
    products = (within @ within.T if dual else within.T @ within).double() / count
    level = float(products.trace()) / size
    lengths = within.double().square().sum(1) if not dual else products.diagonal() * count
    spread = float(products.square().sum())
    to_white = spread / size - level * level
    noise = (float(lengths.square().sum()) / count - spread) / count / size
    shrink = 1.0 if to_white <= 0 else min(1.0, max(noise / to_white, 1e-6))
    white, kept = shrink * level, 1 - shrink
    if not white > 0:
        return difference
    if not dual:
        whole: Tensor = torch.linalg.solve(products * kept + _eye(size) * white, difference)
        return whole
    inner = products * kept + _eye(count) * white
    seen = within @ difference.float()
    back = within.T @ torch.linalg.solve(inner, seen.double()).float()
    vector: Tensor = (difference - back.double() * (kept / count)) / white
    return vector


def _eye(size: int) -> Tensor:
    return torch.eye(size, dtype=torch.float64)


METHODS: Mapping[str, Fit] = {"mean": _mean_difference, "logistic": _logistic, "lda": _shrinkage_lda}
"""A new way to fit an attribute is one function and one row here."""


def area_under_curve(scores: npt.NDArray[Any], positive: npt.NDArray[np.bool_]) -> float:
    """The exact chance that a positive scores above a negative, ties counting half (Mann-Whitney, by ranks).

    Raises:
        ValueError: one of the classes is empty.
    """
    ups, downs = int(positive.sum()), int((~positive).sum())
    if not (ups and downs):
        raise ValueError("an AUC needs both classes")
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[positive].sum() - ups * (ups + 1) / 2) / (ups * downs))


def auc_interval(auc: float, positives: int, negatives: int, *, z: float = 1.959964) -> tuple[float, float]:
    """The interval of an AUC (95 % at the default `z`): Hanley and McNeil's variance (1982), inverted.

    It holds every true AUC whose own standard error reaches the measured one (Newcombe 2006, the score form),
    so a perfect separation of few pictures still has a lower end well below 1.
    """

    def error(true: float) -> float:
        both_up = (positives - 1) * (1 - true) / (2 - true)
        both_down = (negatives - 1) * true / (1 + true)
        return math.sqrt(true * (1 - true) * (1 + both_up + both_down) / (positives * negatives))

    def end(outer: float) -> float:
        inside, outside = auc, outer
        for _ in range(60):
            middle = (inside + outside) / 2
            if abs(auc - middle) <= z * error(middle):
                inside = middle
            else:
                outside = middle
        return inside

    return end(0.0), end(1.0)


def share_along(direction: Direction, locked: Iterable[Direction]) -> float:
    """The part of the direction's squared length, in [0, 1], that a lock on the others takes away: 1 leaves nothing."""
    basis = _basis([lock.vector for lock in locked])
    if not basis.size:
        return 0.0
    vector = direction.vector.astype(np.float64)
    return min(1.0, float(np.square(basis @ vector).sum() / np.square(vector).sum()))


def apply(
    z: Codes, edits: Mapping[str, float], directions: Iterable[Direction], *, locked: Collection[str] = ()
) -> Codes:
    """New codes (B, D) or (D,) of the same kind, moved by `edits` (name -> slider value, in sigmas).

    What the other edits would do along the `locked` directions is taken away; a locked direction's own edit
    still counts.

    Raises:
        UsageError: an edit or lock names a direction that is not there.
        UserError: the directions are of another code size.
    """
    known = {direction.name: direction for direction in directions}
    for name in (*edits, *locked):
        if name not in known:
            there = ", ".join(known) or "none"
            raise UsageError(f"There is no direction called {name!r} for this model: the directions are {there}.")
    size = int(z.shape[-1])
    free, own = np.zeros(size), np.zeros(size)
    for name, value in edits.items():
        direction = known[name]
        if direction.vector.size != size:
            raise UserError(f"{name!r} belongs to codes of {direction.vector.size} numbers, not {size}: fit it again.")
        step = own if name in locked else free
        step += value * direction.sigma * direction.vector.astype(np.float64)
    move = own + _without(free, _basis([known[name].vector for name in locked]))
    if isinstance(z, Tensor):
        return z + torch.from_numpy(move).to(z.dtype).to(z.device)
    return z + move.astype(z.dtype)


def _basis(vectors: list[Floats]) -> npt.NDArray[np.float64]:
    """Orthonormal rows that span the vectors; vectors that repeat one another count once."""
    if not vectors:
        return np.zeros((0, 0))
    _, lengths, rows = np.linalg.svd(np.stack(vectors).astype(np.float64), full_matrices=False)
    return np.asarray(rows[lengths > 1e-6 * lengths[0]])


def _without(vector: npt.NDArray[np.float64], basis: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return vector - (basis @ vector) @ basis if basis.size else vector


def pca_directions(codes: npt.NDArray[np.floating] | Tensor, k: int, *, seed: int = 0) -> tuple[Direction, ...]:
    """The `k` directions in which real codes (N, D) vary most, "PC 1" first, with their shares of variance.

    Fewer come back where the codes have fewer dimensions. The largest number of each vector is positive; see
    `principal_axes` for exactness.

    Raises:
        UserError: fewer than two codes, codes that are all the same, or codes that are not finite.
    """
    x = _codes(codes)
    try:
        found = principal_axes(x, k, seed=seed)
    except DataError as error:
        raise UserError("Principal directions need at least two codes that differ: encode more pictures.") from error
    deviations, shares = found.deviations.tolist(), found.shares.tolist()
    return tuple(
        Direction(f"PC {i + 1}", found.axes[i].numpy().copy(), deviations[i], method="pca", share=shares[i])
        for i in range(len(deviations))
        if deviations[i] > 1e-6 * deviations[0]
    )
