"""Ranks somebody's own photos by bits/dim against held-out images: a way to find the unusual ones, and no more."""

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.diagnostics.base import Subject
from engine.diagnostics.likelihood import CAVEAT, image_bits
from engine.errors import Unsupported
from engine.progress import SILENT, Progress
from engine.report import Evidence, Figure, Finding

NAME: Final = "ranking"
MOST_HELDOUT: Final = 1024
UNUSUAL: Final = 99.0
"""Percentile among held-out images from which a photo is called unusual: one in a hundred lies above by definition."""


def rank_photos(
    subject: Subject, pictures: NDArray[np.uint8], names: Sequence[str], *, seed: int = 0, progress: Progress = SILENT
) -> Finding:
    """Bits/dim of photos (N, S, S, 3) of the model's size, the costliest first, each with its percentile among held-out
    images and with what a PNG of it takes, which is low for simple pictures.

    Raises:
        Unsupported: the model has no density.
    """
    if subject.model.abilities.density == "none":
        raise Unsupported("This family has no density, so photos cannot be ranked by it: choose a flow or a VAE.")
    held = subject.heldout
    if len(held) > MOST_HELDOUT:
        held = held[np.sort(np.random.default_rng(seed).permutation(len(held))[:MOST_HELDOUT])]
    total = len(held) + len(pictures)
    reference = image_bits(subject, held, seed=seed, progress=progress.part(0, len(held), total))
    # One at a time: a picture's noise must not depend on which photos are beside it.
    bits = np.array([image_bits(subject, one[None], seed=seed, progress=progress.quiet())[0] for one in pictures])
    progress.step(total, total)
    order = np.argsort(-bits, kind="stable")
    percentiles = [100.0 * float(np.mean(reference < value)) for value in bits]
    figures, captions = [], []
    for rank, index in enumerate(order, start=1):
        simple = _png_bits(pictures[index])
        figures.append(
            Figure(
                f"rank/{rank}",
                names[index],
                float(bits[index]),
                unit="bits/dim",
                n=len(reference),
                note=f"costlier than {percentiles[index]:.0f} % of held-out images; as PNG {simple:.2f} bits/dim",
            )
        )
        captions.append(f"{bits[index]:.2f} bits/dim, {percentiles[index]:.0f} %")
    unusual = [names[i] for i in order if percentiles[i] >= UNUSUAL]
    return Finding(
        diagnostic=NAME,
        title="Photos by bits/dim",
        level="unknown",
        sentence=f"{_words(unusual, len(pictures), len(reference))} {CAVEAT}",
        figures=tuple(figures),
        evidence=(Evidence("Photos, the costliest first", (np.ascontiguousarray(pictures[order]),), tuple(captions)),),
        values={
            "bits": tuple(float(bits[i]) for i in order),
            "percentiles": tuple(percentiles[i] for i in order),
            "heldout_bits": tuple(map(float, reference)),
        },
    )


def _words(unusual: list[str], count: int, reference: int) -> str:
    if not unusual:
        return f"None of the {count} photos costs more bits than 99 % of {reference} held-out images."
    some = ", ".join(unusual[:3]) + (f" and {len(unusual) - 3} more" if len(unusual) > 3 else "")
    verb = "cost" if len(unusual) > 1 else "costs"
    return f"{some} {verb} more bits than 99 % of {reference} held-out images: unusual for this model."


def _png_bits(picture: NDArray[np.uint8]) -> float:
    """Bits a value that a PNG of the picture takes: a model-free measure of how simple it is."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", optimize=True)
    return 8 * len(buffer.getvalue()) / picture.size
