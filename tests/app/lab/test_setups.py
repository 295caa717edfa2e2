"""Set-ups of stages between the window and the engine."""

from __future__ import annotations

from app.lab.setups import engine_setups
from app.lab.state import LabState, StageSetup, StageView


def test_a_second_stage_takes_batch_and_seed_of_the_first_and_nothing_else():
    first = StageSetup("flow-nice", "stack", {}, {"batch": 64, "seed": 5, "steps": 3})
    second = StageSetup("gan-hinge", "gan", {}, {"batch": 128, "seed": 9, "steps": 7})
    found = [one.training for one in engine_setups(LabState(stages=(StageView(first), StageView(second))))]
    assert [(one.batch, one.seed, one.steps) for one in found] == [(64, 5, 3), (64, 5, 7)]
