"""Set-ups of stages between the window, which knows their presets, and the engine, which needs only their knobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from typing import Any, Final

from app.lab.state import PRESETS, SEEDS, LabState, StageSetup, StageView, set_up_title
from engine.api import Knob, Value
from engine.lab import LabCatalogue, LabTraining, PresetInfo, Setup, with_seeds

RECIPE: Final = "recipe"
"""The knob that is a flow's whole name."""
LINE_PRESET: Final = "flow-try-2-each-coordinate-by-itself"
"""What learns points of the line where a preset is made for the plane."""
SHARED: Final = ("batch", "seed")
"""Of the training knobs B takes A's, so that both learn from the same batches."""


def of_preset(row: PresetInfo) -> StageSetup:
    """A stage as its preset has it."""
    return StageSetup(row.name, row.family, dict(row.knobs), dict(row.training))


def beside(state: LabState, catalogue: LabCatalogue) -> PresetInfo:
    """What a second stage begins with: a preset that is not the first one's and can learn its points."""
    dimension = 2 if state.info is None else state.info.dimension
    rows = map(catalogue.preset, (*PRESETS[::-1], LINE_PRESET))
    return next(row for row in rows if row.name != state.stages[0].setup.preset and dimension in row.dimensions)


def of_engine(catalogue: LabCatalogue, setup: Setup) -> StageSetup:
    """A set-up under the name of the preset that it is, or else of that which it has most in common with; of
    several that which suits points of the line and of the plane."""
    own = [row for row in catalogue.presets if row.family == setup.family]

    def alike(row: PresetInfo) -> tuple[bool, int, int]:
        common = sum(setup.knobs.get(name) == value for name, value in row.knobs.items())
        return dict(row.knobs) == dict(setup.knobs), common, len(row.dimensions)

    knobs: dict[str, Value] = dict(setup.knobs)
    return StageSetup(max(own or catalogue.presets, key=alike).name, setup.family, knobs, asdict(setup.training))


def seed_of(setup: StageSetup) -> int:
    """The seed of a set-up, which may leave it to its default."""
    return int(setup.training.get("seed", LabTraining().seed))


def seeds_of(setup: StageSetup) -> tuple[StageSetup, ...]:
    """The set-up with `SEEDS` seeds, its own first.

    Raises:
        UsageError: they go beyond the largest seed.
    """
    made = with_seeds(Setup("", training=LabTraining(seed=seed_of(setup))), SEEDS)
    others = (replace(setup, training={**setup.training, "seed": one.training.seed}) for one in made[1:])
    return setup, *others


def with_setup(stages: Sequence[StageView], index: int, setup: StageSetup) -> tuple[StageView, ...]:
    """The stages with another set-up for this one; of seeds of one set-up all are of it, and this one has its seed."""
    setups = [stage.setup for stage in stages]
    setups[index] = setup
    if len(stages) == SEEDS:
        first = max(0, seed_of(setup) - index)
        setups = list(seeds_of(replace(setup, training={**setup.training, "seed": first})))
    return tuple(replace(stage, setup=own, problem="") for stage, own in zip(stages, setups, strict=True))


def engine_setups(state: LabState) -> list[Setup]:
    """The set-ups of all stages; raises what a knob's check raises."""
    known = {one.name for one in fields(LabTraining)}
    found = []
    for stage in state.stages:
        first = {} if state.seeded else state.stages[0].setup.training
        shared = {name: value for name, value in first.items() if name in SHARED}
        training = {**stage.setup.training, **shared}
        chosen: dict[str, Any] = {name: value for name, value in training.items() if name in known}
        found.append(Setup(state.truth, stage.setup.family, dict(stage.setup.knobs), LabTraining(**chosen)))
    return found


def set_up_words(catalogue: LabCatalogue, setup: StageSetup) -> tuple[str, tuple[str, ...]]:
    """What a stage is called, and the knobs that are other than its preset has them ("batch 64")."""
    row, title = catalogue.preset(setup.preset), set_up_title(catalogue, setup.preset)
    own, training = catalogue.family(setup.family).knobs, catalogue.training_knobs
    changes = []
    for knobs, values, usual in ((own, setup.knobs, row.knobs), (training, setup.training, row.training)):
        for knob in knobs:
            value = values.get(knob.name, usual.get(knob.name, knob.default))
            if value == usual.get(knob.name, knob.default):
                continue
            if knob.name == RECIPE:
                family, _, _ = title.partition(": ")
                title = f"{family}: {value}"
            else:
                changes.append(f"{knob.title.lower()} {value:g}" if isinstance(value, float) else _worded(knob, value))
    return title, tuple(changes)


def _worded(knob: Knob, value: Value) -> str:
    if isinstance(value, bool):
        return knob.title.lower() if value else f"no {knob.title.lower()}"
    return f"{knob.title.lower()} {value:,}" if isinstance(value, int) else f"{knob.title.lower()} {value}"
