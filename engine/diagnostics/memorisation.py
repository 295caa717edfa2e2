"""Memorisation: are samples nearer to training images than fresh real images are?

A sample's ratio is its distance to the nearest training image over its distance to the nearest held-out image. Blurred
or averaged pictures are near to everything, so that a distance alone would accuse them; the ratio does not. What a
ratio is worth is calibrated on real images that the model has never seen: the held-out ones are split in two, and each
half is measured like samples with the other as the reference. Beside the share of samples below the 1 % point of
those, the whole distributions are compared by ranks, as in the three-sample test C_T of Meehan, Chaudhuri and Dasgupta
(2020).
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.diagnostics.base import Diagnostic, Request, Subject
from engine.diagnostics.features import FEATURE_KNOB, feature_of
from engine.diagnostics.manifold import wilson
from engine.diagnostics.pairs import PIXELS, Feature, nearest_between, rows_of
from engine.knobs import Knob
from engine.progress import SILENT, Progress
from engine.report import Evidence, Figure, Finding, Level

Pictures = NDArray[np.uint8]
Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]

FEWEST: Final = 40
BAD_SHARE: Final = 0.05
FAR: Final = 0.6
CLEAR_Z: Final = 2.0
_FALSE: Final = 0.01
_SHOWN: Final = 8
_TRAINING_MOST: Final = 20_000
_HELDOUT_MOST: Final = 2_000
_FLOOR: Final = 1e-3


@dataclass(frozen=True, eq=False)
class Copies:
    """Distances and ratios of samples (N,), those of fresh real images (M,), and what follows.

    `nearest` (N,) are places in the training images; `share` of samples lies below `threshold`, with the interval `low`
    to `high`; `false_alarm` is the share of fresh real images that does, at most `alarm_high` (97.5 %). `far_low` is
    the lower end of the share of samples far below every real image: what only copies are. `win` is the chance that a
    sample's ratio is below that of a fresh real image, 0.5 where they are alike, and `z` its rank statistic in standard
    deviations (positive: towards copying).
    """

    nearest: NDArray[np.int64]
    ratios: Doubles
    real_ratios: Doubles
    threshold: float
    share: float
    low: float
    high: float
    false_alarm: float
    alarm_high: float
    far_low: float
    win: float
    z: float


def find_copies(
    samples: Pictures,
    training: Pictures,
    heldout: Pictures,
    *,
    feature: Feature = PIXELS,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Copies:
    """Measures samples (N, H, W, C) against training and held-out images, uint8; at least 40 of these."""
    order = np.random.default_rng(seed).permutation(len(heldout))
    real = rows_of(np.asarray(heldout[order]), feature)
    drawn = rows_of(samples, feature)
    both = np.concatenate([drawn, real])
    nearest = np.zeros(len(both), np.int64)
    to_training = np.full(len(both), np.inf)
    # Training images a block at a time: a memory-mapped set need not fit as floats.
    for start in range(0, len(training), 2048):
        progress.check()
        progress.step(start, len(training))
        block = rows_of(np.asarray(training[start : start + 2048]), feature)
        where, how_far = nearest_between(both, block, progress=progress)
        closer = how_far < to_training
        nearest[closer], to_training[closer] = where[closer] + start, how_far[closer]
    ours, theirs = _ratios(drawn, real, to_training, progress)
    threshold = _low_point(theirs)
    below, alarms = int((ours < threshold).sum()), int((theirs < threshold).sum())
    share = wilson(below, len(ours))
    far = int((ours < FAR * theirs.min()).sum())
    win, z = _ranks(ours, theirs)
    return Copies(
        nearest[: len(drawn)],
        ours,
        theirs,
        threshold,
        share.value,
        share.low,
        share.high,
        alarms / len(theirs),
        wilson(alarms, len(theirs)).high,
        wilson(far, len(ours)).low,
        win,
        z,
    )


def _ratios(drawn: Floats, real: Floats, to_training: Doubles, progress: Progress) -> tuple[Doubles, Doubles]:
    """Ratios of samples (N,) and of all real images (M,): each half of these is measured against the other half.

    A sample is measured against both halves and gets the geometric mean, so that it has the same kind of ratio.
    """
    half = len(real) // 2
    logs, fresh = np.zeros(len(drawn)), np.zeros(len(real))
    for reference, others in ((slice(0, half), slice(half, None)), (slice(half, None), slice(0, half))):
        _, ours = nearest_between(drawn, real[reference], progress=progress)
        _, theirs = nearest_between(real[others], real[reference], progress=progress)
        # A held-out image that is also in training would have a ratio of 0 / 0.
        floor = _FLOOR * max(float(np.median(theirs)), 1e-12)
        logs += np.log((to_training[: len(drawn)] + floor) / (ours + floor)) / 2
        fresh[others] = (to_training[len(drawn) :][others] + floor) / (theirs + floor)
    return np.exp(logs), fresh


def _low_point(real: Doubles) -> float:
    """The ratio that about 1 % of fresh real images lie below. Of few images the point lies beyond the smallest, by the
    normal tail of log ratios; and a data set with a few duplicates across its split does not pull it to zero."""
    logs = np.log(real)
    middle = float(np.median(logs))
    lower = middle - logs[logs <= middle]
    # Robust deviation of the lower half (quartile), so that duplicates do not widen it.
    deviation = max(float(np.quantile(lower, 0.5)) / 0.6745, 1e-3)
    by_tail = middle - 2.326 * deviation
    by_count = float(np.quantile(logs, _FALSE)) if len(real) >= 100 else by_tail
    # The nearer to zero of both accuses less, but never lower than what duplicates alone could explain.
    return math.exp(max(min(by_tail, by_count), middle - 4.0 * deviation))


def _ranks(samples: Doubles, real: Doubles) -> tuple[float, float]:
    """P(a sample's value < a real one's), ties half, and the Mann-Whitney z (positive where samples are lower)."""
    n, m = len(samples), len(real)
    values = np.concatenate([samples, real])
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    wins = n * m - (float(ranks[:n].sum()) - n * (n + 1) / 2)
    ties = float((counts.astype(np.float64) ** 3 - counts).sum()) / ((n + m) * (n + m - 1))
    deviation = math.sqrt(max(n * m / 12 * (n + m + 1 - ties), 1e-12))
    return wins / (n * m), (wins - n * m / 2) / deviation


def measure(request: Request) -> Finding:
    """Memorisation as a finding. Figures: copied_share (with interval), ratio, real_ratio (medians), copy_z."""
    subject = request.subject
    feature = feature_of(request.values)
    count = int(request.values.get("samples", COUNT.default))
    count = min(count, 128) if request.quick else count
    samples = subject.samples(count, seed=request.seed, progress=request.progress)
    training = _some(subject.training, 4096 if request.quick else _TRAINING_MOST, request.seed)
    heldout = _some(subject.heldout, 800 if request.quick else _HELDOUT_MOST, request.seed)
    found = find_copies(
        samples,
        subject.training[training],
        subject.heldout[heldout],
        feature=feature,
        seed=request.seed,
        progress=request.progress,
    )
    level = _level(found)
    worst = np.argsort(found.ratios, kind="stable")[:_SHOWN]
    shown = training[found.nearest[worst]]
    return Finding(
        "memorisation",
        MEMORISATION.title,
        level,
        _sentence(found, level),
        (
            Figure(
                "copied_share",
                "Samples nearer to training than real images come",
                found.share,
                low=found.low,
                high=found.high,
                n=len(samples),
                better="lower",
                note=f"ratio below {found.threshold:.2f}; {found.false_alarm:.1%} of fresh real images are"
                + _part(len(training), subject.origin.training_total or len(subject.training)),
            ),
            Figure(
                "ratio",
                "Distance to training / to held-out, samples",
                float(np.median(found.ratios)),
                n=len(samples),
                better="near one",
                note=f"median, by {feature.title}",
            ),
            Figure(
                "real_ratio",
                "Distance to training / to held-out, fresh images",
                float(np.median(found.real_ratios)),
                n=len(found.real_ratios),
                note="median; below 1 where there are more training images than held-out ones",
            ),
            Figure(
                "copy_z",
                "Rank test (C_T on ratios)",
                found.z,
                unit="sd",
                n=len(samples),
                better="near zero",
                note=f"positive leans to copying; a sample has the smaller ratio in {found.win:.0%} of pairs",
            ),
        ),
        (
            Evidence(
                "Samples over their nearest training images, most suspicious first",
                (samples[worst], np.asarray(subject.training[np.asarray(shown)])),
                tuple(f"ratio {found.ratios[i]:.2f}" for i in worst),
            ),
        ),
        {"ratios": tuple(map(float, found.ratios)), "real_ratios": tuple(map(float, found.real_ratios))},
    )


def _some(images: Pictures, most: int, seed: int) -> NDArray[np.int64]:
    """Places of at most so many images, in order."""
    places: NDArray[np.int64] = np.sort(np.random.default_rng(seed + 1).permutation(len(images))[:most])
    return places


def _part(looked_at: int, total: int) -> str:
    """Copies of images that were not looked at are not found, and a reader should know."""
    return f"; looked at {looked_at:,} of {total:,} training images" if looked_at < total else ""


def _level(found: Copies) -> Level:
    # Of few held-out images the threshold is a guess: the share must stand out from what it may cost, and the ranks of
    # all ratios must lean the same way, unless samples are nearer than anything real.
    stands_out = found.low > found.alarm_high and found.z > CLEAR_Z
    if found.far_low > BAD_SHARE / 2 or (stands_out and found.low > BAD_SHARE):
        return "bad"
    if stands_out or found.far_low > 0.005:
        return "watch"
    # With few samples the interval may still reach beyond what would be bad.
    return "good" if found.high < 2 * BAD_SHARE else "unknown"


def _sentence(found: Copies, level: Level) -> str:
    share = f"{found.share:.0%} of the samples ({found.low:.0%} to {found.high:.0%})"
    beside = f"{found.false_alarm:.0%} of real images that training never saw do"
    if level == "bad":
        return f"{share} lie nearer to a training image than to be expected, where {beside}: it copies training images."
    if level == "watch":
        return f"{share} lie nearer to a training image than to be expected, where {beside}: some may be near copies."
    if level == "unknown":
        return f"{share} lie nearer to a training image than to be expected; more samples are needed to tell."
    return f"Samples are no nearer to training images than fresh real images are: {share} stand out, and {beside}."


def _why_not(subject: Subject) -> str:
    if len(subject.heldout) < FEWEST:
        return f"Memorisation needs at least {FEWEST} held-out images to compare with, here are {len(subject.heldout)}."
    if len(subject.training) < FEWEST:
        return f"Memorisation needs at least {FEWEST} training images, here are {len(subject.training)}."
    return ""


COUNT = Knob(
    name="samples",
    kind=int,
    default=500,
    title="Samples",
    help="More samples find rarer copies and narrow the interval.",
    low=32,
    high=10_000,
    log=True,
)

MEMORISATION = Diagnostic(
    "memorisation",
    "Memorisation",
    "Are samples copies of training images? Their nearest training images, held against held-out ones.",
    measure,
    _why_not,
    (COUNT, FEATURE_KNOB),
)
