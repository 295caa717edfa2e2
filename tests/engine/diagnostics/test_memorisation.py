"""Memorisation judged on sources that copy, that do not, and that only blur."""

from __future__ import annotations

import numpy as np
import pytest

from engine.diagnostics.base import Request, Subject
from engine.diagnostics.memorisation import MEMORISATION, find_copies, measure

SIDE = 12


def faces(n: int, seed: int) -> np.ndarray:
    """Pictures with few degrees of freedom and some noise, as aligned faces have: (n, 12, 12, 3)."""
    basis = np.random.default_rng(99).normal(0, 1, (12, SIDE * SIDE * 3))
    rng = np.random.default_rng(seed)
    flat = 127 + rng.normal(0, 14, (n, 12)) @ basis + rng.normal(0, 4, (n, SIDE * SIDE * 3))
    return np.clip(np.rint(flat), 0, 255).astype(np.uint8).reshape(n, SIDE, SIDE, 3)


TRAINING, HELDOUT, FRESH = faces(800, 1), faces(240, 2), faces(300, 3)


def copier(n: int, seed: int, levels: float = 6.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    loud = TRAINING[rng.integers(0, len(TRAINING), n)] + rng.normal(0, levels, (n, SIDE, SIDE, 3))
    return np.clip(loud, 0, 255).astype(np.uint8)


def blurred(pictures: np.ndarray) -> np.ndarray:
    x = pictures.astype(np.float64)
    for axis in (1, 2):
        x = (np.roll(x, 1, axis) + x + np.roll(x, -1, axis)) / 3
    return x.astype(np.uint8)


def averaged(n: int, seed: int) -> np.ndarray:
    """Means of three training images: near to everything, copies of none."""
    rng = np.random.default_rng(seed)
    return TRAINING[rng.integers(0, len(TRAINING), (n, 3))].mean(axis=1).astype(np.uint8)


class Source(Subject):
    """A subject that draws given pictures."""

    def samples(self, n: int, **_: object) -> np.ndarray:
        return self.model[:n]  # type: ignore[index]


def judged(pictures: np.ndarray):
    return measure(Request(Source(pictures, TRAINING, HELDOUT)))  # type: ignore[arg-type]


@pytest.mark.parametrize("levels", [0.0, 3.0, 8.0])
def test_a_copier_is_found_and_shown(levels: float) -> None:
    finding = judged(copier(200, 5, levels))
    assert finding.level == "bad"
    assert finding.value("copied_share") > 0.9
    assert finding.value("copy_z") > 5
    samples, nearest = finding.evidence[0].rows
    known = {picture.tobytes() for picture in TRAINING}
    assert all(picture.tobytes() in known for picture in nearest)
    # The picture below a copy is the one that it was copied from.
    assert np.abs(samples.astype(int) - nearest.astype(int)).mean() < levels + 1


@pytest.mark.parametrize("make", [lambda: FRESH, lambda: blurred(FRESH), lambda: averaged(300, 8)])
def test_fresh_blurred_and_averaged_pictures_are_no_copies(make) -> None:
    finding = judged(make())
    assert finding.level in ("good", "unknown")
    assert finding.value("copied_share") < 0.06


def test_a_generator_that_copies_one_in_five_is_not_called_clean() -> None:
    finding = judged(np.concatenate([copier(60, 5), FRESH[:240]]))
    assert finding.level == "bad"
    figure = finding.figures[0]
    assert figure.low <= 0.2 <= figure.high


def test_the_rate_of_false_alarms_is_what_is_stated() -> None:
    """Over seeded draws of fresh images, about one in a hundred lies below the threshold."""
    shares = [find_copies(faces(300, 50 + k), TRAINING, HELDOUT, seed=k).share for k in range(8)]
    assert np.mean(shares) < 0.03


def test_duplicates_across_the_split_do_not_blind_the_test() -> None:
    dirty = HELDOUT.copy()
    dirty[:6] = TRAINING[:6]
    found = find_copies(copier(200, 5), TRAINING, dirty)
    assert found.share > 0.9


def test_too_few_held_out_images_are_a_reason() -> None:
    assert "held-out" in MEMORISATION.why_not(Source(FRESH, TRAINING, HELDOUT[:10]))  # type: ignore[arg-type]
    assert MEMORISATION.why_not(Source(FRESH, TRAINING, HELDOUT)) == ""  # type: ignore[arg-type]
