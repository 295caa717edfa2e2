"""Similarities are found exactly from exact points, and pictures cut along them show what lies there."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.photos.landmarks import MEAN
from engine.photos.similarity import Similarity, cut_out, fit, quick_cut

from .people import portrait

sides = st.floats(1e-2, 1e4)
rolls = st.floats(-math.pi, math.pi)
shifts = st.complex_numbers(max_magnitude=1e5)


@given(sides, rolls, shifts)
def test_exact_points_give_the_exact_similarity(side: float, roll: float, shift: complex):
    true = Similarity(side * complex(math.cos(roll), math.sin(roll)), shift)
    found = fit(MEAN, true.turn * MEAN + true.shift)
    assert abs(found.turn - true.turn) < 1e-6 * (side + abs(shift))
    assert abs(found.shift - true.shift) < 1e-6 * (side + abs(shift))


@given(st.lists(st.complex_numbers(max_magnitude=10), min_size=5, max_size=5))
def test_no_other_similarity_is_nearer(noise: list[complex]):
    target = 50 * MEAN + np.array(noise)
    best = fit(MEAN, target)

    def error(turn: complex, shift: complex) -> float:
        return float((np.abs(turn * MEAN + shift - target) ** 2).sum())

    for nudge in (0.1, -0.1, 0.1j, -0.1j):
        assert error(best.turn, best.shift) <= error(best.turn + nudge, best.shift) + 1e-9
        assert error(best.turn, best.shift) <= error(best.turn, best.shift + nudge) + 1e-9


@pytest.mark.parametrize("bad", [1 + 1j, complex("nan"), complex("inf")])
def test_one_place_or_none_has_no_similarity(bad: complex):
    with pytest.raises(ValueError, match=r"one place|not finite"):
        fit(np.full(3, bad), np.arange(3) + 0j)


def test_after_is_one_after_the_other():
    first, second = Similarity(2 + 1j, 3j), Similarity(-1j, 4 + 0j)
    assert second.after(first)(0.3 + 0.7j) == pytest.approx(second(first(0.3 + 0.7j)))


@pytest.mark.parametrize("size", [64, 128])
@pytest.mark.parametrize("factor", [0.2, 1.0, 3.0, 8.0])
def test_an_upright_cut_is_as_sharp_as_lanczos(factor: float, size: int):
    side = round(512 * factor)
    photo = np.asarray(Image.fromarray(portrait(2)).resize((side, side), Image.Resampling.LANCZOS))
    left, top, width = 0.2 * side, 0.15 * side, 0.6 * side
    found = cut_out(photo, Similarity(complex(width), complex(left, top)), size).astype(float)
    box = (left, top, left + width, top + width)
    wanted = np.asarray(Image.fromarray(photo).resize((size, size), Image.Resampling.LANCZOS, box), float)
    assert np.abs(found - wanted).mean() < 2.5
    detail = [np.abs(np.diff(p, axis=1)).mean() for p in (found, wanted)]
    assert 0.85 < detail[0] / detail[1] < 1.1


def test_no_aliases_at_a_strong_reduction():
    """Stripes of one pixel are grey when sixteen go into one."""
    stripes = np.zeros((2000, 2000, 3), np.uint8)
    stripes[:, ::2] = 255
    for roll in (0.0, 0.3, math.pi / 4):
        turn = 1024 * complex(math.cos(roll), math.sin(roll))
        frame = Similarity(turn, 1000 * (1 + 1j) - turn * (0.5 + 0.5j))
        for cut in (cut_out, quick_cut):
            assert np.abs(cut(stripes, frame, 64).astype(int) - 127).max() <= 8


def test_outside_the_photo_the_edge_is_repeated():
    photo = np.zeros((50, 50, 3), np.uint8)
    photo[:, -1] = (200, 100, 50)
    beside = Similarity(20 + 0.001j, 500 + 10j)
    assert (cut_out(photo, beside, 16) == (200, 100, 50)).all()
