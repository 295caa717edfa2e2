"""What stands beside a stage: another one to compare it with, or its own set-up with other seeds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.core.store import Store
from app.core.workspace import Actions
from app.lab.controller import LabController
from app.lab.setups import SHARED, beside, of_preset, seeds_of
from app.lab.state import StageView
from engine.errors import UserError

if TYPE_CHECKING:
    from app.lab.view import LabView


class Beside(QObject):
    """One of the two is on at most: either takes the place of the other."""

    def __init__(self, store: Store, lab: LabController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._lab = store, lab

    def connect_view(self, view: LabView) -> Actions:
        """Both switches, the stages under the mouse, and the keys."""
        view.compareToggled.connect(self.compare)
        view.transport.seedsToggled.connect(self.five)
        for card in view.cards:
            card.canvas.chosen.connect(self._lab.choose_stage)
            card.canvas.taken.connect(self.take)
        return {"lab.compare": self.compare, "lab.seeds": self.five, "lab.take_seed": self.take}

    def compare(self, on: bool | None = None) -> None:
        """A second stage beside the first, or the first alone."""
        state, catalogue = self._lab.state, self._lab.state.catalogue
        compared = len(state.stages) == 2
        on = not compared if on is None else on
        if catalogue is None or not state.stages or on == compared:
            return
        if on:
            stages = (state.stages[0], StageView(of_preset(beside(state, catalogue))))
            self._lab.put_stages(stages, chosen=1, blame=1)
        else:
            self._lab.put_stages(state.stages[:1], chosen=0)

    def five(self, on: bool | None = None) -> None:
        """The chosen stage with its own seed and the next four on one clock, or the first of them alone."""
        state = self._lab.state
        on = not state.seeded if on is None else on
        if not state.stages or on == state.seeded:
            return
        if not on:
            self._lab.put_stages(state.stages[:1], chosen=0)
            return
        stage = state.stages[min(state.chosen, len(state.stages) - 1)]
        # B learned with A's seed.
        shared = {name: value for name, value in state.stages[0].setup.training.items() if name in SHARED}
        try:
            first, *others = seeds_of(replace(stage.setup, training={**stage.setup.training, **shared}))
        except UserError as error:
            self._store.notices.warn(str(error))
            # The switch is as it was.
            self._lab.choose_stage(state.chosen)
            return
        self._lab.put_stages((replace(stage, setup=first), *map(StageView, others)), chosen=0)

    def take(self, index: int | None = None) -> None:
        """One of five seeds as the one stage; None: the chosen one."""
        state = self._lab.state
        if state.seeded:
            self._lab.put_stages((state.stages[state.chosen if index is None else index],), chosen=0)
