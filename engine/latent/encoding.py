"""How a photo's code is found: by the family's own encoder, by one trained beside it, by search, and refined."""

import logging
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from engine.api import Pictures
from engine.errors import CheckpointError
from engine.latent.bits_reference import Reference, load_reference
from engine.latent.encoder import CodeEncoder, load_encoder
from engine.latent.features import energies
from engine.latent.inversion import Guess, invert, refine
from engine.library import ENCODER, REFERENCE, SUFFIX
from engine.measures import psnr
from engine.models.base import Frozen, LatentModel, Plain
from engine.pictures import to_pictures
from engine.progress import SILENT, Progress

log = logging.getLogger(__name__)

SEARCH_STEPS = 60
IMPROVE_STEPS = {"search": 200, "amortised": 40, "exact": 0}
"""By how a family encodes: a VAE's own answer is near the best already, and 40 steps find the rest."""
EXACT_NOTE = "This model's codes are exact, so there is nothing to improve."


@dataclass(frozen=True)
class Aids:
    """What lies beside a model's file and helps with photos: an encoder, and bits/dim of real images."""

    encoder: CodeEncoder | None = None
    reference: Reference | None = None


def load_aids(path: Path, model: LatentModel, digest: str) -> Aids:
    """What lies beside the model at `path`. A damaged file, or one of another model, is passed over with a line in
    the log: the model opens all the same, and the search starts from a rougher guess."""
    stem = path.name.removesuffix(SUFFIX)
    beside_encoder, beside_reference = path.with_name(stem + ENCODER), path.with_name(stem + REFERENCE)
    encoder: CodeEncoder | None = None
    reference: Reference | None = None
    if model.abilities.encode == "search" and beside_encoder.is_file():
        try:
            encoder, _ = load_encoder(
                beside_encoder, model_sha256=digest, code=model.spec.size, image_shape=model.spec.image_shape
            )
        except CheckpointError as error:
            log.warning("no encoder: %s", error)
    if model.abilities.density != "none" and beside_reference.is_file():
        try:
            reference = load_reference(beside_reference, model_sha256=digest)
        except CheckpointError as error:
            log.warning("no reference: %s", error)
    return Aids(encoder, reference)


@dataclass(frozen=True, eq=False)
class Found:
    """A photo's code (1, D), the search's curve (empty without one), whether it was improved, and a note on it.

    `picture` (S, S, 3) is what the code draws, where that was looked at on the way.
    """

    code: Tensor
    errors: tuple[float, ...] = ()
    improved: bool = False
    note: str = ""
    picture: Pictures | None = None


def find_code(
    model: LatentModel,
    image: Tensor,
    *,
    frozen: Frozen | None = None,
    guess: Guess | None = None,
    sure: bool = False,
    steps: int | None = None,
    improve: bool = False,
    progress: Progress = SILENT,
) -> Found:
    """The code of an image (1, C, S, S); `frozen` is the model's frozen form, for whatever needs no gradient.

    An exact encoder's answer stands. So does an amortised one's unless `improve` asks for a refinement, which is
    never farther from the photo than the encoder's own answer. Models without one are searched, from `guess` alone
    if it is `sure`, else from the best of it and draws from the prior; `improve` searches longer. With 0 steps the
    best start is the answer.

    Raises:
        Cancelled: from `progress`.
    """
    frozen = frozen or Plain(model)
    # Points have no texture, and are not rounded to 256 values.
    features = None if model.spec.range is None else energies
    if steps is None:
        steps = IMPROVE_STEPS[model.abilities.encode] if improve else SEARCH_STEPS
    if model.abilities.encode == "search":
        found = invert(
            model,
            image,
            steps=steps,
            starts=0 if sure else 64,
            guess=guess,
            features=features,
            generator=torch.Generator().manual_seed(0),
            progress=progress,
        )
        return Found(found.code, found.errors, improved=improve)
    with torch.inference_mode():
        code = frozen.encode(image)
    if not improve:
        return Found(code)
    if model.abilities.encode == "exact":
        return Found(code, note=EXACT_NOTE)
    found = refine(model, image, code, steps=steps, features=features, progress=progress)
    if model.spec.range is None:
        return Found(found.code, found.errors, improved=True)
    # Rounding to 256 values could turn a hair's breadth of gain into a loss.
    with torch.inference_mode():
        photo, before, after = (to_pictures(x)[0] for x in (image, frozen.decode(code), frozen.decode(found.code)))
    if psnr(photo, after) < psnr(photo, before):
        return Found(code, found.errors[:1] * len(found.errors), improved=True, picture=before)
    return Found(found.code, found.errors, improved=True, picture=after)
