"""Labels counted in samples: what is never drawn is named with its share, and what is drawn is not accused."""

from __future__ import annotations

import numpy as np
import pytest

from engine.diagnostics.base import Request
from engine.diagnostics.classes import CLASSES, missing_pairs, roughened, run
from engine.diagnostics.labelling import Quality, are_classes, classifier_score, true_share
from engine.errors import Cancelled
from engine.progress import Progress
from tests.engine.diagnostics.shapes import ATTRIBUTES, Shown, drawn, features_once, random_labels, subject

__all__ = ["features_once"]


def finding(labels: np.ndarray):
    return run(Request(subject(drawn(labels, seed=21)), {"samples": 240}))


def test_a_faithful_model_is_accused_of_nothing():
    found = finding(random_labels(240, seed=22))
    assert found.level == "good"
    assert found.value("labels_judged") == len(ATTRIBUTES)
    assert found.value("labels_accuracy") > 90
    assert not [figure for figure in found.figures if "/" in figure.name]
    for name, (data, share, low, high, auc) in found.values.items():
        assert low <= share <= high, name
        assert share == pytest.approx(data, abs=0.1)
        assert auc > 0.95


def test_a_label_that_is_never_drawn_is_named_and_shown():
    labels = random_labels(240, seed=23)
    labels[:, 0] = -1
    found = finding(labels)
    assert found.level == "bad"
    assert "Never or almost never drawn: Red" in found.sentence
    assert found.value("share/Red") < 5
    shown = found.evidence[0]
    assert "Red" in shown.title
    assert (shown.rows[0][..., 0].max((1, 2)) > 150).all()


@pytest.mark.slow
def test_a_label_that_is_always_drawn_means_its_absence_never_is():
    labels = random_labels(240, seed=24)
    labels[:, 2] = 1
    found = finding(labels)
    assert "not Bright" in found.sentence
    assert found.value("share/not Bright") < 5
    assert found.value("share/Bright") > 90


@pytest.mark.slow
def test_a_pair_that_never_comes_together_is_named():
    labels = random_labels(700, seed=25)
    labels = labels[~((labels[:, 0] > 0) & (labels[:, 1] > 0))][:240]
    found = finding(labels)
    pairs = [figure.name for figure in found.figures if figure.name.startswith("pair/")]
    assert pairs == ["pair/Red and Wide"]


def test_pairs_with_a_missing_label_are_not_told_again():
    rng = np.random.default_rng(0)
    real = rng.random((500, 2)) < 0.5
    samples = real.copy()
    samples[:, 0] = False
    assert missing_pairs(real, samples, ("A", "B"), frozenset()) != []
    assert missing_pairs(real, samples, ("A", "B"), frozenset({("A", True)})) == []
    assert missing_pairs(real[:0], samples, ("A", "B"), frozenset()) == []


def classes_subject(kinds: int, drawn_kinds: int) -> Shown:
    """Four kinds of pictures by colour and form, as one class each."""
    rng = np.random.default_rng(3)

    def some(n: int, of: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        at = rng.integers(0, of, n)
        codes = np.stack([np.where(at & 1, 1, -1), np.where(at & 2, 1, -1), np.full(n, 1)], axis=1)
        return drawn(codes, seed=seed), np.where(at[:, None] == np.arange(kinds), 1, -1).astype(np.int8)

    training, labels = some(320, kinds, 31)
    heldout, held_labels = some(240, kinds, 32)
    samples, _ = some(240, drawn_kinds, 33)
    names = tuple(f"class {i}" for i in range(kinds))
    return Shown(samples, training, heldout, attributes=names, labels=labels, heldout_labels=held_labels)  # type: ignore[arg-type]


@pytest.mark.slow
def test_classes_have_a_score_and_a_lost_class_lowers_it():
    whole = run(Request(classes_subject(4, 4), {"samples": 240}))
    lost = run(Request(classes_subject(4, 3), {"samples": 240}))
    assert whole.level == "good"
    assert whole.value("score") == pytest.approx(4, abs=0.3)
    assert whole.value("score_real") == pytest.approx(4, abs=0.3)
    assert lost.value("score") == pytest.approx(3, abs=0.3)
    assert "class 3" in lost.sentence
    assert lost.level == "bad"


@pytest.mark.slow
def test_labels_that_say_nothing_of_the_picture_are_not_judged():
    whose = subject(drawn(random_labels(120, seed=26), seed=27))
    whose.labels[:] = random_labels(len(whose.labels), seed=28)  # type: ignore[index, arg-type]
    whose.heldout_labels[:] = random_labels(len(whose.heldout_labels), seed=29)  # type: ignore[index, arg-type]
    found = run(Request(whose, {"samples": 120}))
    assert found.level == "unknown"
    assert "nothing is counted" in found.sentence


def test_without_labels_or_with_few_it_says_why_not():
    pictures = drawn(random_labels(50, seed=1), seed=2)
    assert "no labels" in CLASSES.why_not(subject(pictures, labelled=False))
    assert "Only 60" in CLASSES.why_not(subject(pictures, n=60))
    assert CLASSES.why_not(subject(pictures)) == ""


@pytest.mark.slow
def test_without_held_out_labels_a_part_of_the_training_pictures_judges():
    whose = subject(drawn(random_labels(240, seed=41), seed=42))
    bare = Shown(whose.model, whose.training, whose.heldout, attributes=ATTRIBUTES, labels=whose.labels)
    assert run(Request(bare, {"samples": 240})).level == "good"


def test_the_corrected_share_is_right_on_average_where_the_classifier_errs():
    quality = Quality("x", 0.9, hits=0.8, alarms=0.1, having=200, lacking=800)
    rng = np.random.default_rng(0)
    for true in (0.0, 0.05, 0.5, 1.0):
        shares, held = [], 0
        for _ in range(200):
            having = rng.binomial(500, true)
            called = rng.binomial(having, 0.8) + rng.binomial(500 - having, 0.1)
            share = true_share(int(called), 500, quality)
            shares.append(share.value)
            held += share.low <= true <= share.high
        assert np.mean(shares) == pytest.approx(true, abs=0.03)
        assert held >= 180


def test_the_classifier_score_is_that_of_the_paper():
    p = np.random.default_rng(0).dirichlet(np.ones(5), 300)
    expected = np.exp(np.mean([(row * np.log(row / p.mean(0))).sum() for row in p]))
    assert classifier_score(p).value == pytest.approx(expected, rel=1e-9)
    assert classifier_score(np.eye(4)[np.arange(400) % 4]).value == pytest.approx(4)
    assert classifier_score(np.tile([[0.7, 0.3]], (50, 1))).value == pytest.approx(1)


def test_classes_are_told_from_attributes():
    assert are_classes(np.array([[1, -1], [-1, 1], [0, 0]], np.int8))
    assert not are_classes(np.array([[1, 1], [-1, 1]], np.int8))
    assert not are_classes(np.array([[1, -1], [1, -1]], np.int8))
    assert not are_classes(np.zeros((3, 0), np.int8))


@pytest.mark.slow
def test_samples_unlike_real_pictures_make_it_careful():
    labels = random_labels(240, seed=51)
    labels[:, 0] = -1
    noise = np.random.default_rng(0).normal(0, 45, (240, 32, 32, 3))
    found = run(Request(subject((drawn(labels, seed=52) + noise).clip(0, 255).astype(np.uint8)), {"samples": 240}))
    assert "may mislead it" in found.sentence
    assert found.level != "bad"


def test_a_rough_copy_keeps_shape_and_differs_from_the_picture():
    for pictures in (drawn(random_labels(6, seed=1), seed=2), drawn(random_labels(6, seed=1), seed=2)[..., :1]):
        rough = roughened(pictures)
        assert rough.shape == pictures.shape
        assert rough.dtype == np.uint8
        assert (rough != pictures).any((1, 2, 3)).all()


def test_it_can_be_cancelled():
    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        run(Request(subject(drawn(random_labels(120, seed=1), seed=2)), {"samples": 120}, progress=Progress(stop)))
