"""Reads a set-up from one line of text with care: it comes from outside. `written` makes such a line."""

from __future__ import annotations

import json
from typing import Any, Final

from engine.errors import UsageError
from engine.families import FAMILIES
from engine.knobs import from_json
from engine.lab.names import CSV
from engine.lab.own import NAMES, named
from engine.lab.setup import LabTraining, Setup, with_seeds
from engine.lab.written import VERSION

MOST_STAGES: Final = 2
SEEDS: Final = 5
"""Of one set-up, on a bench of the window."""
LONGEST: Final = MOST_STAGES * 20_000
"""Each stage names its truth, which may be a whole drawing."""


def read_all(line: str) -> tuple[Setup, ...]:
    """The set-ups of a line: one, `MOST_STAGES` of the same truth, or one with `SEEDS` seeds.

    Raises:
        UsageError: as `read`.
    """
    found = _parsed(line)
    parts, seeds = found.get("stages"), found.get("seeds", 1)
    if parts is None:
        if type(seeds) is not int or seeds not in (1, SEEDS):
            raise UsageError(f"seeds of a set-up are 1 or {SEEDS}, got {str(seeds)[:40]}.")
        return with_seeds(read(line), seeds)
    if not isinstance(parts, list) or not 1 <= len(parts) <= MOST_STAGES:
        raise UsageError(f"stages of a set-up are one set-up or {MOST_STAGES}: copy the line again.")
    setups = tuple(read(json.dumps(part)) for part in parts)
    if any(one.truth != setups[0].truth for one in setups):
        raise UsageError("The stages of a set-up learn the same points, and here they are of different truths.")
    return setups


def read(line: str) -> Setup:
    """The set-up of a line that has one stage.

    Raises:
        UsageError: the line is cut, of a later version, or names what there is not; the sentence says which.
    """
    found = _parsed(line)
    knobs, training = found.get("knobs", {}), found.get("training", {})
    if not isinstance(knobs, dict) or not isinstance(training, dict):
        raise UsageError('knobs and training of a set-up are names with values, such as {"code": 2}.')
    truth, name = found.get("truth"), found.get("family")
    if not isinstance(truth, str):
        raise UsageError(f"truth must be one of {', '.join(NAMES)}, got {str(truth)[:40]}.")
    if truth.removeprefix(CSV).startswith(("//", "\\\\")):
        raise UsageError("This set-up names a file on another machine: copy the file here, and name it instead.")
    named(truth)
    families = [row.name for row in FAMILIES.values() if row.points]
    if name not in families:
        raise UsageError(f"family must be one of {', '.join(families)}, got {name!r}.")
    kind: type[object] = FAMILIES[name].config
    config = from_json(kind, knobs)
    return Setup(truth, name, {knob: getattr(config, knob) for knob in knobs}, from_json(LabTraining, training))


def _parsed(line: str) -> dict[str, Any]:
    """What the line holds, if it is of this version."""
    if len(line) > LONGEST:
        raise UsageError(f"A set-up has at most {LONGEST:,} characters, this line has {len(line):,}: paste one line.")
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError("This is no whole set-up: copy the line again from its first { to its last }.") from error
    if not isinstance(found, dict) or not isinstance(found.get("lab"), int):
        raise UsageError('This is no set-up of the Lab: it begins with {"lab": 1.')
    if found["lab"] > VERSION:
        raise UsageError(f"This set-up is of version {found['lab']}, and {VERSION} is known here: update Latent Loom.")
    return found
