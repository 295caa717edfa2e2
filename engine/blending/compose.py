"""A change on the face's grid, brought to the resolution of a picture."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.api import Pictures
from engine.blending.change import Change, change_of
from engine.blending.values import Canvas, Patch

FINE_BITS: Final = 5
FINE: Final = 2**FINE_BITS
"""Sums are enlarged in whole numbers, of which so many make a grey level."""
TILE: Final = 12
"""Detail is moved in tiles of so many cells, and only where some of it moves."""
Number = TypeVar("Number", np.int16, np.float32)
Box = tuple[int, int, int, int]
"""Left, top, right, bottom; of cells or of pixels."""
NOTHING: Final = Patch(0, 0, np.zeros((0, 0, 3), np.int16))
NO_MAP: Final = np.zeros((0, 0), np.float32)
"""Both places are in the first map."""


def composed(canvas: Canvas, edited: Pictures, *, strength: float, fine: bool) -> Patch:
    """See `blend.patch`."""
    if not fine and canvas.half is not None:
        canvas = replace(canvas.half, picture=canvas.picture, window=canvas.window)
    if strength == 0 or np.array_equal(canvas.base, edited) or (cells := _visible(canvas)) is None:
        return NOTHING
    change = change_of(canvas, edited, strength)
    place = _place(canvas, cells)
    height, width = canvas.picture.shape[:2]
    shown = (max(0, place[0]), max(0, place[1]), min(width, place[2]), min(height, place[3]))
    if shown[0] >= shown[2] or shown[1] >= shown[3]:
        return NOTHING
    most = 24000 / FINE
    whole = np.rint(np.clip(change.sum, -most, most) * np.float32(FINE)).astype(np.int16)
    total = _enlarged(whole, canvas, cells, shown)
    _move_detail(total, change, canvas, cells=cells, shown=shown, fine=fine)
    total += FINE // 2
    total >>= FINE_BITS
    return Patch(shown[0], shown[1], total)


def _move_detail(
    total: NDArray[np.int16], change: Change, canvas: Canvas, *, cells: Box, shown: Box, fine: bool
) -> None:
    """Adds to `total`, the sums of the pixels `shown`, what moved and weakened detail makes of them."""
    scales, photo = _scales(canvas), (0, 0, canvas.picture.shape[1], canvas.picture.shape[0])
    way = np.asarray(cv2.merge([change.x * scales[0], change.y * scales[1]]), np.float32)
    gain_fine = change.gain * np.float32(FINE)
    # Cubic looks two pixels further than the flow is long.
    reach = math.ceil(max(way.max(), -way.min())) + 3
    how = cv2.INTER_CUBIC if fine else cv2.INTER_LINEAR
    for tiles in _busy(change, canvas.face.used, cells):
        run = _within(_place(canvas, tiles), shown)
        if run[0] >= run[2] or run[1] >= run[3]:
            continue
        around = _within((run[0] - reach, run[1] - reach, run[2] + reach, run[3] + reach), photo)
        beside = _cells(canvas, run)
        places = _enlarged(way, canvas, beside, run)
        places[..., 0] += np.arange(run[0] - around[0], run[2] - around[0], dtype=np.float32)
        places[..., 1] += np.arange(run[1] - around[1], run[3] - around[1], dtype=np.float32)[:, None]
        old, source = canvas.picture[_part(run, photo)], canvas.picture[_part(around, photo)]
        taken = cv2.remap(source, places, NO_MAP, how, borderMode=cv2.BORDER_REFLECT_101)
        gain = change.gain[_part(beside, canvas.face.used)]
        if gain.min() < 1:
            gains = cv2.merge([_enlarged(gain_fine, canvas, beside, run)] * 3)
            moved = np.asarray(cv2.multiply(taken, gains, dtype=cv2.CV_16S), np.int16)
            moved -= np.left_shift(old, FINE_BITS, dtype=np.int16)
        else:
            moved = np.asarray(cv2.subtract(taken, old, dtype=cv2.CV_16S), np.int16)
            moved <<= FINE_BITS
        total[_part(run, shown)] += moved


def _within(one: Box, other: Box) -> Box:
    return max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])


def _part(one: Box, whole: Box) -> tuple[slice, slice]:
    """Rows and columns of `one` in an array of `whole`."""
    return slice(one[1] - whole[1], one[3] - whole[1]), slice(one[0] - whole[0], one[2] - whole[0])


def _busy(change: Change, used: Box, cells: Box) -> list[Box]:
    """The cells among these where detail is moved or weakened, and no many others: runs of tiles of `TILE` cells.

    They do not overlap. What is enlarged between two cells is in the run of either.
    """
    left, top = cells[:2]
    active = np.asarray(cv2.dilate(change.busy[_part(cells, used)], np.ones((3, 3), np.uint8)), np.uint8)
    high, wide = (-(-length // TILE) for length in active.shape)
    tiles = np.zeros((high * TILE, wide * TILE), np.uint8)
    tiles[: active.shape[0], : active.shape[1]] = active
    rows = tiles.reshape(high, TILE, wide, TILE).max(axis=(1, 3))
    found: list[Box] = []
    edges = np.diff(np.pad(rows, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    for i in range(high):
        steps = np.flatnonzero(edges[i]).tolist()
        for first, last in zip(steps[::2], steps[1::2], strict=True):
            run = (left + first * TILE, top + i * TILE, left + last * TILE, top + (i + 1) * TILE)
            found.append(_within(run, cells))
    return found


def _scales(canvas: Canvas) -> tuple[float, float]:
    """Pixels of the picture a cell, across and down."""
    face, (_, _, wide, high) = canvas.face, canvas.window
    rows, columns = face.mask.shape
    height, width = canvas.picture.shape[:2]
    return face.width / columns * width / wide, face.height / rows * height / high


def _origin(canvas: Canvas) -> tuple[float, float]:
    """Where the grid begins in the picture, in pixels."""
    face, (left, top, wide, high) = canvas.face, canvas.window
    height, width = canvas.picture.shape[:2]
    return (face.left - left) * width / wide, (face.top - top) * height / high


def _place(canvas: Canvas, cells: Box) -> Box:
    """The pixels that these cells cover, by whole ones; outside the picture too."""
    (scale_x, scale_y), (x, y) = _scales(canvas), _origin(canvas)
    left, top, right, bottom = cells
    return (
        round(x + left * scale_x),
        round(y + top * scale_y),
        round(x + right * scale_x),
        round(y + bottom * scale_y),
    )


def _cells(canvas: Canvas, pixels: Box) -> Box:
    """The used cells that these pixels touch, and one more on each side, which enlarging looks at."""
    (scale_x, scale_y), (x, y), used = _scales(canvas), _origin(canvas), canvas.face.used
    left, top, right, bottom = pixels
    return (
        min(max(used[0], math.floor((left - x) / scale_x) - 1), used[2] - 1),
        min(max(used[1], math.floor((top - y) / scale_y) - 1), used[3] - 1),
        max(used[0] + 1, min(used[2], math.ceil((right - x) / scale_x) + 1)),
        max(used[1] + 1, min(used[3], math.ceil((bottom - y) / scale_y) + 1)),
    )


def _visible(canvas: Canvas) -> Box | None:
    """The used cells that are in the picture; None where it shows nothing of the face."""
    height, width = canvas.picture.shape[:2]
    left, top, right, bottom = _place(canvas, canvas.face.used)
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        return None
    return _cells(canvas, (max(0, left), max(0, top), min(width, right), min(height, bottom)))


def _enlarged(grid: NDArray[Number], canvas: Canvas, cells: Box, pixels: Box) -> NDArray[Number]:
    """`grid` (h, w) or (h, w, C), of the used cells, at the resolution of the picture, for its `pixels`, which `cells`
    cover."""
    place = _place(canvas, cells)
    size = (max(1, place[2] - place[0]), max(1, place[3] - place[1]))
    shrinks = size[0] < cells[2] - cells[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    large = np.asarray(cv2.resize(grid[_part(cells, canvas.face.used)], size, interpolation=how), grid.dtype)
    return large[pixels[1] - place[1] : pixels[3] - place[1], pixels[0] - place[0] : pixels[2] - place[0]]


def add(picture: Pictures, patch: Patch) -> None:
    """Lays a patch on a picture (H, W, 3), in place."""
    high, wide = patch.change.shape[:2]
    if high:
        part = picture[patch.top : patch.top + high, patch.left : patch.left + wide]
        part[...] = cv2.add(part, patch.change, dtype=cv2.CV_8U)
