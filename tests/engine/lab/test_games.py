"""The lecture's game against what linear algebra says of each way to play it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.errors import UsageError
from engine.lab.catalogue import games
from engine.lab.games import MIDDLE, RULES, play

ETAS = pytest.mark.parametrize("eta", [0.1, 0.2, 0.5])


def radius(places: np.ndarray) -> np.ndarray:
    return np.hypot(*(places - MIDDLE).T)


@ETAS
def test_simultaneous_steps_leave_by_a_known_factor(eta):
    r = radius(play("simultaneous", 200, eta=eta))
    assert r[1:] / r[:-1] == pytest.approx(np.full(200, math.sqrt(1 + eta**2)))


def test_their_average_does_not_converge_though_the_slide_says_so():
    places = play("simultaneous", 1000)
    assert radius(places)[-1] / 0.5 == pytest.approx(144.8, abs=0.1)
    assert np.hypot(*(places[1:].mean(0) - MIDDLE)) > 0.5


def test_alternating_steps_stay_on_an_ellipse_and_their_average_is_near_the_middle():
    places = play("alternating", 1000)
    assert (radius(places).min(), radius(places).max()) == pytest.approx((0.488, 0.513), abs=1e-3)
    assert np.hypot(*(places[1:].mean(0) - MIDDLE)) == pytest.approx(0.0024, abs=1e-3)


@ETAS
def test_they_turn_by_a_known_angle(eta):
    matrix = np.array(
        [play("alternating", 1, eta=eta, start=(x, y))[1] - MIDDLE for x, y in ((1.5, 0.5), (0.5, 1.5))]
    ).T
    eigenvalues = np.linalg.eigvals(matrix)
    assert np.abs(eigenvalues) == pytest.approx(1.0)
    assert eigenvalues.real == pytest.approx(1 - eta**2 / 2)
    assert 2 * math.pi / math.acos(1 - 0.1**2 / 2) == pytest.approx(62.8, abs=0.1)


@ETAS
def test_looking_ahead_comes_in(eta):
    r = radius(play("extragradient", 100, eta=eta))
    assert r[1:] / r[:-1] == pytest.approx(np.full(100, math.sqrt(1 - eta**2 + eta**4)))


def test_best_responses_go_round_the_corners():
    places = play("best response", 8, start=(1.0, 0.3))
    assert places[1].tolist() == [1.0, 1.0]
    assert set(map(tuple, places[1:].tolist())) == {(1.0, 1.0), (0.0, 0.0)}
    assert set(RULES) == {"simultaneous", "alternating", "extragradient", "best response"}


def test_what_is_drawn_has_a_place_for_each_move():
    seen = {one.rule: one for one in games(list(RULES), steps=1000, eta=0.1, start=(1.0, 0.5))}
    for rule, one in seen.items():
        assert one.places.shape == (1000 * one.moves + 1, 2)
        assert np.array_equal(one.places[:: one.moves], play(rule, 1000))
    corners = seen["best response"].places[1:]
    assert corners[1:5].tolist() == [[1, 1], [0, 1], [0, 0], [1, 0]]
    assert np.array_equal(corners[1:-4], corners[5:]), "a turn has four moves"
    # Where one moves after the other, a move changes no more than one number.
    assert ((np.diff(seen["alternating"].places, axis=0) != 0).sum(1) <= 1).all()
    assert radius(seen["simultaneous"].places)[-1] / 0.5 == pytest.approx(1.01**500)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"rules": ["chess"]}, "rule must be one of simultaneous"),
        ({"steps": 0}, "steps must be between 1 and 2,000"),
        ({"eta": 0.0}, "eta must be above 0"),
        ({"eta": math.nan}, "eta must be above 0"),
        ({"start": (1.0, math.inf)}, "between -100 and 100"),
    ],
)
def test_a_game_that_cannot_be_played_is_said(asked, said):
    whole = {"rules": ["alternating"], "steps": 5, "eta": 0.1, "start": (1.0, 0.5), **asked}
    with pytest.raises(UsageError, match=said):
        games(whole.pop("rules"), **whole)
