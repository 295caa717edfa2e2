"""An attribute from two groups of photos: gathered, encoded, fitted, and judged by cross-validation."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from engine.data.examples import Example
from engine.errors import ImageError, UsageError, UserError
from engine.latent.directions import FEWEST_EXAMPLES, METHODS, Direction, area_under_curve, auc_interval, fit_attribute
from engine.photos.kinds import left_out
from engine.progress import SILENT, Progress

Codes = NDArray[np.float32]
Pictures = NDArray[np.uint8]

FOLDS: Final = 5
ENOUGH_FITS: Final = 50
"""Fits of a cross-validation: ten rounds of five folds for a few photos, fewer where each fit is expensive."""
BATCH: Final = 8
LONGEST_NAME: Final = 40


@dataclass(frozen=True, eq=False)
class Gathered:
    """Codes (N, D) of the photos that could be read, which of them are `positive` (N,), and who was left out."""

    codes: Codes
    positive: NDArray[np.bool_]
    skipped: tuple[str, ...]


@dataclass(frozen=True)
class Judged:
    """A cross-validation: the AUC, and the spread of held-out codes along the direction within a group."""

    auc: float
    sigma: float


Read = Callable[[Example], Pictures]
"""A photo, aligned to the model's framing: (S, S, 3). Raises ImageError for what is no picture."""
Encode = Callable[[Pictures], Codes]
"""Pictures (n, S, S, 3) -> codes (n, D)."""


def check_name(name: str, taken: Sequence[str]) -> str:
    """The name without blanks at its ends.

    Raises:
        UserError: it is empty, too long, or there is a direction of this name.
    """
    clean = " ".join(name.split())
    if not clean or not clean.isprintable() or "=" in clean:
        raise UserError('The attribute needs a name of letters, without "=": type one, for instance Curly hair.')
    if len(clean) > LONGEST_NAME:
        raise UserError(f"The name has {len(clean)} letters and {LONGEST_NAME} fit on a slider: shorten it.")
    if clean.lower() in {other.lower() for other in taken}:
        raise UserError(f"This model has a direction called {clean!r} already: choose another name.")
    return clean


def gather(
    positives: Sequence[Example],
    negatives: Sequence[Example],
    *,
    read: Read,
    encode: Encode,
    progress: Progress = SILENT,
) -> Gathered:
    """Codes of both groups, a few photos at a time; a broken photo is left out and named.

    Raises:
        UserError: fewer than five readable photos in a group, told before anything is encoded where it is certain.
        Cancelled: from `progress`.
    """
    check_counts(len(positives), len(negatives))
    wanted = [*((one, True) for one in positives), *((one, False) for one in negatives)]
    codes: list[Codes] = []
    kept: list[bool] = []
    skipped: list[str] = []
    began = time.monotonic()
    for start in range(0, len(wanted), BATCH):
        pictures = []
        for example, has_it in wanted[start : start + BATCH]:
            progress.check()
            try:
                pictures.append(read(example))
                kept.append(has_it)
            except ImageError:
                skipped.append(example.name)
        if pictures:
            codes.append(encode(np.stack(pictures)))
        done = min(start + BATCH, len(wanted))
        passed = time.monotonic() - began
        progress.step(done, len(wanted), seconds_left=passed / done * (len(wanted) - done))
    positive = np.array(kept, bool)
    check_counts(int(positive.sum()), int((~positive).sum()), skipped)
    return Gathered(np.concatenate(codes), positive, tuple(skipped))


def check_counts(positives: int, negatives: int, skipped: Sequence[str] = ()) -> None:
    """Raises UserError, in one sentence, when a group is too small."""
    if min(positives, negatives) < FEWEST_EXAMPLES:
        left = f" ({left_out(skipped)})" if skipped else ""
        raise UserError(
            f"A direction needs at least {FEWEST_EXAMPLES} photos with the attribute and {FEWEST_EXAMPLES} without, "
            f"here are {positives} and {negatives}{left}: add more."
        )


def make_attribute(
    codes: Codes,
    positive: NDArray[np.bool_],
    *,
    name: str,
    method: str = "logistic",
    seed: int = 0,
    progress: Progress = SILENT,
) -> Direction:
    """The direction of an attribute from codes (N, D) and labels (N,), with an honest AUC and sigma.

    The vector is fitted to all codes. The AUC is that of `cross_validate`, and its interval is Hanley and McNeil's for
    so many codes; it does not allow for each fold having a vector of its own. Sigma is the spread of held-out codes
    within a group: codes that a long vector was fitted to lie far out along it, and would make sigma too large.

    Raises:
        UsageError: an unknown method.
        UserError: fewer than five codes of a group, codes that are not finite, or groups that do not differ.
    """
    if method not in METHODS:
        raise UsageError(f"There is no method called {method!r}: choose one of {', '.join(METHODS)}.")
    whole = fit_attribute(codes, positive, name=name, method=method)
    judged = cross_validate(codes, positive, method=method, seed=seed, progress=progress)
    low, high = auc_interval(judged.auc, whole.positives, whole.negatives)
    sigma = judged.sigma if math.isfinite(judged.sigma) and judged.sigma > 0 else whole.sigma
    return Direction(
        name,
        whole.vector,
        sigma,
        auc=judged.auc,
        auc_low=low,
        auc_high=high,
        positives=whole.positives,
        negatives=whole.negatives,
        method=method,
    )


def cross_validate(
    codes: Codes, positive: NDArray[np.bool_], *, method: str, seed: int = 0, progress: Progress = SILENT
) -> Judged:
    """How well a direction of this method separates codes that it was not fitted to.

    Stratified folds, drawn anew in each round. Only pairs within one fold are compared: the vector that ranks them was
    fitted to neither of their two codes, which change places freely where labels mean nothing, so on noise the AUC is
    0.5 on average. Pooling scores of different folds would fall below it (Airola et al. 2011, "An experimental
    comparison of cross-validation techniques for estimating the area under the ROC curve").
    """
    x = torch.from_numpy(np.array(codes, np.float32))
    ups, downs = np.flatnonzero(positive), np.flatnonzero(~positive)
    folds = min(FOLDS, len(ups), len(downs))
    rounds = max(1, min(ENOUGH_FITS // folds, 2000 // len(positive)))
    generator = np.random.default_rng(seed)
    right = pairs = squares = free = 0.0
    for _ in range(rounds):
        parts = zip(
            np.array_split(generator.permutation(ups), folds),
            # The larger parts of the one group meet the smaller ones of the other.
            np.array_split(generator.permutation(downs), folds)[::-1],
            strict=True,
        )
        for held_ups, held_downs in parts:
            progress.check()
            held = np.concatenate([held_ups, held_downs])
            kept = np.setdiff1d(np.arange(len(positive)), held)
            vector = METHODS[method](x[kept], torch.from_numpy(positive[kept])).double()
            length = float(torch.linalg.vector_norm(vector))
            if not (math.isfinite(length) and length > 0):
                continue
            scores = (x[held].double() @ (vector / length)).numpy()
            at_ups, at_downs = scores[: len(held_ups)], scores[len(held_ups) :]
            weight = len(at_ups) * len(at_downs)
            right += weight * area_under_curve(scores, positive[held])
            pairs += weight
            for group in (at_ups, at_downs):
                squares += float(np.square(group - group.mean()).sum())
                free += len(group) - 1
    auc = right / pairs if pairs else 0.5
    return Judged(auc, math.sqrt(squares / free) if free else math.nan)
