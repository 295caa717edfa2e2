"""Fidelity and coverage: how far the samples lie from real pictures, and which real pictures they never come near.

Every figure has a reference beside it: the same figure for held-out real pictures, which is what a perfect model would
get, and for samples of a PCA, which is what a model gets that learned nothing but mean and spread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.diagnostics.base import Diagnostic, Request, Subject
from engine.diagnostics.frechet import LEAST, Estimate, FrechetDistance, frechet_distance, kernel_distance
from engine.diagnostics.manifold import Manifolds, Share, manifolds
from engine.diagnostics.own_features import TITLE, embed, features_of, pictures_of, shuffled
from engine.knobs import Knob
from engine.latent.principal_axes import fit_pca, sample
from engine.progress import Progress
from engine.report import Evidence, Figure, Finding, Level

SAMPLES: Final = 5000
QUICK: Final = 1000
STEP: Final = 256
"""Pictures between two reports of progress."""
BASELINE: Final = 1000
COMPONENTS: Final = 128
PCA_IMAGES: Final = 2000
SHOWN: Final = 10
PERFECT: Final = "A perfect model's."
UNTRAINED: Final = "128 components, without training."
FEW: Final = 200
"""Below so many pictures no judgement is made."""

KNOBS: Final = (
    Knob(
        name="samples",
        kind=int,
        default=SAMPLES,
        title="Samples",
        help="How many are drawn; more give narrower intervals. A quick look takes 1,000.",
        low=50,
        high=50_000,
    ),
    Knob(
        name="temperature",
        kind=float,
        default=1.0,
        title="Temperature",
        help="Lower gives more usual samples: fidelity may gain and coverage lose.",
        low=0.05,
        high=1.5,
    ),
)

Pictures = NDArray[np.uint8]
Features = NDArray[np.float32]


def too_few(subject: Subject) -> str:
    """Why sets of pictures cannot be compared, or nothing."""
    for name, part in (("training", subject.training), ("held-out", subject.heldout)):
        if len(part) < LEAST:
            return f"There are {len(part)} {name} pictures and a comparison needs {LEAST}: add more pictures."
    return ""


def asked(request: Request) -> tuple[int, float]:
    """(samples, temperature) of a request; a quick one takes fewer samples."""
    n = int(request.values.get("samples", SAMPLES))
    return (min(n, QUICK) if request.quick else n), float(request.values.get("temperature", 1.0))


def seen(request: Request, part: Any, n: int, progress: Progress) -> Features:
    """Own features of at most `n` pictures of a part, telling how many were seen."""
    _, temperature = asked(request)
    subject = request.subject
    have = n if part == "samples" else min(n, len(subject.training if part == "training" else subject.heldout))
    for done in range(STEP, have, STEP):
        features_of(subject, part, done, seed=request.seed, temperature=temperature, progress=progress)
        progress.step(done, have)
    found = features_of(subject, part, have, seed=request.seed, temperature=temperature, progress=progress)
    progress.step(have, have)
    return found


def _taker(request: Request, total: int) -> Callable[[str, int], Features]:
    """(part, count) -> `seen`, one after the other as parts of `total` pictures."""
    done = 0

    def take(part: str, count: int) -> Features:
        nonlocal done
        found = seen(request, part, count, request.progress.part(done, done + count, total))
        done += len(found)
        return found

    return take


def pca_samples(training: Pictures, n: int, *, seed: int = 0) -> Pictures:
    """`n` samples of a Gaussian in the space of 128 principal components of training pictures."""
    import torch

    fitted = fit_pca(training[shuffled(len(training), PCA_IMAGES)], COMPONENTS, seed=seed)
    return sample(fitted, n, generator=torch.Generator().manual_seed(seed))


def run_fidelity(request: Request) -> Finding:
    """Frechet distance and kernel distance of own features, each beside held-out real pictures and PCA samples.

    Raises:
        Cancelled: from the request.
        DataError: too few pictures.
    """
    n, temperature = asked(request)
    subject = request.subject
    sizes = {"training": min(n, len(subject.training)), "heldout": min(n, len(subject.heldout)), "samples": n}
    total = sum(sizes.values()) + BASELINE
    take = _taker(request, total)
    real, held, drawn = (take(part, count) for part, count in sizes.items())
    flat = embed(pca_samples(subject.training, min(n, BASELINE), seed=request.seed), progress=request.progress)
    request.progress.step(total, total)
    progress = request.progress
    ours = frechet_distance(drawn, real, progress=progress)
    reference = frechet_distance(held, real, progress=progress)
    # The baseline's own count of real pictures, so that its limit rests on equal sizes as well.
    baseline = frechet_distance(flat, real[: len(flat)], progress=progress)
    kernel, kernel_real, kernel_flat = (kernel_distance(part, real, progress=progress) for part in (drawn, held, flat))

    rows = (
        ("frechet", f"Frechet distance ({TITLE})", best(ours), _limit_note(ours)),
        ("frechet_plain", "Frechet distance at this number of pictures", ours.plain, "Too large for small sets."),
        ("kid", f"Kernel distance KID ({TITLE}) x 1000", _thousand(kernel), "No bias; may be a little below 0."),
        ("frechet_real", "Frechet distance of held-out real pictures", best(reference), PERFECT),
        ("kid_real", "Kernel distance of held-out real pictures x 1000", _thousand(kernel_real), PERFECT),
        ("frechet_pca", "Frechet distance of PCA samples", best(baseline), UNTRAINED),
        ("kid_pca", "Kernel distance of PCA samples x 1000", _thousand(kernel_flat), UNTRAINED),
    )
    figures = tuple(Figure.of(name, title, found, "lower", note) for name, title, found, note in rows)
    drawn_pictures = pictures_of(subject, "samples", n, seed=request.seed, temperature=temperature, progress=progress)
    level = _fidelity_level(best(ours), best(reference), best(baseline))
    return Finding(
        "fidelity",
        "Fidelity",
        level,
        _fidelity_sentence(level, best(ours), best(reference), best(baseline)),
        figures,
        (_beside("Samples, and real pictures below", drawn_pictures, pictures_of(subject, "heldout", SHOWN)),),
    )


def best(distance: FrechetDistance) -> Estimate:
    """The distance without the bias of small sets where it is known, else the plain one."""
    return distance.plain if distance.limit is None else distance.limit


def _limit_note(distance: FrechetDistance) -> str:
    if distance.limit is None:
        return "Of few pictures: too large by a bias that more pictures would lower."
    return "Carried on to infinitely many pictures; the plain formula is larger."


def _thousand(estimate: Estimate) -> Estimate:
    return Estimate(1000 * estimate.value, 1000 * estimate.error, estimate.n)


def _fidelity_level(ours: Estimate, real: Estimate, flat: Estimate) -> Level:
    """By where the samples lie between real pictures (0) and PCA samples (1)."""
    if ours.n < FEW or flat.value <= real.value:
        return "unknown"
    share = (ours.value - real.value) / (flat.value - real.value)
    return "good" if share < GOOD_SHARE else "watch" if share < 1.0 else "bad"


GOOD_SHARE: Final = 0.25


def _fidelity_sentence(level: Level, ours: Estimate, real: Estimate, flat: Estimate) -> str:
    figures = (
        f"the samples' Frechet distance is {ours.value:.1f} ({TITLE}; {ours.low:.1f} to {ours.high:.1f}), that of "
        f"held-out real pictures {real.value:.1f} and that of PCA samples {flat.value:.1f}"
    )
    if level == "unknown":
        return f"Measured on few pictures, {figures}: too little to judge."
    words = {
        "good": "The samples come near to real pictures",
        "watch": "The samples can be told from real pictures, though they are nearer than a PCA's",
        "bad": "The samples are no nearer to real pictures than those of a PCA, which learned only mean and spread",
    }
    return f"{words[level]}: {figures}."


def run_coverage(request: Request) -> Finding:
    """Precision, recall, density and coverage in own features, all on equal numbers of samples and real pictures.

    Where held-out pictures are fewer than samples, all sets are cut to their number (but to no fewer than 500), for all
    four depend on it.

    Raises:
        Cancelled: from the request.
        DataError: too few pictures.
    """
    n, temperature = asked(request)
    subject = request.subject
    held_count = min(len(subject.heldout), n)
    n = min(n, len(subject.training), max(held_count, 500))
    total = 2 * n + held_count
    take = _taker(request, total)
    real, held, drawn = take("training", n), take("heldout", held_count), take("samples", n)
    found = manifolds(drawn, real, progress=request.progress)
    reference = manifolds(held, real[: max(len(held), LEAST)], progress=request.progress)
    real_pictures = pictures_of(subject, "training", n)
    drawn_pictures = pictures_of(
        subject, "samples", n, seed=request.seed, temperature=temperature, progress=request.progress
    )
    level = _coverage_level(found, reference)
    return Finding(
        "coverage",
        "Coverage",
        level,
        _coverage_sentence(level, found, reference),
        _shares(found, "") + _shares(reference, "_real"),
        _coverage_evidence(found, real_pictures, drawn_pictures),
    )


def _shares(found: Manifolds, ending: str) -> tuple[Figure, ...]:
    of = " of held-out real pictures" if ending else ""
    note = "A perfect model's. " if ending else ""
    rows: tuple[tuple[str, Share, str, str], ...] = (
        ("precision", found.precision, "higher", "Samples that lie among real pictures."),
        ("recall", found.recall, "higher", "Real pictures that lie among samples."),
        ("density", found.density, "near one", "How densely real pictures surround a sample."),
        ("coverage", found.coverage, "higher", "Real pictures that have a sample near by."),
    )
    return tuple(
        Figure.of(name + ending, f"{name.capitalize()} ({TITLE}){of}", share, better, note + says)
        for name, share, better, says in rows
    )


COVERED: Final = (0.85, 0.5)
"""Good from this part of the reference's coverage on, and bad below that."""
TRUE: Final = (0.8, 0.4)
"""The same for precision."""
RECALLED: Final = (0.5, 0.1)
"""The same for recall, which falls much faster where samples are all of the usual sort."""


def _coverage_level(found: Manifolds, reference: Manifolds) -> Level:
    if found.precision.n < FEW or reference.coverage.value <= 0 or reference.precision.value <= 0:
        return "unknown"
    parts = (
        (found.coverage.value / reference.coverage.value, COVERED),
        (found.precision.value / reference.precision.value, TRUE),
        (found.recall.value / max(reference.recall.value, 1e-9), RECALLED),
    )
    if all(part >= good for part, (good, _) in parts):
        return "good"
    return "bad" if any(part < bad for part, (_, bad) in parts) else "watch"


def _coverage_sentence(level: Level, found: Manifolds, reference: Manifolds) -> str:
    figures = (
        f"{_cent(found.coverage)} of the training pictures have a sample near by (held-out real pictures reach "
        f"{_cent(reference.coverage)}), {_cent(found.precision)} of the samples lie among real pictures "
        f"({_cent(reference.precision)}) and {_cent(found.recall)} of the real pictures among samples "
        f"({_cent(reference.recall)})"
    )
    if level == "unknown":
        return f"Measured on few pictures, {figures}: too little to judge."
    if level == "good":
        return f"The samples spread almost as real pictures do: {figures}."
    lost = min(found.coverage.value / reference.coverage.value, found.recall.value / max(reference.recall.value, 1e-9))
    true = found.precision.value / reference.precision.value
    which = "The samples miss a part of the data" if lost < true else "Many samples lie outside the data"
    return f"{which}: {figures}."


def _cent(share: Share) -> str:
    return f"{100 * share.value:.0f} %"


def _coverage_evidence(found: Manifolds, real: Pictures, drawn: Pictures) -> tuple[Evidence, ...]:
    missed = np.argsort(-found.nearest, kind="stable")[:SHOWN]
    missed = missed[~found.reached[missed]]
    outside = np.argsort(np.where(found.inside, 0.0, -found.farness), kind="stable")[:SHOWN]
    outside = outside[~found.inside[outside]]
    rows = []
    if len(missed):
        rows.append(
            Evidence("Real pictures farthest from any sample, for their surroundings", (coloured(real[missed]),))
        )
    if len(outside):
        rows.append(Evidence("Samples farthest from any real picture", (coloured(drawn[outside]),)))
    return tuple(rows)


def _beside(title: str, drawn: Pictures, real: Pictures) -> Evidence:
    count = min(SHOWN, len(drawn), len(real))
    return Evidence(title, (coloured(drawn[:count]), coloured(real[:count])))


def coloured(pictures: Pictures) -> Pictures:
    """Pictures (N, S, S, 3), grey ones replicated."""
    return np.ascontiguousarray(np.repeat(pictures, 3, axis=-1) if pictures.shape[-1] == 1 else pictures)


FIDELITY: Final = Diagnostic(
    "fidelity",
    "Fidelity: Frechet and kernel distance",
    "How far the samples as a whole lie from real pictures, by own features: no FID of a paper compares.",
    run_fidelity,
    too_few,
    KNOBS,
)
COVERAGE: Final = Diagnostic(
    "coverage",
    "Coverage: precision, recall, density",
    "Which samples lie among real pictures, and which real pictures no sample comes near: lost modes show here.",
    run_coverage,
    too_few,
    KNOBS,
)
