"""How varied samples are beside real images, in seconds and without learned features: spread, nearest pairs, axes.

Pictures are compared as thumbnails of 16 pixels (means of squares), so that a blurred sample does not count as a
missing one. Texture is judged apart, by the sliced Wasserstein distance against two yardsticks that need no training.
"""

import math
from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from engine.diagnostics.base import Request, Subject
from engine.diagnostics.distance import sliced_wasserstein
from engine.errors import DataError
from engine.knobs import Knob
from engine.latent import principal_axes as pca
from engine.report import Evidence, Figure, Finding, Level

NAME: Final = "spread"
THUMB: Final = 16
PAIRS: Final = 10
BOOTSTRAPS: Final = 200
COMPONENTS: Final = 128
FEWEST: Final = 20
COLLAPSED: Final = 0.3
NARROW: Final = 0.6

KNOBS: Final = (
    Knob(
        name="images",
        kind=int,
        default=512,
        title="Images",
        help="Samples, and as many real images, that are compared.",
        low=FEWEST,
        high=10_000,
        unit="images",
    ),
)
QUICK_IMAGES: Final = 192
PATCHES: Final = 128
QUICK_PATCHES: Final = 16

Rows = NDArray[np.float64]


def thumbnails(pictures: NDArray[np.uint8]) -> Rows:
    """Pictures (N, S, S, C) -> rows (N, T * T * C) in [0, 1], T = 16 or S where that is smaller."""
    count, size, _, channels = pictures.shape
    side = min(THUMB, size)
    factor = size // side
    cut = pictures[:, : side * factor, : side * factor]
    blocks = cut.reshape(count, side, factor, side, factor, channels)
    means: Rows = blocks.mean(axis=(2, 4), dtype=np.float64).reshape(count, -1) / 255
    return means


def distances(left: Rows, right: Rows) -> Rows:
    """RMS distances (N, M) of all rows of one set to all of another."""
    squares = (left**2).sum(1)[:, None] + (right**2).sum(1)[None] - 2 * left @ right.T
    found: Rows = np.sqrt(np.maximum(squares, 0.0) / left.shape[1])
    return found


def nearest_within(rows: Rows) -> tuple[Rows, NDArray[np.intp]]:
    """The distance of each row to its nearest other row, (N,), and which it is."""
    among = distances(rows, rows)
    np.fill_diagonal(among, np.inf)
    return among.min(axis=1), among.argmin(axis=1)


def effective_axes(rows: Rows) -> float:
    """How many directions share the variance: exp of the entropy of the principal components' shares.

    1 where all differences lie along one line; N equal directions give N (Roy and Vetterli 2007, "effective rank").
    """
    singular = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False) ** 2
    total = singular.sum()
    if not total > 1e-12 * rows.size:
        return 1.0
    shares = singular[singular > 0] / total
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _ratio(
    ours: Rows, theirs: Rows, measure: Callable[[Rows], float], rng: np.random.Generator
) -> tuple[float, float, float]:
    """(ratio, low, high) of a measure of two sets of independent values (N,), with a bootstrap's 95 % interval."""
    base = measure(theirs)
    if not base > 1e-9:
        return math.nan, math.nan, math.nan
    draws = []
    for _ in range(BOOTSTRAPS):
        below = measure(theirs[rng.integers(0, len(theirs), len(theirs))])
        above = measure(ours[rng.integers(0, len(ours), len(ours))])
        draws.append(above / max(below, 1e-9))
    low, high = np.percentile(draws, (2.5, 97.5))
    return measure(ours) / base, float(low), float(high)


def run(request: Request) -> Finding:
    """Diversity, nearest pairs, axes, texture and pixels that are not finite, each beside real images.

    Raises:
        DataError: too few real images.
    """
    subject = request.subject
    count = int(request.values.get("images", 512))
    count = min(count, QUICK_IMAGES) if request.quick else count
    rng = np.random.default_rng(request.seed)
    real = _mixed(subject.heldout, subject.training, count, rng)
    if len(real) < FEWEST:
        raise DataError(f"Comparing needs at least {FEWEST} real images, got {len(real)}: choose a larger data set.")
    count = len(real)
    request.progress.step(0, 10)
    samples = subject.samples(count, seed=request.seed, progress=request.progress)
    finite = _finite(subject, request.seed)
    request.progress.step(4, 10)

    ours, theirs = thumbnails(samples), thumbnails(real)
    # Pairs that share no image are independent, which the bootstrap needs.
    diversity = _ratio(_pair_distances(ours, rng), _pair_distances(theirs, rng), _mean, rng)
    near, partner = nearest_within(ours)
    nearest = _ratio(near, nearest_within(theirs)[0], _median, rng)
    axes = effective_axes(ours) / effective_axes(theirs)
    clipped = float(np.mean((samples == 0) | (samples == 255)) - np.mean((real == 0) | (real == 255)))
    request.progress.step(6, 10)
    texture = _texture(subject, samples, real, request)
    figures = (
        Figure("diversity", "Spread of samples over real", *diversity, n=count, better="near one"),
        Figure("nearest", "Nearest other sample over real", *nearest, n=count, better="near one"),
        Figure("axes", "Axes of variation over real", axes, n=count, better="near one"),
        *texture,
        Figure("finite", "Samples that are finite", finite, n=64, better="higher"),
        Figure("clipped", "Black or white pixels more than real", clipped, n=count, better="near one"),
    )
    sentence, level = _words(figures)
    request.progress.step(10, 10)
    return Finding(
        diagnostic=NAME,
        title="Variety",
        level=level,
        sentence=sentence,
        figures=figures,
        evidence=(_nearest_pairs(samples, near, partner), Evidence("Samples", (_colour(samples[:PAIRS]),))),
        values={"sample_nearest": tuple(map(float, near))},
    )


def _mean(values: Rows) -> float:
    return float(values.mean())


def _median(values: Rows) -> float:
    return float(np.median(values))


def _mixed(
    first: NDArray[np.uint8], then: NDArray[np.uint8], count: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """At most so many images, held-out ones first."""
    some = first[np.sort(rng.permutation(len(first))[:count])]
    more = then[np.sort(rng.permutation(len(then))[: count - len(some)])]
    return np.concatenate([some, more])


def _pair_distances(rows: Rows, rng: np.random.Generator) -> Rows:
    """RMS distances of some thousand random pairs of different rows."""
    turns = [rng.permutation(len(rows)) for _ in range(8)]
    found: Rows = np.concatenate([np.sqrt(((rows[turn] - rows[np.roll(turn, 1)]) ** 2).mean(axis=1)) for turn in turns])
    return found


@torch.inference_mode()
def _finite(subject: Subject, seed: int) -> float:
    """The share of 64 samples without NaN or infinity."""
    codes = subject.model.sample_codes(64, temperature=1.0, generator=torch.Generator().manual_seed(seed))
    return float(torch.isfinite(subject.model.decode(codes)).flatten(1).all(1).float().mean())


def _texture(
    subject: Subject, samples: NDArray[np.uint8], real: NDArray[np.uint8], request: Request
) -> tuple[Figure, ...]:
    """Sliced Wasserstein distances to real images: of the samples, of other real images, of PCA's samples."""
    others = _mixed(subject.training, subject.training[:0], len(real), np.random.default_rng(request.seed + 1))
    count = min(len(real), len(others))
    if count < FEWEST or min(real.shape[1:3]) < THUMB:
        return ()
    fitted = pca.fit_pca(others, min(COMPONENTS, count - 1), seed=request.seed)
    drawn = pca.sample(fitted, count, generator=torch.Generator().manual_seed(request.seed))
    sets = {"samples": samples[:count], "real": others, "pca": drawn}
    found = {}
    for index, (name, pictures) in enumerate(sets.items()):
        found[name] = sliced_wasserstein(
            pictures,
            real[:count],
            patches_per_image=QUICK_PATCHES if request.quick else PATCHES,
            seed=request.seed,
            progress=request.progress,
        ).mean
        request.progress.step(7 + index, 10)
    note = "sliced Wasserstein x 1000 (Karras et al. 2018), mean over resolutions"
    return (
        Figure("texture", "Texture distance of samples", found["samples"], n=count, better="lower", note=note),
        Figure("texture_real", "The same of other real images", found["real"], n=count, note="the best to be had"),
        Figure(
            "texture_pca",
            "The same of PCA's samples",
            found["pca"],
            n=count,
            note=f"{min(COMPONENTS, count - 1)} components, learned in seconds: what training must beat",
        ),
    )


def _words(figures: tuple[Figure, ...]) -> tuple[str, Level]:
    by_name = {figure.name: figure for figure in figures}
    diversity, nearest = by_name["diversity"], by_name["nearest"]
    if by_name["finite"].value < 1:
        return f"{100 * (1 - by_name['finite'].value):.0f} % of the samples hold numbers that are not finite.", "bad"
    if not math.isfinite(diversity.value):
        return "The real images are all the same, so nothing can be compared.", "unknown"
    lower = min(value for value in (diversity.high, nearest.high) if value is not None)
    told = (
        f"Samples spread {100 * diversity.value:.0f} % as far as real images [{_share(diversity)}], and a sample's "
        f"nearest other sample is {100 * nearest.value:.0f} % as far as among real images [{_share(nearest)}]"
    )
    if lower < COLLAPSED:
        return f"{told}: a collapse.", "bad"
    if lower < NARROW or by_name["axes"].value < COLLAPSED:
        return f"{told}: less varied than the data.", "watch"
    return f"{told}: about as varied as the data.", "good"


def _share(figure: Figure) -> str:
    assert figure.low is not None
    assert figure.high is not None
    return f"{100 * figure.low:.0f}, {100 * figure.high:.0f}"


def _nearest_pairs(samples: NDArray[np.uint8], near: Rows, partner: NDArray[np.intp]) -> Evidence:
    """The nearest pairs of samples, each pair once."""
    pairs: dict[tuple[int, int], float] = {}
    for index in np.argsort(near, kind="stable"):
        pair = (min(int(index), int(partner[index])), max(int(index), int(partner[index])))
        pairs.setdefault(pair, float(near[index]))
        if len(pairs) == PAIRS:
            break
    left, right = (np.array([pair[side] for pair in pairs]) for side in (0, 1))
    captions = tuple(f"{255 * distance:.1f} grey values apart" for distance in pairs.values())
    return Evidence("The nearest pairs of samples", (_colour(samples[left]), _colour(samples[right])), captions)


def _colour(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return pictures if pictures.shape[-1] == 3 else np.repeat(pictures, 3, axis=-1)
