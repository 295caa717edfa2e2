"""Curves as a table, and all numbers with their floors."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from typing import Any

from app.lab.setups import engine_setups
from app.lab.state import LETTERS, NOW, LabState, StageView
from engine.lab import Reading

VERSION = 1


def curves_csv(state: LabState) -> str:
    """A row a step, a column a curve of a stage; a cell is empty where nothing was measured at that step."""
    names, found = [], []
    for letter, stage in zip(LETTERS, state.stages, strict=False):
        for name, trace in stage.curves.items():
            names.append(f"{letter} {name}")
            found.append(dict(zip(trace.steps, trace.values, strict=True)))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["step", *names])
    for step in sorted(set().union(*found)):
        table.writerow([step, *(_cell(one.get(step)) for one in found)])
    return text.getvalue()


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.9g}"


def numbers(state: LabState, line: str) -> dict[str, Any]:
    """The set-up (`line`, as it is pasted), where the clock stands, and what was measured last beside its floor.

    A number that is not finite is its name as text: JSON has none.
    """
    return {
        "version": VERSION,
        "setup": json.loads(line),
        "truth": state.truth,
        "clock": state.clock_shown,
        "stages": [
            _stage(letter, stage, setup.training.seed, now=state.at == NOW)
            for letter, stage, setup in zip(LETTERS, state.stages, engine_setups(state), strict=False)
        ],
    }


def _stage(letter: str, stage: StageView, seed: int, *, now: bool) -> Mapping[str, Any]:
    """Its step is known of now alone; figures are of the clock beside them."""
    return {
        "stage": letter,
        "preset": stage.setup.preset,
        "seed": seed,
        "weights": 0 if stage.info is None else stage.info.parameters,
        "step": stage.seen.step if now and stage.seen is not None else None,
        "problem": stage.said,
        "figures_at": stage.figures_at,
        "figures": [_figure(one) for one in stage.figures],
    }


def _figure(one: Reading) -> Mapping[str, Any]:
    value = {"name": one.name, "title": one.title, "value": _number(one.value), "perfect": _number(one.floor)}
    return {**value, "unit": one.unit}


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)
