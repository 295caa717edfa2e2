"""Names, counts and times as the window writes them."""

from __future__ import annotations

import math

import pytest

from app import words
from engine.api import DirectionInfo


@pytest.mark.parametrize(
    ("given", "shown"),
    [("Blond_Hair", "Blond hair"), ("Heavy_Makeup", "Makeup"), ("PCA 3", "PCA 3"), ("pca_2", "PCA 2")],
)
def test_nice(given: str, shown: str) -> None:
    assert words.nice(given) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.2, "0 s"), (59, "59 s"), (60, "1 min"), (3540, "59 min"), (7800, "2 h 10 min")]
)
def test_duration(seconds: float, shown: str) -> None:
    assert words.duration(seconds) == shown


@pytest.mark.parametrize(
    ("number", "shown"), [(1, "1st"), (2, "2nd"), (63, "63rd"), (11, "11th"), (112, "112th"), (0, "0th")]
)
def test_ordinal(number: int, shown: str) -> None:
    assert words.ordinal(number) == shown


def test_decibels_of_a_perfect_copy() -> None:
    assert words.decibels(math.inf) == "exact"
    assert words.decibels(22.34) == "22.3 dB"


def test_direction_note_gives_the_interval() -> None:
    info = DirectionInfo("Smiling", "attribute", 0.93, 0.91, 0.95)
    assert words.direction_note(info) == "Smiling: held-out AUC 0.93 (0.91 to 0.95)"
