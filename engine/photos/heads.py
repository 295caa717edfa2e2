"""The heads of a photo: what the detector finds, confirmed and framed by the landmark network."""

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import CheckpointError
from engine.photos.faces import Candidate, Face, candidates, likely
from engine.photos.landmarks import DOUBT, EYE_DISTANCE, look
from engine.photos.similarity import Similarity

# Where the detector's box lies in an aligned face, as shares of the frame's side. Medians over 300 aligned faces of
# 128 pixels, enlarged twice and padded by reflection so that the detector had room; found in 300 of 300.
BOX_SIDE: Final = 0.715
BOX_CENTRE: Final = 0.500 + 0.604j
LOOK_PX: Final = 1280
"""Larger photos are searched at this longer side: the smallest face is then still as large as the network's input."""
SURE: Final = 0.02
"""On 1,254 finds in portraits turned by up to 30 degrees, the doubt of the second look was at most 0.015 for 99.5 % of
the 711 true ones, and at least 0.023 for 99.5 % of the 543 false ones."""
SMALL: Final = 0.45
"""People beside each other are of similar size: a face below this share of the largest is doubted twice as much."""
HOPELESS: Final = 0.1
"""After the first look; not worth a second."""
HARD: Final = "The face is hard to make out, so it is framed by its box alone; click the eyes to place it."


@dataclass(frozen=True)
class Head:
    """A face's box, the framing of it with its doubt (see `Landmarks`), and, where it is the box's, why."""

    face: Face
    frame: Similarity
    doubt: float
    note: str = ""


def find_heads(rgb: NDArray[np.uint8]) -> tuple[Head, ...]:
    """All heads of a photo (H, W, 3), the largest first; empty if there is none.

    Leaning heads are looked for only where no upright one is sure. Where nothing at all is, the detector's upright
    finds are taken as they are, with a note; so they are without the network's weights. Safe to call from
    several threads.
    """
    scale = min(1.0, LOOK_PX / max(rgb.shape[:2]))
    if scale < 1.0:
        # Once for all looks: cutting each out of the whole photo costs ten times the network.
        size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
        small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
        return tuple(_enlarged(head, 1 / scale) for head in find_heads(small))
    upright = candidates(rgb)
    try:
        found, why = _confirmed(rgb, upright), HARD
        if not any(head.doubt <= SURE for head in found):
            found = [*found, *_confirmed(rgb, candidates(rgb, leaning=True))]
    except CheckpointError as error:
        found, why = [], f"The face is framed by its box alone. {error}"
    if not found:
        return tuple(Head(face, frame_of_box(face), math.inf, why) for face in likely(upright))
    # Beside a clear face, an unclear one is a fold of cloth; alone, it may be half hidden.
    limit = max(SURE, min(head.doubt for head in found))
    clear = sorted((h for h in found if h.doubt <= limit), key=lambda head: head.face.size, reverse=True)
    smallest = SMALL * clear[0].face.size
    return tuple(head for head in clear if head.face.size >= smallest or 2 * head.doubt <= limit)


def frame_of_box(face: Face) -> Similarity:
    """The framing that the detector's box alone suggests."""
    turn = cmath.rect(face.size / BOX_SIDE, face.roll)
    return Similarity(turn, face.centre - turn * BOX_CENTRE)


def _enlarged(head: Head, factor: float) -> Head:
    face, frame = head.face, head.frame
    box = Face(face.x * factor, face.y * factor, face.size * factor, face.roll)
    return Head(box, Similarity(frame.turn * factor, frame.shift * factor), head.doubt, head.note)


def _confirmed(rgb: NDArray[np.uint8], found: Sequence[Candidate]) -> list[Head]:
    """The faces among the candidates, each once."""
    heads: list[Head] = []
    for one in sorted(found, key=lambda one: one.weight, reverse=True):
        boxed = frame_of_box(one.face)
        if any(_same(boxed, head.frame) for head in heads):
            continue
        try:
            seen = look(rgb, boxed)
            if seen.doubt > HOPELESS or not _plausible(seen.frame, one.face):
                continue
            # A fold of cloth may draw all looks to one place once, but then it does not hold them.
            seen = look(rgb, seen.frame)
        except ValueError:
            continue  # All points at one place: no face.
        if seen.doubt > DOUBT or not _plausible(seen.frame, one.face):
            continue
        if any(_same(seen.frame, head.frame) for head in heads):
            continue
        size, centre = seen.frame.side * BOX_SIDE, seen.frame(BOX_CENTRE)
        box = Face(centre.real - size / 2, centre.imag - size / 2, size, seen.frame.roll)
        heads.append(Head(box, seen.frame, seen.doubt))
    return heads


def _plausible(frame: Similarity, box: Face) -> bool:
    """Whether the framing is still of what the detector found, and not of a neighbour."""
    larger = frame.side * BOX_SIDE / box.size
    return abs(frame(BOX_CENTRE) - box.centre) < 0.6 * box.size and 0.5 < larger < 2.0


def _same(one: Similarity, other: Similarity) -> bool:
    """Whether two framings are of one head: no two heads are nearer than an eye distance."""
    return abs(one(BOX_CENTRE) - other(BOX_CENTRE)) < EYE_DISTANCE * max(one.side, other.side)
