"""A photo cut to the framing of the training faces: the middle 148 pixels of an aligned CelebA picture."""

from __future__ import annotations

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
    "none" take the middle square. What lies outside the photo repeats its edge.

    Raises:
        UsageError: an unknown mode.
        ImageError: "face", and there is none.
    """
    if mode not in MODES:
        raise UsageError(f"align must be one of {', '.join(MODES)}, got {mode!r}.")
    height, width = rgb.shape[:2]
    faces = find_faces(rgb) if mode in ("auto", "face") else ()
    if mode == "auto" and (height == width <= ALIGNED_PX) and not (faces and _small(faces[0], width)):
        return Aligned(_cut(rgb, (0.0, 0.0, float(width)), size), (0.0, 0.0, float(width)), "none", "")
    if faces:
        chosen = faces[min(face, len(faces) - 1)]
        box = _frame_of(chosen)
        note = f"{len(faces)} faces were found; the largest is used." if len(faces) > 1 else ""
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
    left, top, side = box
    height, width = rgb.shape[:2]
    before_x, before_y = max(0, int(np.ceil(-left))), max(0, int(np.ceil(-top)))
    after_x = max(0, int(np.ceil(left + side - width)))
    after_y = max(0, int(np.ceil(top + side - height)))
    if before_x or before_y or after_x or after_y:
        rgb = np.pad(rgb, ((before_y, after_y), (before_x, after_x), (0, 0)), mode="edge")
        left, top = left + before_x, top + before_y
    window = (max(0.0, left), max(0.0, top), min(left + side, rgb.shape[1]), min(top + side, rgb.shape[0]))
    picture = Image.fromarray(np.ascontiguousarray(rgb)).resize((size, size), Image.Resampling.LANCZOS, box=window)
    return np.asarray(picture, np.uint8)
