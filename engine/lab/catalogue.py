"""What the Lab offers: its truths, presets and knobs."""

from __future__ import annotations

from engine.errors import UsageError
from engine.families import FAMILIES, build, family, model_knobs
from engine.knobs import knobs_of, to_json
from engine.lab.lessons import DECKS, LESSONS, Lesson
from engine.lab.own import NAMES
from engine.lab.presets import PRESETS, LabPreset
from engine.lab.seen import CheckInfo, LabCatalogue, LessonInfo, PointFamily, PresetInfo
from engine.lab.setup import LabTraining, Setup
from engine.models.family import Family
from engine.nn.seeded import Seeded
from engine.nn.undrawn import Undrawn


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
    fits = tuple(dimension for dimension in (1, 2) if _fits(row, dimension))
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
    fits = tuple(dimension for dimension in (1, 2) if _fits(setup, dimension))
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


def _fits(row: LabPreset | Setup, dimension: int) -> bool:
    with Seeded(0), Undrawn():
        try:
            build(row.family, row.knobs, (dimension, 1, 1))
        except UsageError:
            return False
    return True
