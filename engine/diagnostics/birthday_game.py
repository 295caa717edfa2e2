"""The birthday test as a game: a frozen state, and functions that give the next one. Knows no model and no pictures.

A round shows the nearest pairs of one batch, nearest first; a person says of each whether it is the same picture.
Batches of samples and batches of real images (the control) come in an order that is not told until the game has ended.
The batch size of the next round doubles while no duplicate is seen, halves while there are some, and then closes in on
the size at which a duplicate is as likely as not. Everything that is random follows from the game's seed.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from engine.diagnostics.support import Batch, Support, estimate_support, half_size

Answer = Literal["same", "different"]
Kind = Literal["samples", "real"]

PAIRS: Final = 20
FIRST_SIZE: Final = 100
LARGEST_SIZE: Final = 1600
SMALLEST_SIZE: Final = 4
MOST_ROUNDS: Final = 60
_ENOUGH: Final = 2
_EVERY: Final = 3
_CLEAR_TAIL: Final = 5
_CLOSE: Final = 1.25


@dataclass(frozen=True)
class Pair:
    """Two pictures of a batch by their places in it, and how far apart they are."""

    left: int
    right: int
    distance: float


@dataclass(frozen=True)
class Plan:
    """What the next round needs: a batch of `size` pictures of this kind, drawn with `seed`."""

    kind: Kind
    size: int
    seed: int


@dataclass(frozen=True)
class Round:
    """One batch's nearest pairs, nearest first, and the answers given so far (a prefix of the pairs)."""

    plan: Plan
    pairs: tuple[Pair, ...]
    answers: tuple[Answer, ...] = ()

    @property
    def done(self) -> bool:
        return len(self.answers) == len(self.pairs)

    @property
    def same(self) -> int:
        """Pairs that were called the same."""
        return sum(answer == "same" for answer in self.answers)

    def batch(self) -> Batch:
        """What this round says: pictures that repeat another, joined over pairs (a = b and b = c is one picture).

        Where pairs are undecided, or the last of them were called the same, there may be more beyond: `at_least`.
        """
        parent: dict[int, int] = {}

        def root(at: int) -> int:
            while parent.get(at, at) != at:
                at = parent[at]
            return at

        repeats = 0
        for pair, answer in zip(self.pairs, self.answers, strict=False):
            a, b = root(pair.left), root(pair.right)
            if answer == "same" and a != b:
                parent[a] = b
                repeats += 1
        open_end = not self.done or (len(self.pairs) >= PAIRS and "same" in self.answers[-_CLEAR_TAIL:])
        return Batch(self.plan.size, repeats, at_least=open_end)


@dataclass(frozen=True)
class Game:
    """Rounds that are finished, the one being answered, and whether the person (or the plan) has ended the test.

    `limit` is the largest batch of samples worth drawing, `real_limit` how many real images there are.
    """

    seed: int
    limit: int = LARGEST_SIZE
    real_limit: int = 0
    first_size: int = FIRST_SIZE
    rounds: tuple[Round, ...] = ()
    current: Round | None = None
    ended: bool = False

    def of(self, kind: Kind) -> tuple[Round, ...]:
        """The finished rounds of one kind."""
        return tuple(item for item in self.rounds if item.plan.kind == kind)

    @property
    def answered(self) -> int:
        """Answers given in all rounds."""
        return sum(len(item.answers) for item in self.rounds) + (len(self.current.answers) if self.current else 0)


@dataclass(frozen=True)
class Outcome:
    """What the game found: the support of the samples, and of the real images by the same eyes."""

    samples: Support
    real: Support
    rounds: tuple[Round, ...]


def next_plan(game: Game) -> Plan | None:
    """The round to draw next, None where the test is settled or has been ended."""
    if game.ended or game.current is not None or settled(game) or len(game.rounds) >= MOST_ROUNDS:
        return None
    index = len(game.rounds)
    size = next_size(game)
    # One of every three rounds is the control, and its place among the three is a secret of the seed.
    place = random.Random(f"{game.seed} {index // _EVERY}").randrange(_EVERY)
    kind: Kind = "real" if index % _EVERY == place and game.real_limit >= SMALLEST_SIZE else "samples"
    if kind == "real":
        size = min(size, game.real_limit)
    return Plan(kind, size, game.seed * 1009 + index)


def next_size(game: Game) -> int:
    """The next batch size: doubled, halved, or between the largest without and the smallest with a duplicate."""
    rounds = game.of("samples")
    without = [item.plan.size for item in rounds if not item.same]
    having = [item.plan.size for item in rounds if item.same]
    if not rounds:
        size = float(game.first_size)
    elif not having:
        size = 2.0 * max(without)
    elif not without:
        size = min(having) / 2
    elif max(without) * _CLOSE < min(having):
        size = math.sqrt(max(without) * min(having))
    else:
        found = estimate_support([item.batch() for item in rounds])
        size = half_size(found.estimate) if found.estimate is not None else max(without)
    # Two figures: close sizes become one, so that a batch drawn ahead is more often the one that is wanted.
    return max(min(SMALLEST_SIZE, game.limit), min(game.limit, round(float(f"{size:.2g}"))))


def settled(game: Game) -> bool:
    """Whether more rounds would hardly change the answer: two batches with and two without a duplicate, or two at
    the end of the range that say the same; and the control has been seen at least once."""
    rounds = game.of("samples")
    without = [item for item in rounds if not item.same]
    having = [item for item in rounds if item.same]
    both = len(without) >= _ENOUGH and len(having) >= _ENOUGH
    at_top = sum(item.plan.size >= game.limit for item in without) >= _ENOUGH
    at_bottom = sum(item.plan.size <= SMALLEST_SIZE for item in having) >= _ENOUGH
    controlled = bool(game.of("real")) or game.real_limit < SMALLEST_SIZE
    return (both or at_top or at_bottom) and controlled


def begun(game: Game, plan: Plan, pairs: Sequence[Pair]) -> Game:
    """The game with this round on the table. A round without pairs is told as one without duplicates."""
    fresh = Round(plan, tuple(pairs[:PAIRS]))
    return _closed(replace(game, current=fresh)) if fresh.done else replace(game, current=fresh)


def answered(game: Game, answer: Answer) -> Game:
    """The game after one more answer; the round's last answer finishes it. Without a round nothing happens."""
    if game.current is None or game.ended:
        return game
    game = replace(game, current=replace(game.current, answers=(*game.current.answers, answer)))
    assert game.current is not None
    return _closed(game) if game.current.done else game


def skipped(game: Game) -> Game:
    """The round finished early: its open pairs stay undecided. Only where one pair was called the same, for
    then the round has its duplicate; otherwise nothing happens."""
    return _closed(game) if game.current is not None and game.current.same else game


def undone(game: Game) -> Game:
    """The game before the last answer, also across the end of a round and of the test."""
    if game.current is not None and game.current.answers:
        return replace(game, current=replace(game.current, answers=game.current.answers[:-1]), ended=False)
    if not game.rounds:
        return replace(game, ended=False)
    last = game.rounds[-1]
    return replace(game, rounds=game.rounds[:-1], current=replace(last, answers=last.answers[:-1]), ended=False)


def ended(game: Game) -> Game:
    """The test ended by the person: a half-answered round counts as far as it goes, if a pair in it was the same."""
    return replace(skipped(game), current=None, ended=True)


def over(game: Game) -> bool:
    """Whether the result may be told."""
    return game.ended or (game.current is None and next_plan(game) is None)


def outcome(game: Game) -> Outcome:
    """The estimates from all finished rounds, of samples and of real images."""
    return Outcome(
        estimate_support([item.batch() for item in game.of("samples")]),
        estimate_support([item.batch() for item in game.of("real")]),
        game.rounds,
    )


def _closed(game: Game) -> Game:
    assert game.current is not None
    return replace(game, rounds=(*game.rounds, game.current), current=None)


# --- to and from JSON -------------------------------------------------------------------------------------------


def to_json(game: Game) -> dict[str, Any]:
    """The game as plain values; `from_json` reads them back."""
    current = None if game.current is None else _written(game.current)
    return {**vars(game), "rounds": [_written(item) for item in game.rounds], "current": current}


def _written(item: Round) -> dict[str, Any]:
    answers = "".join("S" if answer == "same" else "D" for answer in item.answers)
    return {**vars(item.plan), "pairs": [list(vars(pair).values()) for pair in item.pairs], "answers": answers}


def from_json(values: object) -> Game:
    """The game in plain values of unknown origin.

    Raises:
        ValueError: anything that no game can be.
    """
    if not isinstance(values, dict):
        raise ValueError("it is not a game")
    rounds = values.get("rounds")
    if not isinstance(rounds, list) or len(rounds) > MOST_ROUNDS:
        raise ValueError("its rounds are not a list")
    finished = tuple(_read(item) for item in rounds)
    current = None if values.get("current") is None else _read(values["current"])
    if current is not None and current.done:
        raise ValueError("its open round is finished")
    if any(not item.done and not item.same for item in finished):
        raise ValueError("a finished round has no result")
    return Game(
        seed=_whole(values.get("seed"), 0, 2**40),
        limit=_whole(values.get("limit"), 2, 10**6),
        real_limit=_whole(values.get("real_limit"), 0, 10**9),
        first_size=_whole(values.get("first_size"), 2, 10**6),
        rounds=finished,
        current=current,
        ended=values.get("ended") is True,
    )


def _read(item: object) -> Round:
    if not isinstance(item, dict) or item.get("kind") not in ("samples", "real"):
        raise ValueError("a round has no kind")
    size = _whole(item.get("size"), 2, 10**6)
    pairs, answers = item.get("pairs"), item.get("answers")
    if not isinstance(pairs, list) or not isinstance(answers, str) or len(answers) > len(pairs) or len(pairs) > PAIRS:
        raise ValueError("a round has no pairs")
    read = []
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 3 or not isinstance(pair[2], int | float):
            raise ValueError("a pair is damaged")
        left, right, distance = _whole(pair[0], 0, size - 1), _whole(pair[1], 0, size - 1), float(pair[2])
        if left == right or not math.isfinite(distance):
            raise ValueError("a pair is damaged")
        read.append(Pair(left, right, distance))
    if set(answers) - {"S", "D"}:
        raise ValueError("an answer is neither S nor D")
    kind: Kind = "real" if item["kind"] == "real" else "samples"
    said: tuple[Answer, ...] = tuple("same" if letter == "S" else "different" for letter in answers)
    return Round(Plan(kind, size, _whole(item.get("seed"), 0, 2**60)), tuple(read), said)


def _whole(value: object, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"a number is not between {low} and {high}")
    return value
