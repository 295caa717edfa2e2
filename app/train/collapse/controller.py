"""The Collapse panel: reading reports of the run on show, and making new ones on the study lane."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject

from app.core.notices import Message
from app.core.run_files import RunRecord
from app.core.run_follower import RunFollower, Watch
from app.core.store import Store
from app.diagnosis.host import Diagnosed, DiagnosisHost
from app.diagnosis.job import DiagnosisJob
from app.diagnosis.state import DiagnosticCard, Running
from app.state import AppState, moved
from app.train.collapse.state import CollapseState
from app.train.controller import TrainController
from app.train.state import RunView
from engine.diagnostics import Report, read_report
from engine.events import Failed
from engine.lanes import Context

JOB: Final = "diagnose"
NO_RUN: Final = Message("There is no run on show to diagnose: choose one in Train first.", "warning")


class CollapseController(QObject):
    """Owns `AppState.collapse`, less the birthday test in it."""

    def __init__(
        self,
        store: Store,
        diagnoses: DiagnosisHost,
        train: TrainController,
        follower: RunFollower,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._store, self._diagnoses, self._train, self._follower = store, diagnoses, train, follower
        self._watch: Watch | None = None
        self._job = DiagnosisJob(store, JOB, lambda running: self._store.change("collapse", running=running))
        self._asked_cards = False
        self._shown: tuple[Path, int] | None = None
        store.changed.connect(self._changed)

    @property
    def _state(self) -> CollapseState:
        return self._store.state.collapse

    # following the run on show
    def _changed(self, before: AppState, now: AppState) -> None:
        view = now.run_view
        if view is not None and view.path != now.collapse.run:
            kept = now.collapse
            self._shown = None
            self._store.update(
                collapse=CollapseState(kept.cards, view.path, running=kept.running, birthday=kept.birthday)
            )
            if self._watch is not None:
                self._watch.close()
            self._watch = self._follower.watch(view.path, "reports", take=self._take)
        watched = view is not None and now.workspace == "train" and now.train_side == "collapse" and not now.closing
        if self._watch is not None:
            self._watch.follow(watched)
        if watched:
            self._read_cards()
        if view is not None and _scrubbed(before.run_view) != _scrubbed(view) and self._state.chosen:
            # The scrubber was moved: reports follow it again.
            self._store.change("collapse", chosen=False)
        if moved(now, before, "collapse", "run_view"):
            self._follow()

    def _read_cards(self) -> None:
        if self._asked_cards or self._state.cards is not None:
            return
        self._asked_cards = True

        def done(cards: tuple[DiagnosticCard, ...]) -> None:
            self._store.change("collapse", cards=cards)

        self._store.tasks.submit("study", "list the diagnostics", lambda context: self._diagnoses.cards(), done=done)

    def _take(self, record: RunRecord) -> None:
        if record.reports != self._state.reports:
            self._store.change("collapse", reports=record.reports)

    def _follow(self) -> None:
        """Shows the report that belongs to the step on show, unless another one was chosen by hand."""
        state = self._state
        steps = [entry.step for entry in state.reports]
        if state.run is None or not steps:
            return
        wanted = state.step if state.chosen and state.step in steps else _nearest(steps, self._store.state.run_view)
        if self._shown != (state.run, wanted):
            self._read(state.run, wanted)

    def _read(self, run: Path, step: int) -> None:
        entry = next(entry for entry in self._state.reports if entry.step == step)
        self._shown = (run, step)

        def done(report: Report) -> None:
            if self._state.run == run and self._shown == (run, step):
                self._store.change("collapse", step=step, report=report, message="")

        def failed(event: Failed) -> None:
            if self._state.run == run and self._shown == (run, step):
                self._store.change("collapse", step=step, report=None, message=event.message)

        self._store.change("collapse", step=step)
        self._store.tasks.submit(
            "files",
            "read the report",
            lambda context: read_report(entry.folder),
            done=done,
            failed=failed,
            latest="report",
        )

    # what the panel asks for
    def choose(self, step: int) -> None:
        """Shows the report of this step until the scrubber is moved."""
        if any(entry.step == step for entry in self._state.reports):
            self._store.change("collapse", chosen=True, step=step)
            self._follow()

    def show(self, run: Path) -> None:
        """Shows a run with this panel beside it."""
        self._store.update(workspace="train", train_side="collapse")
        view = self._store.state.run_view
        if view is None or view.path != run:
            self._train.show_run(run)

    def unfold(self, name: str, on: bool) -> None:
        """Opens or closes a finding."""
        opened = self._state.opened | {name} if on else self._state.opened - {name}
        self._store.change("collapse", opened=opened)

    def toggle(self) -> None:
        """Curves or Collapse at the right of Train."""
        side = "curves" if self._store.state.train_side == "collapse" else "collapse"
        self._store.update(workspace="train", train_side=side)

    def run(self, names: tuple[str, ...] | None = None, *, quick: bool = False) -> None:
        """Diagnoses the run on show: all, or the diagnostics named; `quick` with fewer samples and images."""
        store, view = self._store, self._store.state.run_view
        if view is None:
            store.notices.say(NO_RUN)
            return
        if not self._job.may_start():
            return
        run, title = view.path, view.info.title
        store.update(workspace="train", train_side="collapse")

        def work(context: Context) -> Diagnosed:
            return self._diagnoses.diagnose(run, names, quick=quick, context=context)

        def failed(event: Failed) -> None:
            if self._state.run == run:
                self._store.change("collapse", message=event.message)

        self._store.change("collapse", message="")
        running, done = Running(run, names, quick), partial(self.take, run, names=names)
        self._job.start(title, running, work=work, done=done, failed=failed)

    def take(self, run: Path, found: Diagnosed, *, names: tuple[str, ...] | None = None) -> None:
        """Shows a report that was just made."""
        if found.problem:
            self._store.notices.warn(found.problem)
        if self._state.run != run:
            return
        opened = self._state.opened | frozenset(names or ())
        self._shown = (run, found.step)
        self._store.change("collapse", step=found.step, chosen=True, report=found.report, message="", opened=opened)
        if self._watch is not None:
            self._watch.look()


def _scrubbed(view: RunView | None) -> tuple[Path, int, bool] | None:
    """Where the scrubber stands; the end that moves by itself while training counts as one place."""
    return None if view is None else (view.path, -1 if view.following else view.shown, view.following)


def _nearest(steps: list[int], view: RunView | None) -> int:
    """The newest report while the run is followed; else the last one that is not later than the step on show."""
    if view is None or view.following or not 0 <= view.shown < len(view.previews):
        return steps[-1]
    shown = view.previews[view.shown][0]
    return max((step for step in steps if step <= shown), default=steps[0])
