"""Which part of a photo is on screen, and where. Lengths are in pixels of the screen or of the photo, as said."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

LARGEST: Final = 8.0
"""Screen pixels a pixel of the photo, unless the photo fits the room larger still."""
STEP: Final = 1.2
"""A notch of the wheel."""
Size = tuple[int, int]
"""Width and height."""


@dataclass(frozen=True)
class Zoom:
    """What was asked for. `mode`: fit, fill, one (1:1) or free; `scale` (screen over photo) counts for free alone.

    `x`, `y`: what of the photo is in the middle of the room, as shares of its width and height.
    """

    mode: str = "fit"
    scale: float = 1.0
    x: float = 0.5
    y: float = 0.5


@dataclass(frozen=True)
class Place:
    """Where the photo is: its pixel (`left`, `top`), not always whole, is at the room's upper left corner; negative
    where there is room beside the photo. `scale`: screen pixels a pixel of the photo."""

    left: float
    top: float
    scale: float


@dataclass(frozen=True)
class Part:
    """The part of the photo that is on screen: `window` (left, top, width, height), whole pixels of the photo, drawn
    at `size` (width, height) pixels of the screen."""

    window: tuple[int, int, int, int]
    size: Size


def scale_of(zoom: Zoom, photo: Size, room: Size) -> float:
    """Screen pixels a pixel of the photo."""
    ways = (room[0] / photo[0], room[1] / photo[1])
    return {"fit": min(ways), "fill": max(ways), "one": 1.0}.get(zoom.mode, zoom.scale)


def place_of(zoom: Zoom, photo: Size, room: Size) -> Place:
    """Where the photo is. It is never pushed further than its edge to the room's, and stands in the middle of more."""
    scale = scale_of(zoom, photo, room)
    return Place(_start(zoom.x, photo[0], room[0], scale=scale), _start(zoom.y, photo[1], room[1], scale=scale), scale)


def _start(middle: float, length: int, room: int, *, scale: float) -> float:
    spare = length * scale - room
    start = round(middle * length * scale - room / 2)
    start = round(spare / 2) if spare <= 0 else min(max(start, 0), round(spare))
    return start / scale


def part_of(place: Place, photo: Size, room: Size) -> Part:
    """The whole pixels of the photo that touch the room."""
    left, right = _span(place.left, photo[0], room[0], scale=place.scale)
    top, bottom = _span(place.top, photo[1], room[1], scale=place.scale)
    size = (max(1, round((right - left) * place.scale)), max(1, round((bottom - top) * place.scale)))
    return Part((left, top, right - left, bottom - top), size)


def _span(start: float, length: int, room: int, *, scale: float) -> tuple[int, int]:
    first = min(max(0, int(start + 1e-6)), length - 1)
    last = start + room / scale
    return first, min(length, max(first + 1, int(last) + (last % 1 > 1e-6)))


def is_larger(photo: Size, room: Size, scale: float) -> bool:
    """Whether the photo is larger than its room, so that there is something to push."""
    return any(length * scale > side + 1 for length, side in zip(photo, room, strict=True))


def zoomed(zoom: Zoom, photo: Size, room: Size, *, about: tuple[float, float], notches: float) -> Zoom:
    """Larger or smaller; the photo's point at `about`, in pixels of the room, stays where it is."""
    place = place_of(zoom, photo, room)
    fit = scale_of(Zoom("fit"), photo, room)
    scale = min(max(place.scale * STEP**notches, min(fit, 1.0)), max(LARGEST, fit))
    if scale == place.scale:
        return zoom
    x, y = (
        (start + at / place.scale + (side / 2 - at) / scale) / length
        for start, at, side, length in zip((place.left, place.top), about, room, photo, strict=True)
    )
    return clamped(Zoom("free", scale, x, y), photo, room)


def panned(zoom: Zoom, photo: Size, room: Size, *, by: tuple[float, float]) -> Zoom:
    """The photo pushed by so many pixels of the screen."""
    scale = scale_of(zoom, photo, room)
    moved = replace(zoom, x=zoom.x - by[0] / scale / photo[0], y=zoom.y - by[1] / scale / photo[1])
    return clamped(moved, photo, room)


def clamped(zoom: Zoom, photo: Size, room: Size) -> Zoom:
    """The middle as near to the one asked for as `place_of` lets it be."""
    place = place_of(zoom, photo, room)
    x, y = (
        (start + side / 2 / place.scale) / length
        for start, side, length in zip((place.left, place.top), room, photo, strict=True)
    )
    return replace(zoom, x=x, y=y)
