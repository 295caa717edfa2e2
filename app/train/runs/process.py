"""Training in a process of its own: the same command as on a terminal, which outlives the window."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

from engine import runs
from engine.errors import RunError
from engine.files.disk import told_as

Process = subprocess.Popen[bytes]
LOG: Final = "process.log"
LOG_BYTES: Final = 2**22
TAIL_BYTES: Final = 2**14
NICENESS: Final = 10
_DROPPED: Final = ("QT_", "PYTEST_", "TORCHELASTIC_", "XDG_ACTIVATION", "DESKTOP_STARTUP")
_DROPPED_NAMES: Final = frozenset(
    "RANK LOCAL_RANK GROUP_RANK ROLE_RANK WORLD_SIZE LOCAL_WORLD_SIZE MASTER_ADDR MASTER_PORT "
    "PYTHONSTARTUP PYTHONINSPECT PYTHONSAFEPATH".split()
)
"""The window's own, and those that would make the process think it is one of several."""


def train_command(run: Path, device: str = "auto") -> list[str]:
    """What a person would type to go on with `run`."""
    chosen = [] if device == "auto" else ["--device", device]
    return [sys.executable, "-m", "engine.cli", "train", "--run", os.path.abspath(run), "--resume", *chosen]


def environment() -> dict[str, str]:
    """The window's environment without what belongs to the window alone."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_DROPPED) and k not in _DROPPED_NAMES}
    return kept | {"PYTHONUNBUFFERED": "1"}


def threads() -> dict[str, str]:
    """All cores but one, which the window draws with: where one core is taken, OpenMP's other threads wait for it."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {"OMP_NUM_THREADS": str(max(1, cores - 1))}


def spawn(run: Path, device: str = "auto") -> Process:
    """Starts training `run` in a session of its own, behind everything else, its words in the run's `process.log`.

    Raises:
        RunError: something trains it already, or the process cannot be started.
    """
    status = runs.read_status(run)
    if status.alive:
        raise RunError(f"{run.name} is being trained already: choose it under Runs to watch it.")
    steps = int(runs.read_config(run).training.get("steps", status.steps) or 0)
    log = run / LOG
    with told_as(RunError, f"{run.name} could not be started in its own process", "train it in this window."):
        for left in ("PAUSE", "STOP"):
            runs.ask_run(run, left, False)
        fresh = not log.is_file() or log.stat().st_size > LOG_BYTES
        with log.open("wb" if fresh else "ab") as words:
            process = subprocess.Popen(
                train_command(run, device),
                # From here `-m engine.cli` is found in a clone as well as where it is installed.
                cwd=Path(runs.__file__).resolve().parents[2],
                env=threads() | environment(),
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=subprocess.STDOUT,
                close_fds=True,
                start_new_session=True,
            )
    import psutil

    try:
        # Later threads of the process inherit it; it has only one yet.
        psutil.Process(process.pid).nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if os.name == "nt" else NICENESS)
        runs.write_status(run, "preparing", status.step, steps, "starting", pid=process.pid)
    except (psutil.Error, OSError):
        pass  # Without the lower priority it trains all the same; its own status comes in a moment.
    return process


def forget(process: Process) -> None:
    """Lets go of a process that outlives this one: Popen would warn of it at the end."""
    if process.poll() is None:
        process.returncode = 0


def last_line(log: Path) -> str:
    """The last line of a log that says something, at most 200 characters; empty where there is none."""
    try:
        if not log.is_file():
            return ""
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL_BYTES))
            text = file.read(TAIL_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [" ".join("".join(c if c.isprintable() else " " for c in line).split()) for line in text.splitlines()]
    return next((line[:200] for line in reversed(lines) if line), "")


def ending(run: Path, title: str, code: int) -> tuple[str, str]:
    """(info or error, a sentence) about a process of `run` that ended with exit status `code`."""
    status = runs.read_status(run)
    at = f" at step {status.step:,}" if status.step else ""
    if status.state == "done":
        return "info", f"{title} is done{at}: choose it under Runs in Explore to try it."
    if status.state == "failed":
        return "error", f"{title} failed{at}: {status.message or last_line(run / LOG)}"
    if code == 0 or (status.state == "stopped" and not status.lost):
        return "info", f"{title} stopped{at}; its checkpoint is saved and it can be resumed."
    said = last_line(run / LOG)
    log = f"; its log ends with “{said}”" if said else ""
    kept = "its newest checkpoint is kept" if any((run / "checkpoints").glob("step_*")) else "it has no checkpoint yet"
    return "error", f"The process of {title} {_how(code)}{at}{log}; {kept}, and it can be resumed."


def _how(code: int) -> str:
    if code >= 0:
        return f"ended with exit status {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
