"""What is seen of the Lab: plain values, points and maps as arrays.

Points are (N, d) float32. A map of the plane is (rows, columns) with its first row at the bottom, one of the line
(columns,): values at the middles of equal cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.knobs import Knob, Value
from engine.lab.setup import Reading

Points = NDArray[np.float32]
Values = NDArray[np.float32]


@dataclass(frozen=True)
class Span:
    """A rectangle of the plane; of the line only `left` and `right` count."""

    left: float
    right: float
    bottom: float
    top: float


@dataclass(frozen=True, eq=False)
class TruthInfo:
    """A truth as the Lab lists it. `points` are some of it, `peak` is its highest density on a grid; `centres` (K, d)
    are its modes, each `sigma` wide, None where it has none. `entropy` is in nats.

    `estimate`: it is data, so density, peak and entropy are those of an estimate; a coordinate x stands for
    shift + scale x in the person's own units, `columns` are names from the file's header, `note` is what to say of it.
    """

    name: str
    title: str
    dimension: int
    view: tuple[float, float]
    entropy: float
    peak: float
    points: Points
    centres: Points | None = None
    sigma: float = 0.0
    estimate: bool = False
    shift: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    columns: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class PresetInfo:
    """A set-up by name; `dimensions` are those of the points that it can learn."""

    name: str
    title: str
    family: str
    knobs: Mapping[str, Value]
    training: Mapping[str, Value]
    dimensions: tuple[int, ...]


@dataclass(frozen=True)
class CheckInfo:
    """A number that proves a lesson: what it ought to be, within `tolerance`. With `sense` "at most" or "at least" the
    target is a limit. `slow`: it takes more than a few seconds."""

    name: str
    title: str
    target: float
    tolerance: float
    unit: str
    sense: str
    slow: bool


@dataclass(frozen=True)
class LessonInfo:
    """A lesson as the Lab shows it. `presets` are the names of the set-ups of its stages, which learn `truth`; where it
    has none, `game` are the ways in which a game of two numbers is played (`Session.games`), or
    `sweep` names what is read while two Gaussians part (`Session.sweep`)."""

    number: str
    name: str
    title: str
    deck: str
    slide: str
    truth: str
    presets: tuple[str, ...]
    game: tuple[str, ...]
    sweep: str
    layers: tuple[str, ...]
    sentences: tuple[str, str, str]
    question: str
    answer: str
    erratum: str
    checks: tuple[CheckInfo, ...]


@dataclass(frozen=True)
class Proof:
    """What was measured for a lesson's number, and whether it is what the lesson says."""

    value: float
    holds: bool


@dataclass(frozen=True)
class PointFamily:
    """A family of points, with the knobs that matter there, the most telling first."""

    name: str
    title: str
    knobs: tuple[Knob, ...]


@dataclass(frozen=True)
class LabCatalogue:
    """All that the Lab's panels are made of. `truths` are names, in the order of the tiles."""

    truths: tuple[str, ...]
    presets: tuple[PresetInfo, ...]
    families: tuple[PointFamily, ...]
    training_knobs: tuple[Knob, ...]
    lessons: tuple[LessonInfo, ...] = ()
    lesson_presets: tuple[PresetInfo, ...] = ()

    def preset(self, name: str) -> PresetInfo:
        """The preset of this name, or a lesson's set-up; raises StopIteration when there is none."""
        return next(row for row in (*self.presets, *self.lesson_presets) if row.name == name)

    def lesson(self, name: str) -> LessonInfo:
        """The lesson of this name; raises StopIteration when there is none."""
        return next(row for row in self.lessons if row.name == name)

    def family(self, name: str) -> PointFamily:
        """The family of this name; raises StopIteration when there is none."""
        return next(row for row in self.families if row.name == name)


@dataclass(frozen=True, eq=False)
class GameSeen:
    """A game of two numbers as it was played: `places` (N, 2) float64 of (x, y), the start first, with `moves` of them
    a round: two where one player moves after the other. They pull around (`middle`, `middle`)."""

    rule: str
    title: str
    places: NDArray[np.float64]
    moves: int
    middle: float


@dataclass(frozen=True, eq=False)
class Series:
    """A curve over the places of a sweep: `values` (N,) float64, in `unit`."""

    title: str
    unit: str
    values: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SweepSeen:
    """What is read of N(0, 1) and N(theta, 1) at the distances `at` (N,), rising; `start` is that which is shown first.
    `log`: the scale of the series is logarithmic; `pull`: they are how strongly a generator is pulled back."""

    name: str
    title: str
    at: NDArray[np.float64]
    series: tuple[Series, ...]
    start: float
    log: bool
    pull: bool


@dataclass(frozen=True, eq=False)
class StageInfo:
    """A stage that was made. `layers` are words for the steps of its trace, `networks` learn one after another.

    `exact`: its density is known; else a density is that of many samples, spread out. `shows` are the layers that not
    every stage has, among critic, gradient, grid, mass, trajectories and field.
    """

    layers: tuple[str, ...]
    networks: tuple[str, ...]
    exact: bool
    shows: frozenset[str]
    parameters: int


@dataclass(frozen=True, eq=False)
class StageSeen:
    """One stage at one moment: the same codes go through its layers, `trace` (K, N, d), the last are samples.

    `losses` are means since the moment before. `problem` says in a sentence why it learns no more; empty: it does.
    `part` names what a step does just now, where learning is slow enough to follow.
    """

    step: int
    trace: Points
    losses: Mapping[str, float] = field(default_factory=dict)
    problem: str = ""
    part: str = ""


@dataclass(frozen=True)
class Response:
    """A network's best response: how many steps it took, and how far its loss still moved over the last ones (its mean
    over `window` steps against that over those before). `settled`: less than what counts as nothing."""

    network: str
    steps: int
    moved: float
    window: int
    settled: bool


@dataclass(frozen=True, eq=False)
class BenchSeen:
    """All stages at one moment of their common clock. `kept` are the moments that can be gone back to, rising."""

    clock: int
    stages: tuple[StageSeen, ...]
    kept: tuple[int, ...] = ()
    steps_per_second: float = 0.0
    done: bool = False


@dataclass(frozen=True)
class MapRequest:
    """What is to be drawn of one stage at one moment: kinds among density, difference, critic, truth, grid, gradient,
    field and trace. `depth` is that of the field, from 0, the code, to 1, the data."""

    stage: int
    clock: int
    kinds: tuple[str, ...]
    span: Span
    rows: int
    depth: float = 1.0


@dataclass(frozen=True, eq=False)
class Map:
    """Values over a span, drawn from `low` to `high`. `sigma`: of the samples that a density is made of, 0 where it is
    exact. `even` is the middle of a critic's scale."""

    span: Span
    values: Values
    low: float
    high: float
    sigma: float = 0.0
    even: float = 0.0


@dataclass(frozen=True, eq=False)
class Arrows:
    """Vectors `along` (N, d) that stand at points `at` (N, d)."""

    at: Points
    along: Points


@dataclass(frozen=True, eq=False)
class Maps:
    """What was drawn: maps and arrows by kind; `grid` (K, L, M, d) are lines of the code through the layers, `trace` as
    seen."""

    request: MapRequest
    maps: Mapping[str, Map]
    arrows: Mapping[str, Arrows]
    grid: Points | None
    trace: Points | None
    milliseconds: float


@dataclass(frozen=True)
class Probe:
    """What is known of one point x: densities of truth and model (None: no exact one), the critic, its code, and
    log |det dz/dx| there (None: the code is no such map of it)."""

    x: tuple[float, ...]
    p: float
    q: float | None
    critic: float | None
    code: tuple[float, ...]
    log_det: float | None = None


@dataclass(frozen=True)
class Judged:
    """The figures of one stage at one moment, and how long they took."""

    stage: int
    clock: int
    figures: tuple[Reading, ...]
    seconds: float
