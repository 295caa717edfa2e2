"""Faces in a picture, by the frontal Haar cascade (Viola & Jones 2001) that OpenCV carries."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

DETECT_PX: Final = 640
"""Larger pictures are searched at this longer side: a face worth cutting out is then still 60 pixels wide."""

CASCADE: Final = "haarcascade_frontalface_default.xml"

_local = threading.local()


@dataclass(frozen=True)
class Face:
    """A square box in the picture's pixels: left, top, side."""

    x: float
    y: float
    size: float


def find_faces(rgb: NDArray[np.uint8]) -> tuple[Face, ...]:
    """All frontal faces of an (H, W, 3) picture, the largest first; empty if there is none."""
    height, width = rgb.shape[:2]
    scale = min(1.0, DETECT_PX / max(height, width))
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    if scale < 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    smallest = max(24, round(0.08 * max(grey.shape)))
    if min(grey.shape) < smallest:
        return ()
    boxes = _cascade().detectMultiScale(grey, 1.05, 6, minSize=(smallest, smallest))
    faces = [Face(float(x) / scale, float(y) / scale, float(side) / scale) for x, y, side, _ in boxes]
    faces.sort(key=lambda face: face.size, reverse=True)
    # Clothes and ornaments set off small false alarms near a large face; people beside each other are of like size.
    return tuple(face for face in faces if face.size > 0.45 * faces[0].size)


def _cascade() -> cv2.CascadeClassifier:
    """One classifier a thread: a shared one is not safe to call from two."""
    if not hasattr(_local, "cascade"):
        _local.cascade = cv2.CascadeClassifier(str(Path(cv2.__file__).with_name("data") / CASCADE))
    found: cv2.CascadeClassifier = _local.cascade
    return found
