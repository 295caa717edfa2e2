"""The birthday test in the Collapse panel: answers, batches drawn ahead, keeping the test, and its result."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from PySide6.QtCore import QObject

from app.core.store import Store
from app.core.tasks import Task
from app.diagnosis.host import Batch, Diagnosed, DiagnosisHost, Table
from app.job import JobView
from app.state import AppState
from app.train.birthday.state import BirthdayState
from app.train.collapse.controller import NO_RUN, CollapseController
from engine import diagnostics
from engine.api import Pictures
from engine.events import Advanced, Failed
from engine.files.disk import reason
from engine.lanes import Context, Work

JOB: Final = "birthday"
KEPT: Final = 6
"""Batches whose pictures are kept: those drawn ahead, and those that an undo may want back."""
_SHOWN: Final = 8


class BirthdayController(QObject):
    """Owns the birthday test in `AppState.collapse`. At most one batch is drawn at a time."""

    def __init__(
        self, store: Store, diagnoses: DiagnosisHost, panel: CollapseController, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._store, self._diagnoses, self._panel = store, diagnoses, panel
        self._batches: dict[diagnostics.Plan, Batch] = {}
        self._drawing: diagnostics.Plan | None = None
        self._job: Task | None = None
        self._told = False
        store.changed.connect(self._changed)

    @property
    def _state(self) -> BirthdayState:
        return self._store.state.collapse.birthday

    def _set(self, **changes: Any) -> None:
        self._store.change("collapse", birthday=replace(self._state, **changes))

    def _changed(self, before: AppState, now: AppState) -> None:
        run = now.run_view.path if now.run_view is not None else None
        if self._state.open and self._state.run is not None and run is not None and run != self._state.run:
            # Another run is on show: its own test is one press away, and this one is kept on disk.
            self.leave()

    # beginning and leaving
    def open(self) -> None:
        """Shows the test of the run on show: goes on where it was left, or begins one on its newest checkpoint."""
        view = self._store.state.run_view
        if view is None:
            self._store.notices.say(NO_RUN)
            return
        self._store.update(workspace="train", train_side="collapse")
        if self._state.run == view.path and self._state.game is not None:
            self._set(open=True)
            self._go_on()
        else:
            self._begin(view.path, None)

    def again(self) -> None:
        """A new test, on the newest checkpoint."""
        if self._state.run is not None:
            self._begin(self._state.run, random.SystemRandom().randrange(2**31))

    def leave(self) -> None:
        """Back to the report; the test is kept."""
        self._store.tasks.cancel(self._job)
        self._set(open=False)

    def _begin(self, run: Path, seed: int | None) -> None:
        """`seed` None: the kept test goes on, if there is one of this model."""

        def done(table: Table) -> None:
            self._ended()
            if self._state.run != run:
                return
            game = table.game if seed is None and table.game is not None else None
            fresh = diagnostics.Game(seed or random.SystemRandom().randrange(2**31), real_limit=table.real)
            self._told = game is not None and diagnostics.over(game)
            self._set(step=table.step, sha256=table.sha256, training=table.training, game=game or fresh, message="")
            self._go_on()

        def failed(event: Failed) -> None:
            self._ended()
            self._set(message=event.message)

        self._store.tasks.cancel(self._job)
        self._batches.clear()
        self._drawing = None
        self._store.update(
            collapse=replace(self._store.state.collapse, birthday=BirthdayState(open=True, run=run, drawing=True))
        )
        self._submit(
            "prepare the test", lambda context: self._diagnoses.table(run, None, context=context), done, failed
        )

    # answering
    def answer(self, answer: diagnostics.Answer) -> None:
        """Says of the pair on show that it is the same picture, or a different one."""
        state = self._state
        if state.game is not None and state.game.current is not None and self._shows(state.game.current):
            self._take(diagnostics.answered(state.game, answer))

    def undo(self) -> None:
        """Takes the last answer back, also across batches."""
        if self._state.game is not None:
            self._told = False
            self._take(diagnostics.undone(self._state.game))

    def skip(self) -> None:
        """Goes to the next batch: this one has shown its duplicate."""
        if self._state.game is not None:
            self._take(diagnostics.skipped(self._state.game))

    def finish(self) -> None:
        """Ends the test and tells the result."""
        if self._state.game is not None:
            self._take(diagnostics.ended(self._state.game))

    def _take(self, game: diagnostics.Game) -> None:
        if game is self._state.game or game == self._state.game:
            return
        self._set(game=game)
        self._keep(game)
        self._go_on()

    def _go_on(self) -> None:
        """Whatever the game needs next: its result told, its batch on the table, or one drawn ahead."""
        state = self._state
        game = state.game
        if game is None:
            return
        if diagnostics.over(game):
            self._set(left=None, right=None, drawing=False)
            self._conclude(game)
            return
        if game.current is None:
            plan = diagnostics.next_plan(game)
            assert plan is not None
            batch = self._batches.get(plan)
            if batch is None:
                self._set(left=None, right=None, drawing=True)
                self._draw(plan)
                return
            game = diagnostics.begun(game, plan, batch.pairs)
            self._set(game=game)
            if game.current is None:
                self._go_on()
                return
        assert game.current is not None
        batch = self._batches.get(game.current.plan)
        if batch is None:
            self._set(left=None, right=None, drawing=True)
            self._draw(game.current.plan)
            return
        if state.left is not batch.left or self._state.drawing:
            self._set(left=batch.left, right=batch.right, drawing=False)
        self._draw_ahead(game)

    def _shows(self, item: diagnostics.Round) -> bool:
        return self._state.left is not None and item.plan in self._batches

    def _draw_ahead(self, game: diagnostics.Game) -> None:
        """Draws the batch that comes next if all pairs that are left are different: mostly they are."""
        item = game.current
        if item is None or self._drawing is not None:
            return
        rest = game
        for _ in range(len(item.pairs) - len(item.answers)):
            rest = diagnostics.answered(rest, "different")
        plan = diagnostics.next_plan(rest)
        if plan is not None and plan not in self._batches:
            self._draw(plan, ahead=True)

    def _draw(self, plan: diagnostics.Plan, *, ahead: bool = False) -> None:
        if self._drawing == plan:
            return
        if self._drawing is not None:
            # What was drawn ahead is not what is wanted now.
            self._store.tasks.cancel(self._job)
        run = self._state.run
        assert run is not None
        self._drawing = plan

        def done(batch: Batch) -> None:
            if self._drawing == plan:
                self._ended()
            if self._state.run != run:
                return
            self._batches[plan] = batch
            self._forget()
            self._go_on()

        def failed(event: Failed) -> None:
            if self._drawing == plan:
                self._ended()
            if self._state.run == run and not ahead:
                self._set(drawing=False, message=event.message, game=None)

        self._submit(
            f"draw {plan.size} pictures",
            lambda context: self._diagnoses.batch(run, plan, context=context),
            done,
            failed,
        )

    def _forget(self) -> None:
        """Keeps the newest few batches."""
        current = self._state.game.current.plan if self._state.game and self._state.game.current else None
        for plan in [plan for plan in self._batches if plan != current][: max(0, len(self._batches) - KEPT)]:
            del self._batches[plan]

    def _submit(self, kind: str, work: Work, done: Callable[[Any], None], failed: Callable[[Failed], None]) -> None:
        self._job = self._store.tasks.submit(
            "study", kind, work, done=done, failed=failed, stopped=self._stopped, progress=self._progress
        )

    def _progress(self, event: Advanced) -> None:
        if event.total:
            self._store.show_job(JobView(JOB, "Birthday test", event.done / event.total, event.text), cancel=self.leave)

    def _stopped(self) -> None:
        """Cancelled: by leaving, or because another batch is wanted, which has taken the place already."""
        self._store.end_job(JOB)
        if not self._state.open:
            self._drawing = None

    def _ended(self) -> None:
        self._drawing = None
        self._store.end_job(JOB)

    # keeping
    def _keep(self, game: diagnostics.Game) -> None:
        run, step, sha = self._state.run, self._state.step, self._state.sha256
        if run is None:
            return

        def work(context: Context) -> str:
            try:
                diagnostics.save_game(diagnostics.game_file(run, step), game, model_sha256=sha)
            except OSError as error:
                return f"The test cannot be kept in {run.name} ({reason(error)}): finish it before closing."
            return ""

        self._store.tasks.submit(
            "files", "keep the test", work, done=lambda problem: self._problem(problem), latest="keep the test"
        )

    def _problem(self, sentence: str) -> None:
        if sentence and sentence != self._state.message:
            self._set(message=sentence)

    def _conclude(self, game: diagnostics.Game) -> None:
        """Puts the result into the report of the step, once."""
        run = self._state.run
        if self._told or run is None or not game.rounds:
            return
        self._told = True
        finding = diagnostics.human_finding(game, self._state.training, evidence=self._evidence(game))

        def done(found: Diagnosed) -> None:
            self._panel.take(run, found)

        self._store.tasks.submit(
            "study", "keep the result", lambda context: self._diagnoses.conclude(run, finding), done=done
        )

    def _evidence(self, game: diagnostics.Game) -> list[diagnostics.Evidence]:
        """The pairs that were called the same, as far as their pictures are still here."""
        left: list[Pictures] = []
        right: list[Pictures] = []
        for item in game.of("samples"):
            batch = self._batches.get(item.plan)
            for index, answer in enumerate(item.answers):
                if answer == "same" and batch is not None and len(left) < _SHOWN:
                    left.append(batch.left[index])
                    right.append(batch.right[index])
        if not left:
            return []
        return [diagnostics.Evidence("Pairs that were called the same", (np.stack(left), np.stack(right)))]
