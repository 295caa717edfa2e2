"""Similarities of the plane (turn, scale, shift; never a reflection), and a picture cut out along one."""

from __future__ import annotations

import cmath
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

FINEST: Final = 2.0
"""Where the photo has them, a cut is first made with at least this many pixels for each of its own."""
MARGIN_PX: Final = 4

UNIT_CORNERS: Final = (0 + 0j, 1 + 0j, 1 + 1j, 0 + 1j)
"""Top left, top right, bottom right, bottom left."""


@dataclass(frozen=True)
class Similarity:
    """z -> turn * z + shift in the complex plane, x + iy with y downwards.

    From a frame's unit square to a photo: `abs(turn)` is the frame's side in pixels, its phase the roll in radians,
    positive where the right side hangs lower. Pixel 0 covers 0 to 1.
    """

    turn: complex
    shift: complex

    def __call__(self, point: complex) -> complex:
        return self.turn * point + self.shift

    def after(self, first: Similarity) -> Similarity:
        """`first`, then this one."""
        return Similarity(self.turn * first.turn, self.turn * first.shift + self.shift)

    @property
    def side(self) -> float:
        return abs(self.turn)

    @property
    def roll(self) -> float:
        return cmath.phase(self.turn)

    @property
    def corners(self) -> tuple[tuple[float, float], ...]:
        """The frame in the photo: top left, top right, bottom right, bottom left."""
        return tuple((z.real, z.imag) for z in map(self, UNIT_CORNERS))


def complex_points(points: NDArray[np.float64]) -> NDArray[np.complex128]:
    """(..., 2) as (...) complex numbers."""
    return np.asarray(points[..., 0] + 1j * points[..., 1], np.complex128)


def fit(source: NDArray[np.complex128], target: NDArray[np.complex128]) -> Similarity:
    """The similarity that brings `source` (N >= 2 points) nearest to `target` in least squares.

    Umeyama (1991, IEEE TPAMI 13:376) in two dimensions: over complex numbers it is linear regression, so a reflection
    cannot come out.

    Raises:
        ValueError: the source points are all at one place, or not finite.
    """
    if not (np.isfinite(source).all() and np.isfinite(target).all()):
        raise ValueError("the points are not finite")
    centre, goal = complex(source.mean()), complex(target.mean())
    spread = float((np.abs(source - centre) ** 2).sum())
    if not 0.0 < spread < np.inf:
        raise ValueError("the points are all at one place")
    turn = complex((np.conj(source - centre) * (target - goal)).sum() / spread)
    return Similarity(turn, goal - turn * centre)


def cut_out(rgb: NDArray[np.uint8], frame: Similarity, size: int) -> NDArray[np.uint8]:
    """What a photo (H, W, 3) shows inside `frame`, at `size` pixels; outside the photo its edge is repeated.

    Only the part that the frame touches is read. Without aliasing: a large part is first averaged over whole blocks,
    then turned with at least two pixels for each that is wanted, then shrunk by Lanczos.
    """
    part, frame = _part(rgb, frame)
    density = frame.side / size
    if density >= 2 * FINEST:
        block = int(density // FINEST)
        part, frame = _shrunk(part, frame, block)
        density /= block
    # Where the photo is coarser than the picture wanted, there is nothing to average.
    finer = size * max(1, int(np.ceil(density)))
    turned = _turned(part, frame, finer)
    if finer == size:
        return turned
    return np.array(Image.fromarray(turned).resize((size, size), Image.Resampling.LANCZOS), np.uint8)


def quick_cut(rgb: NDArray[np.uint8], frame: Similarity, size: int) -> NDArray[np.uint8]:
    """As `cut_out`, for a network: averaged over blocks, then linear."""
    part, frame = _part(rgb, frame)
    block = int(frame.side / size)
    if block >= 2:
        part, frame = _shrunk(part, frame, block)
    return _turned(part, frame, size, cv2.INTER_LINEAR)


def _part(rgb: NDArray[np.uint8], frame: Similarity) -> tuple[NDArray[np.uint8], Similarity]:
    """The photo around the frame, and the frame in it. A frame beside the photo keeps the nearest pixel."""
    height, width = rgb.shape[:2]
    corners = np.array(frame.corners)
    # Blocks are counted from the part's own corner, so the margin grows with what one output pixel covers.
    margin = MARGIN_PX + frame.side / 16
    low = np.floor(corners.min(0) - margin).clip(0, (width - 1, height - 1)).astype(int)
    high = np.ceil(corners.max(0) + margin).clip(low + 1, (width, height)).astype(int)
    part = rgb[low[1] : high[1], low[0] : high[0]]
    return part, Similarity(frame.turn, frame.shift - complex(*low.tolist()))


def _shrunk(part: NDArray[np.uint8], frame: Similarity, block: int) -> tuple[NDArray[np.uint8], Similarity]:
    """Averaged over blocks of `block` pixels; what does not fill a block at the end is repeated to fill it."""
    height, width = part.shape[:2]
    lacking = (-height % block, -width % block)
    if any(lacking):
        part = np.asarray(cv2.copyMakeBorder(part, 0, lacking[0], 0, lacking[1], cv2.BORDER_REPLICATE), np.uint8)
    size = (part.shape[1] // block, part.shape[0] // block)
    small = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
    return small, Similarity(frame.turn / block, frame.shift / block)


def _turned(part: NDArray[np.uint8], frame: Similarity, size: int, how: int = cv2.INTER_CUBIC) -> NDArray[np.uint8]:
    """The frame at `size` pixels without any averaging. OpenCV counts from the middle of the first pixel."""
    turn = frame.turn / size
    shift = frame.shift + turn * (0.5 + 0.5j) - (0.5 + 0.5j)
    matrix = np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
    flags = how | cv2.WARP_INVERSE_MAP
    found = cv2.warpAffine(
        np.ascontiguousarray(part), matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(found, np.uint8)
