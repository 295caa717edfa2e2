"""Attribute directions: several ways to fit each, the best by AUC, effect and side effects, and what it drags along."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from boxing.judge import Floats, Judge, apart
from engine.diagnostics.own_features import embed
from engine.latent.directions import METHODS, Direction, area_under_curve, auc_interval
from engine.latent.principal_axes import principal_axes

Decode = Callable[[Floats], NDArray[np.uint8]]
"""Codes (n, D) -> pictures (n, S, S, C)."""

AXES: Final = 384
"""Principal axes of long codes that a ridge works in; all else counts as even."""
RIDGES: Final = (10.0, 3.0, 1.0, 0.3, 0.1)
"""In mean variances of the code. Without end it is the difference of means, at 0 Fisher's direction."""
STEP: Final = 2.0
"""Sigmas of the edit that is judged."""
NEAR_BEST: Final = 0.01
VISIBLE: Final = 0.6
"""Own effect, as a share of the difference between real pictures with and without, that counts as enough."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """What the ridge needs of codes: mean (D,), axes (k, D) with variances (k,), and the variance of all else."""

    mean: Floats
    axes: Floats
    variances: Floats
    rest: float

    @staticmethod
    def of(codes: Floats, count: int = AXES) -> Spectrum:
        found = principal_axes(codes, min(count, codes.shape[1]))
        variances = found.deviations.numpy().astype(np.float64) ** 2
        whole = float(variances.sum()) / max(float(found.shares.double().sum()), 1e-12)
        left = codes.shape[1] - len(variances)
        rest = max(whole - float(variances.sum()), 0.0) / left if left else float(variances[-1])
        kept = variances.astype(np.float32)
        return Spectrum(np.asarray(found.mean, np.float32), np.asarray(found.axes, np.float32), kept, rest)

    @property
    def level(self) -> float:
        """Mean variance of a number of the code."""
        size = self.axes.shape[1]
        whole: float = float(self.variances.sum()) + (size - len(self.variances)) * self.rest
        return whole / size

    def solved(self, differences: Floats, ridge: float) -> Floats:
        """(covariance + ridge * level * I)^-1 of rows (n, D)."""
        plus = ridge * self.level
        along = differences @ self.axes.T
        off = differences - along @ self.axes
        return np.asarray((along / (self.variances + plus)) @ self.axes + off / (self.rest + plus), np.float32)


def mean_differences(codes: Floats, labels: NDArray[Any]) -> Floats:
    """Mean code with less mean code without, (A, D), of codes (N, D) and labels (N, A)."""
    positive = (labels > 0).astype(np.float32)
    ups = positive.sum(0)[:, None]
    with_it = positive.T @ codes
    return np.asarray(with_it / ups - (codes.sum(0) - with_it) / (len(codes) - ups), np.float32)


def partial_differences(codes: Floats, labels: NDArray[Any]) -> Floats:
    """What each attribute adds to the mean code where all the others stay, (A, D): regression of codes on all labels.

    Men are seldom blond and seldom wear lipstick; a difference of means takes that along, and this does not.
    """
    known = np.concatenate([(labels > 0).astype(np.float64), np.ones((len(labels), 1))], 1)
    products = known.T @ known
    sums = known.T.astype(np.float32) @ codes
    found = np.linalg.solve(products, sums.astype(np.float64))[:-1]
    return found.astype(np.float32)


def candidates(codes: Floats, labels: NDArray[Any], spectrum: Spectrum) -> dict[str, Floats]:
    """Name of a method -> unit vectors (A, D), one an attribute."""
    found: dict[str, Floats] = {}
    for name, differences in (
        ("mean", mean_differences(codes, labels)),
        ("partial mean", partial_differences(codes, labels)),
    ):
        found[name] = differences
        for ridge in RIDGES:
            found[f"{name}, ridge {ridge:g}"] = spectrum.solved(differences, ridge)
    if codes.shape[1] <= 1024:
        x = torch.from_numpy(codes)
        found["logistic"] = np.stack(
            [METHODS["logistic"](x, torch.from_numpy(labels[:, i] > 0)).numpy() for i in range(labels.shape[1])]
        )
    return {name: rows / np.linalg.norm(rows, axis=1, keepdims=True) for name, rows in found.items()}


@dataclass(frozen=True, eq=False)
class Effect:
    """What +2 sigma does: change of each attribute's score (A,) with half its 95 % interval (A,), in sigmas of real
    pictures, and the distance moved in own features over that between two people."""

    change: Floats
    half: Floats
    moved: float
    n: int


def effect_of(
    vector: Floats, sigma: float, codes: Floats, before: Floats, *, decode: Decode, judge: Judge, between: float
) -> Effect:
    """The effect of a direction on pictures of codes (n, D) whose own features before it are (n, F)."""
    after = embed(decode(codes + np.float32(STEP * sigma) * vector))
    change = judge.of_features(after) - judge.of_features(before)
    half = 1.96 * change.std(0, ddof=1) / np.sqrt(len(change))
    moved = float(np.median(np.linalg.norm(after - before, axis=1))) / between
    return Effect(change.mean(0), half, moved, len(change))


def worth(change: Floats, own: int, gaps: Sequence[float]) -> float:
    """Own effect as a share of the real difference, as far as it is visible, less the mean drag on the others."""
    shares = np.abs(change) / np.abs(np.asarray(gaps))
    others = np.delete(shares, own)
    ours = change[own] / gaps[own]
    return float(min(ours, VISIBLE) + 0.2 * min(ours, 1.5) - others.mean())


@dataclass(frozen=True, eq=False)
class Choice:
    """The chosen method of an attribute, with the AUC and effect of every candidate on the choosing pictures."""

    method: str
    tried: Mapping[str, tuple[float, float, float]]
    """Method -> (AUC, own effect over the real difference, mean drag on the others over theirs)."""


def choose(
    codes: Floats,
    labels: NDArray[Any],
    choosing: Floats,
    choosing_labels: NDArray[Any],
    *,
    names: Sequence[str],
    aims: Mapping[str, float],
    decode: Decode,
    judge: Judge,
    pictures: int,
) -> dict[str, Choice]:
    """For each attribute the candidate of most worth among those that reach the aim, or come near to the best AUC.

    `choosing` are codes (M, D) of training people that the candidates were not fitted to; effects are judged on the
    first `pictures` of them.
    """
    found = candidates(codes, labels, Spectrum.of(codes))
    shown = choosing[:pictures]
    before = embed(decode(shown))
    between = apart(before)
    tried: dict[str, dict[str, tuple[float, float, float]]] = {name: {} for name in names}
    worths: dict[str, dict[str, float]] = {name: {} for name in names}
    for method, vectors in found.items():
        scores = choosing @ vectors.T
        for i, name in enumerate(names):
            auc = area_under_curve(scores[:, i], choosing_labels[:, i] > 0)
            effect = effect_of(
                vectors[i], float(scores[:, i].std()), shown, before, decode=decode, judge=judge, between=between
            )
            shares = effect.change / np.asarray(judge.gaps)
            drag = float(np.abs(np.delete(shares, i)).mean())
            tried[name][method] = (auc, float(shares[i]), drag)
            worths[name][method] = worth(effect.change, i, judge.gaps)
    chosen = {}
    for name in names:
        best = max(auc for auc, _, _ in tried[name].values())
        least = min(best - NEAR_BEST, aims.get(name, 0.0) + NEAR_BEST) if name in aims else best - 4 * NEAR_BEST
        able = [method for method, (auc, _, _) in tried[name].items() if auc >= least]
        method = max(able, key=lambda m: worths[name][m])
        chosen[name] = Choice(method, tried[name])
        auc, own, drag = tried[name][method]
        print(f"  {name}: {method} (AUC {auc:.3f}, effect {own:.2f}, drag {drag:.2f})", flush=True)
    return chosen


def fitted(
    codes: Floats,
    labels: NDArray[Any],
    held: Floats,
    held_labels: NDArray[Any],
    *,
    names: Sequence[str],
    chosen: Mapping[str, Choice],
) -> list[Direction]:
    """The chosen directions from all labelled training pictures, their AUC and sigma from other people's."""
    found = candidates(codes, labels, Spectrum.of(codes))
    made = []
    for i, name in enumerate(names):
        method = chosen[name].method
        vector = found[method][i].astype(np.float32)
        scores, positive = held @ vector, held_labels[:, i] > 0
        auc = area_under_curve(scores, positive)
        low, high = auc_interval(auc, int(positive.sum()), int((~positive).sum()))
        ups = int((labels[:, i] > 0).sum())
        sigma = float(scores.astype(np.float64).std())
        made.append(Direction(name, vector, sigma, auc, low, high, ups, len(labels) - ups, method))
    return made
