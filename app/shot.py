"""A picture of the window without a display, for the command line and for documentation."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.errors import UsageError, UserError

if TYPE_CHECKING:
    from app.conductor import Conductor

TIME_LIMIT_SECONDS: Final = 120.0
SETTLE_SECONDS: Final = 0.4


@dataclass(frozen=True)
class TrainPage:
    """What Train shows: the run (None: the newest), and the pages of its left panel and right side."""

    run: Path | None = None
    panel: str = "new"
    side: str = "curves"


def render(
    out: Path,
    *,
    workspace: str = "explore",
    view: str = "single",
    photo: Path | None = None,
    size: tuple[int, int] = (1440, 900),
    model: str = "",
    theme: str = "dark",
    edits: tuple[tuple[str, float], ...] = (),
    train: TrainPage | None = None,
) -> None:
    """Builds the real window, waits until what it should show is there, and writes it to `out`.

    Raises:
        UsageError: an unknown workspace or view, or a size below 640 x 480.
        UserError: what the window had to say instead, or it took longer than two minutes.
    """
    if "PySide6.QtWidgets" not in sys.modules:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from app.__main__ import open_window
    from app.settings import Settings
    from app.state import VIEWS, WORKSPACES, AppState

    if workspace not in dict(WORKSPACES):
        raise UsageError(f"workspace must be one of {', '.join(dict(WORKSPACES))}, got {workspace!r}.")
    if view not in dict(VIEWS):
        raise UsageError(f"view must be one of {', '.join(dict(VIEWS))}, got {view!r}.")
    if size[0] < 640 or size[1] < 480:
        raise UsageError(f"size must be at least 640x480, got {size[0]}x{size[1]}.")
    conductor = open_window(Settings(theme=theme), remember=False)
    window = conductor.window

    def state() -> AppState:
        return conductor.state

    try:
        # From the first event on, what Qt says of a platform without a screen belongs in the log.
        conductor.notices.install()
        window.setMinimumSize(0, 0)
        window.resize(*size)
        window.show()
        conductor.start(model=model)
        wait_until(lambda: state().models is not None and _settled(conductor), conductor)
        if photo is not None:
            conductor.photos.add_files([str(photo)])
            wait_until(lambda: state().encoded is not None or bool(window.notice.text()), conductor)
            if state().encoded is None:
                raise UserError(window.notice.text())
        conductor.show_workspace(workspace)
        if workspace == "explore" and state().info is not None:
            _edit(conductor, edits)
            _show_view(conductor, view)
        elif workspace == "train":
            wait_until(lambda: state().catalogue is not None, conductor)
            _show_train(conductor, train or TrainPage())
        settle(SETTLE_SECONDS)
        if not window.grab().save(str(out)):
            raise UserError(f"{out} could not be written: choose another place, or a name ending in .png.")
    finally:
        closed: list[bool] = []
        conductor.closed.connect(lambda: closed.append(True))
        conductor.close()
        wait_until(lambda: bool(closed), None)


def _settled(conductor: Conductor) -> bool:
    state = conductor.state
    if state.models == () or (state.info is None and conductor.window.notice.text()):
        return state.opening is None
    return state.drawn is not None and not state.drawing and state.readout is not None and bool(state.photos)


def _edit(conductor: Conductor, edits: tuple[tuple[str, float], ...]) -> None:
    """Moves the sliders, as a hand would."""
    info = conductor.state.info
    assert info is not None
    known = {direction.name.lower(): direction.name for direction in (*info.attributes, *info.components)}
    for name, value in edits:
        if name.lower() not in known:
            raise UsageError(f"{info.title} has no direction {name!r}: it has {', '.join(known.values())}.")
        # Each step gets its picture, so that the history shows it.
        wait_until(lambda: not conductor.state.drawing, conductor)
        settle(SETTLE_SECONDS)
        conductor.explore.set_edit(known[name.lower()], value)
        conductor.explore.settle()
    wait_until(lambda: not conductor.state.drawing, conductor)


def _show_view(conductor: Conductor, view: str) -> None:
    state = conductor.state
    if view == "compare" and state.photo is None and state.photos:
        conductor.photos.choose(state.photos[0].key)
        wait_until(lambda: conductor.state.encoded is not None or not conductor.state.encoding, conductor)
    conductor.show_view(view)
    ready: dict[str, Callable[[], bool]] = {
        "single": lambda: not conductor.state.drawing,
        "compare": lambda: all(row.status in ("done", "failed") for row in conductor.state.compare),
        "grid": lambda: conductor.state.grid.pictures is not None,
        "morph": lambda: conductor.state.morph.strip is not None and conductor.state.morph.picture is not None,
    }
    wait_until(ready[view], conductor)


def _show_train(conductor: Conductor, page: TrainPage) -> None:
    conductor.store.update(train_panel=page.panel, train_side=page.side)
    if page.run is not None:
        run = page.run.resolve()
        conductor.train.show_run(run)
        wait_until(lambda: _run_is_there(conductor, run), conductor)
    if page.panel == "data":
        conductor.data.look()
        wait_until(lambda: conductor.state.data.pictures is not None or not conductor.state.data.busy, conductor)


def _run_is_there(conductor: Conductor, run: Path) -> bool:
    view = conductor.state.run_view
    return view is not None and view.path == run and (view.pictures is not None or not view.previews)


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


def settle(seconds: float) -> None:
    """Runs the event loop for a while: timers that paint get their turn."""
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > end, None)
