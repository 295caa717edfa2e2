"""A morph's pictures come when they should: corners on whole frames, rests, ways back without doubled frames."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.exploring.timeline import CHUNK, EASINGS, LOOPS, Timeline, distinct, frames_of

lines = st.builds(
    Timeline,
    corners=st.integers(2, 4),
    frames=st.integers(2, 200),
    easing=st.sampled_from(list(EASINGS)),
    loop=st.sampled_from(LOOPS),
    holds=st.lists(st.integers(0, 60), max_size=4).map(tuple),
)


@pytest.mark.parametrize("name", list(EASINGS))
def test_easings_rise_from_zero_to_one(name: str):
    eased = np.array([EASINGS[name](float(t)) for t in np.linspace(0, 1, 101)])
    assert (eased[0], eased[-1]) == (0.0, pytest.approx(1.0, abs=1e-12))
    assert (np.diff(eased) > 0).all()
    assert eased[50] == pytest.approx(0.5)
    if name != "linear":
        assert eased[25] < 0.16, "it starts at rest"
    if name == "smooth":
        assert eased[25] == 0.15625


@given(lines)
def test_any_timeline_that_fits_has_its_frames_and_meets_every_corner(line: Timeline):
    line = line.fitted()
    fractions = line.fractions()
    assert len(fractions) == line.frames
    assert min(fractions) == 0.0
    assert max(fractions) <= 1.0
    legs = line.corners - (not line.closed)
    for corner in range(line.corners):
        wanted = corner / legs
        standing = sum(abs(f - wanted) < 1e-9 for f in fractions)
        meets = line.stops()[: None if line.loop == "once" else -1].count(corner)
        # A leg of two frames may ease onto a corner by itself only at its own ends.
        assert standing == meets * (1 + line.hold(corner))


def test_once_goes_from_the_first_corner_to_the_last():
    fractions = Timeline(2, 60).fractions()
    np.testing.assert_allclose(fractions, np.linspace(0, 1, 60))
    held = Timeline(2, 20, holds=(3, 4)).fractions()
    assert held[:4] == (0.0,) * 4
    assert held[-5:] == (1.0,) * 5


def test_there_and_back_turns_without_doubling_an_end():
    fractions = Timeline(3, 40, "smooth", "there-and-back").fractions()
    assert fractions.count(0.0) == 1
    assert fractions.count(1.0) == 1
    assert all(a != b for a, b in zip(fractions, fractions[1:] + fractions[:1], strict=True))
    np.testing.assert_allclose(fractions[1:], fractions[:0:-1], atol=1e-12)


def test_a_loop_leads_back_and_does_not_show_its_start_twice():
    fractions = Timeline(3, 30, "linear", "loop").fractions()
    np.testing.assert_allclose(fractions, np.arange(30) / 30, atol=1e-12)


def test_rests_that_do_not_fit_are_refused_and_can_be_shortened():
    line = Timeline(4, 20, "smooth", "there-and-back", (10, 10, 10, 10))
    with pytest.raises(UsageError, match="66"):
        line.fractions()
    fitted = line.fitted()
    assert fitted.frames == 20
    assert 0 < sum(fitted.holds) < 40
    assert len(fitted.fractions()) == 20
    assert Timeline(4, 2, loop="once").fitted().frames == 4


@pytest.mark.parametrize("wrong", [{"easing": "bouncy"}, {"loop": "twice"}])
def test_unknown_names_are_told(wrong):
    with pytest.raises(UsageError, match="choose one of"):
        Timeline(**wrong).fractions()


def picture_at(fraction: float) -> np.ndarray:
    return np.full((2, 2, 3), round(200 * fraction), np.uint8)


@pytest.mark.parametrize("keep_bytes", [0, 2**20])
def test_frames_come_in_order_and_a_way_back_is_decoded_once_where_it_may_be_kept(keep_bytes):
    asked: list[float] = []

    def decode(places):
        assert len(places) <= CHUNK
        asked.extend(places)
        return np.stack([picture_at(place) for place in places])

    fractions = Timeline(2, 100, "sine", "there-and-back", (8, 8)).fractions()
    found = list(frames_of(decode, fractions, keep_bytes=keep_bytes))
    np.testing.assert_array_equal(found, [picture_at(f) for f in fractions])
    if keep_bytes:
        assert len(asked) == len(set(fractions))


def test_no_more_frames_are_kept_than_may_be():
    """Frames at full size go to their file one at a time."""
    alive: set[int] = set()
    most = 0

    def decode(places):
        nonlocal most
        made = np.stack([picture_at(place) for place in places])
        alive.add(id(made))
        weakref.finalize(made, alive.discard, id(made))
        most = max(most, len(alive))
        return made

    there_and_back = Timeline(2, 60, loop="there-and-back").fractions()
    for _ in frames_of(decode, there_and_back, keep_bytes=3 * picture_at(0).nbytes, chunk=1):
        pass
    assert most <= 5
    most = 0
    for _ in frames_of(decode, Timeline(2, 60).fractions(), chunk=1):
        pass
    assert most <= 2, "none comes again"


def test_distinct_places_rebuild_the_animation():
    fractions = Timeline(3, 50, "smooth", "there-and-back", (5,)).fractions()
    places, order = distinct(fractions)
    assert list(places) == sorted(set(fractions))
    assert tuple(places[i] for i in order) == fractions
