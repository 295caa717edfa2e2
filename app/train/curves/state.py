"""What the curves of Train show beside the run's own metrics: choices, notes, notices, charts, other runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.series import Trace
from engine.runs import FigureRow, Note, NoticeRow, RunInfo

MOST_RUNS: Final = 5
"""So many runs are told apart at a glance, the one on show among them."""
AXES: Final = (("step", "Step"), ("time", "Training time"), ("images", "Images seen"))


@dataclass(frozen=True, eq=False)
class Overlay:
    """Another run that is drawn over the one on show."""

    path: Path
    info: RunInfo
    series: Mapping[str, Trace] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class CurvesState:
    """`log` draws every plot on a logarithmic axis; `more` are metrics that the person asked for.

    `notes`, `notices` and `figures` (charts by name, steps rising) are those of the run at `path`.
    """

    smoothing: float = 0.8
    log: bool = False
    axis: str = "step"
    log_x: bool = False
    more: tuple[str, ...] = ()
    overlays: tuple[Overlay, ...] = ()
    path: Path | None = None
    notes: tuple[Note, ...] = ()
    notices: tuple[NoticeRow, ...] = ()
    figures: Mapping[str, tuple[FigureRow, ...]] = field(default_factory=dict)
