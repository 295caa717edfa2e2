"""Where others look in on training: guards, live weights, pinned photos, diagnoses in the background.

A hook is made once a run by a row of `engine.training.watchers.HOOKS` and called by the loop at ticks, previews and
checkpoints, in the training thread, on rank 0 alone. The other processes of a job wait meanwhile, so a hook is quick at
ticks (a millisecond), and what takes long goes to a thread of its own over a copy of the weights.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from engine.data import DataSet
from engine.errors import UserError
from engine.models.base import LatentModel
from engine.runs.directory import RunConfig
from engine.training.config import TrainConfig
from engine.training.optimisers import Optimisers
from engine.training.recorder import Recorder

Out = TypeVar("Out")

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class RunContext:
    """What stays the same while a run trains; a hook is made with it."""

    path: Path
    config: RunConfig
    training: TrainConfig
    data: DataSet
    device: torch.device
    recorder: Recorder


@dataclass(frozen=True, eq=False)
class StepContext:
    """Where training stands when a hook is called. The models are live: read or copy them before returning.

    `values` are the means since the last tick (`at_tick`) or the figures of this preview (`at_preview`); `checkpoint`
    is the folder just published (`at_save`); `samples` (25, H, W, 3) are the pictures just drawn (`at_preview`).
    `model` is what is trained, `average` its EMA, always in eval mode.
    """

    step: int
    steps: int
    model: LatentModel
    average: LatentModel
    optimisers: Optimisers
    values: Mapping[str, float] = field(default_factory=dict)
    images_per_second: float = 0.0
    seconds_per_step: float = 0.0
    checkpoint: Path | None = None
    samples: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class GoBack:
    """A hook's wish to return to the newest checkpoint with half the learning rate; `reason` is one sentence.

    All processes of the job then go back together, and the reason is told with what was done. The fourth return of a
    run ends it.
    """

    reason: str
    kind: str = ""
    evidence: tuple[tuple[str, float], ...] = ()
    suggestion: str = ""


class Hook(Protocol):
    """What the loop calls. A UserError, OSError or RuntimeError becomes a notice, and training goes on."""

    def at_tick(self, context: StepContext) -> GoBack | None:
        """About twice a second, after the means were read and told."""
        ...

    def at_preview(self, context: StepContext) -> None:
        """Every `preview_every` steps and at the end, after samples and held-out figures."""
        ...

    def at_save(self, context: StepContext) -> None:
        """After a checkpoint was published."""
        ...

    def close(self) -> None:
        """Training ends, in whatever way: join threads, close files. Called once."""
        ...


class QuietHook:
    """A hook that does nothing: derive from it and write only what is needed."""

    def at_tick(self, context: StepContext) -> GoBack | None:
        return None

    def at_preview(self, context: StepContext) -> None:
        return None

    def at_save(self, context: StepContext) -> None:
        return None

    def close(self) -> None:
        return None


MakeHook = Callable[[RunContext], Hook | None]
"""Makes a run's hook; None where this run has no use for it."""

MAX_FAILURES = 3
"""A hook that has failed this often is left out for the rest of the run."""


class Hooks:
    """The hooks of one run; what goes wrong in one becomes a notice, and training goes on."""

    def __init__(self, run: RunContext, makers: Sequence[MakeHook]) -> None:
        self._recorder = run.recorder
        self._hooks: list[Hook] = []
        self._failures: dict[Hook, int] = {}
        for make in makers:
            try:
                hook = make(run)
            except (UserError, OSError, RuntimeError) as error:
                log.exception("a hook of the training loop could not be made")
                run.recorder.notice(
                    0, "warning", f"Training goes on without one of its observers: {_first_line(error)}"
                )
                continue
            if hook is not None:
                self._hooks.append(hook)

    def tick(self, context: StepContext) -> GoBack | None:
        """The first wish to go back, if there is one; all hooks are called in any case."""
        wishes = [self._call(hook, hook.at_tick, context) for hook in list(self._hooks)]
        return next((wish for wish in wishes if wish is not None), None)

    def preview(self, context: StepContext) -> None:
        for hook in list(self._hooks):
            self._call(hook, hook.at_preview, context)

    def save(self, context: StepContext) -> None:
        for hook in list(self._hooks):
            self._call(hook, hook.at_save, context)

    def close(self) -> None:
        """Closes every hook, whatever happens in another."""
        for hook in self._hooks:
            try:
                hook.close()
            except (UserError, OSError, RuntimeError):
                log.exception("a hook of the training loop could not be closed")
        self._hooks = []

    def _call(self, hook: Hook, act: Callable[[StepContext], Out], context: StepContext) -> Out | None:
        try:
            return act(context)
        except (UserError, OSError, RuntimeError) as error:
            log.exception("a hook of the training loop failed")
            failures = self._failures[hook] = self._failures.get(hook, 0) + 1
            for_good = failures >= MAX_FAILURES
            self._recorder.notice(
                context.step,
                "warning",
                f"Training goes on without {type(hook).__name__}{' from now on' if for_good else ' this time'}: "
                f"{_first_line(error)}",
            )
            if for_good:
                self._hooks.remove(hook)
                hook.close()
            return None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
