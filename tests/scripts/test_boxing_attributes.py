"""Directions of a constructed world, where what each does to every attribute is known."""

from __future__ import annotations

import numpy as np
import pytest
from boxing import attributes, judge
from boxing.attributes import Spectrum, candidates, effect_of, mean_differences, partial_differences, worth
from boxing.card import Directions, direction_text, effect_table
from boxing.judge import Judge, apart, fit_judge, same_person

from engine.latent.directions import Direction, area_under_curve

D = 12


def world(n=4000, seed=0):
    """Codes (n, D) and labels (n, 2): numbers 0 and 1 decide an attribute each, and go together."""
    rng = np.random.default_rng(seed)
    codes = rng.normal(size=(n, D)).astype(np.float32)
    codes[:, 1] = 0.7 * codes[:, 0] + np.sqrt(1 - 0.49) * codes[:, 1]
    labels = np.where(codes[:, :2] + 0.3 * rng.normal(size=(n, 2)) > 0, 1, -1)
    return codes, labels


def flat_decode(codes):
    """Pictures (n, 2, 2, 1): the first two numbers of a code, in grey values."""
    grey = (128 + 20 * codes[:, :2]).round().clip(0, 255).astype(np.uint8)
    return np.concatenate([grey, grey], 1).reshape(-1, 2, 2, 1)


def flat_features(pictures):
    return ((pictures.reshape(len(pictures), -1)[:, :2].astype(np.float32) - 128) / 20).astype(np.float32)


def test_a_partial_difference_leaves_the_other_attribute_alone_and_a_plain_one_does_not():
    codes, labels = world()
    plain, partial = mean_differences(codes, labels), partial_differences(codes, labels)
    assert plain[0, 1] > 0.5 * plain[0, 0]
    assert abs(partial[0, 1]) < 0.4 * partial[0, 0]
    assert plain.shape == partial.shape == (2, D)


def test_a_ridge_without_end_is_the_difference_and_a_small_one_fishers_direction():
    codes, labels = world()
    spectrum = Spectrum.of(codes, 5)
    difference = mean_differences(codes, labels)
    far = spectrum.solved(difference, 1e6)
    assert np.allclose(
        far / np.linalg.norm(far, axis=1)[:, None], difference / np.linalg.norm(difference, axis=1)[:, None], atol=1e-3
    )
    whole = Spectrum.of(codes)
    wanted = np.linalg.solve(np.cov(codes.T, bias=True) + 0.1 * whole.level * np.eye(D), difference.T).T
    np.testing.assert_allclose(whole.solved(difference, 0.1), wanted, rtol=1e-2, atol=1e-3)


def test_every_candidate_separates_and_has_length_one():
    codes, labels = world(1500)
    for method, vectors in candidates(codes, labels, Spectrum.of(codes)).items():
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5), method
        for i in range(2):
            assert area_under_curve(codes @ vectors[i], labels[:, i] > 0) > 0.85, method


def test_the_side_effects_of_a_known_edit_are_found(monkeypatch):
    monkeypatch.setattr(attributes, "embed", flat_features)
    codes, labels = world()
    features = flat_features(flat_decode(codes))
    found = fit_judge(features[:3000], labels[:3000], features[3000:], labels[3000:], ("one", "two"))
    assert min(found.aucs) > 0.95
    assert all(low < auc <= high for auc, (low, high) in zip(found.aucs, found.intervals, strict=True))
    assert min(found.gaps) > 1
    before, shown = features[:100], codes[:100]
    alone = np.eye(D, dtype=np.float32)[2]
    first = np.eye(D, dtype=np.float32)[0]
    for vector, moves in ((alone, False), (first, True)):
        effect = effect_of(vector, 1.0, shown, before, decode=flat_decode, judge=found, between=apart(before))
        assert effect.n == 100
        assert (effect.change[0] > 0.8) == moves
        # The second number does not move, and the judge of the second attribute hardly looks at the first.
        assert abs(effect.change[1]) < 0.45
        assert (effect.moved > 0.5) == moves
        assert (effect.half >= 0).all()


def test_worth_prefers_what_is_seen_and_drags_little():
    gaps = (1.0, 1.0, 1.0)
    clean, dragging, unseen = np.array([1.0, 0.0, 0.0]), np.array([1.0, 0.6, -0.6]), np.array([0.1, 0.0, 0.0])
    assert worth(clean, 0, gaps) > worth(dragging, 0, gaps) > worth(-clean, 0, gaps)
    assert worth(clean, 0, gaps) > worth(unseen, 0, gaps)


def test_two_pictures_of_a_person_are_nearer_than_those_of_two():
    rng = np.random.default_rng(0)
    people = [str(i // 2) for i in range(120)]
    centres = rng.normal(size=(60, 8))
    features = np.repeat(centres, 2, 0) + 0.1 * rng.normal(size=(120, 8))
    found = same_person(features.astype(np.float32), people)
    assert found is not None
    assert found.n == 60
    assert found.share < 0.2
    assert same_person(features.astype(np.float32), [""] * 120) is None


def test_the_table_of_side_effects_has_every_pair_and_marks_its_own():
    names = ("one", "two")
    looker = Judge(names, np.eye(2, dtype=np.float32), (0.99, 0.98), ((0.97, 1.0), (0.96, 0.99)), (1.5, 1.6))
    effects = {
        "one": attributes.Effect(np.array([1.25, -0.5]), np.array([0.1, 0.04]), 0.4, 64),
        "two": attributes.Effect(np.array([0.02, 2.0]), np.array([0.03, 0.2]), 0.6, 64),
    }
    vector = np.eye(1, 4, dtype=np.float32)[0]
    made = [Direction(name, vector, 1.0, 0.93, 0.9, 0.95, 40, 60, "mean") for name in names]
    found = Directions(made, {}, effects, looker, judge.Kept(0.55, 30))
    assert "| one | **+1.25** | -0.50 |" in effect_table(found)
    text = direction_text(found, {"one": 0.9})
    for part in ("0.930 (0.900 to 0.950), aim 0.90", "+1.25 ± 0.10", "± 0.20", "0.55 apart", "64 held-out"):
        assert part in text


def test_a_category_that_is_not_there_is_no_judge():
    with pytest.raises(ValueError, match="both classes"):
        area_under_curve(np.zeros(3), np.array([True, True, True]))
