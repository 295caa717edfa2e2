"""Back through the moments that were kept, and on again."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.core.store import Store
from app.core.workspace import Actions
from app.lab.controller import LabController
from app.lab.state import NOW, LabState

if TYPE_CHECKING:
    from app.lab.view import LabView


class Moments(QObject):
    """Chooses the moment on show."""

    def __init__(self, store: Store, lab: LabController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._lab = store, lab

    def connect_view(self, view: LabView) -> Actions:
        """The slider and the two keys."""
        view.transport.past.moved.connect(self.go_to)
        return {"lab.back": partial(self.move, -1), "lab.on": partial(self.move, 1)}

    def go_to(self, index: int) -> None:
        """Shows a kept moment; the last one is now. Learning halts meanwhile."""
        state = self._lab.state
        if not state.kept or not 0 <= index < len(state.kept):
            return
        if index == len(state.kept) - 1:
            stages = tuple(replace(stage, past=None) for stage in state.stages)
            self._store.update_part(LabState, at=NOW, stages=stages)
        else:
            self._lab.pause()
            self._store.update_part(LabState, at=index)

    def move(self, by: int) -> None:
        """So many kept moments on, or back."""
        state = self._lab.state
        here = len(state.kept) - 1 if state.at == NOW else state.at
        self.go_to(max(0, here + by))
