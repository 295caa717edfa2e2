"""Pictures whose labels are facts, and a subject that draws what it is given: for tests of figures over labels."""

from __future__ import annotations

import numpy as np
import pytest

from engine.diagnostics import classes, fidelity, own_features
from engine.diagnostics.base import Subject
from engine.progress import SILENT, Progress
from tests.once import once

SIDE = 32
ATTRIBUTES = ("Red", "Wide", "Bright")


def drawn(labels: np.ndarray, *, seed: int) -> np.ndarray:
    """A box or a tall bar, red or blue, before a bright or dark ground: (N, 32, 32, 3) for labels (N, 3) of +1, -1."""
    rng = np.random.default_rng(seed)
    out = np.empty((len(labels), SIDE, SIDE, 3), np.float64)
    for picture, (red, wide, bright) in zip(out, labels, strict=True):
        picture[:] = (170 if bright > 0 else 60) + rng.normal(0, 8, 3)
        top, left = rng.integers(6, 12, 2)
        height, width = (8, 16) if wide > 0 else (18, 5)
        colour = np.array([200, 40, 40] if red > 0 else [40, 40, 200]) + rng.normal(0, 10, 3)
        picture[top : top + height, left : left + width] = colour
    return (out + rng.normal(0, 3, out.shape)).clip(0, 255).astype(np.uint8)


def random_labels(n: int, *, seed: int) -> np.ndarray:
    return np.where(np.random.default_rng(seed).random((n, len(ATTRIBUTES))) < 0.4, 1, -1).astype(np.int8)


class Shown(Subject):
    """A subject whose samples are the pictures given in place of a model."""

    def samples(self, n: int, **_: object) -> np.ndarray:
        return self.model[:n]  # type: ignore[index]


def subject(samples: np.ndarray, *, n: int = 320, held: int = 240, labelled: bool = True) -> Shown:
    labels, held_labels = random_labels(n, seed=1), random_labels(held, seed=2)
    return Shown(
        samples,  # type: ignore[arg-type]
        drawn(labels, seed=3),
        drawn(held_labels, seed=4),
        attributes=ATTRIBUTES if labelled else (),
        labels=labels if labelled else None,
        heldout_labels=held_labels if labelled else None,
    )


_features = once(own_features.embed)


def _embed(pictures: np.ndarray, *, progress: Progress = SILENT) -> np.ndarray:
    progress.check()
    return _features(np.asarray(pictures))


@pytest.fixture(scope="module", autouse=True)
def features_once():
    """What the network makes of the same pictures is found once: for test files of figures over it."""
    with pytest.MonkeyPatch.context() as patch:
        for user in (classes, fidelity, own_features):
            patch.setattr(user, "embed", _embed)
        yield
