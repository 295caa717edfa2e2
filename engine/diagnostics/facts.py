"""What a verdict may rest on, in plain values without torch: where a model comes from, its findings, its curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.report import Figure, Finding

History = Mapping[str, tuple[Sequence[int], Sequence[float]]]
"""A run's curves, name -> (steps, values); notices are there as `notice/KIND`, with the step of each."""


WENT_BACK: Final = "went back"
"""The kind under which the history lists notices of a return to a checkpoint, whatever the reason."""


@dataclass(frozen=True)
class Origin:
    """Where a subject comes from: what a report and its verdict say of it, all optional.

    `trained_on` says whether the training images are what the model learned from: "yes", "no", or "unknown" for a
    model file and somebody's data. `state` and `message` are the run's, `steps` what it was to do, `training_total`
    how many training images the data set has (a subject may hold fewer of them).
    """

    model_sha256: str = ""
    title: str = ""
    family: str = ""
    data: str = ""
    trained_on: str = "unknown"
    step: int | None = None
    steps: int | None = None
    state: str = ""
    message: str = ""
    training_total: int | None = None


@dataclass(frozen=True, eq=False)
class Facts:
    """All that the rules of a verdict see. `density` is the model's ability, `bits` its bit depth, `landmarks` what the
    figures of its training are to be held against, `training_images` how many it learned from."""

    findings: tuple[Finding, ...] = ()
    history: History = field(default_factory=dict)
    density: str = "none"
    bits: int = 8
    code_size: int = 0
    landmarks: Mapping[str, float] = field(default_factory=dict)
    training_images: int = 0
    origin: Origin = field(default_factory=Origin)
    skipped: tuple[str, ...] = ()
    quick: bool = False

    def finding(self, diagnostic: str) -> Finding | None:
        """The finding of this diagnostic, None where there is none."""
        return next((found for found in self.findings if found.diagnostic == diagnostic), None)

    def figure(self, diagnostic: str, name: str) -> Figure | None:
        """A figure of a finding; None where it was not measured or is no finite number."""
        found = self.finding(diagnostic)
        figures = () if found is None else found.figures
        return next((one for one in figures if one.name == name and math.isfinite(one.value)), None)

    def curve(self, *names: str) -> Curve | None:
        """The first of these curves that has points, None where none has."""
        for name in names:
            steps, values = self.history.get(name, ((), ()))
            good = [(s, v) for s, v in zip(steps, values, strict=False) if math.isfinite(v)]
            if good:
                return Curve(name, np.array([s for s, _ in good]), np.array([v for _, v in good], float))
        return None

    def notices(self, *kinds: str) -> tuple[int, ...]:
        """The steps at which the run was told of one of these kinds, rising."""
        found = [int(step) for kind in kinds for step in self.history.get(f"notice/{kind}", ((), ()))[0]]
        return tuple(sorted(found))


@dataclass(frozen=True, eq=False)
class Curve:
    """One curve of a run, its finite points alone: `steps` (N,) and `values` (N,)."""

    name: str
    steps: NDArray[np.int64]
    values: NDArray[np.float64]

    def late(self, share: float = 0.2) -> float:
        """The median of the last part of the points: noise of single steps does not count."""
        return float(np.median(self.values[-max(1, round(share * len(self.values))) :]))

    def early(self, share: float = 0.2) -> float:
        """The median of the first part of the points."""
        return float(np.median(self.values[: max(1, round(share * len(self.values)))]))

    @property
    def best(self) -> float:
        """The smallest value."""
        return float(self.values.min())

    @property
    def last_step(self) -> int:
        return int(self.steps[-1])
