"""One writer a run: a lock file that only one process can make, with a heartbeat, taken over from a dead process."""

from __future__ import annotations

import json
import logging
import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from engine.errors import Cancelled, RunError
from engine.files.disk import MALFORMED, read_json, told_as
from engine.runs import directory as runs

BEAT_SECONDS: Final = 5.0
SILENT_SECONDS: Final = 120.0
"""A writer on another machine that has not beaten for so long is taken for dead; one on this machine is looked for."""

log = logging.getLogger(__name__)


@dataclass
class Lock:
    """The lock that this process holds on a run."""

    run: Path
    token: str
    _last: float = 0.0

    @property
    def file(self) -> Path:
        return self.run / "lock"

    def beat(self) -> None:
        """Shows that the writer lives; called from the loop, it does something every few seconds.

        Raises:
            RunError: another process has taken the run over, for instance while this machine slept.
        """
        now = time.monotonic()
        if now - self._last < BEAT_SECONDS:
            return
        self._last = now
        if not self.held():
            raise RunError(
                f"{self.run.name} has been taken over by another process, so this one stops without writing: "
                "go on with that one."
            )
        with suppress(OSError):
            os.utime(self.file)

    def held(self) -> bool:
        """Whether the lock file is still this process's; one that somebody has removed is made again."""
        owner = _read(self.file)
        return owner.token == self.token if owner is not None else _make(self.file, self.token)


@dataclass(frozen=True)
class _Owner:
    """Who holds a lock, as its file says; of an unreadable one only when it last beat (seconds since 1970)."""

    token: str
    beat: float
    pid: int | None = None
    started: float | None = None
    host: str = ""


@contextmanager
def exclusive(run: Path) -> Iterator[Lock]:
    """Holds the run's lock; a failure inside is written down as the run's state.

    Raises:
        RunError: another process trains the run, or its directory cannot be written.
    """
    lock = Lock(run, uuid.uuid4().hex)
    with told_as(RunError, f"The run directory {run} cannot be written", "choose another place."):
        if not (_make(lock.file, lock.token) or _take_over(lock)):
            raise RunError(f"{run.name} is being trained by another process: stop that one first.")
    try:
        yield lock
    except Cancelled:
        raise
    except BaseException as error:
        owner = _read(lock.file)
        if owner is None or owner.token == lock.token:
            status = runs.read_status(run)
            try:
                runs.write_status(run, "failed", status.step, status.steps, str(error))
            except OSError:
                log.exception("the run's status could not be written")
        raise
    finally:
        owner = _read(lock.file)
        if owner is not None and owner.token == lock.token:
            lock.file.unlink(missing_ok=True)


def _make(file: Path, token: str) -> bool:
    """Makes the lock file with this process in it; False where there is one already.

    It is filled before it gets its name, so that no one ever reads half of it; a link, unlike a rename, never replaces.
    """
    owner = {
        "token": token,
        "pid": os.getpid(),
        "started": psutil.Process().create_time(),
        "host": socket.gethostname(),
    }
    draft = file.with_name(f".lock.{token}.tmp")
    try:
        draft.write_text(json.dumps(owner), "utf-8")
        try:
            os.link(draft, file)
        except FileExistsError:
            return False
        except OSError:
            # A disk without links: exclusive creation is as good, but for the moment in which the file is empty.
            try:
                with file.open("x", encoding="utf-8") as made:
                    made.write(json.dumps(owner))
            except FileExistsError:
                return False
        return True
    finally:
        draft.unlink(missing_ok=True)


def _take_over(lock: Lock) -> bool:
    """Replaces the lock of a dead process. Only one process at a time may look and replace: the second would
    otherwise remove what the first has just made."""
    guard = lock.run / "lock.takeover"
    if not _make(guard, lock.token):
        owner = _read(guard)
        if owner is not None and _lives(owner, guard):
            return False
        # It died in the very act; whoever finds that tries once more at the next start.
        guard.unlink(missing_ok=True)
        if not _make(guard, lock.token):
            return False
    try:
        owner = _read(lock.file)
        if owner is not None and _lives(owner, lock.file):
            return False
        lock.file.unlink(missing_ok=True)
        return _make(lock.file, lock.token)
    finally:
        guard.unlink(missing_ok=True)


def _read(file: Path) -> _Owner | None:
    """The owner of a lock file; None where there is no file."""
    try:
        beat = file.stat().st_mtime
        values = read_json(file)
        if isinstance(values, int):
            # Earlier versions wrote their process number alone.
            return _Owner("", beat, pid=values, host=socket.gethostname())
        return _Owner(str(values["token"]), beat, int(values["pid"]), float(values["started"]), str(values["host"]))
    except FileNotFoundError:
        return None
    except (OSError, *MALFORMED):
        return _Owner("", _beat(file))


def _beat(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _lives(owner: _Owner, file: Path) -> bool:
    if owner.pid is not None and owner.host == socket.gethostname():
        try:
            process = psutil.Process(owner.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            # A number may be given to another process after the first has ended; its start tells them apart.
            return owner.started is None or abs(process.create_time() - owner.started) < 2
        except psutil.Error:
            return False
    return _now(file.parent) - owner.beat < SILENT_SECONDS


def _now(folder: Path) -> float:
    """The time by the clock that dates files there: on a mounted disk it may not be ours."""
    probe = folder / f".lock.{uuid.uuid4().hex}.tmp"
    try:
        probe.touch()
        return probe.stat().st_mtime
    except OSError:
        return time.time()
    finally:
        probe.unlink(missing_ok=True)
