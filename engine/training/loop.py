"""The one training loop of all families and hosts, readable from top to bottom.

The hot path of a step is bare: images, one `training_step`, one average. Metrics stay on the device and are read once
a tick; previews, held-out figures and checkpoints come every so many steps.
"""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine import runs
from engine.checkpoints.atomic import sweep, write_bytes
from engine.checkpoints.model_file import ModelHeader
from engine.control import Control
from engine.data import DataSet, Split
from engine.device import Device, placed
from engine.errors import Cancelled, RunError, UsageError, UserError
from engine.events import (
    TrainingEvent,
    TrainingMetrics,
    TrainingNotice,
    TrainingPreview,
    TrainingSaved,
    TrainingState,
)
from engine.families import build
from engine.knobs import from_json
from engine.models.base import LatentModel
from engine.pictures import save_picture, sheet, to_images, to_pictures
from engine.training.batches import Batches, step_seed
from engine.training.config import TrainConfig, World
from engine.training.ema import Ema
from engine.training.heldout import heldout_metrics
from engine.training.optimisers import Optimisers
from engine.training.snapshot import Progressed, load_snapshot, newest_snapshot, save_snapshot
from engine.training.tick import Tick, event_writer

Emit = Callable[[TrainingEvent], None]

PREPARE_IMAGES: Final = 6144
PREVIEW_SAMPLES: Final = 25
PREVIEW_TEMPERATURE: Final = {"exact": 0.7}
"""By density: exact-likelihood models spread their mass thin and look best a little cooler (Glow, section 6)."""
MAX_STRIKES: Final = 3

log = logging.getLogger(__name__)


def train(
    run: Path, data: DataSet, *, device: Device, control: Control, emit: Emit, world: World | None = None
) -> TrainingState:
    """Trains the run in directory `run` (made by `runs.create`) from where it stands to its last step.

    Returns the final state: "done", or "stopped" after `control.stop()` or a STOP file, with a checkpoint either way.

    Raises:
        RunError: the run cannot be written or resumed, diverged for good, or its data set has changed.
        UsageError: a knob is wrong.
    """
    world = world or World.from_environment()
    if world.size > 1:
        raise UsageError(
            f"this version trains in one process, got WORLD_SIZE {world.size}: start it without torchrun."
        )
    with _exclusive(run):
        try:
            return _Training(run, data, device, control, emit, world).go()
        except torch.OutOfMemoryError as error:
            raise RunError(
                f"There was not enough memory to train {run.name}: choose a smaller batch or model, "
                "or another device; its newest checkpoint is kept."
            ) from error
        except OSError as error:
            raise RunError(
                f"{run.name} cannot be written any more ({error.strerror or error}): free some space and resume; "
                "its newest checkpoint is kept."
            ) from error


class _Training:
    """One run being trained. `go` is the loop; the other methods are its slow parts."""

    def __init__(
        self, run: Path, data: DataSet, device: Device, control: Control, emit: Emit, world: World
    ) -> None:
        self.run, self.data, self.device, self.control, self.emit = run, data, device.torch, control, emit
        self.config = runs.read_config(run)
        if data.fingerprint != self.config.fingerprint:
            raise RunError(
                f"The data set of {run.name} has changed since the run began: restore it or start a new run."
            )
        self.training = from_json(TrainConfig, self.config.training)
        check_batch(data, self.training)
        rows = data.indices(Split.TRAIN)
        self.rows = rows
        self.batches = Batches(
            data.images,
            rows,
            batch=self.training.batch,
            seed=self.training.seed,
            flip=self.training.flip,
            world=world,
        )
        self.world = world
        self.heldout = (
            _some(data, Split.VALIDATION)
            if len(data.indices(Split.VALIDATION)) > 1
            else _some(data, Split.TRAIN)
        )

    def go(self) -> TrainingState:
        # Build, then either resume or prepare and publish the first checkpoint (which also proves the disk).
        self._state("preparing", runs.read_status(self.run).step)
        self._build()
        sweep(self.run / "checkpoints")
        folder, problems = newest_snapshot(self.run)
        if folder is not None:
            at = self._load(folder)
        else:
            self._prepare()
            at = Progressed(0)
            self._save(at)
            self._list_skipped()
        for problem in problems:
            self._notice(at.step, "warning", problem)

        tick = Tick()
        step, steps = at.step, self.training.steps
        with event_writer(self.run) as scalars:
            while step < steps:
                # Stop, pause, or let a slider go first.
                if self._interrupted(step):
                    break

                # One update.
                self._begin(step, at.strikes)
                batch = self.batches.at(step, self.optimisers.generator, self.device)
                metrics = self.model.training_step(batch, self.optimisers)
                self.ema.update(step)
                step += 1
                tick.add(metrics, len(batch) * self.world.size)

                # Once a tick: read the metrics from the device and tell.
                due = step % self.training.save_every == 0 or step == steps
                if tick.due() or due:
                    values = tick.read()
                    if not all(map(math.isfinite, values.values())):
                        at = step_back = self._roll_back(at, step)
                        step = step_back.step
                        continue
                    self._tell(step, tick, values)
                    scalars(step, values)

                # Every so often: look, judge, save.
                if step % self.training.preview_every == 0 or step == steps:
                    scalars(step, self._look(step))
                if due:
                    if not self._finite():
                        at = self._roll_back(at, step)
                        step = at.step
                        continue
                    at = Progressed(step, at.strikes)
                    self._save(at)

        # The end, or an orderly stop: the last state is on disk before anything is said.
        if step > at.step:
            if self._finite():
                self._save(Progressed(step, at.strikes))
            self._look(step)
        return self._state("done" if step >= steps else "stopped", step)

    def _build(self) -> None:
        # Global random numbers are borrowed for the initial weights only and given back as they were.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(step_seed(self.training.seed, 0, salt="weights"))
            model = build(self.config.family, self.config.model, self.config.image_shape)
            self.model: LatentModel = placed(model, self.device).train()
        self._average()

    def _average(self) -> None:
        self.ema = Ema(self.model, self.training.ema)
        self.optimisers = Optimisers(self.model, self.training, self.device)

    def _prepare(self) -> None:
        rows = np.sort(np.random.default_rng(self.training.seed).permutation(self.rows)[:PREPARE_IMAGES])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(step_seed(self.training.seed, 0, salt="prepare"))
            self.model.prepare(to_images(self.data.images[rows], self.device))
        self._average()

    def _load(self, folder: Path) -> Progressed:
        return load_snapshot(folder, model=self.model, average=self.ema.model, optimisers=self.optimisers)

    def _begin(self, step: int, strikes: int) -> None:
        # After a roll-back other random numbers are drawn and the rate is lower: the same step would fail the same way.
        seed = step_seed(self.training.seed, step, salt=f"step {strikes}", rank=self.world.rank)
        self.optimisers.begin(step, seed, self.training.rate_at(step) * 0.5**strikes)

    def _interrupted(self, step: int) -> bool:
        if self.device.type == "cpu":
            self.control.wait_turn()
        paused, told = False, 0.0
        while not self._stopping() and (self.control.paused or runs.control_file(self.run, "PAUSE")):
            if not paused:
                self._state("paused", step)
                paused = True
                told = time.monotonic()
            elif time.monotonic() - told > runs.STALE_SECONDS / 3:
                # The heartbeat goes on, or others would take the run for dead.
                runs.write_status(self.run, "paused", step, self.training.steps)
                told = time.monotonic()
            time.sleep(0.1)
        if paused and not self._stopping():
            self._state("running", step)
        return self._stopping()

    def _stopping(self) -> bool:
        return self.control.stopping or runs.control_file(self.run, "STOP")

    def _tell(self, step: int, tick: Tick, values: Mapping[str, float]) -> None:
        runs.append_metrics(self.run, step, {**values, "images_per_second": tick.images_per_second})
        self._state("running", step, seconds_left=(self.training.steps - step) * tick.seconds_per_step)
        self.emit(
            TrainingMetrics(
                self.run,
                step,
                self.training.steps,
                tick.elapsed,
                tick.images_per_second,
                tuple(values.items()),
            )
        )

    def _look(self, step: int) -> dict[str, float]:
        """Samples of the averaged weights from the run's fixed codes, and the figures on held-out images."""
        model = self.ema.model
        with torch.inference_mode():
            codes = model.sample_codes(
                PREVIEW_SAMPLES,
                temperature=PREVIEW_TEMPERATURE.get(model.abilities.density, 1.0),
                generator=torch.Generator().manual_seed(self.training.seed),
            )
            samples: Tensor = model.decode(codes)
        pictures = to_pictures(samples)
        file = self.run / "previews" / f"{step:06d}.webp"
        try:
            save_picture(sheet(pictures, 5, gap=0), file)
        except UserError as error:
            self._notice(step, "warning", f"Training goes on without this preview: {error}")
        values = heldout_metrics(model, self.heldout, samples, self.device)
        if values:
            runs.append_metrics(self.run, step, values)
        self.emit(TrainingPreview(self.run, step, pictures))
        self.emit(TrainingMetrics(self.run, step, self.training.steps, 0.0, 0.0, tuple(values.items())))
        return values

    def _finite(self) -> bool:
        return all(
            bool(torch.isfinite(v).all()) for v in self.model.state_dict().values() if v.is_floating_point()
        )

    def _save(self, at: Progressed) -> None:
        header = ModelHeader(
            family=self.config.family,
            config=self.config.model,
            image_shape=self.config.image_shape,
            title=self.config.title or self.run.name,
            step=at.step,
        )
        folder = save_snapshot(
            self.run,
            at,
            model=self.model,
            average=self.ema.model,
            optimisers=self.optimisers,
            header=header,
            keep=self.training.keep,
        )
        self.emit(TrainingSaved(self.run, at.step, folder))

    def _roll_back(self, at: Progressed, step: int) -> Progressed:
        """Returns to the newest checkpoint with half the learning rate; gives up after three times.

        Raises:
            RunError: it diverged again.
        """
        strikes = at.strikes + 1
        if strikes > MAX_STRIKES:
            raise RunError(
                f"{self.run.name} diverged {strikes} times (numbers were not finite at step {step}): "
                "its last good checkpoint is kept; start again with a lower learning rate."
            )
        folder, _ = newest_snapshot(self.run)
        if folder is None:
            raise RunError(
                f"{self.run.name} diverged at step {step} and no checkpoint can be read: start a new run."
            )
        back = replace(self._load(folder), strikes=strikes)
        self._notice(
            step,
            "warning",
            f"Numbers were not finite at step {step}: went back to step {back.step} with half the learning rate.",
        )
        return back

    def _notice(self, step: int, level: str, text: str) -> None:
        log.warning("%s", text)
        with (self.run / "log.txt").open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} step {step} {level}: {text}\n")
        self.emit(TrainingNotice(self.run, step, level, text))

    def _list_skipped(self) -> None:
        skipped = self.data.skipped
        if not skipped:
            return
        some = ", ".join(skipped[:3]) + (", ..." if len(skipped) > 3 else "")
        self._notice(
            0,
            "warning",
            f"{len(skipped)} of {len(skipped) + len(self.data.names)} pictures could not be read "
            f"and are left out ({some}): log.txt in the run lists them.",
        )
        with (self.run / "log.txt").open("a", encoding="utf-8") as file:
            file.writelines(f"left out: {name}\n" for name in skipped)

    def _state(self, state: str, step: int, seconds_left: float | None = None) -> TrainingState:
        runs.write_status(self.run, state, step, self.training.steps)
        event = TrainingState(self.run, state, step, self.training.steps, seconds_left)
        self.emit(event)
        return event


def check_batch(data: DataSet, training: TrainConfig) -> None:
    """A batch never holds an image twice, so that its statistics are those of the data.

    Raises:
        UsageError: the data set has fewer training images than a batch.
    """
    count = len(data.indices(Split.TRAIN))
    if count < training.batch:
        raise UsageError(
            f"batch must be at most the {count} training images of {data.name}, got {training.batch}: "
            "choose a smaller batch or add images."
        )


def _some(data: DataSet, split: Split) -> NDArray[np.uint8]:
    rows = data.indices(split)
    chosen = np.random.default_rng(0).permutation(rows)[:256]
    return np.asarray(data.images[np.sort(chosen)])


class _exclusive:
    """Holds the run's lock file, so that two processes never write one run."""

    def __init__(self, run: Path) -> None:
        self._run, self._file = run, run / "lock"

    def __enter__(self) -> None:
        status = runs.read_status(self._run)
        if self._file.exists() and status.alive:
            raise RunError(f"{self._run.name} is being trained by another process: stop that one first.")
        try:
            write_bytes(self._file, str(os.getpid()).encode())
        except OSError as error:
            raise RunError(
                f"The run directory {self._run} cannot be written ({error.strerror}): choose another place."
            ) from error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._file.unlink(missing_ok=True)
        if kind is not None and not issubclass(kind, Cancelled):
            status = runs.read_status(self._run)
            try:
                runs.write_status(self._run, "failed", status.step, status.steps, str(error))
            except OSError:
                log.exception("the run's status could not be written")
