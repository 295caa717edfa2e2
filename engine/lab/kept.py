"""A stage that was kept as a run: its points as a data set, and its figures as a finding of a diagnosis."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from engine.data import DataSet, Split
from engine.diagnostics.base import Subject
from engine.errors import DataError, UserError
from engine.files.disk import told_as
from engine.lab.setup import Setup
from engine.lab.stage import Stage
from engine.lab.truths import Truth
from engine.report import Figure, Finding, Report

PREFIX: Final = "lab:"
"""Before the name of a truth, where a run names its data."""
TRAIN_POINTS, HELD_POINTS = 16_384, 2048
SEED: Final = 9_000_000


def point_set(data: str) -> DataSet:
    """Points of the truth that a run names by `data`: drawn once, where the Lab draws fresh ones at each step.

    Raises:
        DataError: there is no such truth.
    """
    name = data.removeprefix(PREFIX)
    with told_as(DataError, f"The points {name[:80]} cannot be drawn", "train in the Lab instead.", errors=UserError):
        truth = _any_stage(name).truth
    count = TRAIN_POINTS + 2 * HELD_POINTS
    generator = torch.Generator().manual_seed(SEED)
    # Of data some rows are never learned from, and those judge here as they do in the Lab.
    learned, held = truth.draw(TRAIN_POINTS, generator), (truth.fresh or truth.draw)(2 * HELD_POINTS, generator)
    points = torch.cat([learned, held]).float().numpy()
    splits = np.full(count, Split.TRAIN.value, np.int8)
    splits[TRAIN_POINTS:] = Split.VALIDATION.value
    splits[TRAIN_POINTS + HELD_POINTS :] = Split.TEST.value
    images: Any = points[:, None, None, :]
    return DataSet(
        name=data,
        path=Path(data),
        images=images,
        names=tuple(map(str, range(count))),
        attributes=(),
        labels=np.zeros((count, 0), np.int8),
        splits=splits,
        fingerprint=fingerprint(truth),
        skipped=(),
    )


def fingerprint(truth: Truth) -> str:
    """What tells the points of this truth from others: its name, and of data the rows too, for a file may change."""
    if not truth.estimate:
        return f"{PREFIX}{truth.name}"
    rows = truth.draw(TRAIN_POINTS, torch.Generator().manual_seed(SEED)).numpy().tobytes()
    own = np.array([truth.shift, truth.scale]).tobytes()
    return f"{PREFIX}{truth.name} {hashlib.sha256(own + rows).hexdigest()[:16]}"


def against_truth(report: Report, subject: Subject) -> Report:
    """The report of a run of the Lab with what the Lab measures, each number beside that of a perfect model; another
    report as it is. Of data no density is known, and the numbers stand beside those of the estimate."""
    if not subject.origin.data.startswith(PREFIX):
        return report
    stage = _any_stage(subject.origin.data.removeprefix(PREFIX))
    stage.show(subject.model.cpu())
    beside, known = ("the estimate", "is an estimate") if stage.truth.estimate else ("a perfect model", "is known")
    figures = tuple(
        Figure(one.name, one.title, one.value, unit=one.unit, note=f"{beside}: {one.floor:.4g}")
        for one in stage.figures()
    )
    first = figures[0]
    measured = f"{first.title} {first.value:.4g} {first.unit}".rstrip()
    sentence = f"Held against {stage.truth.title}, whose density {known}: {measured} ({first.note})."
    finding = Finding("truth", "Against the truth", "unknown", sentence, figures)
    return replace(report, findings=(finding, *report.findings))


def _any_stage(name: str) -> Stage:
    """A stage that learns this truth, whatever its model."""
    return Stage(Setup(name, "stack", {"recipe": "actnorm"}))
