"""The run that this window trains, and the run on show."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.series import Trace
from engine.api import Pictures
from engine.runs import RunInfo


@dataclass(frozen=True)
class Training:
    """The run that this window trains. `state` as in `events.TrainingState`."""

    run: Path | None
    title: str
    state: str
    step: int = 0
    steps: int = 0
    images_per_second: float = 0.0
    seconds_left: float | None = None


@dataclass(frozen=True, eq=False)
class RunView:
    """The run on show: its metrics as series (steps, values) by name, and its previews."""

    path: Path
    info: RunInfo
    series: Mapping[str, Trace] = field(default_factory=dict)
    previews: tuple[tuple[int, Path], ...] = ()
    shown: int = -1
    following: bool = True
    pictures: Pictures | None = None
