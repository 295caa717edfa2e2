"""One stage or several that learn on one clock from the same batches, and the moments that can be gone back to.

The bench is advanced by one thread. Others look at its moments through viewers of their own, which hold copies.
"""

from __future__ import annotations

import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import torch
from torch import Tensor

from engine.errors import Cancelled, UserError
from engine.lab.seen import BenchSeen, StageInfo, StageSeen
from engine.lab.setup import Pace, Setup
from engine.lab.stage import Stage
from engine.models.base import LatentModel
from engine.progress import Progress

SAMPLES: Final = 620
SHOW_SECONDS: Final = 1 / 30
SHOWING: Final = 0.25
"""The share of the time that may go into showing, where samples are dear."""
MOMENTS: Final = 200
MOMENT_BYTES: Final = 48 * 2**20
"""Of the weights that one bench keeps."""
RATE_SECONDS: Final = 0.7
NAP_SECONDS: Final = 0.02
SLOW: Final = 1.0
"""Steps a second at which each part of a step is told."""
PART_SECONDS: Final = 0.2
"""How long a part stands: a GAN's step has five."""


@dataclass(frozen=True, eq=False)
class Moment:
    """The weights of all stages at one moment of the clock, one vector each: those that are shown, and those of what
    judges them. With them each stage's step."""

    clock: int
    stages: tuple[tuple[Tensor, int], ...]


class Bench:
    """Stages of any number; of more than two each shows fewer samples, so that showing all costs as much as showing two
    (`samples` each).

    Five of a set-up (`with_seeds`) take the time of five: their batches and draws are their own, and weights stacked in
    one would need every family's step written anew.

    Raises:
        UsageError: a stage cannot be made; the sentence says why.
    """

    def __init__(self, setups: Sequence[Setup]) -> None:
        self.setups = tuple(setups)
        self.stages = [Stage(setup) for setup in setups]
        self.clock = 0
        self._problems = [""] * len(self.stages)
        self._sums: list[dict[str, list[float]]] = [defaultdict(list) for _ in self.stages]
        self.samples = min(SAMPLES, 2 * SAMPLES // max(1, len(self.stages)))
        self._codes = [codes_of(stage.shown, self.samples) for stage in self.stages]
        self._lock = threading.Lock()
        self._moments: dict[int, Moment] = {}
        self._every = 1
        self._newest: Moment | None = None
        self._seen: list[StageSeen | None] = [None] * len(self.stages)
        self._rate = 0.0
        self.seen()

    def info(self) -> tuple[StageInfo, ...]:
        """What is known of each stage before it learns."""
        return tuple(map(_info, self.stages))

    # learning
    def step(self, *, only: str = "") -> None:
        """One step of every stage that still learns; `only` names a network, and stages without it wait."""
        for index, stage in enumerate(self.stages):
            if self.ended(index) or (only and only not in stage.networks()):
                continue
            try:
                stage.advance(only=only)
            except UserError as error:
                self._problems[index] = str(error)
            except RuntimeError:
                # What torch says of numbers that ran away, such as a matrix that has no inverse any more.
                self._problems[index] = (
                    f"The numbers ran away at step {stage.step + 1}: lower the learning rate, or change the layers."
                )
            else:
                for name, value in stage.metrics.items():
                    if name.endswith("loss"):
                        self._sums[index][name].append(float(value))
        self.clock += 1

    def ended(self, index: int) -> bool:
        """Whether this stage learns no more."""
        stage = self.stages[index]
        return bool(self._problems[index]) or stage.step >= stage.setup.training.steps

    @property
    def done(self) -> bool:
        """Whether no stage learns any more."""
        return all(self.ended(index) for index in range(len(self.stages)))

    def play(
        self,
        pace: Pace,
        progress: Progress,
        show: Callable[[BenchSeen], None],
        *,
        only: str = "",
        enough: Callable[[], bool] = lambda: False,
    ) -> BenchSeen:
        """Learns until it is done, `enough` or asked to stop, and shows itself 30 times a second where that is cheap.
        `only` names the one network that learns. At the pace `SLOW` each part of a step is told and shown.

        Raises:
            Cancelled: it was asked to stop; what was reached has been shown.
        """
        shown_at = rate_at = time.monotonic()
        rate_clock, cost = self.clock, 0.0
        try:
            while not (self.done or enough()):
                progress.check()
                began = time.monotonic()
                self._tell_parts(pace, progress, show)
                self.step(only=only)
                now = time.monotonic()
                if now - rate_at > RATE_SECONDS:
                    self._rate = (self.clock - rate_clock) / (now - rate_at)
                    rate_at, rate_clock = now, self.clock
                if now - shown_at >= max(SHOW_SECONDS, cost / SHOWING):
                    show(self.seen())
                    shown_at = time.monotonic()
                    cost = shown_at - now
                if pace.steps_per_second:
                    if pace.steps_per_second <= 1 / SHOW_SECONDS:
                        show(self.seen())
                    self._wait(began, pace, progress)
        finally:
            self._rate = 0.0
            self._tell_parts(Pace(), progress, show)
            show(last := self.seen())
        return last

    def _tell_parts(self, pace: Pace, progress: Progress, show: Callable[[BenchSeen], None]) -> None:
        """Has the stages say each part of a step as they come to it, where learning is slow enough to follow."""
        slow = 0 < pace.steps_per_second <= SLOW

        def told(index: int, part: str) -> None:
            seen = self.seen(part_of=index)
            stages = list(seen.stages)
            stages[index] = replace(stages[index], part=part)
            show(replace(seen, stages=tuple(stages)))
            until = time.monotonic() + PART_SECONDS
            # A step that has begun is gone through, so that none of its networks is left behind.
            while time.monotonic() < until and not _stopped(progress) and 0 < pace.steps_per_second <= SLOW:
                time.sleep(NAP_SECONDS)

        for index, stage in enumerate(self.stages):
            stage.steps.told = partial(told, index) if slow else None

    def _wait(self, began: float, pace: Pace, progress: Progress) -> None:
        while pace.steps_per_second and (left := began + 1 / pace.steps_per_second - time.monotonic()) > 0:
            progress.check()
            time.sleep(min(left, NAP_SECONDS))

    # looking
    def seen(self, *, part_of: int | None = None) -> BenchSeen:
        """All stages now; a stage whose weights are no numbers any more is seen as it was last. Amid a step, of which
        it is a stage's turn (`part_of`), nothing is kept to go back to."""
        weights = []
        for index, stage in enumerate(self.stages):
            own = torch.cat([one.reshape(-1) for one in _weights(stage)])
            if not bool(torch.isfinite(own).all()):
                self._problems[index] = self._problems[index] or (
                    f"The weights ran away before step {stage.step + 1}: lower the learning rate."
                )
            if self._problems[index] and self._newest is not None:
                weights.append(self._newest.stages[index])
            else:
                weights.append((own, stage.step))
            self._seen[index] = self._look(index, whole=part_of is None)
        self._keep(Moment(self.clock, tuple(weights)), whole=part_of is None)
        found = tuple(one for one in self._seen if one is not None)
        return BenchSeen(self.clock, found, self.kept(), self._rate, self.done)

    def _look(self, index: int, *, whole: bool) -> StageSeen:
        stage, before, problem = self.stages[index], self._seen[index], self._problems[index]
        if problem and before is not None:
            return StageSeen(before.step, before.trace, {}, problem)
        means = {name: math.fsum(values) / len(values) for name, values in self._sums[index].items() if whole}
        if whole:
            self._sums[index].clear()
        with torch.no_grad():
            trace = traced(stage.shown, self._codes[index])
        return StageSeen(stage.step, trace.numpy(), means, problem)

    def _keep(self, moment: Moment, *, whole: bool) -> None:
        with self._lock:
            self._newest = moment
            if not whole:
                return
            last = max(self._moments, default=None)
            if last is None or moment.clock == last or moment.clock - last >= self._every:
                self._moments[moment.clock] = moment
            size = sum(weights.nbytes for weights, _ in moment.stages)
            if len(self._moments) > max(8, min(MOMENTS, MOMENT_BYTES // max(1, size))):
                # The whole of the way stays: every second moment goes, and from now on they lie twice as far apart.
                clocks = sorted(self._moments)
                self._moments = {clock: self._moments[clock] for clock in clocks[::2]}
                self._every = max(self._every + 1, 2 * (clocks[-1] - clocks[0]) // len(clocks))

    def kept(self) -> tuple[int, ...]:
        """The moments that can be gone back to, rising; the last is now."""
        with self._lock:
            newest = self._newest.clock if self._newest is not None else 0
            return tuple(sorted({*self._moments, newest}))

    def moment(self, clock: int) -> Moment:
        """The kept moment that is nearest to `clock`."""
        with self._lock:
            assert self._newest is not None
            if clock >= self._newest.clock:
                return self._newest
            near = min(self._moments, key=lambda one: abs(one - clock))
            return self._moments[near]


def _stopped(progress: Progress) -> bool:
    try:
        progress.check()
    except Cancelled:
        return True
    return False


def codes_of(model: LatentModel, count: int) -> Tensor:
    """The same codes (count, D) for all stages of a size: what moves on screen is then the model."""
    return model.sample_codes(count, generator=torch.Generator().manual_seed(11))


def traced(model: LatentModel, codes: Tensor) -> Tensor:
    """What decoding makes of codes (N, D), step by step: (K, N, d), with the codes first where they are points."""
    found = [one.flatten(1) for one in model.trace(codes)]
    if len(found) == 1 and codes.shape[1] == found[0].shape[1]:
        found.insert(0, codes)
    return torch.stack(found)


def _info(stage: Stage) -> StageInfo:
    model = stage.shown
    with torch.no_grad():
        steps = len(traced(model, model.sample_codes(2, generator=torch.Generator().manual_seed(0)))) - 1
    words = model.trace_words()
    layers = words if len(words) == steps else ("network",) * steps
    return StageInfo(
        layers=layers,
        networks=stage.networks(),
        exact=model.abilities.density == "exact",
        shows=_shows(stage, steps),
        parameters=sum(one.numel() for net in stage.model.training_networks().values() for one in net.parameters()),
    )


def _shows(stage: Stage, steps: int) -> frozenset[str]:
    """The layers that this stage has and others have not."""
    dimension, found = stage.truth.dimension, set()
    places = torch.zeros(2, dimension, 1, 1)
    # A spectral norm takes a step of its own whenever a network that trains is asked.
    stage.model.eval()
    with torch.no_grad():
        if stage.model.critic(places) is not None:
            found.add("critic")
        depths = [(index + 0.5) / max(1, steps) for index in range(steps)]
        if dimension == 2 and any(stage.shown.velocity(places, depth) is not None for depth in depths):
            found.add("field")
    if dimension == 2 and stage.model.pull(places, places) is not None:
        found.add("gradient")
    stage.model.train()
    if stage.shown.spec.size == dimension:
        found.add("mass")
        if dimension == 2:
            found |= {"grid", "trajectories"}
    return frozenset(found)


def _weights(stage: Stage) -> list[Tensor]:
    """The averaged weights, then those of what only training needs, which are never averaged."""
    skip = stage.model.training_only
    shown = [value for name, value in stage.shown.state_dict().items() if not (skip and name.startswith(skip))]
    own = [value for name, value in stage.model.state_dict().items() if skip and name.startswith(skip)]
    return shown + own


def put_weights(stage: Stage, weights: Tensor) -> None:
    """Gives a stage the weights of a moment."""
    places = _weights(stage)
    parts = weights.split([place.numel() for place in places])
    for place, part in zip(places, parts, strict=True):
        place.copy_(part.view_as(place))
