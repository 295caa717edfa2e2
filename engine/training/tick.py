"""Metrics that stay on the device between ticks, and where they go."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

TICK_SECONDS = 0.5

log = logging.getLogger(__name__)


class Tick:
    """Sums metrics on the device; `read` is the only point that waits for it."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._steps = self._images = 0
        self._start = self._last = time.monotonic()
        self.images_per_second = 0.0
        self.seconds_per_step = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since training began in this process."""
        return time.monotonic() - self._start

    def add(self, metrics: Mapping[str, Tensor], images: int) -> None:
        for name, value in metrics.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value
        self._steps += 1
        self._images += images

    def due(self) -> bool:
        return time.monotonic() - self._last >= TICK_SECONDS

    def read(self) -> dict[str, float]:
        """Means since the last call."""
        numbers = torch.stack([v.float() for v in self._sums.values()]).tolist()
        means = {name: number / self._steps for name, number in zip(self._sums, numbers, strict=True)}
        now = time.monotonic()
        passed = max(now - self._last, 1e-9)
        self.images_per_second = self._images / passed
        recent = passed / self._steps
        # Smoothed, so that the time left does not jump.
        self.seconds_per_step = (
            recent if not self.seconds_per_step else 0.9 * self.seconds_per_step + 0.1 * recent
        )
        self._sums, self._steps, self._images, self._last = {}, 0, 0, now
        return means


@contextmanager
def event_writer(run: Path) -> Iterator[Callable[[int, Mapping[str, float]], None]]:
    """Writes scalars as TensorBoard events beside our own metrics; best effort: training never stops for it."""
    from tensorboardX import SummaryWriter

    writer = SummaryWriter(str(run), flush_secs=10)

    def write(step: int, values: Mapping[str, float]) -> None:
        try:
            for name, value in values.items():
                writer.add_scalar(name, value, step)
        except OSError:
            log.warning("TensorBoard events of %s could not be written", run.name)

    try:
        yield write
    finally:
        writer.close()
