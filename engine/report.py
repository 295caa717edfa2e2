"""What a diagnosis says, in plain frozen values: figures with intervals, evidence, a finding each, and a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.uint8]
Level = Literal["good", "watch", "bad", "unknown"]
"""How a finding or verdict is to be read; `unknown` where the evidence does not reach."""


class Measured(Protocol):
    """A value with its 95 % interval, measured on `n`."""

    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def n(self) -> int: ...


@dataclass(frozen=True)
class Figure:
    """One number of a finding: `low` to `high` is its 95 % interval where one is known; `n` what it was measured on.

    `better` says which way is better ("higher", "lower", "near one") or is empty where neither is.
    """

    name: str
    title: str
    value: float
    low: float | None = None
    high: float | None = None
    unit: str = ""
    n: int | None = None
    better: str = ""
    note: str = ""

    @classmethod
    def of(cls, name: str, title: str, of: Measured, better: str = "", note: str = "", *, cent: bool = False) -> Self:
        """The figure of what was measured; `cent`: a share in per cent."""
        scale, unit = (100, "%") if cent else (1, "")
        low, high = scale * of.low, scale * of.high
        return cls(name, title, scale * of.value, low, high, unit, of.n, better, note)


@dataclass(frozen=True, eq=False)
class Evidence:
    """Pictures that show what a finding means: `rows` of pictures (N, S, S, 3), all rows of one length.

    `captions` has one text a picture of a row or is empty; for pairs, `rows` holds the left and the right ones.
    """

    title: str
    rows: tuple[Pictures, ...]
    captions: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Finding:
    """What one diagnostic found. `sentence` is for people and never more certain than the figures.

    `diagnostic` is the name of its row in the catalogue. `values` are series for a plot, by name (for instance the
    recall of each attribute, or bits/dim of each image).
    """

    diagnostic: str
    title: str
    level: Level
    sentence: str
    figures: tuple[Figure, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    values: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def value(self, name: str) -> float | None:
        """The figure of this name, None where it was not measured."""
        return next((figure.value for figure in self.figures if figure.name == name), None)


@dataclass(frozen=True)
class Verdict:
    """One paragraph in plain words. `kind` names the conclusion; `evidence` the diagnostics and curves it rests on.

    Kinds: healthy, learning (too early), one-mode, low-diversity, memorising, posterior-collapse, diverged,
    discriminator-won, underfitting, unclear.
    """

    kind: str
    level: Level
    title: str
    paragraph: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Report:
    """All findings about one model, taken at a step of a run or of a model file (`step` None)."""

    model_sha256: str
    title: str
    family: str
    data: str
    findings: tuple[Finding, ...]
    verdict: Verdict
    step: int | None = None
    seconds: float = 0.0
    skipped: Mapping[str, str] = field(default_factory=dict)
    """Diagnostics that could not be made, with the reason."""
