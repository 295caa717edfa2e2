"""The undo tree: branches stay, redo follows the way last taken, the oldest entries go first."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.explore.history.history import LIMIT, History
from app.look import Look
from engine.api import Coded, Sampled


def look(seed: int) -> Look:
    return Look("model", Sampled(seed, (1.0,)))


def grown(*seeds: int) -> History:
    history = History()
    for seed in seeds:
        history = history.pushed(look(seed), f"Seed {seed}")
    return history


def test_the_same_look_again_changes_nothing() -> None:
    history = grown(1, 2)
    assert history.pushed(look(2), "again") is history


def test_undo_stops_at_the_root_and_redo_at_the_tip() -> None:
    history = grown(1, 2)
    assert history.forward() is None
    back = history.back()
    assert back is not None
    assert back.back() is None
    forward = back.forward()
    assert forward is not None
    assert forward.here().look == look(2)


def test_redo_follows_the_branch_visited_last() -> None:
    history = grown(1, 2).at(0).pushed(look(3), "other")
    assert history.at(0).forward().here().look == look(3)
    assert history.at(1).at(0).forward().here().look == look(2)
    assert history.branches() == (False, False, True)


def test_codes_are_compared_by_identity() -> None:
    """Two codes with the same numbers are still two places; comparing arrays would raise."""
    one, other = (Look("m", Coded(np.zeros(3, np.float32))) for _ in range(2))
    history = History().pushed(one, "a").pushed(other, "b")
    assert len(history.entries) == 2


def test_a_picture_goes_to_its_own_entry_only() -> None:
    picture = np.zeros((2, 2, 3), np.uint8)
    history = grown(1, 2)
    assert history.with_picture(look(1).request(), picture) is history
    filled = history.with_picture(look(2).request(), picture)
    assert filled.here().picture is picture
    assert filled.entries[0].picture is None


def test_the_oldest_go_beyond_the_limit() -> None:
    history = grown(*range(LIMIT + 7))
    assert len(history.entries) == LIMIT
    assert history.here().look == look(LIMIT + 6)
    assert history.entries[0].parent is None


@given(st.lists(st.integers(-3, 20), max_size=60))
def test_every_entry_leads_back_to_a_root(moves: list[int]) -> None:
    """Whatever is pushed and jumped to, parents exist, come before their children, and undo ends."""
    history = grown(0)
    for move in moves:
        if move < 0:
            history = history.back() or history
        elif move % 3 == 0 and history.entries:
            history = history.at(history.entries[move % len(history.entries)].number)
        else:
            history = history.pushed(look(move), "x")
    numbers = [entry.number for entry in history.entries]
    assert all(
        entry.parent is None or entry.parent in numbers[: numbers.index(entry.number)] for entry in history.entries
    )
    steps, way = 0, history.way()
    passed = {history.current}
    while (back := history.back()) is not None:
        history, steps = back, steps + 1
        assert steps <= len(numbers)
        passed.add(history.current)
    assert way == passed, "what is in force is what undo goes through"
