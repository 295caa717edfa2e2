"""Shows the sweep of the open lesson, where it has one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject

from app.core.model_host import ModelHost
from app.core.store import Store
from app.lab.controller import LabController
from app.lab.state import LabState, SweepState
from app.state import AppState
from engine.lab import SweepSeen
from engine.lanes import Context

if TYPE_CHECKING:
    from app.lab.view import LabView


class Sweeps(QObject):
    """Follows which lesson is open."""

    def __init__(self, store: Store, lab: LabController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._lab = store, lab
        self._host = ModelHost(device="cpu")
        store.changed.connect(self._changed)

    def connect_view(self, view: LabView) -> None:
        """The slider under the curves."""
        view.sweep.moved.connect(self.go_to)
        view.lessons.strip.chosen.connect(self.show_again)
        view.lessons.dots.chosen.connect(self.show_again)

    @property
    def shown(self) -> SweepState | None:
        """The sweep on show, None without one."""
        return self._lab.state.sweep

    def _changed(self, before: AppState, now: AppState) -> None:
        old, new = before.part(LabState), now.part(LabState)
        if new.lessons.open != old.lessons.open:
            self._open(new.lessons.open)
        elif new.sweep is not None and (new.set_up != old.set_up or (new.playing and not old.playing)):
            # Stages that were asked for since are what is to be seen.
            self._store.update_part(LabState, sweep=None)

    def show_again(self, lesson: str) -> None:
        """The sweep of the lesson that is open already, where the stages took its place."""
        if lesson == self._lab.state.lessons.open and self.shown is None:
            self._open(lesson)

    def _open(self, lesson: str) -> None:
        catalogue = self._lab.state.catalogue
        if self.shown is not None:
            self._store.update_part(LabState, sweep=None)
        name = "" if not lesson or catalogue is None else catalogue.lesson(lesson).sweep
        if not name:
            return
        self._lab.pause()

        def work(context: Context) -> SweepSeen:
            return self._host.session().sweep(name)

        def done(seen: SweepSeen) -> None:
            if self._lab.state.lessons.open == lesson:
                self._store.update_part(LabState, sweep=SweepState(seen, seen.start))

        self._store.tasks.submit("look", "read a sweep", work, done=done, latest="lab sweep")

    def go_to(self, theta: float) -> None:
        """Another distance."""
        if self.shown is not None:
            at = self.shown.seen.at
            self._store.update_part(LabState, sweep=replace(self.shown, at=float(np.clip(theta, at[0], at[-1]))))

    def move(self, by: int) -> None:
        """So many of the places that were read on, or back."""
        if self.shown is not None:
            at = self.shown.seen.at
            self.go_to(self.shown.at + by * float(at[1] - at[0]))
