"""The one training loop of all families and hosts, readable from top to bottom.

The hot path of a step is bare: images, one update, one average. Metrics stay on the device and are read once a tick;
previews, held-out figures and checkpoints come every so many steps. Under torchrun every process runs this loop in step
with the others: decisions are agreed on, and rank 0 alone looks, writes and talks.
"""

import logging
import math
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from torch import Tensor

from engine.control import Control
from engine.data import DataSet
from engine.device import Device
from engine.errors import RunError
from engine.events import TrainingState
from engine.files.disk import reason
from engine.runs import directory as runs
from engine.training.batches import step_seed
from engine.training.compiling import compiled
from engine.training.distributed import Dist, Flags, together
from engine.training.hooks import GoBack, MakeHook
from engine.training.job import Job
from engine.training.lock import Lock, exclusive
from engine.training.memory import out_of_memory
from engine.training.preview import look
from engine.training.recorder import Emit
from engine.training.recovery import no_memory, not_finite, roll_back, smaller_parts
from engine.training.snapshot import Position
from engine.training.tick import Tick
from engine.training.watchers import HOOKS

log = logging.getLogger(__name__)


def train(
    run: Path,
    data: DataSet,
    *,
    device: Device,
    control: Control,
    emit: Emit,
    dist: Dist | None = None,
    lock: Lock | None = None,
    hooks: Sequence[MakeHook] = HOOKS,
) -> TrainingState:
    """Trains the run in directory `run` (made by `runs.create`) from where it stands to its last step.

    Returns the final state: "done", or "stopped" after `control.stop()` or a STOP file, with a checkpoint either way.
    `dist` and `lock` are those that the caller holds already; without, the job is joined and the run locked here.

    Raises:
        RunError: the run cannot be written or resumed, diverged for good, its data set has changed, or a process of
            the job was lost.
        UsageError: a knob is wrong.
    """
    with ExitStack() as stack:
        dist = dist or stack.enter_context(together(device))
        if lock is None and dist.first:
            lock = stack.enter_context(exclusive(run))
        try:
            job = Job(run, data, emit=emit, dist=dist, lock=lock, hooks=hooks)
            stack.callback(job.close)
            return _go(job, control, stack)
        except OSError as error:
            raise RunError(
                f"{run.name} cannot be written any more ({reason(error)}): free some space and resume; "
                "its newest checkpoint is kept."
            ) from error
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            raise no_memory(run) from error


def _go(job: Job, control: Control, stack: ExitStack) -> TrainingState:
    # Build, then either resume or prepare and publish the first checkpoint (which also proves the disk).
    job.recorder.state("preparing", runs.read_status(job.run).step)
    job.build()
    at = job.start()
    stack.enter_context(compiled(job, at.step))

    tick = Tick()
    step, steps = at.step, job.training.steps
    while step < steps:
        # Stop, pause, or let a slider go first: all processes do the same.
        asked = _asked(job, control, step, tick)
        if asked.stop:
            break

        # One update.
        metrics = None if asked.memory else _update(job, step, at.strikes, tick)
        if metrics is None:
            at, step = smaller_parts(job, at, step, late=asked.memory)
            continue
        job.ema.update(step)
        step += 1
        tick.add(metrics, job.training.batch)

        # Once a tick: read the metrics from the device, tell, and let the hooks judge.
        due = step % job.training.save_every == 0 or step == steps
        if asked.tick or due:
            wish = _read(job, step, tick)
            if wish is not None:
                at = roll_back(job, at, step, wish)
                step = at.step
                continue

        # Every so often: look and save.
        if step % job.training.preview_every == 0 or step == steps:
            look(job, step)
        if due:
            if not job.finite():
                at = roll_back(job, at, step, not_finite(step))
                step = at.step
                continue
            at = Position(step, at.strikes)
            job.save(at)

    # The end, or an orderly stop: the last state is on disk before anything is said.
    if step > at.step:
        if job.finite():
            job.save(Position(step, at.strikes))
        look(job, step)
    return job.recorder.state("done" if step >= steps else "stopped", step)


def _asked(job: Job, control: Control, step: int, tick: Tick) -> Flags:
    """What is asked for before this step, in any of the processes; waits while a pause is asked for."""

    def agreed() -> Flags:
        first = job.dist.first
        stop = control.stopping or (first and runs.control_file(job.run, "STOP"))
        pause = control.paused or (first and runs.control_file(job.run, "PAUSE"))
        return job.dist.agree(Flags(stop=stop, pause=pause, tick=first and tick.due()))

    if job.device.type == "cpu":
        control.wait_turn()
    asked = agreed()
    paused, told = False, 0.0
    while asked.pause and not (asked.stop or asked.memory):
        if not paused:
            job.recorder.state("paused", step)
            paused, told = True, time.monotonic()
        elif time.monotonic() - told > runs.STALE_SECONDS / 3:
            job.recorder.heartbeat("paused", step)
            told = time.monotonic()
        job.beat()
        time.sleep(0.1)
        asked = agreed()
    if paused and not asked.stop:
        job.recorder.state("running", step)
    return asked


def _update(job: Job, step: int, strikes: int, tick: Tick) -> dict[str, Tensor] | None:
    """One step of all networks; None where memory ran out in one of the processes."""
    # After a roll-back other random numbers are drawn and the rate is lower: the same step would fail the same way.
    # The numbers are those of the whole batch, hence the same on every rank.
    seed = step_seed(job.training.seed, step, salt=f"step {strikes}")
    job.optimisers.begin(step, seed, job.training.rate_at(step) * 0.5**strikes)
    try:
        begun = time.perf_counter()
        images = job.batches.at(step, job.optimisers.generator, job.device)
        tick.wait(time.perf_counter() - begun)
        metrics = job.optimisers.advance(job.model, images, job.training.batch)
        job.dist.average_statistics(job.model)
        return metrics
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        log.warning("out of memory at step %d: %s", step, error)
        job.optimisers.fell_short()
    return None


def _read(job: Job, step: int, tick: Tick) -> GoBack | None:
    """Tells the means of a tick; gives the wish to go back, if there is one, alike in all processes."""
    values = job.dist.mean(tick.read(), weight=job.weight)
    if not all(map(math.isfinite, values.values())):
        return not_finite(step)
    job.beat()
    job.recorder.record(step, {**values, "images_per_second": tick.images_per_second})
    job.recorder.state("running", step, seconds_left=(job.training.steps - step) * tick.seconds_per_step)
    speed = {"images_per_second": tick.images_per_second, "seconds_per_step": tick.seconds_per_step}
    wish = job.hooks.tick(job.context(step, values=values, **speed))
    return (wish or GoBack("")) if job.dist.any(wish is not None) else None
