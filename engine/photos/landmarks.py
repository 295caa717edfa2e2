"""Five points of a face (eyes, nose, corners of the mouth), and from them the similarity to the models' framing."""

from __future__ import annotations

import cmath
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

import resources
from engine.errors import CheckpointError
from engine.photos.similarity import Similarity, complex_points, fit, quick_cut

if TYPE_CHECKING:
    from engine.photos.landmark_net import LandmarkNet

MEAN_POINTS: Final = np.array([(0.372, 0.523), (0.635, 0.521), (0.507, 0.690), (0.386, 0.800), (0.620, 0.799)])
"""Mean landmarks of aligned CelebA faces: left and right eye as seen, nose, left and right mouth corner; as shares
of the frame's side, x to the right and y downwards."""
MEAN: Final = complex_points(MEAN_POINTS)
EYE_DISTANCE: Final = float(abs(MEAN[1] - MEAN[0]))
CUT: Final = Similarity(0.8 + 0j, 0.104 + 0.2j)
"""What the network sees, inside the frame's unit square: the face without the corners, where hair and walls are."""
MIDDLE: Final = 0.5 + 0.6j
WEIGHTS: Final = "landmarks/five-points.safetensors"
LOOKS: Final = 2
STARTS: Final = ((0.0, 0.0, 1.0), (0.12, 0.0, 1.0), (-0.12, 0.0, 1.0), (0.0, 0.2, 1.15), (0.0, -0.2, 0.87))
"""Where the looks start, relative to the given frame: shift as a share of its side, roll in radians, and scale."""
DOUBT: Final = 0.04
"""On 1,435 boxes in turned portraits, five starts ended apart by at most 0.046 of the eye distance (median over starts)
where they had found the face, 99 % of them by at most 0.026, and by 0.027 or more where they had not, 95 % by 0.050."""

_lock = threading.Lock()
_nets: dict[str, LandmarkNet] = {}


@dataclass(frozen=True, eq=False)
class Landmarks:
    """`points` (5, 2) in the photo's pixels; `frame` brings the unit square of the framing into the photo.

    `doubt`: how far apart looks from different starts ended, as a share of the eye distance. Where there is a face they
    end at one place, and where there is none at any; up to `DOUBT` it is a face.
    """

    points: NDArray[np.float64]
    frame: Similarity
    doubt: float


def look(rgb: NDArray[np.uint8], frame: Similarity) -> Landmarks:
    """The five points of the face that lies roughly in `frame` of a photo (H, W, 3).

    The photo is looked at twice, each time along the best estimate so far, so that the second look sees the face
    upright and at the size that training showed most; from five starts at once, of which the median is taken.

    Raises:
        CheckpointError: the network's file is missing or damaged.
        ValueError: the network answered with a single point.
    """
    from engine.photos.landmark_net import INPUT_PX, predict  # torch costs half a second: not before it is needed.

    net = _net()
    frames = [_beside(frame, *start) for start in STARTS]
    points = np.zeros((len(frames), 5), np.complex128)
    for _ in range(LOOKS):
        cuts = [one.after(CUT) for one in frames]
        seen = complex_points(predict(net, np.stack([quick_cut(rgb, cut, INPUT_PX) for cut in cuts])))
        points = np.stack([cut.turn * there + cut.shift for cut, there in zip(cuts, seen, strict=True)])
        frames = [fit(MEAN, there) for there in points]
    middle = np.median(points.real, 0) + 1j * np.median(points.imag, 0)
    best = fit(MEAN, middle)
    apart = np.abs(points - middle).mean(1) / (EYE_DISTANCE * best.side)
    return Landmarks(np.stack([middle.real, middle.imag], -1), best, float(np.median(apart)))


def _beside(frame: Similarity, across: float, roll: float, scale: float) -> Similarity:
    """The frame shifted to its right, and turned and scaled about the middle of the face."""
    turn = frame.turn * cmath.rect(scale, roll)
    return Similarity(turn, frame(MIDDLE) + across * frame.turn - turn * MIDDLE)


def _net() -> LandmarkNet:
    """Read once; a file that failed is tried again, since it may have been put back."""
    from engine.photos.landmark_net import load_net

    with _lock:
        if WEIGHTS not in _nets:
            try:
                path = resources.path(WEIGHTS)
            except FileNotFoundError as error:
                raise CheckpointError(str(error)) from error
            _nets[WEIGHTS] = load_net(path)
        return _nets[WEIGHTS]
