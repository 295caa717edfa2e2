"""The lessons of the Lab: rows of words, set-ups and numbers. The rows are also the tests."""

from __future__ import annotations

from typing import Final

from engine.lab.lessons import flows, games, posteriors
from engine.lab.lessons.row import DECKS, LAYERS, Check, Lesson

__all__ = ["DECKS", "LAYERS", "LESSONS", "Check", "Lesson"]

LESSONS: Final[dict[str, Lesson]] = {
    row.name: row
    for row in sorted((*games.LESSONS, *posteriors.LESSONS, *flows.LESSONS), key=lambda row: int(row.number[1:]))
}
"""By name, in the order of the strip."""
