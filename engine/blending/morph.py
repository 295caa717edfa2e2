"""The way between photos: what the model sees follows the code, the detail of each photo goes along with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from engine.api import Pictures
from engine.blending.change import LIGHT, enlarged, planes, remapped, sharpened, structure
from engine.blending.grid import SIDE, smoothstep, to_frame
from engine.blending.values import BACKGROUNDS, Canvas, Corner, Floats
from engine.errors import UsageError
from engine.photos.similarity import cut_out

SIDES: Final = (16, 4096)
HALF: Final = SIDE // 2
"""Structure is compared at this side of the frame."""
APPEARS: Final = (0.3, 0.6)
"""Hair that only one photo has appears, or goes, while that photo has this share: half a head of hair is a ghost."""
NEAR: Final = (0.7, 1.0)
"""From this share of a photo on, more and more of its real background is used, and at 1 the whole photo."""
STRAY: Final = 0.03
"""How far beyond the head its hair is looked for, as a share of the frame's side."""
FILL: Final = 0.06
"""Where a head hides the background, it is continued by means over so much of the frame's side."""


def corner_of(canvas: Canvas, side: int) -> Corner:
    """See `blend.corner_of`."""
    if not SIDES[0] <= side <= SIDES[1]:
        raise UsageError(f"A morph is {SIDES[0]} to {SIDES[1]} pixels large, got {side}.")
    face, base = canvas.face, canvas.base.astype(np.float32)
    photo = cut_out(canvas.picture, face.frame, side).astype(np.float32)
    head, inside = (
        np.asarray(cv2.resize(to_frame(one, face, SIDE), (side, side)), np.float32)
        for one in (face.head, np.ones_like(face.head))
    )
    light = enlarged(sharpened(np.asarray(base @ LIGHT, np.float32)), HALF)
    # What a cut shows beyond the photo is its edge, repeated.
    beyond = smoothstep(1 - inside, 0.1, 0.5)[..., None]
    detail = (photo - enlarged(base, side)) * (1 - beyond)
    behind = _without(photo, np.maximum(head, 1 - inside))
    return Corner(base.shape[0], detail, beyond * behind + (1 - beyond) * photo, behind, head, light)


def morphed(corners: Sequence[Corner], decoded: Pictures, shares: Sequence[float], background: str) -> Pictures:
    """See `blend.morphed`."""
    if background not in BACKGROUNDS:
        raise UsageError(f"There is no background called {background!r}: choose one of {', '.join(BACKGROUNDS)}.")
    if len(shares) != len(corners) or min(shares) < 0 or not sum(shares) > 0:
        raise UsageError(f"A morph of {len(corners)} photos needs a share of each, from 0 to 1, got {tuple(shares)}.")
    weights = np.array(shares, np.float32) / np.float32(sum(shares))
    side = len(corners[0].head)
    target = decoded.astype(np.float32)
    light = enlarged(sharpened(np.asarray(target @ LIGHT, np.float32)), HALF)
    total, detail, head = (np.zeros(shape, np.float32) for shape in ((side, side, 1), (side, side, 3), (side, side)))
    kept = np.zeros((side, side, 1), np.float32)
    everywhere = np.ones((HALF, HALF), np.float32)
    for corner, weight in zip(corners, weights, strict=True):
        if weight == 0:
            continue
        flow, weak = structure(corner.light, light, everywhere, HALF / corner.size)
        large = np.asarray(cv2.resize(flow, (side, side)), np.float32) * np.float32(side / HALF)
        x, y = planes(large)
        fits = np.asarray(cv2.resize(1 - weak, (side, side)), np.float32)[..., None]
        # Where one photo is like the target and another is not, its detail is taken: two kinds of hair do not mix.
        say = weight * fits**4
        detail += say * remapped(corner.detail, x, y)
        total += say
        kept += weight * fits
        head += weight * remapped(corner.head, x, y)
    picture = enlarged(target, side) + detail * (kept / np.maximum(total, 1e-4))
    takes = weights if background == "faded" else np.eye(len(corners))[0 if background == "first" else -1]
    behind = np.zeros_like(detail)
    for corner, weight, take in zip(corners, weights, takes, strict=True):
        # Near a photo its own head hides what is guessed behind it, and what was missed of the head is still there.
        near = smoothstep(np.array([weight], np.float32), *NEAR)
        behind += np.float32(take) * (near * corner.photo + (1 - near) * corner.behind)
    mask = smoothstep(head, *APPEARS)[..., None]
    return np.asarray(np.clip(mask * picture + (1 - mask) * behind + 0.5, 0, 255), np.uint8)


def _without(photo: Floats, head: Floats) -> Floats:
    """The photo (P, P, 3) with what is behind its head (P, P), or beyond its edge, guessed from around it.

    Single hairs are missed where the head ends: it is taken to reach further.
    """
    wide = 2 * round(STRAY * len(head)) + 1
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
    large = np.asarray(cv2.resize(filled, photo.shape[1::-1], interpolation=cv2.INTER_CUBIC), np.float32)
    hidden = smoothstep(head, 0.1, 0.5)[..., None]
    return hidden * large + (1 - hidden) * photo
