"""A change on the face's grid, brought to the resolution of a picture."""

from __future__ import annotations

import math
from typing import Final, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.api import Pictures
from engine.blending.change import Change, change_of
from engine.blending.values import Canvas, Patch

FINE: Final = 32
"""Sums are enlarged in whole numbers, of which so many make a grey level."""
Number = TypeVar("Number", np.int16, np.float32)
Box = tuple[int, int, int, int]
"""Left, top, right, bottom; of cells or of pixels."""
NOTHING: Final = Patch(0, 0, np.zeros((0, 0, 3), np.int16))


def composed(canvas: Canvas, edited: Pictures, *, strength: float, fine: bool) -> Patch:
    """See `blend.patch`."""
    if strength == 0 or np.array_equal(canvas.base, edited) or (cells := _visible(canvas)) is None:
        return NOTHING
    change = change_of(canvas, edited, strength)
    place = _place(canvas, cells)
    height, width = canvas.picture.shape[:2]
    shown = (max(0, place[0]), max(0, place[1]), min(width, place[2]), min(height, place[3]))
    if shown[0] >= shown[2] or shown[1] >= shown[3]:
        return NOTHING
    whole = np.clip(np.rint(change.sum * FINE), -32000, 32000).astype(np.int16)
    total = _enlarged(whole, canvas, cells, shown)
    busy = _busy(change, cells)
    if busy is not None:
        part = _place(canvas, busy)
        part = (max(shown[0], part[0]), max(shown[1], part[1]), min(shown[2], part[2]), min(shown[3], part[3]))
        if part[0] < part[2] and part[1] < part[3]:
            _move_detail(total, change, canvas, part=part, shown=shown, fine=fine)
    total += FINE // 2
    total >>= FINE.bit_length() - 1
    return Patch(shown[0], shown[1], total)


def _move_detail(
    total: NDArray[np.int16], change: Change, canvas: Canvas, *, part: Box, shown: Box, fine: bool
) -> None:
    """Adds to `total`, the sums of the pixels `shown`, what moved and weakened detail makes of the pixels `part`."""
    cells = _cells(canvas, part)
    scale_x, scale_y = _scales(canvas)
    flow = _enlarged(change.flow, canvas, cells, part)
    flow *= np.array([scale_x, scale_y], np.float32)
    gain = _enlarged(change.gain, canvas, cells, part)
    # Detail comes from no further than the flow is long.
    reach = math.ceil(float(np.abs(flow).max())) + 3
    height, width = canvas.picture.shape[:2]
    around = (
        max(0, part[0] - reach),
        max(0, part[1] - reach),
        min(width, part[2] + reach),
        min(height, part[3] + reach),
    )
    source = canvas.picture[around[1] : around[3], around[0] : around[2]]
    x = flow[..., 0] + np.arange(part[0] - around[0], part[2] - around[0], dtype=np.float32)
    y = flow[..., 1] + np.arange(part[1] - around[1], part[3] - around[1], dtype=np.float32)[:, None]
    how = cv2.INTER_CUBIC if fine else cv2.INTER_LINEAR
    moved = cv2.remap(source, x, y, how, borderMode=cv2.BORDER_REFLECT_101)
    moved = cv2.multiply(moved, cv2.merge([gain * FINE] * 3), dtype=cv2.CV_32F)
    old = canvas.picture[part[1] : part[3], part[0] : part[2]]
    target = total[part[1] - shown[1] : part[3] - shown[1], part[0] - shown[0] : part[2] - shown[0]]
    moved -= np.multiply(old, np.float32(FINE), dtype=np.float32)
    target += np.rint(moved, out=moved).astype(np.int16)


def _busy(change: Change, cells: Box) -> Box | None:
    """The cells among these where detail is moved or weakened; None where it is nowhere."""
    left, top, right, bottom = cells
    found = ((change.gain != 1) | change.flow.any(-1))[top:bottom, left:right].astype(np.uint8)
    x, y, wide, high = cv2.boundingRect(found)
    if wide == 0:
        return None
    # What is enlarged between cells reaches one cell further.
    return (
        max(left, left + x - 1),
        max(top, top + y - 1),
        min(right, left + x + wide + 1),
        min(bottom, top + y + high + 1),
    )


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
    """The cells that these pixels touch, and one more on each side, which enlarging looks at."""
    (scale_x, scale_y), (x, y) = _scales(canvas), _origin(canvas)
    rows, columns = canvas.face.mask.shape
    left, top, right, bottom = pixels
    return (
        min(max(0, math.floor((left - x) / scale_x) - 1), columns - 1),
        min(max(0, math.floor((top - y) / scale_y) - 1), rows - 1),
        max(1, min(columns, math.ceil((right - x) / scale_x) + 1)),
        max(1, min(rows, math.ceil((bottom - y) / scale_y) + 1)),
    )


def _visible(canvas: Canvas) -> Box | None:
    """The cells of the mask that are in the picture; None where it shows nothing of the face."""
    height, width = canvas.picture.shape[:2]
    rows, columns = canvas.face.mask.shape
    left, top, right, bottom = _place(canvas, (0, 0, columns, rows))
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        return None
    return _cells(canvas, (max(0, left), max(0, top), min(width, right), min(height, bottom)))


def _enlarged(grid: NDArray[Number], canvas: Canvas, cells: Box, pixels: Box) -> NDArray[Number]:
    """`grid` (h, w) or (h, w, C) at the resolution of the picture, for its `pixels`, which `cells` cover."""
    left, top, right, bottom = cells
    place = _place(canvas, cells)
    size = (max(1, place[2] - place[0]), max(1, place[3] - place[1]))
    shrinks = size[0] < right - left
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    large = np.asarray(cv2.resize(grid[top:bottom, left:right], size, interpolation=how), grid.dtype)
    return large[pixels[1] - place[1] : pixels[3] - place[1], pixels[0] - place[0] : pixels[2] - place[0]]


def add(picture: Pictures, patch: Patch) -> None:
    """Lays a patch on a picture (H, W, 3), in place."""
    high, wide = patch.change.shape[:2]
    if high:
        part = picture[patch.top : patch.top + high, patch.left : patch.left + wide]
        part[...] = cv2.add(part, patch.change, dtype=cv2.CV_8U)
