"""A photo cut to the framing of the training faces: the middle 148 pixels of an aligned CelebA picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.api import Cut, FaceBox, Framing, Point
from engine.errors import ImageError, UsageError
from engine.photos.faces import Face
from engine.photos.heads import Head, find_heads
from engine.photos.landmarks import MEAN
from engine.photos.similarity import Similarity, cut_out, fit

ALIGNED_PX: Final = 256
"""A square picture up to this size whose face fills the frame is taken for an aligned one."""
OVERVIEW_PX: Final = 640
MODES: Final = ("auto", "none", "face", "centre")
NEAR_PX: Final = 2.0
"""Clicked points nearer to each other than this are one point."""


@dataclass(frozen=True, eq=False)
class Aligned:
    """`rgb` (S, S, 3) uint8; `how` is face, points, centre or none; `note` says in sentences what a person should know.

    `framing` is where the cut lies in the photo.
    """

    rgb: NDArray[np.uint8]
    how: str
    note: str
    framing: Framing


def align(
    rgb: NDArray[np.uint8],
    cut: Cut | None = None,
    *,
    size: int = 64,
    heads: Callable[[], tuple[Head, ...]] | None = None,
) -> Aligned:
    """The part of a photo (H, W, 3) that a model of faces expects, at `size` pixels.

    "auto" takes the largest face, or the middle square where none is found; "face" insists on one; "centre" and "none"
    take the middle square. A face is framed by the similarity that brings its five landmarks nearest to their mean
    places. A square picture of at most 256 pixels that a face fills is taken as it is, for it is aligned already. The
    eyes of clicked `points` may come in either order. What lies outside the photo repeats its edge. `heads` gives this
    photo's heads, where the caller has them already.

    Raises:
        UsageError: an unknown way, a size below 1, a face that was not found, points that no face can have.
        ImageError: "face", and there is none.
    """
    cut = cut or Cut()
    mode, face = cut.align, cut.face
    if mode not in MODES:
        raise UsageError(f"align must be one of {', '.join(MODES)}, got {mode!r}.")
    if size < 1 or face < 0:
        raise UsageError(f"Size must be at least 1 and face at least 0, got {size} and {face}.")
    height, width = rgb.shape[:2]
    clicked = frame_of_points(cut.points, width=width, height=height) if cut.points else None
    found = (heads or (lambda: find_heads(rgb)))() if mode in ("auto", "face") else ()
    faces = tuple(head.face for head in found)
    if clicked is not None:
        return _aligned(rgb, clicked, size, "points", "", faces, -1)
    if mode in ("auto", "face") and face >= max(1, len(faces)):
        were = {0: "none was", 1: "1 was"}.get(len(faces), f"{len(faces)} were")
        way = "click the eyes instead" if not faces else f"choose one from 1 to {len(faces)}"
        raise UsageError(f"Face {face + 1} was asked for and {were} found: {way}.")
    whole = Similarity(complex(width), 0j)
    if mode == "auto" and height == width <= ALIGNED_PX and not (faces and (faces[0].size < 0.55 * width)):
        return _aligned(rgb, whole, size, "none", "", faces, -1)
    if faces:
        head = found[face]
        which = "the largest is used" if face == 0 else f"number {face + 1} by size is used"
        several = f"{len(faces)} faces were found; {which}." if len(faces) > 1 else ""
        note = " ".join(filter(None, (several, head.note)))
        return _aligned(rgb, head.frame, size, "face", note, faces, face)
    if mode == "face":
        raise ImageError("No face was found in this picture: choose another one, click its eyes, or use its middle.")
    side = min(width, height)
    middle = Similarity(complex(side), complex(width - side, height - side) / 2)
    note = "No face was found, so the middle of the picture is used; click the eyes to place it."
    return _aligned(rgb, middle, size, "centre" if mode == "auto" else mode, note if mode == "auto" else "", faces, -1)


def frame_of_points(points: Sequence[Point], *, width: int, height: int) -> Similarity:
    """The framing that puts two eyes, or two eyes and the middle of the mouth, where faces have them on average.

    The order of the eyes does not matter: the mouth says which way is down; without one, the eye further left in the
    photo is the left one.

    Raises:
        UsageError: not two or three points, not finite, outside the photo, in one place, or all on one line.
    """
    if len(points) not in (2, 3) or any(len(point) != 2 for point in points):
        raise UsageError("Click two eyes, or two eyes and the middle of the mouth: points must be 2 or 3 pairs x, y.")
    if not all(math.isfinite(v) for point in points for v in point):
        raise UsageError("The clicked points must be finite numbers: click the eyes again.")
    if any(not (0 <= x <= width and 0 <= y <= height) for x, y in points):
        raise UsageError(f"The clicked points must lie inside the photo of {width} x {height} pixels: click again.")
    one, two, *rest = (complex(x, y) for x, y in points)
    if abs(one - two) < NEAR_PX:
        raise UsageError("Both eyes are at the same place: click one point on each eye.")
    if not rest:
        left, right = sorted((one, two), key=lambda z: (z.real, z.imag))
        return fit(MEAN[:2], np.array([left, right]))
    # Where the mouth lies in a frame of the eyes' own: below them where the imaginary part is positive.
    mouth = ((rest[0] - (one + two) / 2) / (two - one)).imag
    if abs(mouth) * abs(two - one) < NEAR_PX or abs(mouth) < 0.15:
        raise UsageError("The mouth lies on the line of the eyes: click the middle of the mouth, below them.")
    left, right = (one, two) if mouth > 0 else (two, one)
    return fit(np.array([MEAN[0], MEAN[1], (MEAN[3] + MEAN[4]) / 2]), np.array([left, right, rest[0]]))


def _aligned(
    rgb: NDArray[np.uint8], frame: Similarity, size: int, how: str, note: str, faces: tuple[Face, ...], face: int
) -> Aligned:
    # Clicked eyes can ask for a frame many times the photo, of which `cut_out` alone never makes a padded copy.
    straight = frame.turn.imag == 0 and how != "points"
    picture = _straight(rgb, frame, size) if straight else cut_out(rgb, frame, size)
    boxes = tuple(FaceBox(one.x, one.y, one.size) for one in faces)
    longest = max(rgb.shape[:2])
    scale = min(1.0, OVERVIEW_PX / longest)
    small = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    shrunk = rgb.copy() if scale == 1.0 else cv2.resize(rgb, small, interpolation=cv2.INTER_AREA)
    overview = np.asarray(shrunk, np.uint8)
    return Aligned(picture, how, note, Framing(how, frame.corners, boxes, face, overview, scale))


def _straight(rgb: NDArray[np.uint8], frame: Similarity, size: int) -> NDArray[np.uint8]:
    """As `cut_out`, for a frame that is not turned: by Lanczos at once, so that whole pixels stay as they are.

    Only the box is copied, with a margin for the filter, and never the whole photo.
    """
    left, top, side = frame.shift.real, frame.shift.imag, frame.side
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
