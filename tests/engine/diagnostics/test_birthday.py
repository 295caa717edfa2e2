"""The birthday test judged on generators whose support is known exactly."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from engine.diagnostics.base import Request, Subject
from engine.diagnostics.birthday import draw_round, find_repeats, measure
from engine.diagnostics.birthday_game import Plan
from engine.diagnostics.features import feature_of
from engine.diagnostics.pairs import PIXELS, nearest_between, nearest_pairs, pixels, repeats_below
from engine.diagnostics.support import Batch, chance_of_duplicate, estimate_support, half_size
from engine.diagnostics.thresholds import calibrate
from engine.errors import DataError, UsageError

TRIALS = 100
SIDE = 4


def smooth(n: int, seed: int, side: int = SIDE) -> np.ndarray:
    """Different smooth pictures (n, side, side, 3)."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (n, 4, 4, 3))
    return np.rint(coarse.repeat(side // 4, axis=1).repeat(side // 4, axis=2)).astype(np.uint8)


def noisy(pictures: np.ndarray, levels: float, seed: int) -> np.ndarray:
    loud = pictures + np.random.default_rng(seed).normal(0, levels, pictures.shape)
    return np.clip(np.rint(loud), 0, 255).astype(np.uint8)


class Generator:
    """A stand-in for a model in `Subject`: draws one of `templates`, each equally likely, with noise."""

    def __init__(self, templates: np.ndarray, levels: float = 0.0) -> None:
        self.templates, self.levels = templates, levels

    def draw(self, n: int, seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        return noisy(self.templates[rng.integers(0, len(self.templates), n)], self.levels, seed + 1)


class Source(Subject):
    """A subject whose samples come from a generator of templates."""

    def samples(self, n: int, *, seed: int = 0, **_: object) -> np.ndarray:
        most = self.model.draw(4096, seed)  # type: ignore[attr-defined]
        return most[:n]


@pytest.mark.parametrize("count", [100, 1_000, 10_000])
@pytest.mark.parametrize("levels", [0.0, 3.0])
@pytest.mark.slow
def test_the_interval_covers_a_known_support(count: int, levels: float) -> None:
    """Of 100 seeded trials at least 90 cover N, and the interval is narrow enough to be worth something."""
    calibration = calibrate(smooth(600, seed=1))
    generator = Generator(smooth(count, seed=2), levels)
    covered, widths, errors = 0, [], []
    for trial in range(TRIALS):
        drawn = generator.draw(1000, seed=10 + trial)
        test = find_repeats(lambda n, drawn=drawn: drawn[:n], calibration, limit=1000)
        high = math.inf if test.support.high is None else test.support.high
        covered += test.support.low <= count <= high
        widths.append(high / test.support.low)
        errors.append(abs(math.log(test.support.estimate / count)) if test.support.estimate else math.inf)
        assert test.separated
    assert covered >= 90
    assert np.median(widths) < 6
    assert np.median(errors) < math.log(1.5)


def test_the_likelihood_is_the_exact_one() -> None:
    """Against the birthday paradox itself, and against all draws counted by hand."""
    assert chance_of_duplicate(365, 23) == pytest.approx(0.507297, abs=1e-6)
    assert chance_of_duplicate(365, 22) == pytest.approx(0.475695, abs=1e-6)
    assert chance_of_duplicate(10, 11) == 1.0
    assert chance_of_duplicate(1e9, 400) == pytest.approx(400 * 399 / 2e9, rel=1e-3)
    # The switch from the sum to the series leaves no step.
    near, far = chance_of_duplicate(1000.0 * 50 * 0.999999, 50), chance_of_duplicate(1000.0 * 50 * 1.000001, 50)
    assert near == pytest.approx(far, rel=1e-5)
    for support, half in ((100, 12.0), (115_400, 400.0), (720_000, 999.0)):
        assert half_size(support) == pytest.approx(half, rel=0.02)


def test_where_nothing_repeats_there_is_a_lower_bound_alone() -> None:
    found = estimate_support([Batch(400, 0)])
    assert found.estimate is None
    assert found.high is None
    # The bound is the N at which seeing no duplicate had a chance of one in twenty.
    assert 1 - chance_of_duplicate(found.low, 400) == pytest.approx(0.05, abs=1e-6)
    more = estimate_support([Batch(400, 0), Batch(400, 0)])
    assert more.low == pytest.approx(2 * found.low, rel=0.01)


def test_both_estimates_come_from_the_size_with_even_chances() -> None:
    found = estimate_support([Batch(500, 12)])
    assert found.estimate == pytest.approx(500 * 499 / 2 / 12, rel=0.03)
    assert found.exact == pytest.approx(found.estimate, rel=0.03)
    assert found.squared == pytest.approx(found.exact * 2 * math.log(2))
    assert found.low < found.estimate < found.high


def test_one_mode_is_seen_at_once() -> None:
    found = estimate_support([Batch(32, 31)])
    assert found.high is not None
    assert found.high < 1.5
    assert estimate_support([]).high is None


def test_rounds_that_ended_early_only_bound_from_above() -> None:
    early = estimate_support([Batch(100, 1, at_least=True)])
    assert early.high is not None
    assert early.high > 4950
    assert early.low <= 2
    # With a batch without repeats they close in from both sides.
    both = estimate_support([Batch(100, 1, at_least=True), Batch(100, 0)])
    assert 100 < both.low < both.estimate < both.high


@pytest.mark.parametrize("repeats", [1, 3, 9])
def test_at_least_is_the_sum_of_the_exact_chances(repeats: int) -> None:
    """The chain of draws agrees with a simulation."""
    from engine.diagnostics.support import log_likelihood

    rng = np.random.default_rng(5)
    seen = [40 - len(np.unique(rng.integers(0, 150, 40))) for _ in range(4000)]
    share = np.mean([s >= repeats for s in seen])
    chance = math.exp(log_likelihood(np.array([150.0]), [Batch(40, repeats, at_least=True)])[0])
    assert chance == pytest.approx(share, abs=0.03)


def test_nearest_pairs_and_neighbours_are_those_of_brute_force() -> None:
    pictures = noisy(smooth(700, seed=3), 20, 1)
    rows = pixels(pictures)
    full = np.linalg.norm(rows[:, None].astype(np.float64)[:50] - rows[None, :50].astype(np.float64), axis=2)
    upper = sorted(full[np.triu_indices(50, 1)])
    found = nearest_pairs(rows[:50], 20)
    assert [pair.distance for pair in found] == pytest.approx(upper[:20], rel=1e-6)
    # Across blocks, with exact copies far apart in the order.
    rows[650] = rows[3]
    first = nearest_pairs(rows, 20)[0]
    assert (first.left, first.right, first.distance) == (3, 650, 0.0)
    assert all(a.distance <= b.distance for a, b in pairwise(nearest_pairs(rows, 20)))
    assert repeats_below(rows, 1e-3) == 1
    where, how_far = nearest_between(rows[:30], rows[30:])
    brute = np.linalg.norm(rows[:30, None].astype(np.float64) - rows[None, 30:].astype(np.float64), axis=2)
    assert where.tolist() == brute.argmin(axis=1).tolist()
    assert how_far == pytest.approx(brute.min(axis=1), abs=1e-6)


def test_the_threshold_keeps_its_rate_of_false_alarms() -> None:
    """Batches of different pictures, none of them calibrated on: about 1 % raise an alarm, at every batch size."""
    calibration = calibrate(smooth(1000, seed=1))
    fresh = pixels(smooth(20_000, seed=7))
    for size, batches in ((50, 400), (400, 50)):
        threshold = calibration.threshold(size)
        alarms = sum(repeats_below(fresh[i * size : (i + 1) * size], threshold) > 0 for i in range(batches))
        assert alarms / batches <= 0.04
        assert calibration.false_alarm(size, threshold) == pytest.approx(0.01, abs=0.005)
    assert calibration.threshold(400) < calibration.threshold(50)


def test_duplicates_in_the_data_do_not_spoil_the_threshold() -> None:
    clean = smooth(600, seed=1)
    dirty = clean.copy()
    dirty[:40] = noisy(clean[40:80], 1, 0)
    a, b = calibrate(clean), calibrate(dirty)
    assert b.duplicates >= 40
    assert b.threshold(200) == pytest.approx(a.threshold(200), rel=0.1)


def test_too_few_or_equal_real_images_are_refused_with_a_reason() -> None:
    with pytest.raises(DataError, match="at least 20"):
        calibrate(smooth(10, seed=1))
    with pytest.raises(DataError, match="nearly all the same"):
        calibrate(np.repeat(smooth(1, seed=1), 60, axis=0))
    with pytest.raises(UsageError, match="pixel"):
        feature_of({"distance": "taste"})


def subject(templates: np.ndarray, levels: float = 0.0) -> Source:
    generator = Generator(templates, levels)
    return Source(generator, smooth(900, seed=1, side=16), smooth(300, seed=4, side=16))  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_finding_tells_collapse_from_variety() -> None:
    few = measure(Request(subject(smooth(40, seed=5, side=16), 2.0)))
    assert few.level == "bad"
    support = next(figure for figure in few.figures if figure.name == "support")
    assert support.low is not None
    assert support.high is not None
    assert support.low <= 40 <= support.high
    assert "far fewer than the 900 images it learned from" in few.sentence
    assert few.value("repeats") >= 8
    assert few.value("control_repeats") == 0
    many = measure(Request(subject(smooth(4096, seed=6, side=16)[:4000]), values={"samples": 200}))
    assert many.level in ("good", "unknown", "watch")
    assert many.value("spread_ratio") == pytest.approx(1, abs=0.1)
    assert many.value("nearest_ratio") == pytest.approx(1, abs=0.25)
    one = measure(Request(subject(smooth(1, seed=5, side=16), 4.0), quick=True))
    assert one.level == "bad"
    assert one.value("support") < 2
    assert one.value("spread_ratio") < 0.2
    assert len(one.evidence[0].rows) == 2


def test_a_round_is_repeatable_and_its_control_shows_real_images() -> None:
    source = subject(smooth(40, seed=5, side=16))
    a, b = (draw_round(source, Plan("samples", 60, 3), feature=PIXELS) for _ in range(2))
    assert a.pairs == b.pairs
    assert np.array_equal(a.left, b.left)
    assert np.array_equal(a.left[0], a.right[0])
    real = draw_round(source, Plan("real", 60, 3))
    known = {picture.tobytes() for picture in source.heldout}
    assert all(picture.tobytes() in known for picture in real.left)
    assert not any(np.array_equal(x, y) for x, y in zip(real.left, real.right, strict=True))
