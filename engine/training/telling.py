"""What a run says while it trains: status, metrics and notices, in its files and as events; only rank 0 has a voice."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.events import TrainingEvent, TrainingMetrics, TrainingNotice, TrainingState
from engine.runs import directory as runs
from engine.training.tick import Tick

Emit = Callable[[TrainingEvent], None]
Evidence = tuple[tuple[str, float], ...]

log = logging.getLogger(__name__)


class Notice(Protocol):
    """Says one sentence to the person: `level` is "info" or "warning"; the rest as in `events.TrainingNotice`."""

    def __call__(
        self,
        step: int,
        level: str,
        text: str,
        *,
        kind: str = "",
        evidence: Evidence = (),
        suggestion: str = "",
        action: str = "",
    ) -> None: ...


@dataclass(frozen=True, eq=False)
class Voice:
    """Writes the run's files and emits its events; the other processes of a job have one that is silent."""

    run: Path
    steps: int
    emit: Emit
    silent: bool = False

    def state(self, state: str, step: int, seconds_left: float | None = None) -> TrainingState:
        """Says how the run is, which is also its heartbeat; gives what it said."""
        event = TrainingState(self.run, state, step, self.steps, seconds_left)
        if not self.silent:
            runs.write_status(self.run, state, step, self.steps)
            self.emit(event)
        return event

    def heartbeat(self, state: str, step: int) -> None:
        """The status again, told to no one: others would take a run that says nothing for dead."""
        if not self.silent:
            runs.write_status(self.run, state, step, self.steps)

    def means(self, step: int, tick: Tick, values: Mapping[str, float]) -> None:
        """The means of a tick, and the time that is left."""
        if self.silent:
            return
        runs.append_metrics(self.run, step, {**values, "images_per_second": tick.images_per_second})
        self.state("running", step, seconds_left=(self.steps - step) * tick.seconds_per_step)
        self.emit(
            TrainingMetrics(self.run, step, self.steps, tick.elapsed, tick.images_per_second, tuple(values.items()))
        )

    def figures(self, step: int, values: Mapping[str, float]) -> None:
        """Figures that are no means of a tick: those of a preview."""
        if self.silent:
            return
        if values:
            runs.append_metrics(self.run, step, values)
        self.emit(TrainingMetrics(self.run, step, self.steps, 0.0, 0.0, tuple(values.items())))

    def notice(
        self,
        step: int,
        level: str,
        text: str,
        *,
        kind: str = "",
        evidence: Evidence = (),
        suggestion: str = "",
        action: str = "",
    ) -> None:
        """A sentence for the person, into log.txt and notices.jsonl."""
        if self.silent:
            return
        log.warning("%s", text)
        self.note(f"{time.strftime('%Y-%m-%d %H:%M:%S')} step {step} {level}: {text}")
        row = runs.NoticeRow(time.time(), step, level, text, kind, dict(evidence), suggestion, action)
        runs.append_notice(self.run, row)
        self.emit(TrainingNotice(self.run, step, level, text, kind, evidence, suggestion, action))

    def note(self, *lines: str) -> None:
        """Lines for log.txt alone."""
        if not self.silent:
            with (self.run / "log.txt").open("a", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
