"""A photo from outside, decoded and cut to a model's framing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.api import Framing, Pictures
from engine.errors import UsageError

# OpenCV and the readers are imported where they are used: a first picture does not wait for them.


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo cut to a model's framing. `how`: face, points, centre or none; `note` says what was done, in a sentence.

    `framing` says where in the photo it was cut out, and which faces there are.
    """

    picture: Pictures
    name: str
    note: str
    how: str
    framing: Framing


def load_photo(
    source: str | Path | bytes | Pictures,
    *,
    size: int,
    align: str = "auto",
    name: str = "",
    face: int = 0,
    points: Sequence[tuple[float, float]] | None = None,
) -> Photo:
    """A photo from a file, its bytes or an array (H, W, 3), cut and scaled to `size` pixels.

    `face` counts from 0, the largest. `points` in the photo's pixels, two eyes or two eyes and the middle of the
    mouth, are used instead of a face.

    Raises:
        ImageError: it is no picture, or must not be opened.
        UsageError: an unknown way of aligning, a face that was not found, or points that no face can have.
    """
    from engine.photos.align import align as align_photo
    from engine.photos.decode import read_photo

    if align not in ("auto", "none", "face", "centre"):
        raise UsageError(f"align must be auto, none, face or centre, got {align!r}.")
    if isinstance(source, np.ndarray):
        rgb, name = source, name or "pasted picture"
    else:
        read = read_photo(source)
        rgb, name = read.rgb, name or read.name
    found = align_photo(rgb, mode=align, size=size, face=face, points=points)
    return Photo(found.rgb, name, found.note, found.how, found.framing)
