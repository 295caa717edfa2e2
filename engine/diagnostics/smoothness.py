"""Interpolation smoothness: does the picture change evenly on the way between two codes, or does it leap?

Pictures are decoded along slerp paths between codes of the prior, and where the model encodes, between the codes of two
held-out images. Three figures need no scale: the largest step over the mean step (1 is even; a model that has only
stored pictures stands still and then leaps), the way over the distance of its ends (1 is straight), and the perceptual
path length of Karras et al. (2019, section 4.1) over the squared distance of two independent samples, so that a set of
unlike pictures does not count as rough. Two baselines say what these are worth: PCA of the pixels, whose paths are
straight lines, and noise, whose neighbours on the path have nothing to do with each other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from engine.diagnostics.base import Diagnostic, Request, Subject
from engine.diagnostics.features import FEATURE_KNOB, feature_of
from engine.diagnostics.pairs import PIXELS, Feature, distances, rows_of
from engine.diagnostics.probe import codes_of, encoder_of
from engine.knobs import Knob
from engine.latent.paths import slerp
from engine.latent.principal_axes import fit_pca, sample
from engine.pictures import to_pictures
from engine.report import Evidence, Figure, Finding, Level

Pictures = NDArray[np.uint8]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Decode = Callable[[Floats], Pictures]

STEPS: Final = 16
_LEAP_BAD: Final = 0.5
_LEAP_WATCH: Final = 0.25
_SHOWN_PICTURES: Final = 8
_PCA: Final = 64


@dataclass(frozen=True, eq=False)
class Walk:
    """Steps (P, T) between neighbours on P paths of T steps, and the distances (P,) of the paths' ends."""

    steps: Doubles
    ends: Doubles

    @property
    def leap(self) -> float:
        """Largest step over mean step, mean of the paths: 1 is even, T is one leap."""
        mean = self.steps.mean(axis=1)
        moved = mean > 0
        return float(np.mean(self.steps.max(axis=1)[moved] / mean[moved])) if moved.any() else 1.0

    @property
    def bend(self) -> float:
        """Length of the way over the distance of its ends, median of the paths: 1 is straight."""
        moved = self.ends > 0
        return float(np.median(self.steps.sum(axis=1)[moved] / self.ends[moved])) if moved.any() else 1.0

    @property
    def share(self) -> float:
        """How much of its way a path makes in one leap beyond an even step: 0 is even, 1 is all in one."""
        steps = self.steps.shape[1]
        return max(0.0, (self.leap - 1) / max(1, int(steps) - 1))


def walk(pictures: Pictures, paths: int, *, feature: Feature = PIXELS) -> Walk:
    """The steps on `paths` paths whose pictures (P * (T + 1), H, W, C) follow each other path by path."""
    rows = rows_of(pictures, feature)
    rows = rows.reshape(paths, -1, rows.shape[1])
    size = rows.shape[2]
    steps = distances(rows[:, 1:].reshape(-1, size), rows[:, :-1].reshape(-1, size)).reshape(paths, -1)
    return Walk(steps, distances(rows[:, 0], rows[:, -1]))


def between(starts: Floats, ends: Floats) -> Floats:
    """Codes (P * (T + 1), D) on the slerp paths from `starts` to `ends` (P, D), path by path."""
    parts = np.linspace(0, 1, STEPS + 1)
    codes = [slerp(starts, ends, np.full(len(starts), part)) for part in parts]
    stacked: Floats = np.stack(codes, axis=1).reshape(-1, starts.shape[1]).astype(np.float32)
    return stacked


def measure(request: Request) -> Finding:
    """Smoothness as a finding. Figures: leap (and real_leap where the model encodes), leap_share, step_p95, bend,
    path_length, pca_leap, noise_leap."""
    subject = request.subject
    feature = feature_of(request.values)
    paths = int(request.values.get("paths", PATHS.default))
    paths = min(paths, 8) if request.quick else paths
    decode = _decoder(request)
    generator = torch.Generator().manual_seed(request.seed + 77)
    codes = subject.model.sample_codes(2 * paths, generator=generator).cpu().numpy().astype(np.float32)
    pictures = decode(between(codes[:paths], codes[paths:]))
    prior = walk(pictures, paths, feature=feature)
    # Neighbours of the whole set in another order: what a step of unrelated pictures would be.
    apart = _independent(pictures, paths, feature)
    real = _real_walk(request, paths, decode, feature)
    pca, noise = _baselines(subject, paths, feature, request.seed)
    step = prior.steps / max(apart, 1e-12)
    shares = _shares(prior, seed=request.seed)
    level = _level(prior, real)
    figures = [
        Figure(
            "leap",
            "Largest step over mean step",
            prior.leap,
            n=paths,
            better="near one",
            note=f"mean of paths of {STEPS} steps; {STEPS} would be one single leap",
        ),
        Figure("leap_share", "Part of the way made in one leap", prior.share, *shares, n=paths, better="lower"),
        Figure(
            "step_p95",
            "95th percentile of a step over the mean step",
            float(np.quantile(prior.steps, 0.95) / max(float(prior.steps.mean()), 1e-12)),
            n=prior.steps.size,
            better="near one",
        ),
        Figure(
            "bend", "Way over distance of the ends", prior.bend, n=paths, better="lower", note="1 is a straight line"
        ),
        Figure(
            "path_length",
            "Perceptual path length, relative",
            float(np.mean(step**2) * STEPS**2),
            n=prior.steps.size,
            better="lower",
            note=f"by {feature.title}, over the squared distance of two independent samples",
        ),
        Figure("pca_leap", "Largest over mean step, PCA of pixels", pca.leap, n=paths, note="baseline: straight lines"),
        Figure(
            "noise_leap", "Way over distance of the ends, noise", noise.bend, n=paths, note="baseline: nothing is near"
        ),
    ]
    if real is not None:
        figures.insert(
            1, Figure("real_leap", "Largest over mean step, between images", real.leap, n=paths, better="near one")
        )
    worst = int(np.argmax(prior.steps.max(axis=1) / np.maximum(prior.steps.mean(axis=1), 1e-12)))
    strip = pictures.reshape(paths, STEPS + 1, *pictures.shape[1:])[worst]
    shown = strip[np.linspace(0, STEPS, _SHOWN_PICTURES + 1).round().astype(int)]
    return Finding(
        "smoothness",
        SMOOTHNESS.title,
        level,
        _sentence(prior, real, level),
        tuple(figures),
        (Evidence("The most uneven path", (shown,), ()),),
        {"steps": tuple(map(float, prior.steps[worst]))},
    )


def _decoder(request: Request) -> Decode:
    subject = request.subject

    @torch.inference_mode()
    def decode(codes: Floats) -> Pictures:
        parts = []
        for start in range(0, len(codes), 64):
            request.progress.check()
            request.progress.step(start, len(codes))
            z = torch.from_numpy(codes[start : start + 64]).to(subject.device)
            parts.append(to_pictures(subject.fast.decode(z))[..., : subject.training.shape[-1]])
        return np.concatenate(parts)

    return decode


def _real_walk(request: Request, paths: int, decode: Decode, feature: Feature) -> Walk | None:
    subject = request.subject
    encode = encoder_of(subject)
    count = min(paths, len(subject.heldout) // 2)
    if encode is None or count == 0:
        return None
    chosen = np.random.default_rng(request.seed).permutation(len(subject.heldout))[: 2 * count]
    codes = codes_of(subject, np.asarray(subject.heldout[chosen]), encode, progress=request.progress.quiet())
    return walk(decode(between(codes[:count], codes[count:])), count, feature=feature)


def _independent(pictures: Pictures, paths: int, feature: Feature) -> float:
    """Mean distance of the first pictures of the paths, each against the next."""
    firsts = rows_of(pictures.reshape(paths, STEPS + 1, *pictures.shape[1:])[:, 0], feature)
    return float(distances(firsts, np.roll(firsts, 1, axis=0)).mean())


def _baselines(subject: Subject, paths: int, feature: Feature, seed: int) -> tuple[Walk, Walk]:
    """The same walk by PCA of the training images, and over independent real images in any order (noise)."""
    rng = np.random.default_rng(seed)
    some = np.asarray(subject.training[np.sort(rng.permutation(len(subject.training))[:1000])])
    pca = fit_pca(some, _PCA, seed=seed)
    ends = sample(pca, 2 * paths, generator=torch.Generator().manual_seed(seed)).astype(np.float32)
    parts = np.linspace(0, 1, STEPS + 1)[:, None, None, None]
    lines = [np.rint(a * (1 - parts) + b * parts) for a, b in zip(ends[:paths], ends[paths:], strict=True)]
    straight = np.concatenate(lines).astype(np.uint8)
    unrelated = some[rng.integers(0, len(some), paths * (STEPS + 1))]
    return walk(straight, paths, feature=feature), walk(unrelated, paths, feature=feature)


def _shares(found: Walk, *, seed: int) -> tuple[float, float]:
    """The 95 % interval of `share` over paths, by 500 bootstrap draws."""
    rng = np.random.default_rng(seed)
    count = len(found.steps)
    draws = [rng.integers(0, count, count) for _ in range(500)]
    values = [Walk(found.steps[at], found.ends[at]).share for at in draws]
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _level(prior: Walk, real: Walk | None) -> Level:
    if not (prior.ends > 0).any():
        return "unknown"
    worst = max(prior.share, 0.0 if real is None else real.share)
    if worst > _LEAP_BAD:
        return "bad"
    return "watch" if worst > _LEAP_WATCH else "good"


def _sentence(prior: Walk, real: Walk | None, level: Level) -> str:
    if level == "unknown":
        return "All codes give the same picture, so there is no way between two to judge."
    beside = "" if real is None else f", between real images {real.leap:.1f}"
    figure = f"the largest of {STEPS} steps is {prior.leap:.1f} times the mean step{beside}"
    if level == "bad":
        return f"Pictures stand still and then leap on the way between two codes: {figure}."
    if level == "watch":
        return f"The way between two codes is uneven: {figure}."
    return f"Pictures change evenly on the way between two codes: {figure}."


def _why_not(subject: Subject) -> str:
    return (
        "" if len(subject.training) >= 8 else "The baselines need at least 8 training images: choose a larger data set."
    )


PATHS = Knob(
    name="paths",
    kind=int,
    default=32,
    title="Paths",
    help=f"Each has {STEPS} steps; more paths narrow the interval.",
    low=4,
    high=1000,
    log=True,
)

SMOOTHNESS = Diagnostic(
    "smoothness",
    "Smoothness",
    "Does the picture change evenly between two codes? Path length and leaps, beside PCA and noise.",
    measure,
    _why_not,
    (PATHS, FEATURE_KNOB),
)
