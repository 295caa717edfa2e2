"""What the Lab offers: its truths, presets and knobs."""

from __future__ import annotations

import torch

from engine.errors import UsageError
from engine.families import FAMILIES, build, model_knobs
from engine.knobs import knobs_of
from engine.lab.presets import PRESETS, LabPreset
from engine.lab.seen import LabCatalogue, PointFamily, PresetInfo
from engine.lab.setup import LabTraining
from engine.lab.truths import MAKERS
from engine.models.family import Family


def catalogue() -> LabCatalogue:
    """All of it; each preset is built once for points of the line and once for points of the plane."""
    return LabCatalogue(
        tuple(MAKERS),
        tuple(map(_preset, PRESETS.values())),
        tuple(_family(row) for row in FAMILIES.values() if row.points),
        knobs_of(LabTraining),
    )


def _family(row: Family) -> PointFamily:
    knobs = {knob.name: knob for knob in model_knobs(row.name)}
    return PointFamily(row.name, row.title, tuple(knobs[name] for name in row.point_knobs or knobs))


def _preset(row: LabPreset) -> PresetInfo:
    fits = tuple(dimension for dimension in (1, 2) if _fits(row, dimension))
    return PresetInfo(row.name, row.title, row.family, dict(row.knobs), dict(row.training), fits)


def _fits(row: LabPreset, dimension: int) -> bool:
    with torch.random.fork_rng(devices=[]):
        try:
            build(row.family, row.knobs, (dimension, 1, 1))
        except UsageError:
            return False
    return True
