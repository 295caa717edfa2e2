"""Undo and redo of set-ups."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.core.store import Store
from app.lab.controller import LabController
from app.lab.state import LabState
from app.state import AppState


class Undo(QObject):
    """Keeps each set-up that was made. One that cannot be made, or is not made yet, is taken back; the stages that
    stand there stay."""

    def __init__(self, store: Store, lab: LabController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._lab = store, lab
        store.changed.connect(self._changed)

    def _changed(self, before: AppState, now: AppState) -> None:
        old, new = before.part(LabState), now.part(LabState)
        if old.stages is new.stages or not new.stages:
            return
        infos = [stage.info for stage in new.stages]
        # A bench that was made brings new ones; before that it may still be refused.
        known = [stage.info for stage in old.stages]
        if None not in infos and all(one not in known for one in infos):
            undo = new.undo.pushed(new.set_up)
            if undo is not new.undo:
                self._store.update_part(LabState, undo=undo)

    def move(self, by: int) -> None:
        """One set-up back (-1), or on."""
        state = self._lab.state
        now = state.undo.now
        if now is not None and by < 0 and state.set_up != now:
            self._lab.take_back(now.truth, now.setups)
            return
        moved = state.undo.moved(by)
        if moved is not None and moved.now is not None:
            self._store.update_part(LabState, undo=moved)
            self._lab.set_up(moved.now.truth, moved.now.setups, chosen=state.chosen)
