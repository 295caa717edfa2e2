"""Games of two players with one number each: what simultaneous and alternating steps, and looking ahead, lead to.

The lecture's game is f(x, y) = (x - 1/2)(y - 1/2): x goes down on f and y up. All rules act linearly around the middle,
so that what happens is known: simultaneous steps leave by a factor sqrt(1 + eta^2) each, alternating ones stay on an
ellipse and turn by w with cos w = 1 - eta^2 / 2, extragradient comes in by sqrt(1 - eta^2 + eta^4).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

Place = npt.NDArray[np.float64]
Rule = Callable[[Place, float], Place]

MIDDLE: Final = 0.5


def _simultaneous(at: Place, eta: float) -> Place:
    x, y = at - MIDDLE
    return at + eta * np.array([-y, x])


def _alternating(at: Place, eta: float) -> Place:
    x = at[0] - eta * (at[1] - MIDDLE)
    return np.array([x, at[1] + eta * (x - MIDDLE)])


def _extragradient(at: Place, eta: float) -> Place:
    x, y = _simultaneous(at, eta) - MIDDLE
    return at + eta * np.array([-y, x])


def _best_response(at: Place, eta: float) -> Place:
    """Each in turn goes as far as [0, 1] lets it; `eta` has no say, and a player that gains nothing stays."""
    x = at[0] if at[1] == MIDDLE else float(at[1] < MIDDLE)
    return np.array([x, at[1] if x == MIDDLE else float(x > MIDDLE)])


RULES: Final[dict[str, tuple[str, Rule]]] = {
    "simultaneous": ("Simultaneous steps", _simultaneous),
    "alternating": ("Alternating steps", _alternating),
    "extragradient": ("Extragradient", _extragradient),
    "best response": ("Best response on [0, 1]", _best_response),
}
"""(title, one step of both players) of each way to play."""
IN_TURN: Final = ("alternating", "best response")
"""The ways in which y answers what x has just done."""


def play(rule: str, steps: int, *, eta: float = 0.1, start: tuple[float, float] = (1.0, 0.5)) -> Place:
    """The places (steps + 1, 2) of both players, the start first.

    Raises:
        KeyError: no such rule.
    """
    step = RULES[rule][1]
    places = np.empty((steps + 1, 2))
    places[0] = start
    for index in range(steps):
        places[index + 1] = step(places[index], eta)
    return places


def way(rule: str, steps: int, *, eta: float = 0.1, start: tuple[float, float] = (1.0, 0.5)) -> Place:
    """What is drawn of a game: as `play`, with a place after each move where one moves after the other, x first.

    Raises:
        KeyError: no such rule.
    """
    places = play(rule, steps, eta=eta, start=start)
    if rule not in IN_TURN:
        return places
    half = np.stack([places[1:, 0], places[:-1, 1]], 1)
    return np.concatenate([places[:1], np.stack([half, places[1:]], 1).reshape(-1, 2)])
