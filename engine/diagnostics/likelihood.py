"""How likely real images are to a model: bits/dim of training and held-out images, their gap, and tighter bounds."""

import math
from itertools import pairwise
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from engine.diagnostics.base import Request, Subject
from engine.diagnostics.importance import Bounds, importance_bounds, interval
from engine.errors import UserError
from engine.knobs import Knob
from engine.objectives.likelihood import bits_per_dim, dequantise
from engine.pictures import to_images, to_pictures
from engine.progress import SILENT, Progress
from engine.report import Evidence, Figure, Finding, Level

NAME: Final = "likelihood"
CHUNK: Final = 32
SHOWN: Final = 10
TOLD_APART: Final = 0.75
"""Three of four pairs in the right order: single images can then be guessed to have been trained on."""
SOME: Final = 0.55
"""Below it no use could be made of the difference, however significant it is."""
KNOBS: Final = (
    Knob(
        name="images",
        kind=int,
        default=1024,
        title="Images",
        help="Training and held-out images whose bits/dim are measured, at most.",
        low=8,
        high=100_000,
        unit="images",
    ),
    Knob(
        name="codes",
        kind=int,
        default=200,
        title="Codes an image",
        help="k of the importance-weighted bound; 5,000 is the usual figure of papers and takes long.",
        low=2,
        high=5000,
    ),
    Knob(
        name="bound_images",
        kind=int,
        default=64,
        title="Images of the bound",
        help="Held-out images for which the importance-weighted bound is computed.",
        low=4,
        high=4096,
        unit="images",
    ),
)
QUICK: Final = {"images": 256, "codes": 50, "bound_images": 16}
CAVEAT: Final = (
    "A likelihood ranks images by this model alone: simple images (smooth, dark, blurred) can get better bits/dim than "
    "anything it learned from (Nalisnick et al. 2019), so a rank finds the unusual and never tells real from fake."
)


def why_not(subject: Subject) -> str:
    """A family without a density has none of these figures."""
    if subject.model.abilities.density == "none":
        return "This family has no density, so likelihood is not defined for it."
    return ""


@torch.inference_mode()
def image_bits(
    subject: Subject, pictures: NDArray[np.uint8], *, seed: int = 0, progress: Progress = SILENT
) -> NDArray[np.float64]:
    """Bits/dim of each picture (N, S, S, C), (N,), as its model counts them; the dequantising noise is seeded."""
    channels = subject.model.spec.image_shape[0]
    found = []
    for start in range(0, len(pictures), CHUNK):
        progress.check()
        images = to_images(pictures[start : start + CHUNK], subject.device, channels)
        noise = torch.Generator().manual_seed(seed)
        found.append(subject.fast.bits_per_dim(images, generator=noise).double().cpu().numpy())
        progress.step(min(start + CHUNK, len(pictures)), len(pictures))
    return np.concatenate(found)


def separation(train: NDArray[np.float64], held: NDArray[np.float64]) -> tuple[float, float, float]:
    """(share, low, high): how often a held-out image costs more bits than a training image, with its 95 % interval.

    0.5 where the model cannot tell them apart, 1 where it knows its training images by heart. The area under the curve
    of that membership test, ties counting half, and its interval after Hanley and McNeil 1982.
    """
    order = np.sort(train)
    below = np.searchsorted(order, held, side="left")
    upto = np.searchsorted(order, held, side="right")
    area = float((below + upto).sum() / 2 / (len(train) * len(held)))
    first, second = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (len(held) - 1) * (first - area**2) + (len(train) - 1) * (second - area**2)
    half = 1.96 * math.sqrt(max(spread, 0.0) / (len(train) * len(held)))
    return area, max(0.0, area - half), min(1.0, area + half)


def gap_of(train: NDArray[np.float64], held: NDArray[np.float64]) -> tuple[float, float, float]:
    """(gap, low, high): mean bits/dim of held-out minus training images with its 95 % interval (Welch)."""
    gap = float(held.mean() - train.mean())
    half = 1.96 * math.sqrt(held.var(ddof=1) / len(held) + train.var(ddof=1) / len(train))
    return gap, gap - half, gap + half


def run(request: Request) -> Finding:
    """Bits/dim on both sides, the gap, percentiles, and for a bound the importance-weighted one.

    Raises:
        UserError: the model's likelihoods are not finite.
    """
    subject, limits = request.subject, _limits(request)
    exact = subject.model.abilities.density == "exact"
    stretches = (0, 500, 1000, 1000) if exact else (0, 450, 900, 1000)
    first, second, third = (request.progress.part(a, b, 1000) for a, b in pairwise(stretches))
    train_pictures = _some(subject.training, limits["images"], request.seed)
    held_pictures = _some(subject.heldout, limits["images"], request.seed + 1)

    train = image_bits(subject, train_pictures, seed=request.seed, progress=first)
    held = image_bits(subject, held_pictures, seed=request.seed, progress=second)
    if not (np.isfinite(train).all() and np.isfinite(held).all()):
        lost = int((~np.isfinite(train)).sum() + (~np.isfinite(held)).sum())
        raise UserError(
            f"The likelihood of {lost} of {len(train) + len(held)} images is no finite number: the model has diverged; "
            "diagnose an earlier checkpoint."
        )
    figures = _figures(subject, train, held)
    values = {"training_bits": tuple(map(float, train)), "heldout_bits": tuple(map(float, held))}
    sentence, level = _words(subject, figures, exact)
    if subject.model.abilities.encode == "amortised":
        figures += _code_figures(subject, held_pictures, request.progress)
    if not exact:
        few = held_pictures[: limits["bound_images"]]
        bounds = _bounds(request, few, limits["codes"], third)
        more, words = _bound_figures(subject, bounds)
        figures, sentence = figures + more, f"{sentence} {words}"
        values |= {
            "bound_codes": tuple(float(k) for k in bounds.codes),
            "bound_bits": tuple(float(v) for v in _as_bits(subject, bounds.nats).mean(axis=1)),
        }
    return Finding(
        diagnostic=NAME,
        title="Likelihood",
        level=level,
        sentence=sentence,
        figures=tuple(figures),
        evidence=_evidence(held_pictures, held),
        values=values,
    )


def _limits(request: Request) -> dict[str, int]:
    """The knobs' values; what is quick takes fewer."""
    values = {knob.name: int(request.values.get(knob.name, knob.default)) for knob in KNOBS}
    return {name: min(value, QUICK[name]) if request.quick else value for name, value in values.items()}


def _some(pictures: NDArray[np.uint8], most: int, seed: int) -> NDArray[np.uint8]:
    if len(pictures) <= most:
        return pictures
    chosen: NDArray[np.uint8] = pictures[np.sort(np.random.default_rng(seed).permutation(len(pictures))[:most])]
    return chosen


def _as_bits(subject: Subject, nats: NDArray[np.float64]) -> NDArray[np.float64]:
    """Nats an image as bits/dim at the model's bit depth, of any shape."""
    model = subject.model
    return bits_per_dim(torch.from_numpy(nats), model.spec.dimensions, model.bins).numpy()


def _figures(subject: Subject, train: NDArray[np.float64], held: NDArray[np.float64]) -> list[Figure]:
    bits = int(math.log2(subject.model.bins))
    exact = subject.model.abilities.density == "exact"
    note = f"images of {bits} bits a channel" + ("" if exact else "; the ELBO, an upper bound of the true figure")

    def cost(name: str, title: str, values: NDArray[np.float64]) -> Figure:
        mean, low, high = interval(values)
        return Figure(name, title, mean, low, high, unit="bits/dim", n=len(values), better="lower", note=note)

    gap, low, high = gap_of(train, held)
    area, area_low, area_high = separation(train, held)
    both = len(train) + len(held)
    figures = [
        cost("training_bits", "Training images", train),
        cost("heldout_bits", "Held-out images", held),
        Figure("gap_bits", "Held-out minus training", gap, low, high, unit="bits/dim", n=both, better="lower"),
        Figure(
            "separation",
            "Held-out costs more than training",
            area,
            area_low,
            area_high,
            n=both,
            better="lower",
            note="share of pairs of a held-out and a training image; 0.5 cannot tell them apart, 1 is learned by heart",
        ),
    ]
    for share in (5, 50, 95):
        value = float(np.percentile(held, share))
        figures.append(
            Figure(f"heldout_p{share:02d}", f"Held-out, percentile {share}", value, unit="bits/dim", n=len(held))
        )
    grey = image_bits(subject, np.full_like(subject.heldout[:1], 128))
    figures.append(
        Figure(
            "grey_bits",
            "A plain grey picture",
            float(grey[0]),
            unit="bits/dim",
            n=1,
            note="often cheaper than any photo: a likelihood does not say how real a picture looks",
        )
    )
    return figures


def _words(subject: Subject, figures: list[Figure], exact: bool) -> tuple[str, Level]:
    """What the figures say, and how it is to be read."""
    by_name = {figure.name: figure for figure in figures}
    train, held, gap, apart = (by_name[n] for n in ("training_bits", "heldout_bits", "gap_bits", "separation"))
    what = "bits/dim" if exact else "bits/dim (ELBO, an upper bound)"
    start = (
        f"Held-out images cost {held.value:.3f} {what} [{held.low:.3f}, {held.high:.3f}] and training images "
        f"{train.value:.3f} [{train.low:.3f}, {train.high:.3f}]."
    )
    assert gap.low is not None
    assert gap.high is not None
    assert apart.low is not None
    if subject.origin.trained_on == "no":
        return f"{start} The model did not learn from these images, so the gap says nothing of memorising.", "good"
    sure = f"gap {gap.value:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]"
    hedge = "" if subject.origin.trained_on == "yes" else " Whether it learned from these very images is not known."
    if gap.low <= 0:
        return f"{start} No sign of learning by heart: the {sure} reaches zero.{hedge}", "good"
    share = f"a held-out image costs more than a training image in {100 * apart.value:.0f} % of pairs"
    if apart.low >= TOLD_APART:
        return f"{start} It knows training images by heart: {sure}, and {share}.{hedge}", "bad"
    if apart.low >= SOME:
        return (
            f"{start} It fits training images better than others: {sure}, and {share} (50 % is even).{hedge}",
            "watch",
        )
    return f"{start} The {sure} is small: {share} (50 % is even).{hedge}", "good"


@torch.inference_mode()
def _code_figures(subject: Subject, pictures: NDArray[np.uint8], progress: Progress) -> list[Figure]:
    """What the encoder's means tell of an image: how many numbers vary, and about how many nats they carry.

    The code's prior is a standard normal, so a number whose mean varies by v keeps about 1 - v of uncertainty:
    -1/2 log(1 - v) nats. (Active units: Burda et al. 2016, section 5.2, threshold 0.01.)
    """
    means = []
    for start in range(0, len(pictures), CHUNK):
        progress.check()
        images = to_images(pictures[start : start + CHUNK], subject.device, subject.model.spec.image_shape[0])
        means.append(subject.fast.encode(images).double().cpu())
    spread = torch.cat(means).var(0)
    nats = float(-0.5 * torch.log1p(-spread.clamp(0.0, 0.9999)).sum())
    count = len(pictures)
    return [
        Figure("code_nats", "Information in a code, about", nats, unit="nats", n=count, better="higher"),
        Figure(
            "active_units",
            "Code numbers that vary",
            float((spread > 0.01).sum()),
            n=count,
            better="higher",
            note=f"of {subject.model.spec.size}",
        ),
    ]


def _bounds(request: Request, pictures: NDArray[np.uint8], codes: int, progress: Progress) -> Bounds:
    subject = request.subject
    images = to_images(pictures, subject.device, subject.model.spec.image_shape[0])
    images = dequantise(images, subject.model.bins, torch.Generator().manual_seed(request.seed))
    return importance_bounds(subject.model, images, codes=codes, seed=request.seed << 16, progress=progress)


def _bound_figures(subject: Subject, bounds: Bounds) -> tuple[list[Figure], str]:
    """The ELBO and the tightest bound on the same images, what lies between them, and how sure that is."""
    bits = _as_bits(subject, bounds.nats)
    k, n = bounds.codes[-1], bits.shape[1]
    elbo, best, gap = interval(bits[0]), interval(bits[-1]), interval(bits[0] - bits[-1])
    effective = float(np.median(bounds.effective))
    thin = effective < 2.0
    figures = [
        Figure("elbo_bits", "ELBO", *elbo, unit="bits/dim", n=n, better="lower", note=f"mean over {k} codes an image"),
        Figure(
            "iwae_bits",
            f"Importance-weighted bound, k = {k:,}",
            *best,
            unit="bits/dim",
            n=n,
            better="lower",
            note="Burda et al. 2016; the true figure is at most this",
        ),
        Figure(
            "iwae_gap_bits",
            "ELBO minus tighter bound",
            *gap,
            unit="bits/dim",
            n=n,
            note=f"the part of the ELBO's slack that {k:,} codes show",
        ),
        Figure(
            "effective_codes",
            "Effective codes behind the bound",
            effective,
            n=n,
            note="median over images; near 1 the bound is far from done" if thin else "median over images",
        ),
    ]
    words = (
        f"With {k:,} codes an image the bound tightens by {gap[0]:.3f} [{gap[1]:.3f}, {gap[2]:.3f}] bits/dim "
        f"on {n} images"
    )
    end = ", and one code carries most of the weight, so the true figure may lie well below." if thin else "."
    return figures, words + end


def _evidence(pictures: NDArray[np.uint8], bits: NDArray[np.float64]) -> tuple[Evidence, ...]:
    """The held-out images that cost most and least."""
    order = np.argsort(bits, kind="stable")

    def strip(title: str, chosen: NDArray[np.intp]) -> Evidence:
        shown = to_pictures(to_images(pictures[chosen]))
        return Evidence(title, (shown,), tuple(f"{bits[i]:.2f} bits/dim" for i in chosen))

    return (
        strip("Held-out images that cost the most bits", order[::-1][:SHOWN]),
        strip("Held-out images that cost the fewest bits", order[:SHOWN]),
    )
