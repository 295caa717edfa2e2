"""A run is a directory: what is in it, how it is created, and the one reader for live and old runs."""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.errors import RunError
from engine.files.disk import MALFORMED, NotPlain, read_json, reason, told_as, write_json
from engine.runs.heartbeat import Heartbeats, fresh
from engine.runs.line_files import whole_lines

SCHEMA: Final = 1
STALE_SECONDS: Final = 30.0
SILENT_SECONDS: Final = 600.0
"""How long a writer here that is still the same process may work without a heartbeat: a step can be slow."""
MAX_PREVIEW_PIXELS: Final = 2**26
ACTIVE: Final = ("preparing", "running", "paused")


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
    group: str = ""
    origin: Mapping[str, Any] = field(default_factory=dict)
    """Where a run began that continues another one: `run` (its name), `path`, `step`; empty for all others."""


@dataclass(frozen=True)
class RunStatus:
    """`state`: preparing, running, paused, stopped, done, failed; `alive` says whether a process still writes.

    `fraction` 0..1 is how far preparing is, None where nobody knows; `here`: its writer is or was on this machine;
    `lost`: its writer went without saying so.
    """

    state: str
    step: int
    steps: int
    alive: bool
    message: str = ""
    fraction: float | None = field(default=None, compare=False)
    here: bool = field(default=True, compare=False)
    lost: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class MetricsRow:
    """`time` is when the row was written, in seconds since 1970; None in runs of older versions."""

    step: int
    values: Mapping[str, float]
    time: float | None = None


@dataclass(frozen=True)
class RunInfo:
    """A run as the library lists it."""

    path: Path
    name: str
    config: RunConfig
    status: RunStatus
    modified: float

    @property
    def title(self) -> str:
        """The title that was given, or the folder's name."""
        return self.config.title or self.name


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
    with told_as(RunError, f"The run directory {path} cannot be written", "choose another place or free some space."):
        if (path / "config.json").exists():
            raise RunError(f"{path} already holds a run: resume it (--resume), or choose another directory.")
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise RunError(f"{path} already exists and is no run: choose another directory.")
        for part in ("checkpoints", "previews"):
            (path / part).mkdir(parents=True, exist_ok=True)
        values = {"schema": SCHEMA, **config.__dict__, "image_shape": list(config.image_shape)}
        write_json(path / "config.json", values)


def read_config(path: Path) -> RunConfig:
    """The run's config.

    Raises:
        RunError: no run there, or its config is damaged.
    """
    try:
        values = read_json(path / "config.json")
        if values.pop("schema") > SCHEMA:
            raise RunError(f"{path.name} was written by a newer Latent Loom: update this one.")
        values["image_shape"] = tuple(int(v) for v in values["image_shape"])
        return _checked(RunConfig(**values))
    except FileNotFoundError as error:
        raise RunError(
            f"{path} is no run (it has no config.json): choose a directory that training has written."
        ) from error
    except (NotPlain, *MALFORMED) as error:
        raise RunError(
            f"{path.name} has a damaged config.json ({reason(error)}): restore it or start a new run."
        ) from error
    except OSError as error:
        raise RunError(f"{path} cannot be read ({reason(error)}): check the disk and its permissions.") from error


def _checked(config: RunConfig) -> RunConfig:
    """The config if each part is of its kind: a list where the window expects a title would stop the window."""
    texts = (config.family, config.data, config.fingerprint, config.title, config.group)
    parts = (config.model, config.training, config.origin)
    if not all(isinstance(text, str) for text in texts) or not isinstance(config.labels, str | None):
        raise ValueError("a text is no text")
    if not all(isinstance(part, dict) and all(isinstance(key, str) for key in part) for part in parts):
        raise ValueError("knobs are no table")
    if len(config.image_shape) != 3 or not all(0 < side <= 4096 for side in config.image_shape):
        raise ValueError("its image size")
    return config


def save_config(path: Path, config: RunConfig) -> None:
    """Replaces the config: a resumed run may be given more steps.

    Raises:
        RunError: it cannot be written.
    """
    values = {"schema": SCHEMA, **config.__dict__, "image_shape": list(config.image_shape)}
    with told_as(RunError, f"The run directory {path} cannot be written", "check its permissions and the disk."):
        write_json(path / "config.json", values)


def write_status(
    path: Path,
    state: str,
    step: int,
    steps: int,
    message: str = "",
    *,
    fraction: float | None = None,
    pid: int | None = None,
) -> None:
    """Says how the run is, with this process's heartbeat (or that of `pid`, which it has just started).

    `fraction` 0..1 is for a preparing run.
    """
    import psutil

    write_json(
        path / "status.json",
        {
            "state": state,
            "step": step,
            "steps": steps,
            "message": message,
            "fraction": fraction,
            "pid": pid or os.getpid(),
            "started": psutil.Process(pid).create_time(),
            "host": socket.gethostname(),
            "heartbeat": time.time(),
        },
    )


def read_status(path: Path, heartbeats: Heartbeats | None = None) -> RunStatus:
    """The run's status; one that says it runs but whose writer is gone reads as stopped.

    With `heartbeats` a writer on another machine is judged by whether its heartbeat moves between two readings, so that
    its clock may be wrong; without, by its clock or the file's.
    """
    file = path / "status.json"
    try:
        values = read_json(file)
        state, step, steps = str(values["state"]), int(values["step"]), int(values["steps"])
        heartbeat, here = float(values["heartbeat"]), values["host"] == socket.gethostname()
        active = state in ACTIVE
        if not active:
            alive = False
        elif here:
            alive = _writes(int(values["pid"]), values.get("started"), time.time() - heartbeat)
        elif heartbeats is None:
            alive = fresh(heartbeat, file.stat().st_mtime, STALE_SECONDS)
        else:
            alive = heartbeats.beats(path, heartbeat, file.stat().st_mtime, stale_seconds=STALE_SECONDS)
        fraction = values.get("fraction")
        return RunStatus(
            "stopped" if active and not alive else state,
            step,
            steps,
            alive,
            str(values["message"]),
            fraction=min(1.0, max(0.0, float(fraction))) if isinstance(fraction, int | float) else None,
            here=here,
            lost=active and not alive,
        )
    except (OSError, *MALFORMED):
        return RunStatus("stopped", 0, 0, False)


def _writes(pid: int, started: object, silent_seconds: float) -> bool:
    """Whether process `pid` of this machine is still the one that wrote `silent_seconds` ago."""
    # Here and not above: the window knows runs from its first moment on, and asks for their processes later.
    import psutil

    if silent_seconds >= SILENT_SECONDS or not psutil.pid_exists(pid):
        return False
    if pid == os.getpid():
        return silent_seconds < STALE_SECONDS  # This process lives; whether its training does, its heartbeat tells.
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        # A number may be given to another process after the first has ended; its start tells them apart.
        same = isinstance(started, int | float) and abs(process.create_time() - started) < 2
    except psutil.Error:
        return False
    return same or silent_seconds < STALE_SECONDS


def append_metrics(path: Path, step: int, values: Mapping[str, float]) -> tuple[float, int, int]:
    """One line more in metrics.jsonl; a number that is not finite becomes null, as JSON wants.

    Gives the line's time in seconds since 1970, and where it begins and ends in the file, in bytes.

    Raises:
        OSError: the run cannot be written.
    """
    clean = {k: v if np.isfinite(v) else None for k, v in values.items()}
    when = round(time.time(), 2)
    line = (json.dumps({"step": step, "time": when, **clean}) + "\n").encode()
    with (path / "metrics.jsonl").open("ab") as file:
        file.write(line)
        end = file.tell()
    return when, end - len(line), end


def read_metrics(path: Path, offset: int = 0, *, most: int | None = None) -> tuple[list[MetricsRow], int]:
    """(at most `most` rows after byte `offset`, the next offset).

    A torn last line is left for the next call; what is malformed is skipped.
    After a resume from an earlier step the newest row of a step counts, so older rows at or past it are dropped.
    """
    rows: list[MetricsRow] = []
    for line, end in whole_lines(path / "metrics.jsonl", offset):
        offset = end
        row = _row(line)
        if row is None:
            continue
        # A step's row of means and its row of held-out figures stand beside each other: they share no name.
        while rows and (rows[-1].step > row.step or (rows[-1].step == row.step and _share(rows[-1], row))):
            rows.pop()
        rows.append(row)
        if most is not None and len(rows) >= most:
            break
    return rows, offset


def _share(one: MetricsRow, other: MetricsRow) -> bool:
    return not one.values.keys().isdisjoint(other.values)


def _row(line: bytes) -> MetricsRow | None:
    try:
        values = json.loads(line)
        step = int(values.pop("step"))
        when = values.pop("time", None)
        seconds = float(when) if isinstance(when, int | float) else None
        return MetricsRow(step, {k: float(v) for k, v in values.items() if isinstance(v, int | float)}, seconds)
    except MALFORMED:
        return None


def previews(path: Path) -> list[tuple[int, Path]]:
    """(step, picture) of the run's sample grids, oldest first."""
    files = (path / "previews").glob("*.webp")
    return sorted((int(p.stem), p) for p in files if p.stem.isdecimal())


def read_preview(file: Path, image_size: int) -> NDArray[np.uint8]:
    """The samples (N, S, S, 3) of a preview sheet.

    Raises:
        RunError: the file is damaged.
    """
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise ValueError("no regular file")
        with Image.open(file, formats=("WEBP",)) as image:
            if image.width * image.height > MAX_PREVIEW_PIXELS:
                raise ValueError("too large for a preview")
            rgb = np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise RunError(f"The preview {file.name} is damaged: it is left out.") from error
    rows, columns = rgb.shape[0] // image_size, rgb.shape[1] // image_size
    cut = rgb[: rows * image_size, : columns * image_size]
    tiles = cut.reshape(rows, image_size, columns, image_size, 3).swapaxes(1, 2)
    return np.ascontiguousarray(tiles.reshape(rows * columns, image_size, image_size, 3))


def control_file(path: Path, name: str) -> bool:
    """Whether somebody asks for STOP or PAUSE by a file in the run."""
    return (path / name).exists()


def ask(path: Path, name: str, on: bool = True) -> None:
    """Asks a run for STOP or PAUSE by a file in it, as any host understands it, or takes that back."""
    if on:
        (path / name).touch()
    else:
        (path / name).unlink(missing_ok=True)
