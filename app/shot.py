"""A picture of the window without a display, for the command line and for documentation."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.core.shot_request import ShotRequest
from engine.errors import UsageError, UserError

if TYPE_CHECKING:
    from app.conductor import Conductor

TIME_LIMIT_SECONDS: Final = 120.0
SETTLE_SECONDS: Final = 0.4
NOTHING: Final = ShotRequest()


def render(
    out: Path,
    *,
    workspace: str = "",
    asked: ShotRequest = NOTHING,
    photo: Path | None = None,
    size: tuple[int, int] = (1440, 900),
    model: str = "",
    theme: str = "dark",
) -> None:
    """Builds the real window, waits until what it should show is there, and writes it to `out`.

    `workspace` is a key of the table, empty for the first of them; `photo` is dropped on the window before.

    Raises:
        UsageError: an unknown workspace or view, or a size below 640 x 480.
        UserError: what the window had to say instead, or it took longer than two minutes.
    """
    if "PySide6.QtWidgets" not in sys.modules:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from app import workspaces
    from app.__main__ import open_window
    from app.settings import Settings

    rows = {row.key: row for row in workspaces.WORKSPACES}
    views = [view for row in rows.values() for view in row.views]
    workspace = workspace or next(iter(rows))
    if workspace not in rows:
        raise UsageError(f"workspace must be one of {', '.join(rows)}, got {workspace!r}.")
    if asked.view and asked.view not in views:
        raise UsageError(f"view must be one of {', '.join(views)}, got {asked.view!r}.")
    if size[0] < 640 or size[1] < 480:
        raise UsageError(f"size must be at least 640x480, got {size[0]}x{size[1]}.")
    conductor = open_window(Settings(theme=theme), remember=False)
    window = conductor.window

    wait = _Wait(conductor)
    try:
        # From the first event on, what Qt says of a platform without a screen belongs in the log.
        conductor.notices.install()
        window.setMinimumSize(0, 0)
        window.resize(*size)
        window.show()
        conductor.start(model=model)
        wait.until(lambda: conductor.state.models is not None and _settled(conductor))
        if photo is not None:
            conductor.requests.filesWanted.emit([str(photo)])
            wait.until(lambda: conductor.state.encoded is not None or bool(window.notice.text()))
            if conductor.state.encoded is None:
                raise UserError(window.notice.text())
        conductor.store.update(workspace=workspace)
        conductor.controllers(workspace).show(asked, wait)
        wait.rest()
        if not window.grab().save(str(out)):
            raise UserError(f"{out} could not be written: choose another place, or a name ending in .png.")
    finally:
        close(conductor)


class _Wait:
    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor

    def until(self, there: Callable[[], bool]) -> None:
        wait_until(there, self._conductor)

    def rest(self) -> None:
        settle(SETTLE_SECONDS)


def _settled(conductor: Conductor) -> bool:
    state = conductor.state
    if state.models == () or (state.info is None and conductor.window.notice.text()):
        return state.opening is None
    return state.drawn is not None and not state.drawing and state.readout is not None and bool(state.photos)


def wait_until(there: Callable[[], bool], conductor: Conductor | None) -> None:
    """Runs the event loop until `there()`.

    Raises:
        UserError: it did not come within the time limit.
    """
    from PySide6.QtWidgets import QApplication

    end = time.monotonic() + TIME_LIMIT_SECONDS
    while not there():
        if time.monotonic() > end:
            said = conductor.window.notice.text() if conductor is not None else ""
            raise UserError(said or "The window did not become ready in two minutes: see the log.")
        QApplication.processEvents()
        time.sleep(0.005)


def close(conductor: Conductor) -> None:
    """Closes the window, waits until all its threads have ended, and deletes its widgets."""
    from PySide6.QtCore import QCoreApplication, QEvent

    closed: list[bool] = []
    conductor.closed.connect(lambda: closed.append(True))
    conductor.close()
    # The window hides at once and the lanes may be idle before their threads were told to end: only this is the end.
    wait_until(lambda: bool(closed), None)
    conductor.window.deleteLater()
    QCoreApplication.sendPostedEvents(conductor.window, QEvent.Type.DeferredDelete)


def settle(seconds: float) -> None:
    """Runs the event loop for a while: timers that paint get their turn."""
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > end, None)
