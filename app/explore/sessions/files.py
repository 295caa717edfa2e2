"""Where sessions are kept by themselves: one file for each open window, and the one of last time.

A window writes `autosave-PID-BORN.loom` while it works and renames it to `last.loom` when it closes. A file whose
process is gone is what a crash left behind. While a session is being put back the name `restoring` lies beside it:
if that is still there at the next start, the session itself may be what crashed, and it is set aside instead.
"""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.checkpoints import SESSION_SUFFIX, forget_photos
from engine.files.disk import reason, sweep

LAST: Final = f"last{SESSION_SUFFIX}"
PREVIOUS: Final = f"previous{SESSION_SUFFIX}"
RECOVERED: Final = f"recovered{SESSION_SUFFIX}"
SET_ASIDE: Final = f"set-aside{SESSION_SUFFIX}"
MARK: Final = "restoring"
AUTOSAVE: Final = "autosave"
FORGOTTEN_S: Final = 86_400.0
"""Another window may be about to name a photo's file that is younger."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LastSession:
    """What to put back: a file or None, whether the window crashed, and a sentence when something was set aside."""

    file: Path | None
    crashed: bool = False
    minutes_ago: float = 0.0
    problem: str = ""


def own_file(folder: Path) -> Path:
    """The autosave of this process."""
    return folder / f"{AUTOSAVE}-{os.getpid()}-{_born(os.getpid())}{SESSION_SUFFIX}"


def last_time(folder: Path) -> LastSession:
    """What a window that starts now should put back. Renames what a crash left to `recovered.loom`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        forget_photos(folder, older_s=FORGOTTEN_S)
        left = sorted(
            (f for f in folder.glob(f"{AUTOSAVE}-*{SESSION_SUFFIX}") if not _alive(f)), key=lambda f: f.stat().st_mtime
        )
        crashed = bool(left)
        if left:
            left[-1].replace(folder / RECOVERED)
            for older in left[:-1]:
                older.unlink()
        mark = folder / MARK
        if mark.exists():
            # Another window may start at the same moment and take it away.
            mark.unlink(missing_ok=True)
            return _set_aside(folder, RECOVERED if (folder / RECOVERED).exists() else LAST)
        file = folder / (RECOVERED if crashed else LAST)
        if not file.is_file():
            return LastSession(None)
        return LastSession(file, crashed, (time.time() - file.stat().st_mtime) / 60)
    except OSError as error:
        log.warning("sessions: %s", error)
        return LastSession(None, problem=f"Nothing can be kept in {folder} ({reason(error)}): save sessions elsewhere.")


def _set_aside(folder: Path, name: str) -> LastSession:
    if not (folder / name).exists():
        return LastSession(None)
    (folder / name).replace(folder / SET_ASIDE)
    return LastSession(
        None,
        problem=f"The window stopped while it put the last session back, so it starts afresh; "
        f"the session is kept as {folder / SET_ASIDE}.",
    )


def begin_restoring(folder: Path) -> None:
    """Says that a session is about to be put back."""
    (folder / MARK).touch()


def restored(folder: Path) -> None:
    """Says that it went well."""
    (folder / MARK).unlink(missing_ok=True)


def closed_well(folder: Path) -> None:
    """The autosave of this process becomes the session of last time."""
    own = own_file(folder)
    try:
        if own.is_file():
            own.replace(folder / LAST)
            (folder / RECOVERED).unlink(missing_ok=True)
    except OSError as error:
        log.warning("sessions: %s", error)


def _alive(file: Path) -> bool:
    parts = file.name.removesuffix(SESSION_SUFFIX).split("-")
    if len(parts) != 3 or not (parts[1].isdigit() and parts[2].isdigit()):
        return False
    return _born(int(parts[1])) == int(parts[2])


def _born(process: int) -> int:
    """When a process started, in seconds; 0 if there is none. Process ids are used again, start times are not."""
    import psutil

    try:
        return int(psutil.Process(process).create_time())
    except psutil.Error:
        return 0
