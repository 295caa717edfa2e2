"""What the Lab shows, as a frozen value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from app.series import Trace
from engine.api import Value
from engine.lab import (
    Arrows,
    BenchSeen,
    GameSeen,
    LabCatalogue,
    LessonInfo,
    Map,
    Points,
    Probe,
    Proof,
    Reading,
    StageInfo,
    StageSeen,
    Stamp,
    SweepSeen,
    TruthInfo,
)

NOW: Final = -1
"""The moment on show when it follows what is learned."""
FIRST_TRUTH: Final = "ring8"
PAPER: Final = r" \([^()]* \d{4}\)"
"""At the end of a title: author and year."""
PRESETS: Final = ("flow-realnvp", "gan-non-saturating")
"""What A and B start with."""
FIRST_LAYERS: Final = frozenset({"data", "samples", "density"})
UNDO_LIMIT: Final = 100
SEEDS: Final = 5
LETTERS: Final = "ABCDE"
"""Of the stages."""
FILLS: Final = ("density", "difference", "critic")
"""Layers that fill the stage: at most one of them is on."""


@dataclass(frozen=True)
class StageSetup:
    """What a stage is made from: knobs of its family and of its training, by name."""

    preset: str
    family: str
    knobs: Mapping[str, Value]
    training: Mapping[str, Value]


@dataclass(frozen=True, eq=False)
class StageView:
    """One stage. `maps` are of the moment on show, `past` its trace where that is not now; `figures` were
    read at the clock `figures_at`, which may be behind; `problem` is a sentence about its set-up."""

    setup: StageSetup
    info: StageInfo | None = None
    seen: StageSeen | None = None
    maps: Mapping[str, Map] = field(default_factory=dict)
    arrows: Mapping[str, Arrows] = field(default_factory=dict)
    grid: Points | None = None
    past: Points | None = None
    figures: tuple[Reading, ...] = ()
    figures_at: int = 0
    curves: Mapping[str, Trace] = field(default_factory=dict)
    probe: Probe | None = None
    problem: str = ""

    @property
    def trace(self) -> Points | None:
        """Points (K, N, d) of the moment on show, layer by layer."""
        return self.past if self.past is not None else None if self.seen is None else self.seen.trace

    @property
    def said(self) -> str:
        """What is wrong with it, in a sentence."""
        return self.problem or ("" if self.seen is None else self.seen.problem)


@dataclass(frozen=True, eq=False)
class LessonState:
    """The lessons. `open` names the one on show, empty: none. `proofs` holds what was measured by lesson and number;
    `proving` names the lesson that is measured now, `share` how far its number is, and `problem` says in a sentence
    what went wrong. `answered` are the lessons whose answer is seen; `folded`: the strip is only its head."""

    open: str = ""
    proofs: Mapping[tuple[str, str], Proof] = field(default_factory=dict)
    proving: str = ""
    number: str = ""
    share: float = 0.0
    problem: str = ""
    answered: frozenset[str] = frozenset()
    folded: bool = False

    def proved(self, lesson: LessonInfo) -> bool:
        """Whether each number of it was measured here and is what the lesson says."""
        found = [self.proofs.get((lesson.name, check.name)) for check in lesson.checks]
        return all(one is not None and one.holds for one in found)


@dataclass(frozen=True)
class Drawing:
    """A distribution while it is drawn. `strokes` holds what was there before each stroke, the oldest first."""

    stamps: tuple[Stamp, ...] = ()
    strokes: tuple[tuple[Stamp, ...], ...] = ()
    width: float = 0.2
    erasing: bool = False

    @property
    def changed(self) -> bool:
        """Whether there is a stroke to take back."""
        return any(stamps != self.stamps for stamps in self.strokes)


@dataclass(frozen=True, eq=False)
class GameState:
    """The game of a lesson: as it was played, and up to which round it is shown."""

    seen: tuple[GameSeen, ...]
    at: int
    playing: bool = False


@dataclass(frozen=True, eq=False)
class SweepState:
    """What is read while two Gaussians part, and the distance on show."""

    seen: SweepSeen
    at: float


@dataclass(frozen=True)
class Chosen:
    """What the stages are made from, as undo goes back to it."""

    truth: str
    setups: tuple[StageSetup, ...]


@dataclass(frozen=True)
class Undoing:
    """Set-ups that were made, oldest first; `at` is the one in force, -1 before there is one."""

    made: tuple[Chosen, ...] = ()
    at: int = -1

    @property
    def now(self) -> Chosen | None:
        """The set-up in force."""
        return self.made[self.at] if self.made else None

    def pushed(self, chosen: Chosen) -> Undoing:
        """With one more in force, in place of those that were undone; the same again changes nothing."""
        if chosen == self.now:
            return self
        made = (*self.made[: self.at + 1], chosen)[-UNDO_LIMIT:]
        return Undoing(made, len(made) - 1)

    def moved(self, by: int) -> Undoing | None:
        """So many on (or back), None where there is none."""
        at = self.at + by
        return Undoing(self.made, at) if 0 <= at < len(self.made) else None


@dataclass(frozen=True, eq=False)
class LabState:
    """The whole Lab. `at` is an index of `kept` or NOW; `pace` is steps a second, 0 as fast as it goes; `depth` is how
    far through the layers, 0 the code and 1 the data; `figure` names the number whose curve is drawn.
    `own` are truths that a person brought along, `drawing` is one that is drawn now; `game` and `sweep` are those of
    the open lesson.
    """

    catalogue: LabCatalogue | None = None
    truths: Mapping[str, TruthInfo] = field(default_factory=dict)
    truth: str = FIRST_TRUTH
    stages: tuple[StageView, ...] = ()
    chosen: int = 0
    made: bool = False
    playing: bool = False
    done: bool = False
    pace: float = 0.0
    clock: int = 0
    kept: tuple[int, ...] = ()
    rate: float = 0.0
    at: int = NOW
    layers: frozenset[str] = FIRST_LAYERS
    depth: float = 1.0
    figure: str = ""
    truth_map: Map | None = None
    lessons: LessonState = field(default_factory=LessonState)
    own: tuple[str, ...] = ()
    drawing: Drawing | None = None
    game: GameState | None = None
    sweep: SweepState | None = None
    undo: Undoing = field(default_factory=Undoing)

    @property
    def set_up(self) -> Chosen:
        """What the stages are made from, or are to be."""
        return Chosen(self.truth, tuple(stage.setup for stage in self.stages))

    @property
    def seeded(self) -> bool:
        """Whether the stages are one set-up with `SEEDS` seeds."""
        return len(self.stages) == SEEDS

    def ink(self, index: int) -> int:
        """The ink of a stage: seeds of one set-up share one."""
        return 0 if self.seeded else index

    @property
    def info(self) -> TruthInfo | None:
        """The truth on show, None until it is known."""
        return self.truths.get(self.truth)

    @property
    def clock_shown(self) -> int:
        """The moment on show."""
        return self.clock if self.at == NOW or not self.kept else self.kept[min(self.at, len(self.kept) - 1)]

    @property
    def shown(self) -> frozenset[str]:
        """The layers that are drawn: those that are on and that some stage has."""
        return self.layers & self.possible()

    def possible(self) -> frozenset[str]:
        """The layers that some stage has."""
        infos = [stage.info for stage in self.stages if stage.info is not None]
        return frozenset({"data", "samples", "density", "difference", "truth"}).union(*(info.shows for info in infos))


def set_up_title(catalogue: LabCatalogue, name: str) -> str:
    """A preset's family and title, without the paper that it is from."""
    row = catalogue.preset(name)
    family, title = catalogue.family(row.family).title.partition(" (")[0], re.sub(PAPER, "", row.title)
    return title if title.startswith(family) else f"{family}: {title}"


def with_seen(state: LabState, seen: BenchSeen, curves: tuple[Mapping[str, Trace], ...]) -> dict[str, object]:
    """The fields that change when the bench was seen anew."""
    from dataclasses import replace

    stages = tuple(
        replace(stage, seen=one, curves=own) for stage, one, own in zip(state.stages, seen.stages, curves, strict=True)
    )
    return {"stages": stages, "clock": seen.clock, "kept": seen.kept, "rate": seen.steps_per_second, "done": seen.done}
