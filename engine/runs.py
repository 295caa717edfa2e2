"""A run is a directory: what is in it, how it is created, and the one reader for live and old runs."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil
from numpy.typing import NDArray
from PIL import Image

from engine.checkpoints.atomic import write_json
from engine.errors import RunError

SCHEMA: Final = 1
STALE_SECONDS: Final = 30.0
MAX_LINE_BYTES: Final = 2**20


@dataclass(frozen=True)
class RunConfig:
    """All that is needed to start or resume a run."""

    family: str
    model: Mapping[str, Any]
    training: Mapping[str, Any]
    data: str
    labels: str | None
    fingerprint: str
    image_shape: tuple[int, int, int]
    title: str = ""


@dataclass(frozen=True)
class RunStatus:
    """`state`: preparing, running, paused, stopped, done, failed; `alive` says whether a process still writes."""

    state: str
    step: int
    steps: int
    alive: bool
    message: str = ""


@dataclass(frozen=True)
class MetricsRow:
    step: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class RunInfo:
    """A run as the library lists it."""

    path: Path
    name: str
    config: RunConfig
    status: RunStatus
    modified: float


def new_run_path(folder: Path, family: str, data_name: str) -> Path:
    """The next free `00012-flow-faces64` in `folder`."""
    taken = [int(m.group(1)) for p in folder.glob("*") if (m := re.match(r"(\d{5})-", p.name))]
    words = re.sub(r"[^A-Za-z0-9_.]+", "-", data_name).strip("-.") or "data"
    return folder / f"{max(taken, default=-1) + 1:05d}-{family}-{words[:40]}"


def create(path: Path, config: RunConfig) -> None:
    """Makes the directory and writes its config.

    Raises:
        RunError: there is already a run, or the place cannot be written.
    """
    try:
        if (path / "config.json").exists():
            raise RunError(f"{path} already holds a run: resume it (--resume), or choose another directory.")
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise RunError(f"{path} already exists and is no run: choose another directory.")
        for part in ("checkpoints", "previews"):
            (path / part).mkdir(parents=True, exist_ok=True)
        values = {"schema": SCHEMA, **config.__dict__, "image_shape": list(config.image_shape)}
        write_json(path / "config.json", values)
    except OSError as error:
        raise RunError(
            f"The run directory {path} cannot be written ({error.strerror}): choose another place or free some space."
        ) from error


def read_config(path: Path) -> RunConfig:
    """The run's config.

    Raises:
        RunError: no run there, or its config is damaged.
    """
    try:
        values = json.loads((path / "config.json").read_text("utf-8"))
        if values.pop("schema") > SCHEMA:
            raise RunError(f"{path.name} was written by a newer Latent Loom: update this one.")
        values["image_shape"] = tuple(int(v) for v in values["image_shape"])
        return RunConfig(**values)
    except FileNotFoundError as error:
        raise RunError(
            f"{path} is no run (it has no config.json): choose a directory that training has written."
        ) from error
    except OSError as error:
        raise RunError(
            f"{path} cannot be read ({error.strerror}): check the disk and its permissions."
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise RunError(
            f"{path.name} has a damaged config.json ({error}): restore it or start a new run."
        ) from error


def save_config(path: Path, config: RunConfig) -> None:
    """Replaces the config: a resumed run may be given more steps.

    Raises:
        RunError: it cannot be written.
    """
    values = {"schema": SCHEMA, **config.__dict__, "image_shape": list(config.image_shape)}
    try:
        write_json(path / "config.json", values)
    except OSError as error:
        raise RunError(
            f"The run directory {path} cannot be written ({error.strerror}): check its permissions and the disk."
        ) from error


def write_status(path: Path, state: str, step: int, steps: int, message: str = "") -> None:
    write_json(
        path / "status.json",
        {
            "state": state,
            "step": step,
            "steps": steps,
            "message": message,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "heartbeat": time.time(),
        },
    )


def read_status(path: Path) -> RunStatus:
    """The run's status; one that says it runs but whose writer is gone reads as stopped."""
    try:
        values = json.loads((path / "status.json").read_text("utf-8"))
        state, step, steps = str(values["state"]), int(values["step"]), int(values["steps"])
        active = state in ("preparing", "running", "paused")
        alive = active and time.time() - float(values["heartbeat"]) < STALE_SECONDS
        if alive and values["host"] == socket.gethostname():
            alive = psutil.pid_exists(int(values["pid"]))
        return RunStatus(
            "stopped" if active and not alive else state, step, steps, alive, str(values["message"])
        )
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return RunStatus("stopped", 0, 0, False)


def append_metrics(path: Path, step: int, values: Mapping[str, float]) -> None:
    """One line more in metrics.jsonl; a number that is not finite becomes null, as JSON wants."""
    clean = {k: v if np.isfinite(v) else None for k, v in values.items()}
    with (path / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"step": step, **clean}) + "\n")


def read_metrics(path: Path, offset: int = 0) -> tuple[list[MetricsRow], int]:
    """(rows after byte `offset`, the next offset). A torn last line is left for the next call; junk is passed over.

    After a resume from an earlier step the newest row of a step counts, so older rows at or past it are dropped.
    """
    rows: list[MetricsRow] = []
    try:
        with (path / "metrics.jsonl").open("rb") as file:
            file.seek(offset)
            while line := file.readline(MAX_LINE_BYTES):
                whole = line
                # A line longer than any of ours is junk; it is passed over without being held in memory.
                while line and not line.endswith(b"\n"):
                    line = file.readline(MAX_LINE_BYTES)
                if not line:
                    break
                offset = file.tell()
                row = _row(whole)
                if row is None:
                    continue
                while rows and rows[-1].step >= row.step and "heldout" not in "".join(row.values):
                    rows.pop()
                rows.append(row)
    except OSError:
        return rows, offset
    return rows, offset


def _row(line: bytes) -> MetricsRow | None:
    try:
        values = json.loads(line)
        step = int(values.pop("step"))
        return MetricsRow(step, {k: float(v) for k, v in values.items() if isinstance(v, int | float)})
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def list_runs(folder: Path) -> list[RunInfo]:
    """All readable runs in `folder`, newest first."""
    found = []
    for path in folder.glob("*") if folder.is_dir() else ():
        try:
            config = read_config(path)
            found.append(RunInfo(path, path.name, config, read_status(path), _modified(path)))
        except RunError:
            continue
    return sorted(found, key=lambda run: run.modified, reverse=True)


def _modified(path: Path) -> float:
    status = path / "status.json"
    return (status if status.exists() else path).stat().st_mtime


def previews(path: Path) -> list[tuple[int, Path]]:
    """(step, picture) of the run's sample grids, oldest first."""
    files = (path / "previews").glob("*.webp")
    return sorted((int(p.stem), p) for p in files if p.stem.isdigit())


def read_preview(file: Path, image_size: int) -> NDArray[np.uint8]:
    """The samples (N, S, S, 3) of a preview sheet.

    Raises:
        RunError: the file is damaged.
    """
    try:
        with Image.open(file, formats=("WEBP",)) as image:
            rgb = np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        raise RunError(f"The preview {file.name} is damaged: it is left out.") from error
    rows, columns = rgb.shape[0] // image_size, rgb.shape[1] // image_size
    cut = rgb[: rows * image_size, : columns * image_size]
    tiles = cut.reshape(rows, image_size, columns, image_size, 3).swapaxes(1, 2)
    return np.ascontiguousarray(tiles.reshape(rows * columns, image_size, image_size, 3))


def control_file(path: Path, name: str) -> bool:
    """Whether somebody asks for STOP or PAUSE by a file in the run."""
    return (path / name).exists()
