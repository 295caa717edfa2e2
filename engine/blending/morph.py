"""The way between photos: what the model sees follows the code, the detail of each photo goes along with it.

What is smooth is found on small grids once a frame. The frame itself is made in bands of rows, which stay in the
processor's cache: a large one takes little memory beside the photos.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.api import Pictures
from engine.blending.change import LIGHT, enlarged, planes, remapped, sharpened, structure
from engine.blending.grid import SIDE, smoothstep, to_frame
from engine.blending.values import BACKGROUNDS, Canvas, Corner, Floats
from engine.errors import UsageError
from engine.photos.similarity import cut_out

SIDES: Final = (16, 4096)
HALF: Final = SIDE // 2
"""Structure is compared at this side of the frame."""
SMOOTH_SIDE: Final = 512
"""A model's picture is enlarged as it should be to this side at most; from there on it is smooth."""
BAND_PIXELS: Final = 2**16
DETAIL_BITS: Final = 5
"""Detail is kept in whole numbers, of which so many bits are less than a grey level."""
APPEARS: Final = (0.3, 0.6)
"""Hair that only one photo has appears, or goes, while that photo has this share: half a head of hair is a ghost."""
NEAR: Final = (0.45, 0.9)
"""From this share of a photo on, more and more of its real background is used, and from the second one the photo."""
STRAY: Final = 0.03
"""How far beyond the head its hair is looked for, as a share of the frame's side."""
BELOW: Final = (0.5, 0.95, 0.52, 0.7)
"""Where in the frame long hair and shoulders are, as (x, y) of the centre and half axes: whatever was taken for
background there would be a ghost behind another head."""
FILL: Final = 0.06
"""Where a head hides the background, it is continued by means over so much of the frame's side."""


def corner_of(canvas: Canvas, side: int) -> Corner:
    """See `blend.corner_of`."""
    if not SIDES[0] <= side <= SIDES[1]:
        raise UsageError(f"A morph is {SIDES[0]} to {SIDES[1]} pixels large, got {side}.")
    face, base = canvas.face, canvas.base.astype(np.float32)
    photo = cut_out(canvas.picture, face.frame, side)
    head = to_frame(face.head, face, SIDE)
    # What a cut shows beyond the photo is its edge, repeated.
    outside = 1 - to_frame(np.ones_like(face.head), face, SIDE)
    beyond = smoothstep(outside, 0.1, 0.5)
    filled, hidden = _behind(photo, np.maximum.reduce([head, outside, _below()]))
    low = _low(base, side)
    detail, behind = np.empty((side, side, 3), np.int16), np.empty_like(photo)
    for top, bottom in _bands(side):
        seen = photo[top:bottom].astype(np.float32)
        part = _band(np.asarray(cv2.merge([beyond, hidden]), np.float32), side, top, bottom)
        past, covered = part[..., :1], part[..., 1:]
        lacking = (seen - _band(low, side, top, bottom)) * (1 - past)
        detail[top:bottom] = np.rint(lacking * np.float32(2**DETAIL_BITS))
        guess = covered * _band(filled, side, top, bottom) + (1 - covered) * seen
        behind[top:bottom] = np.clip(guess + 0.5, 0, 255)
        if past.any():
            photo[top:bottom] = np.clip(past * guess + (1 - past) * seen + 0.5, 0, 255)
    light = enlarged(sharpened(np.asarray(base @ LIGHT, np.float32)), HALF)
    return Corner(base.shape[0], detail, photo, behind, head, light)


def morphed(corners: Sequence[Corner], decoded: Pictures, shares: Sequence[float], background: str) -> Pictures:
    """See `blend.morphed`."""
    if background not in BACKGROUNDS:
        raise UsageError(f"There is no background called {background!r}: choose one of {', '.join(BACKGROUNDS)}.")
    if len(shares) != len(corners) or min(shares) < 0 or not sum(shares) > 0:
        raise UsageError(f"A morph of {len(corners)} photos needs a share of each, from 0 to 1, got {tuple(shares)}.")
    weights = np.array(shares, np.float32) / np.float32(sum(shares))
    side = len(corners[0].photo)
    target = decoded.astype(np.float32)
    met = [(corner, weight) for corner, weight in zip(corners, weights, strict=True) if weight > 0]
    ways, head = _ways(met, target)
    grounds = _grounds(corners, weights, background)
    low, mask = _low(target, side), smoothstep(head, *APPEARS)
    result = np.empty((side, side, 3), np.uint8)
    for top, bottom in _bands(side):
        picture = _band(low, side, top, bottom)
        for (corner, _), way in zip(met, ways, strict=True):
            part = _band(way, side, top, bottom)
            x, y, much = (np.ascontiguousarray(part[..., i]) for i in range(3))
            picture += np.asarray(
                cv2.multiply(_taken(corner, x, y, top), cv2.merge([much] * 3), dtype=cv2.CV_32F), np.float32
            )
        behind = _mixed([(one[top:bottom], much) for one, much in grounds])
        shown = cv2.merge([_band(mask, side, top, bottom)] * 3)
        picture -= behind
        result[top:bottom] = cv2.add(np.asarray(cv2.multiply(picture, shown)), behind, dtype=cv2.CV_8U)
    return result


def _ways(met: Sequence[tuple[Corner, np.float32]], target: Floats) -> tuple[list[Floats], Floats]:
    """For each photo with a share of its own where its detail goes, on small grids: (HALF, HALF, 3), which are x and y
    in pixels of the photo and how much of it there is; and the head (SIDE, SIDE) of all."""
    light = enlarged(sharpened(np.asarray(target @ LIGHT, np.float32)), HALF)
    everywhere = np.ones((HALF, HALF), np.float32)
    flows: list[Floats] = []
    say: list[Floats] = []
    kept, head = np.zeros((HALF, HALF), np.float32), np.zeros((SIDE, SIDE), np.float32)
    for corner, weight in met:
        flow, weak = structure(corner.light, light, everywhere, HALF / corner.size)
        large = np.asarray(cv2.resize(flow, (SIDE, SIDE)), np.float32) * np.float32(SIDE / HALF)
        head += weight * remapped(corner.head, *planes(large))
        # Where one photo is like the target and another is not, its detail is taken: two kinds of hair do not mix.
        say.append(np.asarray(weight * (1 - weak) ** 4, np.float32))
        kept += weight * (1 - weak)
        flows.append(flow)
    kept /= np.maximum(sum(say), np.float32(1e-4)) * np.float32(2**DETAIL_BITS)
    scale = np.float32(len(met[0][0].photo) / HALF)
    pairs = zip(flows, say, strict=True)
    return [np.asarray(cv2.merge([*planes(flow * scale), one * kept]), np.float32) for flow, one in pairs], head


def _taken(corner: Corner, x: Floats, y: Floats, top: int) -> NDArray[np.int16]:
    """Detail at `x`, `y` from each place of a band that begins at row `top`."""
    x += np.arange(x.shape[1], dtype=np.float32)
    y += np.arange(top, top + len(y), dtype=np.float32)[:, None]
    found = cv2.remap(corner.detail, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(found, np.int16)


def _grounds(corners: Sequence[Corner], weights: Floats, background: str) -> list[tuple[Pictures, float]]:
    """The pictures behind the heads, and how much there is of each."""
    takes = weights if background == "faded" else np.eye(len(corners))[0 if background == "first" else -1]
    # Near a photo its own head hides what is guessed behind it, and what was missed of the head is still there.
    near = smoothstep(weights, *NEAR)
    found = [(corner.photo, float(a * b)) for corner, a, b in zip(corners, takes, near, strict=True)]
    found += [(corner.behind, float(a * (1 - b))) for corner, a, b in zip(corners, takes, near, strict=True)]
    return [(picture, much) for picture, much in found if much > 0]


def _mixed(pictures: Sequence[tuple[Pictures, float]]) -> Floats:
    total = np.zeros(pictures[0][0].shape, np.float32)
    for picture, much in pictures:
        cv2.scaleAdd(np.asarray(picture, np.float32), much, total, total)
    return total


def _bands(side: int) -> Iterator[tuple[int, int]]:
    """First and last row, the one after it, of each band of a picture."""
    high = max(1, BAND_PIXELS // side)
    return ((top, min(side, top + high)) for top in range(0, side, high))


def _band(grid: Floats, side: int, top: int, bottom: int) -> Floats:
    """The rows `top` to `bottom` of a square grid (P, P) or (P, P, C), enlarged to `side` pixels."""
    step = len(grid) / side
    if step == 1:
        return grid[top:bottom].copy()
    start = step / 2 - 0.5
    way = np.array([[step, 0, start], [0, step, start + top * step]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(grid, way, (side, bottom - top), flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def _low(picture: Floats, side: int) -> Floats:
    """A model's picture (S, S, 3), smooth enough to be enlarged to `side` pixels."""
    return enlarged(picture, min(side, SMOOTH_SIDE))


def _below() -> Floats:
    """1 where long hair and shoulders may be (SIDE, SIDE), with a soft edge."""
    at = (np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE
    x, y, wide, high = BELOW
    away = np.hypot((at[None] - x) / wide, (at[:, None] - y) / high)
    return 1 - smoothstep(np.asarray(away, np.float32), 0.88, 1.12)


def _behind(photo: Pictures, head: Floats) -> tuple[Floats, Floats]:
    """What is behind the head (SIDE, SIDE) of a photo (P, P, 3), or beyond its edge, guessed from around it, small; and
    where that is to be seen (SIDE, SIDE).

    Single hairs are missed where the head ends: it is taken to reach further.
    """
    wide = 2 * round(STRAY * SIDE) + 1
    head = np.asarray(cv2.dilate(head, np.ones((wide, wide), np.uint8)), np.float32)
    size = (64, 64)
    open_ = np.asarray(cv2.resize(1 - smoothstep(head, 0.05, 0.4), size, interpolation=cv2.INTER_AREA), np.float32)
    small = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.float32)
    guess, weight = small * open_[..., None], open_.copy()
    spread = FILL * 64
    filled, known = np.zeros_like(small), np.zeros_like(open_)
    for _ in range(4):  # From near to far: each wider mean fills what the narrower ones left.
        mean = cv2.GaussianBlur(guess, (0, 0), spread)
        much = np.asarray(cv2.GaussianBlur(weight, (0, 0), spread), np.float32)
        new = np.minimum(1 - known, smoothstep(much, 0.0, 0.1))
        filled += new[..., None] * mean / np.maximum(much, 1e-6)[..., None]
        known += new
        spread *= 2
    filled += (1 - known)[..., None] * small.mean((0, 1))
    large = np.asarray(cv2.resize(filled, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.float32)
    return large, smoothstep(head, 0.1, 0.5)
