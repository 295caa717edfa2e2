"""Where "the same picture" ends: a distance calibrated on real images, with a stated rate of false alarms.

Two classes are held against each other: pairs of different real images, whose smallest distances tell how near two
different pictures ever come, and near copies (an image twice, each time with its own small noise). The threshold for a
batch of s pictures is the distance below which any of its s (s - 1) / 2 pairs would fall with a probability of
`false_alarm`, if the pictures were different real images.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.diagnostics.pairs import PIXELS, Feature, distances, rows_of, smallest_distances
from engine.errors import DataError
from engine.progress import SILENT, Progress

FALSE_ALARM: Final = 0.01
NOISE_LEVELS: Final = 3.0
FEWEST: Final = 20
MOST: Final = 1500
_TAIL: Final = 100
_COPIES: Final = 64


@dataclass(frozen=True, eq=False)
class Calibration:
    """The lower tail of distances between different real images, and the upper end of those between near copies.

    `tail` (K,) are the smallest of `pairs` distances, rising, without `duplicates`: pairs of real images as near as
    copies. `copies` is the distance that 99 % of the near copies stay below, with noise of `NOISE_LEVELS` grey values
    (standard deviation, of 255) on each side. `shape` is the exponent of the tail, P(distance < t) ~ t^shape.
    """

    tail: NDArray[np.float64]
    pairs: int
    copies: float
    shape: float
    duplicates: int
    images: int

    def threshold(self, size: int, *, false_alarm: float = FALSE_ALARM) -> float:
        """The distance for batches of `size`, so that a batch of different real images has a pair below it with
        probability `false_alarm`. Below the smallest distance that was seen it follows the tail's power law."""
        rate = -math.log1p(-false_alarm) / max(1.0, size * (size - 1) / 2)
        rank = rate * self.pairs
        if rank >= 1:
            return float(np.interp(rank, np.arange(1, len(self.tail) + 1), self.tail))
        return float(self.tail[0] * rank ** (1 / self.shape))

    def false_alarm(self, size: int, distance: float) -> float:
        """The probability that a batch of `size` different real images has a pair nearer than `distance`."""
        if distance <= 0:
            return 0.0
        if distance >= self.tail[0]:
            rank = float(np.searchsorted(self.tail, distance, side="right"))
        else:
            rank = float((distance / self.tail[0]) ** self.shape)
        return float(-math.expm1(-rank / self.pairs * size * (size - 1) / 2))

    def separates(self, size: int) -> bool:
        """Whether near copies lie below the threshold of this batch size, so that they would be found."""
        return self.copies < self.threshold(size)


def calibrate(
    real: NDArray[np.uint8], *, feature: Feature = PIXELS, most: int = MOST, seed: int = 0, progress: Progress = SILENT
) -> Calibration:
    """Measures both classes on real images (N, H, W, C), uint8; of more than `most`, so many are taken at random.

    Raises:
        DataError: fewer than 20 different images.
    """
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(real))[:most])
    if len(chosen) < FEWEST:
        raise DataError(
            f"Calibrating needs at least {FEWEST} real images, got {len(chosen)}: choose a larger data set."
        )
    pictures = np.asarray(real[chosen])
    rows = rows_of(pictures, feature)
    some = pictures[: min(len(pictures), _COPIES)]
    left, right = (rows_of(_noisy(some, NOISE_LEVELS, rng), feature) for _ in range(2))
    copies = float(np.quantile(distances(left, right), 0.99))
    pairs = len(rows) * (len(rows) - 1) // 2
    # A small set's smallest hundred pairs would reach into its middle, which has another shape.
    length = max(8, min(_TAIL, pairs // 20))
    smallest = smallest_distances(rows, length + len(rows), progress=progress)
    tail = smallest[smallest > copies][:length]
    if len(tail) < 8:
        raise DataError("The real images are nearly all the same, so nothing can be calibrated: choose varied ones.")
    # Hill's estimator of a power law at zero, from the smallest distances.
    spread = float(np.log(tail[-1] / tail[:-1]).mean())
    return Calibration(
        tail,
        pairs,
        copies,
        float(np.clip(1 / max(spread, 1e-6), 1.0, 400.0)),
        int((smallest <= copies).sum()),
        len(rows),
    )


def _noisy(pictures: NDArray[np.uint8], levels: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    loud = pictures + rng.normal(0, levels, pictures.shape)
    return np.clip(np.rint(loud), 0, 255).astype(np.uint8)
