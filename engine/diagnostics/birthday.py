"""The birthday test of a generator: nearest pairs for a person to judge, and by itself with a calibrated threshold."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.diagnostics.base import Diagnostic, Request, Subject
from engine.diagnostics.birthday_game import PAIRS, Pair, Plan
from engine.diagnostics.features import FEATURE_KNOB, feature_of
from engine.diagnostics.pairs import PIXELS, Feature, nearest_pairs, repeats_below, rows_of
from engine.diagnostics.support import Batch, Support, estimate_support
from engine.diagnostics.support_text import rounded, support_figures, support_level
from engine.diagnostics.thresholds import FALSE_ALARM, FEWEST, MOST, Calibration, calibrate
from engine.knobs import Knob
from engine.measures import pairwise_spread
from engine.progress import SILENT, Progress
from engine.report import Evidence, Figure, Finding, Level

Pictures = NDArray[np.uint8]
Draw = Callable[[int], Pictures]
"""(n) -> the first n pictures of one long draw (n, H, W, C); a longer one begins with a shorter one."""

FIRST: Final = 32
ENOUGH_REPEATS: Final = 8
QUICK_LIMIT: Final = 256
QUICK_IMAGES: Final = 700
_SPREAD_OF: Final = 256
_SHOWN: Final = 8


@dataclass(frozen=True, eq=False)
class AutoTest:
    """What the test found by itself: the last batch, the estimate, the threshold and the nearest pairs of the batch."""

    size: int
    repeats: int
    support: Support
    threshold: float
    separated: bool
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, eq=False)
class Drawn:
    """A round for a person: the pairs, and their left and right pictures (P, H, W, C)."""

    pairs: tuple[Pair, ...]
    left: Pictures
    right: Pictures


def find_repeats(
    draw: Draw, calibration: Calibration, *, feature: Feature = PIXELS, limit: int = 1000, progress: Progress = SILENT
) -> AutoTest:
    """Doubles the batch from 32 until 8 pictures repeat an earlier one or `limit` is reached; then it estimates.

    Only the last batch enters the estimate, for it contains the ones before it. Two pictures are the same where they
    lie nearer than the calibrated threshold of that batch size, or through a chain of such pairs.
    """
    size = min(FIRST, limit)
    while True:
        pictures = draw(size)
        rows = rows_of(pictures, feature)
        threshold = calibration.threshold(size)
        repeats = repeats_below(rows, threshold, progress=progress)
        progress.step(size, limit)
        if repeats >= ENOUGH_REPEATS or size >= limit:
            break
        size = min(limit, size * 2)
    support = estimate_support([Batch(size, repeats)])
    pairs = nearest_pairs(rows, PAIRS, progress=progress)
    return AutoTest(size, repeats, support, threshold, calibration.separates(size), pairs)


def draw_round(subject: Subject, plan: Plan, *, feature: Feature = PIXELS, progress: Progress = SILENT) -> Drawn:
    """The nearest pairs of the batch that `plan` asks for, the same for the same plan, model and images.

    Real images are drawn without putting back, so that a pair of the same is a duplicate of the data set itself.
    """
    if plan.kind == "real":
        pictures = real_images(subject, plan.size, seed=plan.seed)
    else:
        # A subject of its own keeps no sample: a game draws many batches and looks at each once.
        once = replace(subject, _samples={})
        pictures = once.samples(plan.size, seed=plan.seed, progress=progress)
    pairs = nearest_pairs(rows_of(pictures, feature), PAIRS, progress=progress)
    return Drawn(pairs, pictures[[pair.left for pair in pairs]], pictures[[pair.right for pair in pairs]])


def real_images(subject: Subject, count: int, *, seed: int) -> Pictures:
    """`count` different real images, or all there are: held-out ones first, for the model cannot have copied them."""
    rng = np.random.default_rng(seed)
    held = rng.permutation(len(subject.heldout))[:count]
    rest = np.sort(rng.permutation(len(subject.training))[: count - len(held)])
    return np.concatenate([np.asarray(subject.heldout[np.sort(held)]), np.asarray(subject.training[rest])])


def measure(request: Request) -> Finding:
    """The automatic test as a finding. Figures: support (with its interval), support_squared (s^2), repeats,
    control_repeats, nearest_ratio, spread_ratio, threshold."""
    subject = request.subject
    training = subject.origin.training_total or len(subject.training)
    feature = feature_of(request.values)
    limit = int(request.values.get("samples", LIMIT.default))
    if request.quick:
        limit = min(limit, QUICK_LIMIT)
    calibration = calibrate(
        subject.training,
        feature=feature,
        most=QUICK_IMAGES if request.quick else MOST,
        seed=request.seed,
        progress=request.progress,
    )
    test = find_repeats(
        lambda n: subject.samples(n, seed=request.seed, progress=request.progress),
        calibration,
        feature=feature,
        limit=limit,
        progress=request.progress,
    )
    samples = subject.samples(test.size, seed=request.seed)
    real = real_images(subject, test.size, seed=request.seed)
    real_rows = rows_of(real, feature)
    control = repeats_below(real_rows, test.threshold, progress=request.progress)
    theirs = nearest_pairs(real_rows, PAIRS, progress=request.progress)
    nearest = _mean(test.pairs) / max(_mean(theirs), 1e-12)
    spread = pairwise_spread(samples[:_SPREAD_OF]) / max(pairwise_spread(real[:_SPREAD_OF]), 1e-12)
    level = support_level(test.support, training, blind=not test.separated)
    return Finding(
        "birthday",
        BIRTHDAY.title,
        level,
        _sentence(test, training, level),
        (
            *support_figures(test.support, n=test.size),
            Figure("repeats", "Samples that repeat another", test.repeats, unit="", n=test.size),
            Figure(
                "control_repeats",
                "Real images that repeat another",
                control,
                n=len(real),
                note=f"same threshold; {calibration.duplicates} near copies among {calibration.images} images",
            ),
            Figure(
                "nearest_ratio",
                "Nearest pairs of samples, against real images",
                nearest,
                n=len(test.pairs),
                better="near one",
                note="mean distance of the 20 nearest pairs of equally large batches",
            ),
            Figure(
                "spread_ratio",
                "Spread of samples, against real images",
                spread,
                n=min(_SPREAD_OF, test.size),
                better="near one",
                note="mean pixel distance of all pairs",
            ),
            Figure(
                "threshold",
                "Distance below which two pictures count as the same",
                test.threshold,
                n=calibration.images,
                note=f"{feature.title}; a batch of {test.size} different real images would raise a false alarm in "
                f"{FALSE_ALARM:.0%} of cases; near copies stay below {calibration.copies:.3g}",
            ),
        ),
        (pair_evidence(samples, test.pairs[:_SHOWN], test.threshold),) if test.pairs else (),
    )


def pair_evidence(pictures: Pictures, pairs: tuple[Pair, ...], threshold: float) -> Evidence:
    """The nearest pairs, left over right, each with its distance."""
    captions = tuple(f"{pair.distance:.3f}" + (" same" if pair.distance < threshold else "") for pair in pairs)
    return Evidence(
        "The nearest pairs of samples",
        (pictures[[pair.left for pair in pairs]], pictures[[pair.right for pair in pairs]]),
        captions,
    )


def _mean(pairs: tuple[Pair, ...]) -> float:
    return float(np.mean([pair.distance for pair in pairs])) if pairs else 0.0


def _sentence(test: AutoTest, training: int, level: Level) -> str:
    support = test.support
    if support.estimate is None:
        blind = "" if test.separated else " (near copies would not have been told from different images here)"
        reach = (
            f"so at least about {rounded(support.low)} different pictures are likely"
            if level == "good"
            else f"which only says that it draws more than about {rounded(support.low)}; "
            f"it learned from {training:,} images, and more samples would tell more"
        )
        return f"No two of {test.size:,} samples are the same{blind}, {reach}."
    high = "without an upper limit" if support.high is None else f"to {rounded(support.high)}"
    draws = (
        f"{test.repeats:,} of {test.size:,} samples repeat another one: the generator draws about "
        f"{rounded(support.estimate)} different pictures ({rounded(support.low)} {high})"
    )
    if level == "bad":
        return f"{draws}, far fewer than the {training:,} images it learned from."
    return f"{draws}; it learned from {training:,} images."


def _why_not(subject: Subject) -> str:
    if len(subject.training) < FEWEST:
        return f"The threshold needs at least {FEWEST} real images: choose a larger data set."
    return ""


LIMIT = Knob(
    name="samples",
    kind=int,
    default=1000,
    title="Samples at most",
    help="The batch doubles up to this until pictures repeat; s samples reach a support of about s²/6.",
    low=32,
    high=20_000,
    log=True,
)

BIRTHDAY = Diagnostic(
    "birthday",
    "Birthday test",
    "How many different pictures can it draw? Counts repeats among samples, by a threshold calibrated on real images.",
    measure,
    _why_not,
    (LIMIT, FEATURE_KNOB),
)
