"""A network's best response: the others are held until its loss moves no more."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from engine.errors import UsageError
from engine.lab.bench import Bench
from engine.lab.seen import BenchSeen, Response
from engine.lab.setup import Pace
from engine.lab.stage import Stage, as_images
from engine.progress import Progress

MOST_STEPS: Final = 2000
STILL: Final = 1e-4
EVERY: Final = 10
"""Steps between two looks at the loss."""
LOOKS: Final = 10
"""Looks of a window: its mean is held against that of the window before."""
POINTS: Final = 1024
SEED: Final = 8_000_000


class FixedLoss:
    """`engine.models.base.Steps` that updates nothing: the loss of one network on points and noise that stay the same,
    so that it moves only as the weights do. A batch's own loss is noise of a hundredth."""

    def __init__(self, network: str) -> None:
        self.index = 0
        self.value = float("nan")
        self._network = network
        self._generator = torch.Generator().manual_seed(SEED)

    def rand(self, *shape: int, like: Tensor) -> Tensor:
        return torch.rand(shape, generator=self._generator).to(like)

    def randn(self, *shape: int, like: Tensor) -> Tensor:
        return torch.randn(shape, generator=self._generator).to(like)

    def wants(self, name: str) -> bool:
        return name == self._network

    def update(self, name: str, loss: Tensor) -> Tensor:
        if name == self._network:
            self.value = float(loss.detach())
        return torch.full_like(loss.detach(), torch.nan)

    def autocast(self) -> torch.autocast:
        return torch.autocast("cpu", enabled=False)


class _Watch:
    """The losses of one stage, as often as they are looked at."""

    def __init__(self, stage: Stage, network: str) -> None:
        self._stage, self._network = stage, network
        self._points = as_images(stage.truth.draw(POINTS, torch.Generator().manual_seed(SEED)))
        self._losses: list[float] = []

    def look(self) -> None:
        fixed = FixedLoss(self._network)
        self._stage.model.training_step(self._points, fixed)
        self._losses.append(fixed.value)

    @property
    def moved(self) -> float:
        """Between the last two windows; infinite before there are two, and where a loss is no number."""
        now, before = self._losses[-LOOKS:], self._losses[-2 * LOOKS : -LOOKS]
        found = abs(sum(now) - sum(before)) / LOOKS if len(before) == LOOKS else math.inf
        return found if math.isfinite(found) else math.inf


def best_response(bench: Bench, network: str, progress: Progress, show: Callable[[BenchSeen], None]) -> Response:
    """Trains `network` alone, on every stage that has it, until the loss of each moves by less than `STILL` from one
    window to the next, `MOST_STEPS` at most.

    Raises:
        UsageError: no stage that still learns has this network.
        Cancelled: it was asked to stop; the steps that were made stay.
    """
    watches = [
        _Watch(stage, network)
        for index, stage in enumerate(bench.stages)
        if network in stage.networks() and not bench.ended(index)
    ]
    if not watches:
        raise UsageError(f"No stage here has a {network} that learns: choose a GAN, or start it again.")
    begun = bench.clock

    def moved() -> float:
        return max(watch.moved for watch in watches)

    def enough() -> bool:
        done = bench.clock - begun
        if done % EVERY == 0:
            for watch in watches:
                watch.look()
        return done >= MOST_STEPS or moved() < STILL

    bench.play(Pace(), progress, show, only=network, enough=enough)
    return Response(network, bench.clock - begun, moved(), EVERY * LOOKS, moved() < STILL)
