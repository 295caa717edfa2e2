"""What the Lab offers: its truths, presets and knobs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

from engine.errors import UsageError
from engine.families import FAMILIES, build, family, model_knobs
from engine.knobs import Value, knobs_of, to_json
from engine.lab.games import IN_TURN, MIDDLE, RULES, way
from engine.lab.lessons import DECKS, LESSONS, Lesson
from engine.lab.own import NAMES
from engine.lab.presets import PRESETS, LabPreset
from engine.lab.seen import CheckInfo, GameSeen, LabCatalogue, LessonInfo, PointFamily, PresetInfo
from engine.lab.setup import LabTraining, Setup
from engine.models.family import Family
from engine.nn.undrawn import Undrawn

MOST_ROUNDS: Final = 2000
"""Of a game: what grows by sqrt 2 each round is still a number then."""


@cache
def catalogue() -> LabCatalogue:
    """All of it; each preset is built once for points of the line and once for points of the plane."""
    return LabCatalogue(
        NAMES,
        tuple(map(_preset, PRESETS.values())),
        tuple(_family(row) for row in FAMILIES.values() if row.points),
        knobs_of(LabTraining),
        tuple(map(_lesson, LESSONS.values())),
        tuple(_stage(row, index) for row in LESSONS.values() for index in range(len(row.stages))),
    )


def _family(row: Family) -> PointFamily:
    knobs = {knob.name: knob for knob in model_knobs(row.name)}
    return PointFamily(row.name, row.title, tuple(knobs[name] for name in row.point_knobs or knobs))


def _preset(row: LabPreset) -> PresetInfo:
    fits = tuple(dimension for dimension in (1, 2) if _fits(row.family, tuple(row.knobs.items()), dimension))
    return PresetInfo(row.name, row.title, row.family, dict(row.knobs), dict(row.training), fits)


def _lesson(row: Lesson) -> LessonInfo:
    checks = tuple(
        CheckInfo(one.name, one.title, one.target, one.tolerance, one.unit, one.sense, one.slow) for one in row.checks
    )
    return LessonInfo(
        row.number,
        row.name,
        row.title,
        DECKS[row.deck],
        row.slide,
        row.stages[0].truth if row.stages else "",
        tuple(_stage_name(row, index) for index in range(len(row.stages))),
        row.game,
        row.sweep,
        row.layers,
        row.sentences,
        row.question,
        row.answer,
        row.erratum,
        checks,
    )


def _stage_name(row: Lesson, index: int) -> str:
    return f"lesson-{row.name}-{index}"


def _stage(row: Lesson, index: int) -> PresetInfo:
    """A lesson's stage as a set-up by name; it suits the points of its own truth."""
    setup = row.stages[index]
    training = {
        name: value for name, value in to_json(setup.training).items() if isinstance(value, bool | int | float | str)
    }
    fits = tuple(dimension for dimension in (1, 2) if _fits(setup.family, tuple(setup.knobs.items()), dimension))
    return PresetInfo(_stage_name(row, index), _title(setup), setup.family, dict(setup.knobs), training, fits)


def _title(setup: Setup) -> str:
    """What a set-up is called: as the preset with its knobs, or by its recipe; then what is unusual about it."""
    known = (
        row.title for row in PRESETS.values() if (row.family, dict(row.knobs)) == (setup.family, dict(setup.knobs))
    )
    words = [next(known, str(setup.knobs.get("recipe", family(setup.family).title)))]
    if setup.training.generator_steps > 1:
        words.append(f"{setup.training.generator_steps} steps of G a step of D")
    if setup.training.fit == "density":
        words.append("KL(model to data)")
    return ", ".join(words)


def games(rules: Sequence[str], *, steps: int, eta: float, start: tuple[float, float]) -> tuple[GameSeen, ...]:
    """The lecture's game, (x - 1/2)(y - 1/2), as these rules play it.

    Raises:
        UsageError: an unknown rule, or a number out of range.
    """
    for rule in rules:
        if rule not in RULES:
            raise UsageError(f"rule must be one of {', '.join(RULES)}, got {rule!r}.")
    if not 1 <= steps <= MOST_ROUNDS:
        raise UsageError(f"steps must be between 1 and {MOST_ROUNDS:,}, got {steps}.")
    if not 0 < eta <= 1:
        raise UsageError(f"eta must be above 0 and at most 1, got {eta:g}.")
    if not all(abs(value) <= 100 for value in start):
        raise UsageError(f"A game starts at numbers between -100 and 100, got {start[0]:g} and {start[1]:g}.")
    return tuple(
        GameSeen(rule, RULES[rule][0], way(rule, steps, eta=eta, start=start), 2 if rule in IN_TURN else 1, MIDDLE)
        for rule in rules
    )


@cache
def _fits(name: str, knobs: tuple[tuple[str, Value], ...], dimension: int) -> bool:
    """Whether a model can be built for such points; lessons and presets have many of them in common."""
    with Undrawn():
        try:
            build(name, dict(knobs), (dimension, 1, 1))
        except UsageError:
            return False
    return True
