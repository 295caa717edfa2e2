"""lab: a model learns a truth of the plane whose density is known, and is held against it; a lesson is proved."""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from pathlib import Path
from typing import Any

from engine.commands.common import Command, Result, assignments, rounded
from engine.errors import UsageError
from engine.families import FAMILIES, family
from engine.knobs import from_json, knobs_of
from engine.lab.lessons import DECKS, LESSONS, Check, Lesson
from engine.lab.names import CSV, DRAWN, csv_name
from engine.lab.own import NAMES, named
from engine.lab.presets import PRESETS
from engine.lab.setup import LabTraining, Reading, Setup, with_seeds
from engine.lab.stage import Stage
from engine.lab.truths import Truth
from engine.lab.written import written

DEFAULT = "flow-realnvp"
FILES = (".csv", ".tsv", ".txt")


def _arguments(parser: argparse.ArgumentParser) -> None:
    words = f"what is learned: {', '.join(NAMES)}, or a CSV file of one or two columns"
    parser.add_argument("truth", nargs="?", metavar="TRUTH", help=words)
    parser.add_argument("--lesson", choices=tuple(LESSONS), help="prove each number of a lesson, instead of a truth")
    parser.add_argument("--quick", action="store_true", help="of a lesson, leave out the numbers that take long")
    parser.add_argument("--preset", choices=tuple(PRESETS), help=f"where to start from (usually {DEFAULT})")
    points = [name for name, row in FAMILIES.items() if row.points]
    parser.add_argument("--family", choices=points, help="a family with its own defaults, where no preset is named")
    parser.add_argument("--set", action="append", default=[], metavar="KNOB=VALUE", help="any knob; repeatable")
    parser.add_argument("--steps", type=int, help="how many batches")
    parser.add_argument("--seeds", type=int, default=1, help="how often, each time with another seed")


def _run(args: argparse.Namespace) -> Result:
    if args.lesson:
        return _lesson(args)
    if args.truth is None:
        raise UsageError(
            f"Name a truth ({', '.join(NAMES)}), a CSV file, or a lesson (--lesson {next(iter(LESSONS))})."
        )
    if args.quick:
        raise UsageError("--quick is for a lesson: name one with --lesson, or leave it out.")
    setup = _setup(args)
    runs = [_one(one) for one in with_seeds(setup, args.seeds)]
    return Result(_values(setup, runs), _text(setup, runs))


def _lesson(args: argparse.Namespace) -> Result:
    """Each number of a lesson, measured now.

    Raises:
        UsageError: a truth or a setting beside it, which a lesson has of its own.
    """
    if args.truth or args.preset or args.family or args.set or args.steps is not None or args.seeds != 1:
        raise UsageError("A lesson brings its own set-up: leave truth, preset, family, settings, steps and seeds out.")
    lesson, proofs = LESSONS[args.lesson], []
    for check in lesson.checks:
        if check.slow and args.quick:
            continue
        start = time.process_time()
        value = check.measure()
        proofs.append((check, value, time.process_time() - start))
    return Result(_lesson_values(lesson, proofs), _lesson_text(lesson, proofs))


def _lesson_values(lesson: Lesson, proofs: list[tuple[Check, float, float]]) -> dict[str, Any]:
    return {
        "lesson": lesson.name,
        "number": lesson.number,
        "title": lesson.title,
        "deck": DECKS[lesson.deck],
        "slide": lesson.slide,
        "erratum": lesson.erratum,
        "sentences": list(lesson.sentences),
        "stages": [json.loads(written(setup)) for setup in lesson.stages],
        "holds": all(check.holds(value) for check, value, _ in proofs),
        "numbers": {
            check.name: {
                "value": _number(value),
                "target": check.target,
                "tolerance": check.tolerance,
                "sense": check.sense,
                "unit": check.unit,
                "holds": check.holds(value),
                "cpu_seconds": round(seconds, 2),
            }
            for check, value, seconds in proofs
        },
    }


def _lesson_text(lesson: Lesson, proofs: list[tuple[Check, float, float]]) -> str:
    lines = [f"{lesson.number} {lesson.title} ({DECKS[lesson.deck]}: {lesson.slide})", *lesson.sentences]
    if lesson.erratum:
        lines.append(f"On the slide: {lesson.erratum}")
    for check, value, _ in proofs:
        limit = f"{check.sense} {check.target:g}"
        wanted = f"{check.target:g} +- {check.tolerance:g}" if check.sense == "about" else limit
        mark = "" if check.holds(value) else "  DOES NOT HOLD"
        lines.append(f"  {check.title:<44}{value:>12.5g}  ({wanted}) {check.unit}".rstrip() + mark)
    return "\n".join(lines)


def _setup(args: argparse.Namespace) -> Setup:
    """The set-up that a call asks for.

    Raises:
        UsageError: an unknown knob or a wrong value.
    """
    if args.preset and args.family and PRESETS[args.preset].family != args.family:
        raise UsageError(f"{args.preset} is of the family {PRESETS[args.preset].family}: leave --family out.")
    row = None if args.family and not args.preset else PRESETS[args.preset or DEFAULT]
    name = row.family if row else args.family
    config = family(name).config
    own = {knob.name for knob in knobs_of(LabTraining)}
    given: dict[str, object] = {**assignments(args.set), **({"steps": args.steps} if args.steps is not None else {})}
    knobs = {**(row.knobs if row else {}), **{key: value for key, value in given.items() if key not in own}}
    training = {**(row.training if row else {}), **{key: value for key, value in given.items() if key in own}}
    checked = {key: getattr(from_json(config, knobs), key) for key in knobs}
    return Setup(_truth(args.truth), name, checked, from_json(LabTraining, training))


def _truth(given: str) -> str:
    """The name of the truth that a call asks for; what ends like a file, or is one, is a file.

    Raises:
        UsageError: there is none.
    """
    path = Path(given)
    plain = given in NAMES or given.startswith((CSV, DRAWN))
    name = csv_name(path) if not plain and (path.suffix.lower() in FILES or path.is_file()) else given
    named(name)
    return name


def _one(setup: Setup) -> tuple[int, tuple[Reading, ...], float]:
    """(seed, figures, processor seconds) of one run."""
    start = time.process_time()
    stage = Stage(setup)
    stage.advance(setup.training.steps)
    return setup.training.seed, stage.figures(), time.process_time() - start


def _values(setup: Setup, runs: list[tuple[int, tuple[Reading, ...], float]]) -> dict[str, Any]:
    return {
        "truth": setup.truth,
        **_of_data(named(setup.truth)),
        "family": setup.family,
        "knobs": dict(setup.knobs),
        "steps": setup.training.steps,
        "seeds": [
            {
                "seed": seed,
                "cpu_seconds": round(seconds, 2),
                "figures": {
                    figure.name: {"value": _number(figure.value), "floor": _number(figure.floor)} for figure in found
                },
            }
            for seed, found, seconds in runs
        ],
    }


def _of_data(truth: Truth) -> dict[str, Any]:
    """What to know of a truth whose density is an estimate: figures are in its standard deviations."""
    if not truth.estimate:
        return {}
    return {
        "note": truth.note,
        "columns": list(truth.columns),
        "shift": [float(f"{value:.6g}") for value in truth.shift],
        "scale": [float(f"{value:.6g}") for value in truth.scale],
    }


def _number(value: float) -> float | str | None:
    """JSON has no infinity."""
    return rounded(value) if math.isfinite(value) else str(value)


def _text(setup: Setup, runs: list[tuple[int, tuple[Reading, ...], float]]) -> str:
    seconds = sum(run[2] for run in runs)
    count = len(runs)
    lines = [
        f"{setup.family} on {named(setup.truth).title}: {setup.training.steps:,} steps"
        + (f", {count} seeds" if count > 1 else "")
        + f", {seconds:.0f} s of processor",
        f"  {'':<24}{'median':>10}{'lowest':>10}{'highest':>10}{'a perfect model':>18}",
    ]
    truth = named(setup.truth)
    if truth.estimate:
        lines.insert(1, f"  {truth.note}")
        lines[2] = lines[2].replace("a perfect model", "    the estimate")
    for place, figure in enumerate(runs[0][1]):
        values = [found[place].value for _, found, _ in runs]
        floor = statistics.median(found[place].floor for _, found, _ in runs)
        shown = "".join(f"{value:>10.3f}" for value in (statistics.median(values), min(values), max(values)))
        lines.append(f"  {figure.title:<24}{shown}{floor:>18.3f}  {figure.unit}".rstrip())
    return "\n".join(lines)


COMMANDS = (Command("lab", "a model learns points whose density is known, and is held against it", _arguments, _run),)
