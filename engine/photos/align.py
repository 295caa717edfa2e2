"""A photo cut to the framing of the training faces: the middle 148 pixels of an aligned CelebA picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.errors import ImageError, UsageError
from engine.photos.faces import Face, find_faces

# Where the detector's box lies in an aligned face, as shares of the frame's side. Medians over 300 aligned faces of
# 128 pixels, enlarged twice and padded by reflection so that the detector had room; found in 300 of 300.
BOX_SIDE: Final = 0.715
BOX_CENTRE_X: Final = 0.500
BOX_CENTRE_Y: Final = 0.604
ALIGNED_PX: Final = 256
"""A square picture up to this size whose face fills the frame is taken for an aligned one."""
MODES: Final = ("auto", "none", "face", "centre")


@dataclass(frozen=True, eq=False)
class Aligned:
    """`rgb` (S, S, 3) uint8; `box` is (left, top, side) in the photo; `how` is face, centre or none."""

    rgb: NDArray[np.uint8]
    box: tuple[float, float, float]
    how: str
    note: str


def align(rgb: NDArray[np.uint8], *, mode: str = "auto", size: int = 64, face: int = 0) -> Aligned:
    """The part of a photo (H, W, 3) that a model of faces expects, at `size` pixels.

    "auto" takes the largest face, or the middle square where none is found; "face" insists on one; "centre" and
    "none" take the middle square. A square picture of at most 256 pixels that a face fills is taken as it is, for it
    is aligned already. `face` counts from 0, the largest. What lies outside the photo repeats its edge.

    Raises:
        UsageError: an unknown mode, a size below 1, a negative face.
        ImageError: "face", and there is none.
    """
    if mode not in MODES:
        raise UsageError(f"align must be one of {', '.join(MODES)}, got {mode!r}.")
    if size < 1 or face < 0:
        raise UsageError(f"Size must be at least 1 and face at least 0, got {size} and {face}.")
    height, width = rgb.shape[:2]
    faces = find_faces(rgb) if mode in ("auto", "face") else ()
    if mode == "auto" and height == width <= ALIGNED_PX and not (faces and _small(faces[0], width)):
        return Aligned(_cut(rgb, (0.0, 0.0, float(width)), size), (0.0, 0.0, float(width)), "none", "")
    if faces:
        index = min(face, len(faces) - 1)
        box = _frame_of(faces[index])
        which = "the largest" if index == 0 else f"number {index + 1} by size"
        note = f"{len(faces)} faces were found; {which} is used." if len(faces) > 1 else ""
        return Aligned(_cut(rgb, box, size), box, "face", note)
    if mode == "face":
        raise ImageError("No face was found in this picture: choose another one, or use its middle.")
    side = float(min(height, width))
    box = ((width - side) / 2, (height - side) / 2, side)
    note = "No face was found, so the middle of the picture is used; crop it yourself for a better result."
    return Aligned(_cut(rgb, box, size), box, "centre" if mode == "auto" else mode, note if mode == "auto" else "")


def _small(face: Face, width: int) -> bool:
    """Whether the face leaves more room around it than an aligned picture has."""
    return face.size < 0.55 * width


def _frame_of(face: Face) -> tuple[float, float, float]:
    side = face.size / BOX_SIDE
    centre_x, centre_y = face.x + face.size / 2, face.y + face.size / 2
    return centre_x - BOX_CENTRE_X * side, centre_y - BOX_CENTRE_Y * side, side


def _cut(rgb: NDArray[np.uint8], box: tuple[float, float, float], size: int) -> NDArray[np.uint8]:
    """The box at `size` pixels. Only the box is copied, with a margin for the filter, and never the whole photo."""
    left, top, side = box
    height, width = rgb.shape[:2]
    margin = math.ceil(3 * max(1.0, side / size))
    columns, rows = _span(left, side, width, margin), _span(top, side, height, margin)
    inside_x, inside_y = columns.clip(0, width - 1), rows.clip(0, height - 1)
    x, y = int(inside_x[0]), int(inside_y[0])
    part = rgb[y : int(inside_y[-1]) + 1, x : int(inside_x[-1]) + 1]
    part = np.pad(
        part,
        (
            (int((rows < 0).sum()), int((rows >= height).sum())),
            (int((columns < 0).sum()), int((columns >= width).sum())),
            (0, 0),
        ),
        mode="edge",
    )
    left, top = left - float(columns[0]), top - float(rows[0])
    window = (left, top, left + side, top + side)
    picture = Image.fromarray(np.ascontiguousarray(part))
    return np.array(picture.resize((size, size), Image.Resampling.LANCZOS, window, reducing_gap=3.0), np.uint8)


def _span(start: float, side: float, length: int, margin: int) -> NDArray[np.int64]:
    """The whole pixels from `start` over `side`, and the margin as far as the photo of `length` has it."""
    first, last = math.floor(start), math.ceil(start + side)
    return np.arange(min(first, max(0, first - margin)), max(last, min(length, last + margin)))
