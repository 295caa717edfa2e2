"""What the row of a family or an objective lacks, a sentence each: what is forgotten fails a test."""

from __future__ import annotations

from engine.knobs import MINUTES, knobs_of
from engine.models.family import Family
from engine.objectives.adversarial import Objective
from engine.training.config import TrainConfig


def family_gaps(row: Family) -> list[str]:
    """Of a family that is trained here; its frozen form cannot be forgotten, since the row asks for it."""
    found = [f"{row.name} has no {word}: say it in its row." for word in ("title", "summary") if not getattr(row, word)]
    if not row.sizes and not row.points:
        found.append(f"{row.name} names no sizes: no picture could be chosen to train it on.")
    if not row.curves:
        found.append(f"{row.name} has no plots: the curves of its runs would show nothing of what it learns.")
    small = row.presets.get(MINUTES)
    if small is None:
        found.append(f"{row.name} has no preset {MINUTES!r}: nobody could try it while they wait.")
    elif missing := [side for side in row.sizes if side not in small.steps]:
        found.append(f"{row.name} does not say how many steps {MINUTES!r} takes at {missing[0]} pixels.")
    model, training = ({knob.name for knob in knobs_of(config)} for config in (row.config, TrainConfig))
    for name, preset in row.presets.items():
        found += [
            f"{row.name} has no knob {knob!r}, which its preset {name!r} sets." for knob in {*preset.knobs} - model
        ]
    found += [
        f"{row.name} has no knob {knob!r}, which few images set." for knob in {*row.few_images} - model - training
    ]
    found += [f"There is no knob of training {knob!r}, which {row.name} sets." for knob in {*row.training} - training]
    return found


def objective_gaps(row: Objective) -> list[str]:
    """Of an objective of the GAN."""
    found = []
    if not row.plots:
        found.append(f"{row.name} has no plots: its runs would show no loss.")
    if row.worked is None:
        found.append(f"{row.name} has no worked example: nothing holds its losses against the paper's formulas.")
    return found
