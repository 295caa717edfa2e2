"""An attribute from few photos: what was planted is found, and the AUC is honest, on noise above all."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from engine.control import Control
from engine.data.examples import Example
from engine.errors import Cancelled, ImageError, UsageError, UserError
from engine.latent.directions import METHODS, area_under_curve
from engine.latent.make_directions import check_name, cross_validate, gather, make_attribute
from engine.photos.kinds import left_out
from engine.progress import Progress
from tests.quick import quick


def groups(count: int, size: int, *, gap: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes of `count` photos a group that differ by `gap` along a known unit vector, and the vector."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=size)
    truth /= np.linalg.norm(truth)
    positive = np.arange(2 * count) < count
    codes = rng.normal(size=(2 * count, size)) + gap * positive[:, None] * truth
    return codes.astype(np.float32), positive, truth


@pytest.mark.parametrize("method", list(METHODS))
def test_what_was_planted_is_found_within_five_degrees(method: str):
    codes, positive, truth = groups(3000, 16, gap=3.0)
    made = make_attribute(codes, positive, name="planted", method=method)
    assert math.degrees(math.acos(min(1.0, float(made.vector @ truth)))) < 5
    assert made.sigma == pytest.approx(1.0, rel=0.05)
    theory = 0.5 * (1 + math.erf(3.0 / 2))
    assert made.auc == pytest.approx(theory, abs=0.01)
    assert made.auc_low < theory < made.auc_high
    assert (made.name, made.method, made.positives, made.negatives) == ("planted", method, 3000, 3000)


@pytest.mark.parametrize("size", quick([8, 600], 600))
@pytest.mark.parametrize("method", list(METHODS))
@pytest.mark.slow
def test_on_pure_noise_the_auc_is_a_half(method: str, size: int):
    """Neither hopeful (judged on its own photos) nor gloomy (pooled over folds): 0.5 in the mean of many tries."""
    tries = 24 if method != "logistic" else 6
    found = [
        cross_validate(*groups(10, size, gap=0.0, seed=seed)[:2], method=method, seed=seed).auc for seed in range(tries)
    ]
    error = float(np.std(found)) / math.sqrt(tries)
    assert abs(float(np.mean(found)) - 0.5) < max(3 * error, 0.02)
    assert error < 0.1


@pytest.mark.slow
def test_unequal_groups_of_noise_are_judged_a_half_too():
    rng = np.random.default_rng(0)
    positive = np.arange(37) < 6
    found = [
        cross_validate(rng.normal(size=(37, 40)).astype(np.float32), positive, method="mean", seed=seed).auc
        for seed in range(50)
    ]
    assert np.mean(found) == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("method", ["mean", "lda"])
@pytest.mark.slow
def test_ten_and_ten_are_judged_as_strangers_would(method: str):
    """The cross-validated AUC agrees with that on thousands of other codes, in the mean over draws."""
    told, true, inside = [], [], 0
    for seed in range(20):
        rng = np.random.default_rng(1000 + seed)
        truth = np.eye(64)[0]
        labels = np.arange(4020) % 2 == 0
        codes = (rng.normal(size=(4020, 64)) + 2.5 * labels[:, None] * truth).astype(np.float32)
        made = make_attribute(codes[:20], labels[:20], name="x", method=method)
        real = area_under_curve(codes[20:] @ made.vector, labels[20:])
        told.append(made.auc)
        true.append(real)
        inside += made.auc_low <= real <= made.auc_high
    assert np.mean(told) == pytest.approx(np.mean(true), abs=0.05)
    assert inside >= 15


@pytest.mark.slow
def test_sigma_is_that_of_strangers_where_a_code_is_long():
    """A vector fitted to 20 codes of 4,000 numbers lies along their own noise: on them it seems far too wide."""
    codes, positive, _ = groups(10, 4000, gap=3.0)
    made = make_attribute(codes, positive, name="x", method="mean")
    seen = codes @ made.vector
    others = np.random.default_rng(9).normal(size=(2000, 4000)) @ made.vector
    assert made.sigma == pytest.approx(others.std(), rel=0.25)
    assert seen.std() > 5 * others.std()


def test_too_few_the_same_and_an_unknown_method_are_refused():
    codes, positive, _ = groups(4, 8, gap=1.0)
    with pytest.raises(UserError, match="at least 5"):
        make_attribute(codes, positive, name="x")
    with pytest.raises(UserError, match="do not differ"):
        make_attribute(np.ones((20, 8), np.float32), np.arange(20) < 10, name="x", method="mean")
    with pytest.raises(UsageError, match="'magic'"):
        make_attribute(*groups(10, 8, gap=1.0)[:2], name="x", method="magic")


def example(name: str) -> Example:
    return Example(name, Path(name))


def read(one: Example) -> np.ndarray:
    if one.name.startswith("broken"):
        raise ImageError("It is no picture.")
    return np.full((4, 4, 3), len(one.name), np.uint8)


def encode(pictures: np.ndarray) -> np.ndarray:
    return pictures[:, 0, 0, :].astype(np.float32)


def test_broken_photos_are_left_out_and_named():
    ups = [example(f"a{i}") for i in range(6)] + [example("broken.jpg")]
    downs = [example(f"without {i}") for i in range(5)]
    told: list[tuple[int, int]] = []
    found = gather(
        ups, downs, read=read, encode=encode, progress=Progress(tell=lambda step: told.append((step.done, step.total)))
    )
    assert found.codes.shape == (11, 3)
    assert found.positive.tolist() == [True] * 6 + [False] * 5
    np.testing.assert_array_equal(found.codes[:, 0], [2] * 6 + [9] * 5)
    assert found.skipped == ("broken.jpg",)
    assert told[-1] == (12, 12)
    assert left_out(found.skipped) == "1 photo could not be read: broken.jpg"
    assert left_out(("a", "b", "c", "d", "e")).endswith("a, b, c and 2 more")


def test_a_group_too_small_is_refused_before_anything_is_read_and_after():
    def never(one: Example) -> np.ndarray:
        raise AssertionError("nothing should be read")

    with pytest.raises(UserError, match="here are 5 and 4"):
        gather([example("a")] * 5, [example("b")] * 4, read=never, encode=encode)
    spoilt = [example(f"b{i}") for i in range(4)] + [example("broken.png")]
    with pytest.raises(UserError, match=r"here are 5 and 4 \(1 photo could not be read: broken.png\)"):
        gather([example("a")] * 5, spoilt, read=read, encode=encode)


def test_a_stop_is_honoured_between_photos():
    control = Control()
    control.stop()
    with pytest.raises(Cancelled):
        gather([example("a")] * 5, [example("b")] * 5, read=read, encode=encode, progress=Progress(control.check))
    with pytest.raises(Cancelled):
        make_attribute(*groups(10, 8, gap=1.0)[:2], name="x", progress=Progress(control.check))


def test_names_are_cleaned_and_kept_apart():
    assert check_name("  Curly \n hair ", ["Smiling"]) == "Curly hair"
    for bad, why in (("", "needs a name"), ("a=b", "needs a name"), ("x" * 41, "41 letters"), ("smiling", "already")):
        with pytest.raises(UserError, match=why):
            check_name(bad, ["Smiling"])
