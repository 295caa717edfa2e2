"""A set-up as one line of text that can be pasted back, and read with care: it comes from outside."""

from __future__ import annotations

import json
from typing import Final

from engine.errors import UsageError
from engine.families import FAMILIES
from engine.knobs import from_json, to_json
from engine.lab.names import CSV
from engine.lab.own import NAMES, named
from engine.lab.setup import LabTraining, Setup

VERSION: Final = 1
LONGEST: Final = 20_000


def written(setup: Setup) -> str:
    """One line of JSON, from which `read` makes the same set-up."""
    training = to_json(setup.training)
    usual = to_json(LabTraining())
    return json.dumps(
        {
            "lab": VERSION,
            "truth": setup.truth,
            "family": setup.family,
            "knobs": dict(setup.knobs),
            "training": {name: value for name, value in training.items() if value != usual[name]},
        }
    )


def read(line: str) -> Setup:
    """The set-up of a line.

    Raises:
        UsageError: the line is cut, of a later version, or names what there is not; the sentence says which.
    """
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
