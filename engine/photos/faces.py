"""Faces in a picture, by the frontal Haar cascade (Viola & Jones 2001) that OpenCV carries."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

DETECT_PX: Final = 480
"""Larger pictures are searched at this longer side: a face worth cutting out is then still 40 pixels wide."""
SMALLEST: Final = 0.08
"""The smallest face looked for, as a share of the longer side."""
CASCADE: Final = "haarcascade_frontalface_default.xml"

_local = threading.local()


@dataclass(frozen=True)
class Face:
    """A square box in the picture's pixels: left, top, side."""

    x: float
    y: float
    size: float


def find_faces(rgb: NDArray[np.uint8]) -> tuple[Face, ...]:
    """All frontal faces of an (H, W, 3) picture, the largest first; empty if there is none.

    Safe to call from several threads.
    """
    height, width = rgb.shape[:2]
    scale = min(1.0, DETECT_PX / max(height, width))
    if scale < 1.0:
        # Shrunk before it is made grey: a third of the time for a large photo.
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    smallest = max(24, round(SMALLEST * max(grey.shape)))
    if min(grey.shape) < smallest:
        return ()
    boxes, _, weights = _cascade().detectMultiScale3(
        grey, scaleFactor=1.05, minNeighbors=6, minSize=(smallest, smallest), outputRejectLevels=True
    )
    found = [
        (Face(float(x) / scale, float(y) / scale, float(side) / scale), float(weight))
        for (x, y, side, _), weight in zip(boxes, weights, strict=True)
    ]
    kept = [(face, weight) for face, weight in found if not any(_shadows(face, weight, *other) for other in found)]
    kept.sort(key=lambda one: one[0].size, reverse=True)
    surest = max((weight for _, weight in kept), default=0.0)
    # Small and unsure ones are false alarms; people beside each other are of like size.
    return tuple(
        face for face, weight in kept if face.size > (0.45 if weight > 0.35 * surest else 0.7) * kept[0][0].size
    )


def _shadows(face: Face, weight: float, other: Face, other_weight: float) -> bool:
    """Whether `other` is the surer find of the same head, or `face` a false alarm on the clothes below `other`."""
    if other is face or (weight, face.size) >= (other_weight, other.size):
        return False
    across = abs(face.x + face.size / 2 - other.x - other.size / 2) / other.size
    down = (face.y + face.size / 2 - other.y - other.size / 2) / other.size
    same = across < 0.5 and abs(down) < 0.5
    on_clothes = weight < 0.5 * other_weight and face.size < other.size and across < 1.0 and 0.5 <= down < 2.0
    return same or on_clothes


def _cascade() -> cv2.CascadeClassifier:
    """One classifier a thread: a shared one is not safe to call from two."""
    if not hasattr(_local, "cascade"):
        _local.cascade = cv2.CascadeClassifier(str(Path(cv2.__file__).with_name("data") / CASCADE))
    found: cv2.CascadeClassifier = _local.cascade
    return found
