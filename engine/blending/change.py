"""What an edit changes, on the face's grid: a sum, and where the photo's detail goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from engine.api import Pictures
from engine.blending.grid import SIDE, from_frame, of_used, smoothstep, to_frame
from engine.blending.values import Canvas, Face, Floats

LIGHT: Final[Floats] = np.array([0.299, 0.587, 0.114], np.float32)
"""Lightness of R, G, B (BT.601)."""
LIGHTER: Final = 120.0
"""A change of lightness comes through as it is while it is small, and never beyond this many grey levels."""
MORE_COLOUR: Final = 26.0
"""As `LIGHTER`, for colour that gets stronger than the light alone makes it; to grow paler is free."""
DARKEST: Final = 24.0
"""In darker places colour does not follow the light: a dark pixel's hue is noise."""
SMOOTH: Final = 0.35
"""Standard deviation in the model's pixels that takes the overshoot of cubic enlargement away."""
LOST: Final = 1.0
LOST_PX: Final = 0.6
"""What `SMOOTH` and the mean over a pixel take away is about the picture without this blur of it, so many times."""
STAIN_PX: Final = 0.8
"""Changes of colour are smoothed by so many of the model's pixels: eyes see no finer ones, but models make them."""
RIM_PX: Final = 1.5
"""From how far within the change at the rim of the head is continued."""
SEEN: Final = 0.55
"""Standard deviation in the model's pixels of what it sees of a photo."""
WEAKEN: Final = 0.7
"""How much of the detail goes where the structure below it was replaced."""
STILL: Final = (0.2, 0.5)
"""A flow up to the first length, in cells, is none; one from the second on is used as it is."""
FLOW_PX: Final = 32
"""In a smaller piece no flow is looked for."""
FAINT: Final = 16.0
"""Variance in grey levels below which structure is none: skin keeps its pores."""


@dataclass(frozen=True, eq=False)
class Change:
    """On the used cells of a face's grid (h, w): the new picture is `gain` times the old one at `x`, `y` from there,
    plus `sum`.

    `sum` (h, w, 3) is in grey levels, `x` and `y` (h, w) in cells. `busy` (h, w), 0 or 1: where there are other
    gains than 1 or other places than the cell's own. Where the mask is 0 it is 0, and so is the sum.
    """

    sum: Floats
    x: Floats
    y: Floats
    gain: Floats
    busy: Pictures


def change_of(canvas: Canvas, edited: Pictures, strength: float) -> Change:
    """The change from `canvas.base` to `edited` (S, S, 3), at most `strength` (0 to 1) of it."""
    face, coarse = canvas.face, canvas.half is None
    small = strength * _tempered(canvas.base.astype(np.float32), edited.astype(np.float32), canvas.inner)
    if face.grey:
        small = np.repeat((small @ LIGHT)[..., None], 3, axis=-1)
    large = from_frame(enlarged(small, SIDE // 2 if coarse else SIDE), face)
    lighter, mask = np.asarray(cv2.transform(large, LIGHT[None]), np.float32), of_used(face.mask, face)
    masked = mask
    if not coarse:
        lighter, masked = halved(lighter), halved(mask)
    cell = SIDE / 2 / edited.shape[0]
    flow, weak = structure(canvas.before, canvas.before + lighter, masked, cell, edges=canvas.edges)
    flow *= (1 if coarse else 2) * smoothstep(_length(flow), *STILL)[..., None]
    # Detail is moved in tiles that begin at whole pixels: a little inside, none of it reaches what has no mask.
    inside = np.asarray(cv2.erode(mask, np.ones((5, 5), np.uint8)), np.float32)
    moves: list[Floats] = [*planes(flow), weak]
    if not coarse:
        moves = [np.asarray(cv2.resize(plane, mask.shape[::-1]), np.float32) for plane in moves]
    x, y, weak = (plane * inside for plane in moves)
    # Enlarged, the used cells may lie half a pixel aside: the outermost with a mask stay out of it.
    firm = mask * (cv2.erode(mask, np.ones((3, 3), np.uint8)) > 0)
    total = np.asarray(cv2.multiply(large, cv2.merge([firm] * 3)), np.float32)
    busy = ((x != 0) | (y != 0) | (weak != 0)).astype(np.uint8)
    gain = 1 - weak
    left, top, wide, high = cv2.boundingRect(busy)
    if wide:
        part = slice(top, top + high), slice(left, left + wide)
        moved = remapped(canvas.low, x[part], y[part], left=left, top=top)
        total[part] += canvas.low[part] - np.asarray(cv2.multiply(moved, cv2.merge([gain[part]] * 3)), np.float32)
    return Change(total, x, y, gain, busy)


def seen(face: Face, pixels: int) -> Floats:
    """What of the photo a model of `pixels` can see, (h, w, 3) on the used cells of the face's grid."""
    blurred = np.asarray(cv2.GaussianBlur(face.part.astype(np.float32), (0, 0), SEEN * SIDE / pixels), np.float32)
    return np.ascontiguousarray(of_used(blurred, face))


def lightness(face: Face, base: Pictures) -> Floats:
    """The lightness of a model's picture, on the used cells of the face's grid at half its size."""
    return halved(from_frame(enlarged(sharpened(np.asarray(base.astype(np.float32) @ LIGHT, np.float32))), face))


def inner_pixels(face: Face, pixels: int) -> Floats:
    """Which of a model's pixels (pixels, pixels) lie wholly on the head; see `Canvas.inner`."""
    whole = smoothstep(to_frame(face.head, face, pixels), 0.6, 0.95)
    return np.asarray(cv2.erode(whole, np.ones((3, 3), np.uint8)), np.float32)


def remapped(picture: Floats, x: Floats, y: Floats, *, left: int = 0, top: int = 0) -> Floats:
    """`picture` (H, W) or (H, W, C), taken at `x`, `y` (h, w) from each place; beyond its border it is mirrored.

    The places are those of the picture's part that begins at `left`, `top`.
    """
    high, wide = x.shape
    x = x + np.arange(left, left + wide, dtype=np.float32)
    y = y + np.arange(top, top + high, dtype=np.float32)[:, None]
    return np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101))


def _tempered(before: Floats, after: Floats, inner: Floats) -> Floats:
    """The change of (S, S, 3), ready to be enlarged: eased where it is larger than what models do well.

    Lightness and colour are eased apart, and colour follows the light in proportion, as skin in more or less light
    does. What the model adds beyond that is limited, or dark skin turns red: its colour is strong against its light.
    """
    light_before = (before @ LIGHT)[..., None]
    lighter = (after @ LIGHT)[..., None] - light_before
    colour = before - light_before
    eased = _eased(lighter, LIGHTER)
    here = np.maximum(light_before, DARKEST)
    lit = colour * (1 + np.clip(eased / here, -1, 1))
    new = lit + (after - before - lighter) - colour * np.clip(lighter / here, -1, 1)
    old_strength, new_strength = (np.sqrt((x * x).sum(-1, keepdims=True)) for x in (lit, new))
    limit = old_strength + _eased(np.maximum(new_strength - old_strength, 0), MORE_COLOUR)
    new *= np.minimum(1, limit / np.maximum(new_strength, 1e-3))
    change = _from_within(np.concatenate([eased, new - colour], -1).astype(np.float32), inner)
    stained = np.asarray(cv2.GaussianBlur(change[..., 1:], (0, 0), STAIN_PX), np.float32)
    return np.asarray(sharpened(change[..., 0])[..., None] + stained, np.float32)


def _from_within(change: Floats, inner: Floats) -> Floats:
    """`change` (S, S, C), at the rim of what may change continued from within it.

    A pixel on the rim holds head and background, and where the head is not quite the photo's its change is large.
    """
    weight = inner[..., None]
    near = cv2.GaussianBlur(change * weight, (0, 0), RIM_PX) / np.maximum(
        cv2.GaussianBlur(inner, (0, 0), RIM_PX)[..., None], 1e-3
    )
    return np.asarray(weight * change + (1 - weight) * near, np.float32)


def _eased(x: Floats, most: float) -> Floats:
    # As good as straight up to half of the most: tanh takes a tenth of a change there.
    return np.asarray(x * (1 + (x / np.float32(most)) ** 4) ** np.float32(-0.25), np.float32)


def structure(
    before: Floats, after: Floats, mask: Floats, cell: float, *, edges: Floats | None = None
) -> tuple[Floats, Floats]:
    """How structure moved from `before` to `after` (h, w, 2), and how little of the old detail still fits (h, w).

    `cell` is the side of a model's pixel. The flow leads from a place in `after` to the same one in `before`. It is
    kept only where the way back leads to the start, and where `after` is much more like `before` along it than without
    it: elsewhere it would smear skin. `edges` are those of `before`, where they are known. Detail is to be weakened,
    0 to 1, where `after` resembles `before` neither way.
    """
    one, two = (np.clip(x, 0, 255).astype(np.uint8) for x in (before, after))
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    nowhere = flow = np.zeros((*before.shape, 2), np.float32)
    now = edges_of(after, cell)
    if min(before.shape) >= FLOW_PX:
        flow = np.asarray(finder.calc(two, one, nowhere.copy()), np.float32)
        back = remapped(np.asarray(finder.calc(one, two, nowhere.copy()), np.float32), *planes(flow))
        astray, length = _length(flow + back) / cell, _length(flow) / cell
        edges = edges_of(before, cell) if edges is None else edges
        still = _spread((edges - now) ** 2, cell)
        moved = _spread((remapped(edges, *planes(flow)) - now) ** 2, cell)
        sure: Floats = smoothstep((still - moved) / (still + 4), 0.25, 0.6)
        sure *= (1 - smoothstep(astray, 0.3, 0.8)) * (1 - smoothstep(length, 3, 5)) * mask
        sure = np.asarray(cv2.GaussianBlur(sure, (0, 0), 0.8 * cell), np.float32)
        flow = np.asarray(cv2.GaussianBlur(flow, (0, 0), 0.8 * cell), np.float32) * sure[..., None]
    was = edges_of(remapped(before, *planes(flow)), cell)
    unlike = _spread((was - now) ** 2, cell) / (_spread(was * was + now * now, cell) + FAINT)
    return flow, WEAKEN * smoothstep(unlike, 0.38, 0.9)


def planes(flow: Floats) -> tuple[Floats, Floats]:
    return np.ascontiguousarray(flow[..., 0]), np.ascontiguousarray(flow[..., 1])


def _length(flow: Floats) -> Floats:
    return np.asarray(cv2.magnitude(flow[..., 0], flow[..., 1]), np.float32)


def edges_of(x: Floats, cell: float) -> Floats:
    """Structure (h, w) without the shading below it."""
    # So wide a blur loses nothing at half the size.
    low = cv2.resize(cv2.GaussianBlur(halved(x), (0, 0), 1.25 * cell), x.shape[::-1])
    return x - np.asarray(low, np.float32)


def _spread(x: Floats, cell: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(x, (0, 0), 1.2 * cell), np.float32)


def sharpened(light: Floats) -> Floats:
    """Lightness (S, S) with what enlarging takes away: seen again at the model's size it is itself, nearly."""
    return light + LOST * (light - np.asarray(cv2.GaussianBlur(light, (0, 0), LOST_PX), np.float32))


def enlarged(picture: Floats, side: int = SIDE) -> Floats:
    """A model's picture (S, S) or (S, S, C) at `side` pixels, without overshoot beside edges."""
    large = cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.GaussianBlur(large, (0, 0), SMOOTH * side / picture.shape[0]), np.float32)


def halved(picture: Floats) -> Floats:
    """A picture (h, w) or (h, w, C) at half its size, averaged."""
    high, wide = picture.shape[:2]
    size = (max(1, wide // 2), max(1, high // 2))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)
