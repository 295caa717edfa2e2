"""Opens lessons and measures their numbers on a lane."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject

from app.core.model_host import ModelHost
from app.core.store import Store
from app.core.tasks import Task
from app.lab.controller import LabController
from app.lab.state import LabState, LessonState
from engine.events import Advanced, Failed
from engine.lab import LessonInfo, Proof
from engine.lanes import Context


class LessonController(QObject):
    """Sets the stages up through `LabController`, and measures beside them."""

    def __init__(self, store: Store, lab: LabController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._lab = store, lab
        self._host = ModelHost(device="cpu")
        self._job: Task | None = None

    @property
    def _state(self) -> LessonState:
        return self._lab.state.lessons

    def _put(self, **changes: Any) -> None:
        self._store.update_part(LabState, lessons=replace(self._state, **changes))

    def open(self, name: str) -> None:
        """Shows a lesson and sets its stages up, which begin to learn; chosen again it only unfolds."""
        catalogue = self._lab.state.catalogue
        if catalogue is None:
            return
        again = name == self._state.open
        self._put(open=name, folded=False, problem="" if not again else self._state.problem)
        lesson = catalogue.lesson(name)
        if lesson.presets and not again:
            self._lab.set_stages(lesson.truth, lesson.presets, lesson.layers)

    def move(self, by: int) -> None:
        """The lesson so many further on in the strip; at its ends it stays."""
        catalogue = self._lab.state.catalogue
        if catalogue is not None:
            names = [one.name for one in catalogue.lessons]
            here = names.index(self._state.open) if self._state.open in names else -1 if by > 0 else len(names)
            self.open(names[min(max(0, here + by), len(names) - 1)])

    def close_lesson(self) -> None:
        """Hides the words; what stands on the stages stays."""
        self._put(open="")

    def fold(self) -> None:
        """Only the head of the strip, or all of it."""
        self._put(folded=not self._state.folded)

    def answer(self) -> None:
        """Shows the answer to the question of the open lesson."""
        if self._state.open:
            self._put(answered=self._state.answered | {self._state.open})

    def measure(self) -> None:
        """Measures all numbers of the open lesson one after the other, the quick ones first; asked again, it stops."""
        catalogue, state = self._lab.state.catalogue, self._state
        if state.proving:
            self._store.tasks.cancel(self._job)
        elif catalogue is not None and state.open:
            lesson = catalogue.lesson(state.open)
            kept = {key: value for key, value in state.proofs.items() if key[0] != lesson.name}
            self._put(proofs=kept, proving=lesson.name, problem="")
            self._next(lesson)

    def _next(self, lesson: LessonInfo) -> None:
        left = [one for one in lesson.checks if (lesson.name, one.name) not in self._state.proofs]
        if not left:
            self._put(proving="", number="", share=0.0)
            return
        check = min(left, key=lambda one: one.slow)
        self._put(number=check.name, share=0.0)

        def work(context: Context) -> Proof:
            return self._host.session().prove(lesson.name, check.name, progress=context)

        def progress(event: Advanced) -> None:
            if event.total:
                self._put(share=event.done / event.total)

        def done(proof: Proof) -> None:
            self._put(proofs={**self._state.proofs, (lesson.name, check.name): proof})
            self._next(lesson)

        def stopped() -> None:
            self._put(proving="", number="", share=0.0)

        def failed(event: Failed) -> None:
            self._put(proving="", number="", share=0.0, problem=event.message)

        self._job = self._store.tasks.submit(
            "study", "measure a lesson", work, done=done, failed=failed, stopped=stopped, progress=progress
        )
