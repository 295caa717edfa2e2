"""What happens, as frozen values: the only thing that threads tell each other."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.progress import Step


@dataclass(frozen=True)
class Event:
    """Base of all events. `ticket` says which request it answers."""

    ticket: int


@dataclass(frozen=True)
class Started(Event):
    kind: str


@dataclass(frozen=True)
class Advanced(Step, Event):
    """Work has told how far it is."""


@dataclass(frozen=True)
class Done(Event):
    kind: str
    value: Any


@dataclass(frozen=True)
class Failed(Event):
    """`message` is the sentence for the person; `details` the traceback of a bug, empty for a `UserError`."""

    kind: str
    message: str
    details: str = ""


@dataclass(frozen=True)
class Stopped(Event):
    """The work ended because it was asked to."""

    kind: str


@dataclass(frozen=True)
class TrainingMetrics:
    """A line of metrics.jsonl: `values` are (metric, number), written at `time` (seconds since 1970) as the bytes
    `begin` to `end` of the file, so that whoever reads the file as well takes each line once."""

    run: Path
    step: int
    steps: int
    values: tuple[tuple[str, float], ...]
    time: float | None = None
    begin: int = 0
    end: int = 0

    @property
    def images_per_second(self) -> float:
        """How fast training is, where this line has the means of a tick; 0 elsewhere."""
        return dict(self.values).get("images_per_second", 0.0)


@dataclass(frozen=True)
class TrainingPreview:
    """Samples of the averaged weights from the run's fixed codes were drawn and lie in its folder."""

    run: Path
    step: int


@dataclass(frozen=True)
class TrainingSaved:
    run: Path
    step: int
    checkpoint: Path


@dataclass(frozen=True)
class TrainingState:
    """`state`: preparing, running, paused, stopped, done, failed."""

    run: Path
    state: str
    step: int
    steps: int
    seconds_left: float | None = None


@dataclass(frozen=True)
class TrainingNotice:
    """Something that a run tells: `kind` names the guard, `evidence` has its (name, number), `action` what was done."""

    run: Path
    step: int
    level: str
    text: str
    kind: str = ""
    evidence: tuple[tuple[str, float], ...] = ()
    suggestion: str = ""
    action: str = ""


TrainingEvent = TrainingMetrics | TrainingPreview | TrainingSaved | TrainingState | TrainingNotice
