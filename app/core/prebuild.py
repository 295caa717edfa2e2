"""What can wait until the first picture is on screen, and is then made ahead, so that opening Train is no freeze."""

from __future__ import annotations

import importlib
from typing import Final

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication

from app.core.store import Store
from app.window import Window

BETWEEN_PARTS_MS: Final = 60
"""Between two parts of Train: room for what a hand does meanwhile."""
MODULES: Final = ("app.train.view", "app.widgets.curves")


class Prebuild(QObject):
    """Imports what Train is made of in the study lane, then makes its parts one at a time on the window's thread."""

    def __init__(self, store: Store, window: Window, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._window = store, window
        self._timer = QTimer(self, interval=BETWEEN_PARTS_MS)
        self._timer.timeout.connect(self._make)
        store.changed.connect(lambda before, now: self._timer.stop() if now.closing else None)

    def start(self) -> None:
        """Begins when nothing else waits in the study lane.

        The plotting library alone takes a third of a second to import: on the window's own thread, with the first run
        on show, that would be a freeze.
        """
        self._store.tasks.submit(
            "study",
            "warm up Train",
            lambda context: [importlib.import_module(name).__name__ for name in MODULES],
            done=lambda _: None if self._store.state.closing else self._timer.start(),
            background=True,
        )

    def _make(self) -> None:
        state = self._store.state
        if QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton or state.drawing:
            return  # A hand is at work.
        if not self._window.make_train_part():
            self._timer.stop()
