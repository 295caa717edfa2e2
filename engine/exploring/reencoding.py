"""A photo's place in a model whose weights have moved on: encoded anew, or its code judged anew."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from engine.api import Codes, Encoded, Pictures
from engine.measures import error_map, psnr, ssim

if TYPE_CHECKING:
    from engine.exploring.open_model import OpenModel

ERROR_GAIN = 4.0


def reencoded(model: OpenModel, encoded: Encoded) -> Encoded:
    """The same photo in newer weights: exact and amortised families encode it again; a code that was searched or
    improved stays, with the picture and the figures that it has now."""
    if model.info.encode != "search" and not encoded.improved:
        return replace(model.encode(encoded.photo, name=encoded.name), note=encoded.note)
    reconstruction = model.decode(encoded.code[None])[0]
    return replace(
        encoded,
        reconstruction=reconstruction,
        error_map=error_map(encoded.photo, reconstruction, gain=ERROR_GAIN),
        psnr_db=psnr(encoded.photo, reconstruction),
        ssim=ssim(encoded.photo, reconstruction),
    )


def reencoded_codes(model: OpenModel, pictures: Pictures) -> Codes | None:
    """Codes (n, D) of photos (n, S, S, 3) in newer weights; None where they would have to be searched."""
    return None if model.info.encode == "search" or not len(pictures) else model.codes_of(np.asarray(pictures))
