"""A set-up as one line of text that can be pasted back; it needs no torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from engine.knobs import to_json
from engine.lab.setup import LabTraining, Setup, with_seeds

VERSION: Final = 1


def written(setup: Setup) -> str:
    """One line of JSON, from which `engine.lab.lines.read` makes the same set-up."""
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


def written_all(setups: Sequence[Setup]) -> str:
    """One line for one stage or several, from which `read_all` makes the same. Seeds of one set-up are that one and
    how many they are, since the name of a truth that was drawn is long."""
    if len(setups) == 1:
        return written(setups[0])
    if len(setups) > 2 and tuple(setups) == with_seeds(setups[0], len(setups)):
        return json.dumps({**json.loads(written(setups[0])), "seeds": len(setups)})
    return json.dumps({"lab": VERSION, "stages": [json.loads(written(one)) for one in setups]})
