"""What waits until the first picture is on screen, and making the other workspaces part by part after it."""

import importlib
from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication

from app.core.store import Store
from app.state import AppState

BETWEEN_PARTS_MS: Final = 60
"""Between two parts of a workspace: room for what a hand does meanwhile."""


class Startup(QObject):
    """`over` comes once: with the first picture, when it failed, or when there is none to come (`end`)."""

    over = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._over = False

    def changed(self, before: AppState, now: AppState) -> None:
        """To be called with each change once it is on screen."""
        failed = before.opening is not None and now.opening is None and now.info is None
        if now.drawn is not None or failed:
            self.end()

    def end(self) -> None:
        """Says so, if it has not been said."""
        if not self._over:
            self._over = True
            self.over.emit()


class Prebuild(QObject):
    """Imports `modules` in the study lane, then makes views a part at a time on the window's thread.

    `make_part` makes the next part and is False when there is none left.
    """

    def __init__(
        self, store: Store, modules: Sequence[str], *, make_part: Callable[[], bool], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._store, self._modules, self._make_part = store, tuple(modules), make_part
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
            "warm up workspaces",
            lambda context: [importlib.import_module(name).__name__ for name in self._modules],
            done=lambda _: None if self._store.state.closing else self._timer.start(),
            background=True,
        )

    def _make(self) -> None:
        state = self._store.state
        if QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton or state.drawing:
            return  # A hand is at work.
        if not self._make_part():
            self._timer.stop()
