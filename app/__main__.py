"""Opens the window: `python -m app`."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from app.conductor import Conductor
    from app.settings import Settings

# What the window is made of is imported in the functions: it takes longer with the garbage collector looking on.


def application() -> QApplication:
    """The one QApplication of this process."""
    from PySide6.QtWidgets import QApplication

    from app.window import NAME

    found = QApplication.instance()
    made = found if isinstance(found, QApplication) else QApplication([NAME])
    made.setApplicationName("latent-loom")
    made.setApplicationDisplayName(NAME)
    return made


def open_window(settings: Settings, *, remember: bool = True) -> Conductor:
    """Makes the real window with everything behind it; `Conductor.start` then sets it going.

    Without `remember` the settings file is left as it is.
    """
    from app import workspaces
    from app.conductor import Conductor
    from app.settings import Preferences, settings_file
    from app.theme import dressed_last
    from app.window import Window
    from engine.preload import preload_torch

    # Torch is what a first picture waits for: its libraries come while the window is put together.
    preload_torch()
    preferences = Preferences(settings, settings_file() if remember else None)
    with dressed_last(application(), "light" if settings.theme == "light" else "dark"):
        conductor = Conductor(Window(workspaces.WORKSPACES), preferences)
    conductor.place_window()
    return conductor


def main(argv: list[str] | None = None) -> int:
    """Runs the window until it is closed; gives the exit status."""
    parser = argparse.ArgumentParser(
        prog="latent-loom", description="See and steer what a generative model of images knows."
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), help="where to compute")
    parser.add_argument("--model", default="", help="the model to open first (title or file)")
    parser.add_argument(
        "--attach", action="append", default=[], metavar="DIR", help="also show the run, or the runs, in this folder"
    )
    given = parser.parse_args(sys.argv[1:] if argv is None else argv)
    if sys.platform.startswith("linux") and not any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    ):
        # Without this Qt aborts the whole process.
        sys.stderr.write("There is no display here: draw the window into a file with latent-loom shot OUT.png.\n")
        return 1
    # A start makes no garbage, only much that is kept; the window's own collector begins with its lanes.
    gc.disable()
    from PySide6.QtCore import QTimer

    from app.core.runtime import log_to_file
    from app.settings import load_settings, settings_file

    log_to_file()
    app = application()
    # The window hides before its last checkpoint is written; the program ends when all threads have.
    app.setQuitOnLastWindowClosed(False)
    settings, problem = load_settings(settings_file())
    if given.device:
        settings = replace(settings, device=given.device)
    conductor = open_window(settings)
    conductor.closed.connect(app.quit)
    window = conductor.window
    window.showMaximized() if settings.maximised else window.show()
    if problem:
        conductor.notices.warn(problem)
    if given.attach:
        conductor.requests.runsAttached.emit(given.attach)
    for number in (signal.SIGINT, signal.SIGTERM):
        # Runs at the next timer tick; a run in training is saved as if the window had been closed.
        signal.signal(number, lambda *_: conductor.close())
    # Torch takes a second to import: the window is painted before a lane begins with it.
    QTimer.singleShot(50, conductor, lambda: conductor.start(model=given.model))
    return app.exec()


if __name__ == "__main__":
    sys.exit(main())
