"""The heads of a photo: what the detector finds, confirmed and framed by the landmark network."""

from __future__ import annotations

import cmath
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

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
HARD: Final = "The face is hard to make out, so it is framed by its box alone; click the eyes to place it."


@dataclass(frozen=True)
class Head:
    """A face's box, the framing of it, and, where that is the box's alone, a sentence why."""

    face: Face
    frame: Similarity
    note: str = ""


def find_heads(rgb: NDArray[np.uint8]) -> tuple[Head, ...]:
    """All heads of a photo (H, W, 3), the largest first; empty if there is none.

    Leaning heads are looked for only where no upright one is confirmed. Where nothing at all is, the detector's upright
    finds are taken as they are, with a note; so they are, too, without the network's weights. Safe to call from
    several threads.
    """
    upright = candidates(rgb)
    try:
        found = _confirmed(rgb, upright) or _confirmed(rgb, candidates(rgb, leaning=True))
        why = HARD
    except CheckpointError as error:
        found, why = (), f"The face is framed by its box alone. {error}"
    return found or tuple(Head(face, frame_of_box(face), why) for face in likely(upright))


def frame_of_box(face: Face) -> Similarity:
    """The framing that the detector's box alone suggests."""
    turn = cmath.rect(face.size / BOX_SIDE, face.roll)
    return Similarity(turn, face.centre - turn * BOX_CENTRE)


def _confirmed(rgb: NDArray[np.uint8], found: Sequence[Candidate]) -> tuple[Head, ...]:
    """The faces among the candidates, each once."""
    heads: list[Head] = []
    for one in sorted(found, key=lambda one: one.weight, reverse=True):
        boxed = frame_of_box(one.face)
        if any(_same(boxed, head.frame) for head in heads):
            continue
        try:
            seen = look(rgb, boxed)
            if seen.doubt > DOUBT or not _plausible(seen.frame, one.face):
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
        heads.append(Head(box, seen.frame))
    return tuple(sorted(heads, key=lambda head: head.face.size, reverse=True))


def _plausible(frame: Similarity, box: Face) -> bool:
    """Whether the framing is still of what the detector found, and not of a neighbour."""
    larger = frame.side * BOX_SIDE / box.size
    return abs(frame(BOX_CENTRE) - box.centre) < 0.6 * box.size and 0.5 < larger < 2.0


def _same(one: Similarity, other: Similarity) -> bool:
    """Whether two framings are of one head: no two heads are nearer than an eye distance."""
    return abs(one(BOX_CENTRE) - other(BOX_CENTRE)) < EYE_DISTANCE * max(one.side, other.side)
