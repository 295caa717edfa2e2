"""The birthday test as a game: what a person answers, and what follows."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.diagnostics import birthday_game as play
from engine.diagnostics.birthday_files import game_file, human_finding, load_game, save_game
from engine.diagnostics.birthday_game import PAIRS, Game, Pair, Plan


def pairs_of(size: int, support: int, rng: np.random.Generator) -> list[tuple[Pair, bool]]:
    """The 20 nearest pairs of a batch from a known support, with the truth about each."""
    drawn = rng.integers(0, support, size)
    same, other = [], []
    for i in range(size):
        for j in range(i + 1, size):
            (same if drawn[i] == drawn[j] else other).append((i, j))
            if len(other) > 40 and len(same) > 40:
                break
    found = [(Pair(i, j, 0.0), True) for i, j in same[:PAIRS]]
    return (found + [(Pair(i, j, 0.2), False) for i, j in other[:PAIRS]])[:PAIRS]


def person(game: Game, support: int, rng: np.random.Generator, *, hasty: bool = False) -> Game:
    """Plays until the test is settled, never mistaken; a hasty person leaves a round at its first pair of the same."""
    while (plan := play.next_plan(game)) is not None:
        truth = pairs_of(plan.size, support if plan.kind == "samples" else 10**9, rng)
        game = play.begun(game, plan, [pair for pair, _ in truth])
        for _, is_same in truth:
            if game.current is None:
                break
            game = play.answered(game, "same" if is_same else "different")
            if hasty and is_same:
                game = play.skipped(game)
    return game


@pytest.mark.parametrize(("support", "first"), [(30, 100), (400, 30), (2000, 50)])
@pytest.mark.parametrize("hasty", [False, True])
def test_a_person_finds_a_known_support(support: int, first: int, hasty: bool) -> None:
    covered = 0
    for seed in range(8):
        game = person(
            Game(seed=seed, real_limit=500, first_size=first), support, np.random.default_rng(seed), hasty=hasty
        )
        assert play.over(game)
        found = play.outcome(game)
        assert found.samples.estimate is not None
        assert found.samples.high is not None
        covered += found.samples.low <= support <= found.samples.high
        assert found.real.estimate is None
        assert game.of("real"), "the control was never shown"
        # The batches close in on the size with even chances.
        last = game.of("samples")[-1].plan.size
        assert 0.4 < last / math.sqrt(support * 2 * math.log(2)) < 2.5
    assert covered >= 7


def test_the_size_doubles_halves_and_bisects() -> None:
    game = Game(seed=1, first_size=100, limit=800)
    sizes = []
    for same in (False, False, True, False):
        plan = play.next_plan(game)
        assert plan is not None
        sizes.append(plan.size)
        game = play.begun(game, plan, [Pair(0, 1, 0.1)])
        game = play.answered(game, "same" if same else "different")
    assert sizes == [100, 200, 400, 280]
    down = play.begun(Game(seed=1), Plan("samples", 100, 1), [Pair(0, 1, 0.0)])
    assert play.next_size(play.answered(down, "same")) == 50


def test_the_kind_is_hidden_in_the_seed_and_one_of_three_is_real() -> None:
    orders = set()
    for seed in range(12):
        game = Game(seed=seed, real_limit=1000, limit=120)
        kinds = []
        for _ in range(6):
            plan = play.next_plan(game)
            if plan is None:
                break
            kinds.append(plan.kind)
            same = len(kinds) % 2 == 0
            game = play.begun(game, plan, [Pair(0, 1, 0.1)])
            game = play.answered(game, "same" if same else "different")
        assert kinds[:3].count("real") == 1
        orders.add(tuple(kinds[:3]))
    assert len(orders) == 3


def test_undo_goes_back_across_rounds_and_the_end() -> None:
    game = Game(seed=3)
    plan = play.next_plan(game)
    assert plan is not None
    game = play.begun(game, plan, [Pair(0, 1, 0.1), Pair(1, 2, 0.2)])
    half = play.answered(game, "same")
    full = play.answered(half, "different")
    assert full.current is None
    assert len(full.rounds) == 1
    assert play.undone(full) == half
    assert play.undone(half) == game
    assert play.undone(game) == game
    assert play.undone(play.ended(full)) == half
    # A round that was left early comes back as it was.
    assert play.undone(play.skipped(half)).current == game.current


def test_a_round_cannot_be_left_before_it_has_an_answer() -> None:
    game = play.begun(Game(seed=3), Plan("samples", 50, 1), [Pair(0, 1, 0.1), Pair(1, 2, 0.2)])
    assert play.skipped(game) == game
    assert play.answered(Game(seed=3), "same") == Game(seed=3)
    over = play.ended(play.answered(game, "different"))
    assert over.rounds == ()
    assert play.over(over)
    assert play.outcome(over).samples.batches == 0


def test_repeats_join_over_pairs_and_an_open_end_is_a_bound() -> None:
    pairs = tuple(Pair(a, b, 0.0) for a, b in ((0, 1), (1, 2), (0, 2), (4, 5)))
    item = play.Round(Plan("samples", 50, 1), pairs, ("same", "same", "same", "different"))
    assert item.batch().repeats == 2
    assert not item.batch().at_least
    assert play.Round(Plan("samples", 50, 1), pairs, ("same",)).batch().at_least
    many = tuple(Pair(0, k + 1, 0.0) for k in range(PAIRS))
    full = play.Round(Plan("samples", 50, 1), many, ("same",) * PAIRS)
    assert full.batch().at_least, "beyond the twentieth pair there may be more"


@given(st.integers(0, 5), st.lists(st.sampled_from(["same", "different", "skip", "undo", "draw"]), max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_play_keeps_its_promises_and_survives_json(seed: int, moves: list[str]) -> None:
    game = Game(seed=seed, real_limit=300)
    for move in moves:
        if move == "draw":
            plan = play.next_plan(game)
            if plan is not None:
                assert 2 <= plan.size <= game.limit
                game = play.begun(game, plan, [Pair(0, i + 1, i / 10) for i in range(3)])
        elif move == "skip":
            game = play.skipped(game)
        elif move == "undo":
            game = play.undone(game)
        else:
            game = play.answered(game, "same" if move == "same" else "different")
        assert game.current is None or not game.current.done
        found = play.outcome(game).samples
        assert found.high is None or found.low <= found.high
        assert play.from_json(json.loads(json.dumps(play.to_json(game)))) == game


@pytest.mark.parametrize(
    "damage",
    [
        None,
        [],
        {"rounds": 3},
        {"seed": -1},
        {"seed": True},
        {"limit": "many"},
        {"rounds": [{"kind": "taste"}]},
        {"rounds": [{"kind": "real", "size": 10, "seed": 1, "pairs": [[0, 99, 0.1]], "answers": "S"}]},
        {"rounds": [{"kind": "real", "size": 10, "seed": 1, "pairs": [[0, 1, math.nan]], "answers": "S"}]},
        {"rounds": [{"kind": "real", "size": 10, "seed": 1, "pairs": [[0, 1, 0.1]], "answers": "X"}]},
        {"rounds": [{"kind": "real", "size": 10, "seed": 1, "pairs": [[0, 1, 0.1], [1, 2, 0.1]], "answers": "D"}]},
        {"current": {"kind": "samples", "size": 10, "seed": 1, "pairs": [[0, 1, 0.1]], "answers": "S"}},
    ],
)
def test_what_no_game_can_be_is_refused(damage: object) -> None:
    values = {**play.to_json(Game(seed=1)), **damage} if isinstance(damage, dict) else damage
    with pytest.raises(ValueError, match=r"\w"):
        play.from_json(values)


def test_the_test_is_kept_on_disk_and_a_strangers_file_is_passed_over(tmp_path: Path) -> None:
    game = person(Game(seed=2, real_limit=500, first_size=30), 200, np.random.default_rng(2))
    path = game_file(tmp_path, 500)
    save_game(path, game, model_sha256="a" * 64)
    assert load_game(path, model_sha256="a" * 64) == game
    assert load_game(path, model_sha256="b" * 64) is None
    for damage in (b"", b"[1]", b'{"schema": 3}', b"\xff\xfe", b'{"schema": "latent-loom/birthday/1"}', b"[" * 100_000):
        path.write_bytes(damage)
        assert load_game(path, model_sha256="a" * 64) is None
    assert load_game(tmp_path / "none.json", model_sha256="a" * 64) is None


def test_the_finding_names_both_estimates_and_the_control() -> None:
    game = play.ended(person(Game(seed=2, real_limit=500, first_size=30), 50, np.random.default_rng(2)))
    finding = human_finding(game, 10_000)
    assert finding.level == "bad"
    assert finding.value("support_squared") > finding.value("support")
    assert finding.value("real_support") > 0
    assert "real images" in finding.sentence
    assert human_finding(play.ended(Game(seed=1)), 100).level == "unknown"
    # Whoever calls different real images the same is not believed about the samples.
    lax = Game(seed=2, real_limit=500)
    while (plan := play.next_plan(lax)) is not None:
        lax = play.begun(lax, plan, [Pair(0, 1, 0.1)])
        lax = play.answered(lax, "same")
    assert human_finding(lax, 10_000).level == "unknown"
