"""Keeps a stage of the Lab as a run directory, from which training goes on."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Final

from engine.checkpoints.model_file import ModelHeader
from engine.errors import RunError
from engine.families import family
from engine.files.disk import told_as, write_bytes, write_json
from engine.knobs import from_json, to_json
from engine.lab.kept import PREFIX, fingerprint
from engine.lab.stage import Stage
from engine.lab.written import written
from engine.runs import directory as runs
from engine.training.config import TrainConfig
from engine.training.snapshot import Position, save_snapshot

FILE: Final = "lab.json"
"""Beside the config: the line from which the Lab makes the stage again."""
MESSAGE: Final = "Kept from the Lab, which draws fresh points at each step: here it goes on with a fixed set of them."
Rows = Sequence[tuple[int, Mapping[str, float]]]


def keep_stage(folder: Path, stage: Stage, *, title: str, rows: Rows) -> Path:
    """A new run in `folder` with the stage as it is: weights, averaged weights, moments, and `rows` (step, numbers) as
    its curves.

    Raises:
        RunError: the disk does not take it; nothing is left then.
    """
    setup = stage.setup
    shared = {one.name for one in fields(TrainConfig)}
    training = {name: value for name, value in asdict(setup.training).items() if name in shared}
    config = runs.RunConfig(
        family=setup.family,
        model=to_json(from_json(family(setup.family).config, setup.knobs)),
        training=to_json(from_json(TrainConfig, {**training, "flip": False, "warmup": 0})),
        data=f"{PREFIX}{setup.truth}",
        labels=None,
        fingerprint=fingerprint(stage.truth),
        image_shape=stage.model.spec.image_shape,
        title=title,
    )
    header = ModelHeader(config.family, config.model, config.image_shape, title=title, step=stage.step)
    with told_as(RunError, f"The runs in {folder} cannot be written", "choose another place or free some space."):
        folder.mkdir(parents=True, exist_ok=True)
        run = runs.new_run_path(folder, config.family, stage.truth.title)
        try:
            runs.create(run, config)
            write_bytes(run / "metrics.jsonl", "".join(map(_line, rows)).encode())
            save_snapshot(
                run,
                Position(stage.step),
                model=stage.model,
                average=stage.shown,
                optimisers=stage.steps,
                header=header,
                keep=1,
            )
            write_json(run / FILE, {"setup": written(setup)})
            state = "done" if stage.step >= setup.training.steps else "stopped"
            runs.write_status(run, state, stage.step, setup.training.steps, MESSAGE)
        except BaseException:
            shutil.rmtree(run, ignore_errors=True)
            raise
    return run


def _line(row: tuple[int, Mapping[str, float]]) -> str:
    step, values = row
    return json.dumps({"step": step, **{k: v if math.isfinite(v) else None for k, v in values.items()}}) + "\n"
