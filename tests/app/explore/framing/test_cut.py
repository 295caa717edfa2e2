"""Cuts of a photo: what they are called, and eyes clicked in any order."""

from __future__ import annotations

import cmath

import pytest

from app.explore.framing.cut import MIDDLE, by_hand, cut_label, cut_tag
from engine.api import Cut

FACE = (30 + 40j, 70 + 40j, 50 + 80j)


def turned(degrees: float) -> tuple[tuple[float, float], ...]:
    """A face's left eye, right eye and mouth, turned about its middle."""
    turn = cmath.exp(1j * cmath.pi * degrees / 180)
    return tuple((z.real, z.imag) for z in ((p - 50 - 50j) * turn + 50 + 50j for p in FACE))


@pytest.mark.parametrize("degrees", [0, 40, 100, 180, 250])
def test_with_a_mouth_the_order_of_the_eyes_does_not_matter_however_the_head_is_held(degrees: float) -> None:
    left, right, mouth = turned(degrees)
    assert by_hand((left, right, mouth)).points == (left, right, mouth)
    assert by_hand((right, left, mouth)).points == (left, right, mouth)


def test_without_a_mouth_the_left_eye_is_the_one_at_the_left() -> None:
    left, right, _ = turned(20)
    assert by_hand((right, left)).points == (left, right)
    assert by_hand((left, right)).points == (left, right)


def test_every_cut_of_a_photo_has_its_own_tag_and_the_first_none() -> None:
    cuts = [Cut(), Cut(face=1), Cut(face=2), Cut(align=MIDDLE), by_hand(turned(0)), by_hand(turned(5))]
    assert len({cut_tag(cut) for cut in cuts}) == len(cuts)
    assert cut_tag(Cut()) == ""
    assert cut_label(Cut()) == ""
    assert cut_label(Cut(face=2)) == "face 3"
