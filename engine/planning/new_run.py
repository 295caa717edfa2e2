"""Making a run: everything is checked, and what it needs is there, before anything trains."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path

from engine.api import TrainRequest
from engine.data import open_dataset
from engine.errors import DataError, UsageError, UserError
from engine.families import FAMILIES, build, family
from engine.knobs import from_json, to_json
from engine.planning import cost
from engine.progress import SILENT, Progress
from engine.runs import directory as runs
from engine.runs import library as run_library
from engine.runs.line_files import NoticeRow, append_notice
from engine.training.config import TrainConfig
from engine.training.growing import find_trained, grown_knobs, save_grown
from engine.training.job import check_batch
from engine.training.start import check_start


def new_run(
    runs_folder: Path, request: TrainRequest, *, kind: str, read_data: bool = True, progress: Progress = SILENT
) -> Path:
    """Makes a run's directory, in `runs_folder` unless the request names one, for a device of this `kind`; see
    `Session.new_run`, which says what it raises."""
    row = family(request.family)
    if row.name not in FAMILIES:
        raise UsageError(f"{row.title} can be explored but not trained: choose one of {', '.join(FAMILIES)}.")
    if not row.sizes:
        raise UsageError(f"{row.title} learns points and no pictures: choose a family of pictures.")
    if request.size not in row.sizes:
        wanted = ", ".join(map(str, row.sizes))
        raise UsageError(f"{row.title} takes images of {wanted} pixels, got {request.size}: choose one of these.")
    training = from_json(TrainConfig, {**row.training, **request.training})
    start = None if request.checkpoint is None else find_trained(request.checkpoint)
    grows = start is not None and start.grows_for(request)
    if start is not None and grows:
        request = replace(request, model=grown_knobs(start, request, steps=training.steps))
    config: object = from_json(row.config, request.model)
    shape = (request.channels, request.size, request.size)
    training, said = cost.fitted(request, training, kind, progress)
    build(request.family, to_json(config), shape)
    if start is not None and start.checkpoint is not None and not grows:
        check_start(start.checkpoint, request.family, config=config, shape=shape, steps=training.steps)
    fingerprint = ""
    if read_data:
        data = open_dataset(
            request.data,
            labels=request.labels,
            group=request.group,
            size=request.size,
            channels=request.channels,
            progress=progress,
        )
        check_batch(data, training)
        fingerprint = data.fingerprint
    elif not Path(request.data).expanduser().exists():
        raise DataError(f"{request.data} is not there: choose a folder or file of images.")
    named = Path(request.data).expanduser().stem
    folder = request.folder or runs.new_run_path(runs_folder, request.family, named)
    runs.create(
        folder,
        runs.RunConfig(
            family=request.family,
            model=to_json(config),
            training=to_json(training),
            data=str(Path(request.data).expanduser().resolve()),
            labels=str(Path(request.labels).expanduser().resolve()) if request.labels else None,
            fingerprint=fingerprint,
            image_shape=shape,
            title=request.title,
            group=request.group,
            origin=start.origin() if start is not None else {},
        ),
    )
    if start is not None:
        try:
            if grows:
                save_grown(folder, start)
            elif start.checkpoint is not None:
                run_library.copy_checkpoint(start.checkpoint, folder)
        except UserError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    if said:
        append_notice(folder, NoticeRow(time.time(), 0, "info", said, "memory", {}, "", ""))
    return folder
