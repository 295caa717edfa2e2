"""The one writer of a run: its line files, TensorBoard's events, and the events for whoever listens.

One call does all of it: what is recorded is written to the run's files first, and emitted then. Only rank 0 records.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.charts import Chart
from engine.errors import UserError
from engine.events import TrainingEvent, TrainingMetrics, TrainingNotice, TrainingPreview, TrainingSaved, TrainingState
from engine.pictures import save_picture, sheet
from engine.runs import directory as runs
from engine.runs.line_files import NoticeRow, append_figures, append_notice
from engine.training.tensorboard import EventFile

Emit = Callable[[TrainingEvent], None]
Evidence = tuple[tuple[str, float], ...]

PREVIEW_COLUMNS = 5

log = logging.getLogger(__name__)


class Recorder:
    """Writes the files of the run in `run` and emits its events; `silent` in the other processes of a job."""

    def __init__(self, run: Path, config: runs.RunConfig, *, steps: int, emit: Emit, silent: bool = False) -> None:
        self._run, self._config, self._steps, self._silent = run, config, steps, silent
        self._emit = emit
        self._event_file = EventFile(run)
        self._knobs_told = False

    def record(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers by name, as one line of metrics.jsonl; nothing for no numbers.

        Raises:
            OSError: the run cannot be written.
        """
        if self._silent or not values:
            return
        when, begin, end = runs.append_metrics(self._run, step, values)
        self._event_file.scalars(step, values)
        self._emit(TrainingMetrics(self._run, step, self._steps, tuple(values.items()), when, begin, end))

    def charts(self, step: int, charts: Sequence[Chart]) -> None:
        """Bars and histograms, as lines of figures.jsonl.

        Raises:
            OSError: the run cannot be written.
        """
        if not self._silent:
            append_figures(self._run, step, charts)
            self._event_file.charts(step, charts)

    def preview(self, step: int, samples: NDArray[np.uint8]) -> None:
        """Samples (N, S, S, 3), as one sheet; where it cannot be written, a notice says so."""
        if self._silent:
            return
        grid = sheet(samples, PREVIEW_COLUMNS, gap=0)
        try:
            save_picture(grid, self._run / "previews" / f"{step:06d}.webp")
        except UserError as error:
            self.notice(step, "warning", f"Training goes on without this preview: {error}")
        self._event_file.picture("samples", step, grid)
        self._emit(TrainingPreview(self._run, step))

    def saved(self, step: int, checkpoint: Path) -> None:
        """A checkpoint was published; with the first one the knobs go to TensorBoard."""
        if self._silent:
            return
        if not self._knobs_told:
            self._event_file.knobs(step, self._config)
            self._knobs_told = True
        self._emit(TrainingSaved(self._run, step, checkpoint))

    def state(self, state: str, step: int, seconds_left: float | None = None) -> TrainingState:
        """The run's state, which is also its heartbeat; returns the event."""
        event = TrainingState(self._run, state, step, self._steps, seconds_left)
        if not self._silent:
            self.heartbeat(state, step)
            self._emit(event)
        return event

    def heartbeat(self, state: str, step: int) -> None:
        """Writes the status again, with no event: others take a run that stays silent for dead."""
        if not self._silent:
            runs.write_status(self._run, state, step, self._steps)

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
        """One sentence for the person, into log.txt and notices.jsonl: `level` is "info" or "warning"; the rest as in
        `events.TrainingNotice`.

        Raises:
            OSError: the run cannot be written.
        """
        if self._silent:
            return
        log.warning("%s", text)
        self.log_lines(f"{time.strftime('%Y-%m-%d %H:%M:%S')} step {step} {level}: {text}")
        row = NoticeRow(time.time(), step, level, text, kind, dict(evidence), suggestion, action)
        append_notice(self._run, row)
        self._emit(TrainingNotice(self._run, step, level, text, kind, evidence, suggestion, action))

    def log_lines(self, *lines: str) -> None:
        """Lines for log.txt alone."""
        if not self._silent:
            with (self._run / "log.txt").open("a", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)

    def close(self) -> None:
        """Writes what TensorBoard's file still waits for."""
        self._event_file.close()
