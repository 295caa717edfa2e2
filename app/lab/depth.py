"""How far through the layers the points are shown, and their way from the code to the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QTimer

from app.core.store import Store
from app.core.workspace import Actions
from app.lab.state import LabState

if TYPE_CHECKING:
    from app.lab.view import LabView

TICK_MS: Final = 33
WAY_SECONDS: Final = 2.5


class Depth(QObject):
    """Keeps the depth of the Lab's state, 0 the code and 1 the data."""

    def __init__(self, store: Store, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._timer = QTimer(self, interval=TICK_MS)
        self._timer.timeout.connect(self._move)

    def connect_view(self, view: LabView) -> Actions:
        """The slider, its button and their key."""
        view.depthMoved.connect(self.set_depth)
        view.layersPlayed.connect(self.play)
        return {"lab.layers": self.play}

    def set_depth(self, depth: float) -> None:
        """Shows the points so far through the layers, 0 to 1."""
        self._timer.stop()
        self._store.update_part(LabState, depth=min(1.0, max(0.0, depth)))

    def play(self) -> None:
        """Moves the points from the code to the data."""
        self._store.update_part(LabState, depth=0.0)
        self._timer.start()

    def _move(self) -> None:
        state = self._store.state
        depth = min(1.0, state.part(LabState).depth + TICK_MS / 1000 / WAY_SECONDS)
        if state.workspace != "lab" or state.closing:
            self._timer.stop()
            return
        self._store.update_part(LabState, depth=depth)
        if depth == 1.0:
            self._timer.stop()
