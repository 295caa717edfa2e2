"""Keeps a stage as a run, which Train lists and Explore and a diagnosis open."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.core.model_host import ModelHost
from app.core.notices import Message
from app.core.requests import Requests
from app.core.store import Store
from app.core.workspace import Actions
from app.lab.controller import LabController
from app.lab.setups import engine_setups, of_engine, set_up_words
from app.lab.state import LETTERS, StageView
from engine.events import Failed
from engine.lanes import Context

if TYPE_CHECKING:
    from app.lab.view import LabView


class Keeping(QObject):
    """Writes the run on the lane that trains, where the stage is at rest."""

    def __init__(self, store: Store, lab: LabController, requests: Requests, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._lab, self._requests = store, lab, requests
        self._host = ModelHost()

    def connect_view(self, view: LabView) -> Actions:
        """The entry of the menu, and its key."""
        view.transport.exportWanted.connect(lambda name: self.keep() if name == "lab.keep" else None)
        return {"lab.keep": self.keep}

    def keep(self) -> None:
        """The chosen stage as it is now; what learns halts meanwhile, and goes on."""
        state, bench = self._lab.state, self._lab.bench
        if bench is None or not state.made or state.catalogue is None:
            return
        index = min(state.chosen, len(bench.setups) - 1)
        stage, info = state.stages[index], state.info
        points = state.truth if info is None else info.title
        # What is kept is the stage that was made, where the knobs may ask for one that cannot be.
        made = bench.setups[index]
        setup = stage.setup if engine_setups(state)[index] == made else of_engine(state.catalogue, made)
        title = f"{set_up_words(state.catalogue, setup)[0]}, {points}"
        if state.seeded:
            title = f"{title}, seed {made.training.seed}"
        went_on = state.playing
        self._lab.pause()
        rows = rows_of(stage)

        def work(context: Context) -> Path:
            return self._host.session().keep_stage(bench, index, title, rows)

        def done(run: Path) -> None:
            name = f"Stage {LETTERS[index]}" if len(state.stages) > 1 else "The stage"
            self._store.notices.say(
                Message(
                    f"{name} is kept as {run.name}. Train goes on with it; Explore shows pictures and no points.",
                    action="Show",
                    act=lambda: self._requests.diagnosisWanted.emit(run),
                )
            )
            go_on()

        def failed(event: Failed) -> None:
            self._store.notices.failed(event)
            go_on()

        def go_on() -> None:
            if went_on and self._lab.bench is bench and self._store.state.workspace == "lab":
                self._lab.play()

        self._store.tasks.submit("lab", "keep a stage as a run", work, done=done, failed=failed)


def rows_of(stage: StageView) -> list[tuple[int, dict[str, float]]]:
    """The stage's curves as rows (step, numbers) of a run: losses by their names, figures as `lab/NAME`."""
    rows: dict[int, dict[str, float]] = defaultdict(dict)
    for name, trace in stage.curves.items():
        known = name if name.endswith("loss") else f"lab/{name}"
        for step, value in zip(trace.steps, trace.values, strict=True):
            rows[step][known] = value
    return sorted(rows.items())
