"""TensorBoard events beside a run's own files: scalars, histograms, sample grids and the knobs as a table."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.charts import Chart
from engine.runs.directory import RunConfig

FLUSH_SECONDS: Final = 10

log = logging.getLogger(__name__)


class EventFile:
    """Writes events of one run, best effort: training never stops for them.

    The file is opened with the first thing to write. What an earlier file of the run says of later steps is then
    declared void, so that a resumed run is one line in TensorBoard.
    """

    def __init__(self, run: Path) -> None:
        self._run = run
        self._writer: Any = None
        self._broken = False

    def knobs(self, step: int, config: RunConfig) -> None:
        """The run's family, data and knobs as a table (tab "Text")."""
        rows = [("family", config.family), ("data", config.data), *config.model.items(), *config.training.items()]
        table = "\n".join(["| knob | value |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)])
        self._write(step, lambda writer: writer.add_text("knobs", table, step))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers by the names that metrics.jsonl has."""

        def write(writer: Any) -> None:
            for name, value in values.items():
                writer.add_scalar(name, value, step)

        self._write(step, write)

    def charts(self, step: int, charts: Sequence[Chart]) -> None:
        """Histograms as they are, bars as the histogram of their values."""

        def write(writer: Any) -> None:
            for chart in charts:
                if chart.edges is None:
                    writer.add_histogram(chart.name, np.asarray(chart.values), step)
                else:
                    writer.add_histogram_raw(chart.name, global_step=step, **_sums(chart.edges, chart.values))

        self._write(step, write)

    def picture(self, name: str, step: int, picture: NDArray[np.uint8]) -> None:
        """A picture (H, W, 3)."""
        self._write(step, lambda writer: writer.add_image(name, picture, step, dataformats="HWC"))

    def close(self) -> None:
        """Writes what is waiting and closes the file."""
        if self._writer is not None:
            try:
                self._writer.close()
            except (OSError, RuntimeError) as error:
                log.warning("The last TensorBoard events of %s are left out: %s", self._run.name, error)

    def _write(self, step: int, write: Callable[[Any], None]) -> None:
        if self._broken:
            return
        try:
            if self._writer is None:
                # Imported with the first event: it is slow to import, and a window that only looks needs none of it.
                from tensorboardX import SummaryWriter

                self._writer = SummaryWriter(str(self._run), flush_secs=FLUSH_SECONDS, purge_step=step)
            write(self._writer)
        except (OSError, RuntimeError) as error:
            self._broken = True
            log.warning("TensorBoard events of %s are left out from step %d: %s", self._run.name, step, error)


def _sums(edges: Sequence[float], counts: Sequence[float]) -> dict[str, Any]:
    """What TensorBoard stores of a histogram; the sums take every value to lie in the middle of its cell."""
    limits, numbers = np.asarray(edges, np.float64), np.asarray(counts, np.float64)
    middles = 0.5 * (limits[1:] + limits[:-1])
    return {
        "min": float(limits[0]),
        "max": float(limits[-1]),
        "num": float(numbers.sum()),
        "sum": float(numbers @ middles),
        "sum_squares": float(numbers @ middles**2),
        "bucket_limits": limits[1:].tolist(),
        "bucket_counts": numbers.tolist(),
    }
