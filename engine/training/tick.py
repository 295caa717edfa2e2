"""Metrics that stay on the device between ticks."""

import time
from collections.abc import Mapping

import torch
from torch import Tensor

TICK_SECONDS = 0.5


class Tick:
    """Sums metrics on the device; `read` is the only point that waits for it."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._steps = self._images = 0
        self._waited: float | None = None
        self._last = time.monotonic()
        self.images_per_second = 0.0
        self.seconds_per_step = 0.0

    def add(self, metrics: Mapping[str, Tensor], images: int) -> None:
        for name, value in metrics.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value
            # A critic may make several updates for one of the generator, whose metrics are then rarer.
            self._counts[name] = self._counts.get(name, 0) + 1
        self._steps += 1
        self._images += images

    def wait(self, seconds: float) -> None:
        """Adds time in which a step waited for its images."""
        self._waited = (self._waited or 0.0) + seconds

    def due(self) -> bool:
        return time.monotonic() - self._last >= TICK_SECONDS

    def read(self) -> dict[str, float]:
        """Means since the last call, and the share of that time in which steps waited for images."""
        numbers = torch.stack([v.float() for v in self._sums.values()]).tolist()
        means = {name: number / self._counts[name] for name, number in zip(self._sums, numbers, strict=True)}
        now = time.monotonic()
        passed = max(now - self._last, 1e-9)
        self.images_per_second = self._images / passed
        recent = passed / self._steps
        # Smoothed, so that the time left does not jump.
        self.seconds_per_step = recent if not self.seconds_per_step else 0.9 * self.seconds_per_step + 0.1 * recent
        if self._waited is not None:
            means["system/input_share"] = min(1.0, self._waited / passed)
        self._sums, self._counts, self._steps, self._images, self._last = {}, {}, 0, 0, now
        self._waited = None
        return means
