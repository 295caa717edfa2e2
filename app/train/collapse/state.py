"""What the Collapse panel shows: reports of the run on show, the diagnosis at work, and the birthday test."""

from dataclasses import dataclass, field
from pathlib import Path

from app.diagnosis.state import DiagnosticCard, Running
from app.train.birthday.state import BirthdayState
from engine.diagnostics import Report, ReportEntry


@dataclass(frozen=True, eq=False)
class CollapseState:
    """`reports` are those of `run`, oldest first; `step` is the one on show, `chosen` by hand and not by the scrubber.

    `cards` None: the catalogue has not been read yet. `opened` are findings that are unfolded, by name.
    """

    cards: tuple[DiagnosticCard, ...] | None = None
    run: Path | None = None
    reports: tuple[ReportEntry, ...] = ()
    step: int | None = None
    chosen: bool = False
    report: Report | None = None
    opened: frozenset[str] = frozenset()
    running: Running | None = None
    message: str = ""
    birthday: BirthdayState = field(default_factory=BirthdayState)
