"""A run in training: its model, average, optimisers and batches, and how they are built, saved and restored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from engine import families
from engine.checkpoints.model_file import ModelHeader
from engine.data import DataSet, Split
from engine.device import placed
from engine.errors import RunError, UsageError
from engine.files.disk import sweep
from engine.knobs import from_json
from engine.models.base import LatentModel
from engine.models.ema import Ema
from engine.nn.recompute import recompute_in_backward
from engine.nn.seeded import Seeded
from engine.pictures import to_images
from engine.runs import directory as runs
from engine.runs.checkpoints import newest_snapshot
from engine.training.batches import Batches, step_seed
from engine.training.config import TrainConfig
from engine.training.distributed import Dist
from engine.training.hooks import Hooks, MakeHook, RunContext, StepContext
from engine.training.lock import Lock
from engine.training.optimisers import Optimisers
from engine.training.recorder import Emit, Recorder
from engine.training.snapshot import Position, load_snapshot, save_snapshot
from engine.training.variations import Variation

PREPARE_IMAGES: Final = 6144


class Job:
    """One run being trained by this process, or by this process together with others.

    Every process holds the whole model and goes through the same steps; rank 0 alone writes, talks and calls hooks.
    """

    model: LatentModel
    ema: Ema
    optimisers: Optimisers

    def __init__(
        self, run: Path, data: DataSet, *, emit: Emit, dist: Dist, lock: Lock | None, hooks: Sequence[MakeHook]
    ) -> None:
        self.run, self.data, self.device, self.dist, self.lock = run, data, dist.device, dist, lock
        self.config = runs.read_config(run)
        if self.config.fingerprint not in ("", data.fingerprint):
            raise RunError(
                f"The data set of {run.name} has changed since the run began: restore it or start a new run."
            )
        self.training = from_json(TrainConfig, self.config.training)
        check_batch(data, self.training, processes=dist.size)
        self.rows = data.indices(Split.TRAIN)
        self.batches = Batches(
            data.images,
            self.rows,
            batch=self.training.batch,
            seed=self.training.seed,
            variation=Variation(self.training.flip, self.training.shift, self.training.light),
            world=dist.world,
        )
        self.recorder = Recorder(run, self.config, steps=self.training.steps, emit=emit, silent=not dist.first)
        context = RunContext(run, self.config, self.training, data, self.device, self.recorder)
        self.hooks = Hooks(context, hooks if dist.first else ())

    @property
    def weight(self) -> float:
        """This process's share of a batch over the mean share of all."""
        size, batch = self.dist.size, self.training.batch
        return len(range(self.dist.rank, batch, size)) * size / batch

    def build(self) -> None:
        """The model with its first weights, the average and the optimisers."""
        with Seeded(step_seed(self.training.seed, 0, salt="weights")):
            model = families.build(self.config.family, self.config.model, self.config.image_shape)
            self.model = placed(model, self.device).train()
        recompute_in_backward(self.model, self.training.checkpointing)
        self._average()

    def _average(self) -> None:
        self.ema = Ema(self.model, self.training.ema)
        self.optimisers = Optimisers(self.model, self.training, self.device, self.dist)

    def start(self) -> Position:
        """Where the run stands; a new one is prepared and saved first."""
        if self.dist.first:
            sweep(self.run / "checkpoints")
        at, problems = self.newest()
        if at is None:
            self._prepare()
            at = Position(0)
            self.save(at)
            self._list_skipped()
        for problem in problems:
            self.recorder.notice(at.step, "warning", problem)
        return at

    def newest(self) -> tuple[Position | None, list[str]]:
        """Restores the newest checkpoint that rank 0 can read, on all ranks, with what is wrong with newer ones."""
        folder, problems = newest_snapshot(self.run) if self.dist.first else (None, [])
        step = self.dist.from_first(-1 if folder is None else int(folder.name.removeprefix("step_")))
        if step < 0:
            return None, problems
        folder = self.run / "checkpoints" / f"step_{step:06d}"
        at = load_snapshot(folder, model=self.model, average=self.ema.model, optimisers=self.optimisers)
        return at, problems

    def _prepare(self) -> None:
        if self.dist.first:
            rows = np.sort(np.random.default_rng(self.training.seed).permutation(self.rows)[:PREPARE_IMAGES])
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(step_seed(self.training.seed, 0, salt="prepare"))
                self.model.prepare(to_images(self.data.images[rows], self.device))
            self.beat()
        self.dist.wait()
        self.dist.copy_first(self.model)
        self._average()

    def finite(self) -> bool:
        """Whether every weight is, in all processes."""
        good = all(bool(torch.isfinite(v).all()) for v in self.model.state_dict().values() if v.is_floating_point())
        return not self.dist.any(not good)

    def save(self, at: Position) -> None:
        """Publishes a checkpoint; the others wait for it.

        Raises:
            RunError: the disk does not take it.
        """
        if self.dist.first:
            header = ModelHeader(
                family=self.config.family,
                config=self.config.model,
                image_shape=self.config.image_shape,
                title=self.config.title or self.run.name,
                step=at.step,
            )
            self.beat()
            folder = save_snapshot(
                self.run,
                at,
                model=self.model,
                average=self.ema.model,
                optimisers=self.optimisers,
                header=header,
                keep=self.training.keep,
            )
            self.recorder.saved(at.step, folder)
            self.hooks.save(self.context(at.step, checkpoint=folder))
        self.dist.wait()

    def beat(self) -> None:
        """Shows others that this run has a writer.

        Raises:
            RunError: the run has another writer now.
        """
        if self.lock is not None:
            self.lock.beat()

    def close(self) -> None:
        """Closes the hooks, which may still tell something, and then the files."""
        self.hooks.close()
        self.recorder.close()

    def context(self, step: int, **more: Any) -> StepContext:
        return StepContext(step, self.training.steps, self.model, self.ema.model, self.optimisers, **more)

    def _list_skipped(self) -> None:
        skipped = self.data.skipped
        if not skipped:
            return
        some = ", ".join(skipped[:3]) + (", ..." if len(skipped) > 3 else "")
        self.recorder.notice(
            0,
            "warning",
            f"{len(skipped)} of {len(skipped) + len(self.data.names)} pictures could not be read "
            f"and are left out ({some}): log.txt in the run lists them.",
        )
        self.recorder.log_lines(*(f"left out: {name}" for name in skipped))


def check_batch(data: DataSet, training: TrainConfig, *, processes: int = 1) -> None:
    """A batch never holds an image twice, so that its statistics are those of the data; each process has some of it.

    Raises:
        UsageError: the data set has fewer training images than a batch, or a batch fewer than processes.
    """
    count = len(data.indices(Split.TRAIN))
    if count < training.batch:
        raise UsageError(
            f"batch must be at most the {count} training images of {data.name}, got {training.batch}: "
            "choose a smaller batch or add images."
        )
    if processes > 1 and training.batch < 2 * processes:
        raise UsageError(
            f"batch must be at least two images for each of the {processes} processes, got {training.batch}: "
            "choose a larger batch or fewer processes."
        )
