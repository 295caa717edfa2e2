"""What the library of runs shows beside the runs themselves: search, comparison, a form filled from another run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.api import TrainRequest
from engine.runs import Checkpoint, Compared, CompareRow, UnreadableRun

HOSTS: Final = (("window", "in this window"), ("process", "in its own process"))
"""Where a run is trained."""
ON_CLOSE: Final = (("leave", "leave it running"), ("stop", "stop it"), ("ask", "ask first"))
"""What becomes of runs in their own process when the window closes."""


@dataclass(frozen=True)
class DeletedRun:
    """A run that was deleted last: `now` is where it lies, None where the system does not tell."""

    was: Path
    now: Path | None
    title: str


@dataclass(frozen=True, eq=False)
class RunTable:
    """Runs side by side; `columns` are 2 to 6."""

    columns: tuple[Compared, ...]
    rows: tuple[CompareRow, ...]


@dataclass(frozen=True, eq=False)
class RunListState:
    """The library of runs as it is looked at. `lost` cannot be read; `marked` are to be compared.

    `line` continues the run on show under torchrun, with `devices` processes on each of `nodes` machines.
    """

    lost: tuple[UnreadableRun, ...] = ()
    query: str = ""
    tag: str = ""
    order: str = "newest"
    marked: tuple[Path, ...] = ()
    table: RunTable | None = None
    gone: DeletedRun | None = None
    folder: Path | None = None
    devices: int = 1
    nodes: int = 1
    line: str = ""


@dataclass(frozen=True, eq=False)
class Draft:
    """A form filled from another run: what that run was asked for; with `checkpoints` (the newest first) the new run
    starts from the weights of `start`, one of them."""

    source: Path
    name: str
    request: TrainRequest
    checkpoints: tuple[Checkpoint, ...] = ()
    start: Checkpoint | None = None
