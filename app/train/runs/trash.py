"""The system's trash for run directories, and a folder of our own where there is none."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QFile

from engine import runs
from engine.errors import RunError
from engine.files.disk import told_as


def to_trash(run: Path) -> tuple[Path, bool]:
    """(where the run lies now, whether that is the system's trash).

    Raises:
        RunError: something still writes it, or it cannot be moved.
    """
    if not run.is_dir():
        raise RunError(f"{run.name} is gone already: the list is read again.")
    if runs.read_status(run).alive:
        raise RunError(f"{run.name} is still being trained: stop it first, then delete it.")
    file = QFile(str(run))
    if file.moveToTrash() and not run.exists():
        return Path(file.fileName()), True
    return runs.set_aside(run), False


def put_back(run: Path, now: Path) -> None:
    """Brings a deleted run back to where it was.

    Raises:
        RunError: it is in the trash no more, its place is taken, or the disk does not let it.
    """
    if run.exists():
        raise RunError(f"{run.name} cannot come back: there is another run of that name now.")
    with told_as(RunError, f"{run.name} cannot be brought back", "take it out of the system's trash by hand."):
        os.rename(now, run)
    # The trash of desktops keeps a note of where each thing came from.
    (now.parent.parent / "info" / f"{now.name}.trashinfo").unlink(missing_ok=True)
