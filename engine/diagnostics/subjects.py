"""Makes the subject of a diagnosis: a model with its training and held-out images, its labels and its run's history."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from engine.checkpoints.model_file import load_model
from engine.data import DataSet, Split
from engine.diagnostics.base import Subject
from engine.diagnostics.facts import WENT_BACK, History, Origin
from engine.errors import DataError, RunError
from engine.frozen import freeze_model
from engine.latent.encoder import CodeEncoder
from engine.latent.encoding import load_aids
from engine.models.base import LatentModel
from engine.runs import directory as runs
from engine.runs.checkpoints import newest_snapshot
from engine.runs.line_files import read_notices

MAX_BYTES: Final = 2**30
"""Of training images that a subject holds; of more, an even random part is taken, and the origin says so."""
QUICK_IMAGES: Final = 4096
MIN_IMAGES: Final = 4


def subject_of(
    model: LatentModel,
    data: DataSet,
    *,
    device: torch.device,
    origin: Origin,
    history: History | None = None,
    quick: bool = False,
    encoder: CodeEncoder | None = None,
) -> Subject:
    """A subject of a model that nobody else touches and a data set of its image size.

    Held out are the validation and the test images: training sees neither.

    Raises:
        DataError: too few images on one side, or images of another shape.
    """
    if data.image_shape != model.spec.image_shape:
        raise DataError(
            f"{data.name} was opened with images of shape {data.image_shape} and the model has "
            f"{model.spec.image_shape}: open it with the model's size and channels."
        )
    train = data.indices(Split.TRAIN)
    held = np.sort(np.concatenate([data.indices(Split.VALIDATION), data.indices(Split.TEST)]))
    if len(train) < MIN_IMAGES or len(held) < MIN_IMAGES:
        raise DataError(
            f"{data.name} has {len(train)} training and {len(held)} held-out images and a diagnosis needs at least "
            f"{MIN_IMAGES} of each: give a larger data set."
        )
    total = len(train)
    most = min(QUICK_IMAGES if quick else total, max(MIN_IMAGES, MAX_BYTES // data.images[0].nbytes))
    train, held = _part(train, most), _part(held, most)
    model = model.to(device).eval().requires_grad_(False)
    known = bool(data.attributes)
    return Subject(
        model=model,
        training=_rows(data, train),
        heldout=_rows(data, held),
        device=device,
        attributes=data.attributes,
        labels=data.labels[train] if known else None,
        heldout_labels=data.labels[held] if known else None,
        history=history or {},
        encoder=None if encoder is None else encoder.to(device).eval(),
        frozen=freeze_model(model),
        origin=Origin(**{**origin.__dict__, "data": data.name, "training_total": total}),
    )


def _part(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most so many of the rows, an even part of all, rising."""
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(0).permutation(rows)[:most])


def _rows(data: DataSet, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(data.images[rows])


def run_history(run: Path) -> History:
    """The curves of a run as name -> (steps, values), and its notices as `notice/KIND`."""
    found: dict[str, tuple[list[int], list[float]]] = {}
    for row in runs.read_metrics(run)[0]:
        for name, value in row.values.items():
            steps, values = found.setdefault(name, ([], []))
            steps.append(row.step)
            values.append(value)
    for notice in read_notices(run)[0]:
        for kind in (notice.kind, *((WENT_BACK,) if notice.action.startswith(WENT_BACK) else ())):
            steps, values = found.setdefault(f"notice/{kind}", ([], []))
            steps.append(notice.step)
            values.append(1.0)
    return found


def run_named(ref: str | Path, folder: Path) -> Path | None:
    """The directory that `ref` names, by its path or its name in `folder` of runs; None where it is no directory."""
    for path in (Path(ref), folder / ref):
        try:
            if path.expanduser().is_dir() and str(ref):
                return path.expanduser()
        except (OSError, RuntimeError, ValueError):
            continue  # Too long for a path, or the home folder of nobody: no directory either way.
    return None


def run_origin(run: Path, *, fingerprint: str, step: int, sha256: str) -> Origin:
    """The origin of a run's model at a step, beside the data set with this fingerprint."""
    config, status = runs.read_config(run), runs.read_status(run)
    steps = config.training.get("steps")
    return Origin(
        model_sha256=sha256,
        title=config.title or run.name,
        family=config.family,
        trained_on="yes" if fingerprint == config.fingerprint else "no",
        step=step,
        steps=int(steps) if isinstance(steps, int) else None,
        state=status.state,
        message=status.message,
    )


def run_subject(
    run: Path,
    data: Callable[[str, str | None, int, int], DataSet],
    *,
    device: torch.device,
    path: str | None = None,
    labels: str | None = None,
    quick: bool = False,
) -> Subject:
    """The averaged weights of a run's newest good checkpoint, with its own data or those at `path`.

    `data(path, labels, size, channels)` opens a data set.

    Raises:
        RunError: no run, or no checkpoint yet.
        DataError: the data cannot be used.
    """
    config = runs.read_config(run)
    folder, _ = newest_snapshot(run)
    if folder is None:
        raise RunError(f"{run.name} has no checkpoint yet: wait until training has saved one.")
    model, header, digest = load_model(folder / "model.safetensors")
    channels, size, _ = config.image_shape
    own = path is None
    opened = data(
        config.data if path is None else path, config.labels if own and labels is None else labels, size, channels
    )
    origin = run_origin(run, fingerprint=opened.fingerprint, step=header.step, sha256=digest)
    return subject_of(model, opened, device=device, origin=origin, history=run_history(run), quick=quick)


def file_subject(
    file: Path,
    data: Callable[[str, str | None, int, int], DataSet],
    *,
    device: torch.device,
    path: str,
    labels: str | None = None,
    quick: bool = False,
) -> Subject:
    """The model of a file with the data at `path`.

    Raises:
        CheckpointError, DataError: one of them cannot be used.
    """
    model, header, digest = load_model(file)
    channels, size, _ = header.image_shape
    opened = data(path, labels, size, channels)
    origin = Origin(
        model_sha256=digest,
        title=header.title or file.stem,
        family=header.family,
        trained_on="yes" if _card_names(header.card, opened) else "unknown",
        step=header.step or None,
    )
    encoder = load_aids(file, model, digest).encoder
    return subject_of(model, opened, device=device, origin=origin, quick=quick, encoder=encoder)


def _card_names(card: Mapping[str, Any], data: DataSet) -> bool:
    """Whether the model's card says that it learned from a set of this name and this number of training images."""
    return str(card.get("data", "")).startswith(f"{data.name}: {len(data.indices(Split.TRAIN))} training images")
