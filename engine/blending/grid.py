"""The grid on which a face is looked at, and the mask of what of it may change."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.api import Pictures
from engine.blending.values import Face, Floats
from engine.photos.similarity import Similarity

SIDE: Final = 256
"""Cells to the side of a face's frame: four to each pixel of a model of 64."""
BEYOND: Final = 0.06
WITHIN: Final = 0.05
"""A change, continued by reflection beyond the frame, fades out between these distances from its edge, as shares of
its side. Further out a chin's change would be seen mirrored on the neck."""
INWARD: Final = (0.3, 1.0)
"""What part of the soft edge of the head counts: not its outer side, for a rim of light around it is seen at once."""
WIDE_PX: Final = 2
"""From so many pixels of the photo a cell on, the cells without mask are left out."""
WIDER: Final = 1.5
SEEK_PX: Final = 120
"""Sides of what is parted into head and background: times the frame's, and the longer one in pixels."""
ROUNDS: Final = 3
GREY: Final = 4
"""Between the channels of a grey photo there is no more, even of one that was a JPEG."""
FEWEST: Final = 64
"""With fewer pixels of head or background there is nothing to learn from: where heads are has to do."""
# Where heads are in the frame, as (x, y) of the centre and half axes. Eyes are at y 0.52, mouths at 0.80.
FACE: Final = (0.51, 0.64, 0.17, 0.28)
HEAD: Final = (0.5, 0.50, 0.43, 0.54)

Points = NDArray[np.complex128]


def face_of(rgb: Pictures, frame: Similarity, *, head: bool = True) -> Face:
    """The face in `frame` of a photo (H, W, 3). 50 to 110 ms, most of it for telling the head from what is behind.

    Without a `head` to look for, all of the frame may change.
    """
    height, width = rgb.shape[:2]
    left, top, wide, high = _box(_about_middle(frame, 1 + 2 * BEYOND), width, height)
    cells = (_even(wide * SIDE / frame.side), _even(high * SIDE / frame.side))
    part = resized(rgb[top : top + high, left : left + wide], cells)
    places = _places((left, top, wide, high), cells, frame)
    here = np.ones(part.shape[:2], np.float32)
    if head:
        here = _soft_head(part, _head(rgb, frame, (left, top, wide, high), cells))
    mask = here * smoothstep(_inside(places, frame, width, height), -BEYOND, WITHIN)
    grey = int(np.ptp(part, axis=2).max()) <= GREY
    return Face(left, top, wide, high, frame, part, here, mask, _used(mask, wide), grey)


def _box(frame: Similarity, width: int, height: int) -> tuple[int, int, int, int]:
    """The pixels of a photo that the frame touches: left, top, width, height; at least one."""
    corners = np.array(frame.corners)
    left, top = np.floor(corners.min(0)).clip(0, (width - 1, height - 1)).astype(int).tolist()
    right, bottom = np.ceil(corners.max(0)).clip((left + 1, top + 1), (width, height)).astype(int).tolist()
    return left, top, right - left, bottom - top


def _used(mask: Floats, width: int) -> tuple[int, int, int, int]:
    """See `Face.used`; all cells where they are not many pixels wide, since a part begins at a whole pixel."""
    rows, columns = mask.shape
    x, y, across, down = cv2.boundingRect((mask > 0).astype(np.uint8))
    if not across or width < WIDE_PX * columns:
        return 0, 0, columns, rows
    left, top, right, bottom = max(0, x - 1), max(0, y - 1), x + across + 1, y + down + 1
    return left - left % 2, top - top % 2, min(columns, right + right % 2), min(rows, bottom + bottom % 2)


def half_of(face: Face) -> Face:
    """The same face on half as many cells each way."""
    rows, columns = face.mask.shape
    part, head, mask = (
        cv2.resize(one, (columns // 2, rows // 2), interpolation=cv2.INTER_AREA)
        for one in (face.part, face.head, face.mask)
    )
    left, top, right, bottom = (cell // 2 for cell in face.used)
    return replace(
        face,
        part=np.asarray(part, np.uint8),
        head=np.asarray(head, np.float32),
        mask=np.asarray(mask, np.float32),
        used=(left, top, right, bottom),
    )


def _even(cells: float) -> int:
    return max(2, 2 * round(cells / 2))


def _about_middle(frame: Similarity, times: float) -> Similarity:
    """The frame about its own middle, so many times as large."""
    return Similarity(frame.turn * times, frame(0.5 + 0.5j) - frame.turn * times * (0.5 + 0.5j))


def _places(box: tuple[int, int, int, int], cells: tuple[int, int], frame: Similarity) -> Points:
    """Where the middles of cells (width, height) over a box of the photo lie in the frame's unit square, (h, w)."""
    x = box[0] + (np.arange(cells[0]) + 0.5) * box[2] / cells[0]
    y = box[1] + (np.arange(cells[1]) + 0.5) * box[3] / cells[1]
    return np.asarray((x[None] + 1j * y[:, None] - frame.shift) / frame.turn, np.complex128)


def resized(picture: Pictures, size: tuple[int, int]) -> Pictures:
    """A picture (H, W, 3) at (width, height): averaged where it shrinks, linear where it grows."""
    shrinks = size[0] * size[1] < picture.shape[0] * picture.shape[1]
    found = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(found, np.uint8)


def from_frame(picture: Floats, face: Face) -> Floats:
    """A square picture (P, P) or (P, P, C) of the frame, turned onto the used cells of the face's grid."""
    left, top, right, bottom = face.used
    wide, high = right - left, bottom - top
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    way = _way(face, picture.shape[0])
    way[:, 2] += way[:, :2] @ (left, top)
    return np.asarray(cv2.warpAffine(picture, way, (wide, high), flags=flags, borderMode=cv2.BORDER_REFLECT))


def of_used(grid: Floats, face: Face) -> Floats:
    """The used cells of what lies on the face's grid (h, w) or (h, w, C); a view."""
    left, top, right, bottom = face.used
    return grid[top:bottom, left:right]


def to_frame(picture: Floats, face: Face, pixels: int) -> Floats:
    """What lies on the face's grid (h, w), in its frame at (pixels, pixels); 0 where the grid ends."""
    turned = cv2.warpAffine(picture, _way(face, SIDE), (SIDE, SIDE), flags=cv2.INTER_LINEAR)
    return np.asarray(cv2.resize(turned, (pixels, pixels), interpolation=cv2.INTER_AREA), np.float32)


def _way(face: Face, pixels: int) -> NDArray[np.float64]:
    """From the grid to a picture of the frame of so many pixels, as OpenCV wants it."""
    high, wide = face.mask.shape
    turn = pixels / face.frame.turn
    step_x, step_y = turn * (face.width / wide), turn * 1j * (face.height / high)
    corner = (complex(face.left, face.top) - face.frame.shift) * turn
    # OpenCV counts from the middle of the first pixel.
    start = corner + (step_x + step_y) / 2 - (0.5 + 0.5j)
    return np.array([[step_x.real, step_y.real, start.real], [step_x.imag, step_y.imag, start.imag]])


def smoothstep(x: Floats, low: float, high: float) -> Floats:
    """0 up to `low`, 1 from `high` on, without a kink between."""
    t = np.clip((x - low) * np.float32(1 / (high - low)), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _inside(places: Points, frame: Similarity, width: int, height: int) -> Floats:
    """How far inside the frame each place is, as a share of its side; a side that lies in no photo is far away."""
    x, y = places.real, places.imag
    out = [not (0.5 < a < width - 0.5 and 0.5 < b < height - 0.5) for a, b in frame.corners]
    sides = ((y, 0, 1), (1 - x, 1, 2), (1 - y, 2, 3), (x, 3, 0))
    ways = [way for way, one, other in sides if not (out[one] and out[other])]
    return np.asarray(np.minimum.reduce(ways) if ways else np.ones_like(x), np.float32)


def _soft_head(part: Pictures, head: Floats) -> Floats:
    """1 on the head, 0 behind it, with soft edges that follow the photo's."""
    grey = np.asarray(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY), np.float32) / np.float32(255)
    soft = np.asarray(cv2.GaussianBlur(head, (0, 0), 0.7 * SIDE / 64), np.float32)
    return smoothstep(_along_edges(grey, soft), *INWARD)


def _head(rgb: Pictures, frame: Similarity, box: tuple[int, int, int, int], cells: tuple[int, int]) -> Floats:
    """1 on the head with its hair, scarf or hat, else 0, on the `cells` over a `box` of the photo.

    GrabCut (Rother et al. 2004), started from where heads are in the frame; pieces apart from the face are dropped. It
    looks beyond the frame, where there is more of what is behind.
    """
    around = _box(_about_middle(frame, WIDER), rgb.shape[1], rgb.shape[0])
    shrink = SEEK_PX / max(around[2:])
    size = (max(1, round(around[2] * shrink)), max(1, round(around[3] * shrink)))
    photo = rgb[around[1] : around[1] + around[3], around[0] : around[0] + around[2]]
    small = cv2.cvtColor(resized(photo, size), cv2.COLOR_RGB2BGR)
    places = _places(around, size, frame)
    x, y = places.real.astype(np.float32), places.imag.astype(np.float32)
    aside = abs(x - 0.5)
    face = _within(x, y, FACE) | ((aside < 0.14) & (y > 0.2) & (y < 0.4))
    seeds = np.full(small.shape[:2], cv2.GC_PR_BGD, np.uint8)
    seeds[_within(x, y, HEAD)] = cv2.GC_PR_FGD
    seeds[((y < 0.3) & (aside > 0.44)) | ((y < 0.06) & (aside > 0.3)) | ((y < 0.7) & (aside > 0.6)) | (y < -0.12)] = (
        cv2.GC_BGD
    )
    seeds[face] = cv2.GC_FGD
    counts = [int(np.isin(seeds, kinds).sum()) for kinds in ((cv2.GC_FGD, cv2.GC_PR_FGD), (cv2.GC_BGD, cv2.GC_PR_BGD))]
    if min(counts) >= FEWEST:
        cv2.setRNGSeed(0)  # The same photo has the same mask.
        one, two = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.grabCut(small, seeds, (0, 0, 1, 1), one, two, ROUNDS, cv2.GC_INIT_WITH_MASK)
    found = (seeds == cv2.GC_FGD) | (seeds == cv2.GC_PR_FGD)
    count, pieces = cv2.connectedComponents(found.astype(np.uint8), connectivity=4)
    kept = np.zeros(count, np.float32)
    kept[np.unique(pieces[face])] = 1
    kept[0] = 0
    # From a cell over the box to a pixel of what was looked at.
    step = (box[2] / cells[0] * size[0] / around[2], box[3] / cells[1] * size[1] / around[3])
    start = ((box[0] - around[0]) * size[0] / around[2], (box[1] - around[1]) * size[1] / around[3])
    way = np.array([[step[0], 0, start[0] + step[0] / 2 - 0.5], [0, step[1], start[1] + step[1] / 2 - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(kept[pieces], way, cells, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def _within(x: Floats, y: Floats, oval: tuple[float, float, float, float]) -> NDArray[np.bool_]:
    return np.asarray(((x - oval[0]) / oval[2]) ** 2 + ((y - oval[1]) / oval[3]) ** 2 < 1)


def _along_edges(guide: Floats, soft: Floats, radius: int = SIDE // 32, noise: float = 1e-3) -> Floats:
    """`soft` (h, w) with its edges where those of `guide` (h, w), 0 to 1, are: the guided filter (He et al. 2010)."""
    size = (2 * radius + 1, 2 * radius + 1)

    def mean(x: Floats) -> Floats:
        return np.asarray(cv2.blur(x, size, borderType=cv2.BORDER_REFLECT), np.float32)

    middle, level = mean(guide), mean(soft)
    spread = mean(guide * guide) - middle * middle + np.float32(noise)
    slope = np.asarray((mean(guide * soft) - middle * level) / spread, np.float32)
    return mean(slope) * guide + mean(level - slope * middle)
