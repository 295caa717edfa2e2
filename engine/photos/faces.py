"""Faces in a picture, by the frontal Haar cascade (Viola & Jones 2001) that OpenCV carries."""

from __future__ import annotations

import cmath
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.photos.similarity import Similarity

DETECT_PX: Final = 480
"""Larger pictures are searched at this longer side: a face worth cutting out is then still 40 pixels wide."""
SMALLEST: Final = 0.05
"""The smallest face looked for, as a share of the longer side."""
ROLLS: Final = (-math.radians(25), math.radians(25))
"""Tried where no upright face is found: the cascade itself sees heads that lean by less than about 20 degrees."""
CASCADE: Final = "haarcascade_frontalface_default.xml"

_local = threading.local()


@dataclass(frozen=True)
class Face:
    """A square box in the picture's pixels: left, top, side; `roll` in radians is how far the head was turned back to
    be found, positive where its right side, as seen, hangs lower."""

    x: float
    y: float
    size: float
    roll: float = 0.0

    @property
    def centre(self) -> complex:
        """x + iy."""
        return complex(self.x + self.size / 2, self.y + self.size / 2)


@dataclass(frozen=True)
class Candidate:
    """A possible face, and how sure the cascade is of it (0.3 to 15 were seen)."""

    face: Face
    weight: float


def candidates(rgb: NDArray[np.uint8], *, leaning: bool = False) -> list[Candidate]:
    """All upright faces of an (H, W, 3) picture, or all leaning ones, with many false alarms and some faces twice."""
    height, width = rgb.shape[:2]
    scale = min(1.0, DETECT_PX / max(height, width))
    if scale < 1.0:
        # Shrunk before it is made grey: a third of the time for a large photo.
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    smallest = max(24, round(SMALLEST * max(grey.shape)))
    if min(grey.shape) < smallest:
        return []
    return [one for roll in (ROLLS if leaning else (0.0,)) for one in _found(grey, scale, smallest, roll)]


def likely(found: Sequence[Candidate]) -> tuple[Face, ...]:
    """Each head once, the largest first, without what is probably a false alarm."""
    kept = [one for one in found if not any(_shadows(one, other) for other in found)]
    kept.sort(key=lambda one: one.face.size, reverse=True)
    surest = max((one.weight for one in kept), default=0.0)
    # Small and unsure ones are false alarms; people beside each other are of like size.
    return tuple(
        one.face for one in kept if one.face.size > (0.45 if one.weight > 0.35 * surest else 0.7) * kept[0].face.size
    )


def _found(grey: NDArray[np.uint8], scale: float, smallest: int, roll: float) -> list[Candidate]:
    """Faces leaning by `roll`."""
    upright = Similarity(1 + 0j, 0j)
    if roll:
        height, width = grey.shape
        turn = cmath.rect(1.0, roll)
        across = round(width * abs(turn.real) + height * abs(turn.imag))
        down = round(width * abs(turn.imag) + height * abs(turn.real))
        upright = Similarity(turn, complex(width, height) / 2 - turn * complex(across, down) / 2)
        matrix = np.array([[turn.real, -turn.imag, upright.shift.real], [turn.imag, turn.real, upright.shift.imag]])
        # One colour around it: repeated edges make streaks, and in streaks the cascade sees faces.
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        ground = float(grey.mean())
        grey = np.asarray(cv2.warpAffine(grey, matrix, (across, down), flags=flags, borderValue=ground), np.uint8)
    boxes, _, weights = _cascade().detectMultiScale3(
        grey, scaleFactor=1.08, minNeighbors=3, minSize=(smallest, smallest), outputRejectLevels=True
    )
    found = []
    for (x, y, side, _), weight in zip(boxes, weights, strict=True):
        centre = upright(complex(float(x) + float(side) / 2, float(y) + float(side) / 2)) / scale
        size = float(side) / scale
        found.append(Candidate(Face(centre.real - size / 2, centre.imag - size / 2, size, roll), float(weight)))
    return found


def _shadows(one: Candidate, other: Candidate) -> bool:
    """Whether `other` is the surer find of the same head, or `one` a false alarm on the clothes below `other`."""
    face, surer = one.face, other.face
    if other is one or (one.weight, face.size) >= (other.weight, surer.size):
        return False
    apart = (face.centre - surer.centre) / surer.size
    across, down = abs(apart.real), apart.imag
    same = across < 0.5 and abs(down) < 0.5
    on_clothes = one.weight < 0.5 * other.weight and face.size < surer.size and across < 1.0 and 0.5 <= down < 2.0
    return same or on_clothes


def _cascade() -> cv2.CascadeClassifier:
    """One classifier a thread: a shared one is not safe to call from two."""
    if not hasattr(_local, "cascade"):
        _local.cascade = cv2.CascadeClassifier(str(Path(cv2.__file__).with_name("data") / CASCADE))
    found: cv2.CascadeClassifier = _local.cascade
    return found
