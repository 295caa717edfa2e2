"""Diagnosing a model of the library in Explore, held against a data set that the person names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject

from app.core.model_host import run_of
from app.core.notices import NO_MODEL, Message
from app.core.store import Store
from app.diagnosis.host import Diagnosed, DiagnosisHost
from app.diagnosis.job import DiagnosisJob
from app.diagnosis.state import DiagnosticCard, Running
from app.explore.check.state import ModelCheck
from app.state import AppState
from engine.diagnostics import Report
from engine.events import Failed
from engine.lanes import Context

JOB: Final = "diagnose-model"
NO_DATA: Final = Message(
    "Name the images first that the model is to be held against: a folder, zip, npz or idx file.", "warning"
)


class ModelCheckController(QObject):
    """Owns `AppState.check`. A run in Explore is diagnosed in Train, where its own data and history are."""

    def __init__(
        self,
        store: Store,
        diagnoses: DiagnosisHost,
        *,
        show_run: Callable[[Path], object],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._store, self._diagnoses, self._show_run = store, diagnoses, show_run
        self._job = DiagnosisJob(store, JOB, lambda running: self._store.change("check", running=running))
        store.changed.connect(self._changed)

    def _changed(self, before: AppState, now: AppState) -> None:
        if now.check is not None and now.check.running is None and now.model not in (None, now.check.ref):
            # Another model was opened: this page spoke of the one before.
            self.close()

    def open(self) -> None:
        """Shows the page for the model on show; for a run, the Collapse panel of Train."""
        store, state = self._store, self._store.state
        if state.model is None or state.info is None:
            store.notices.say(NO_MODEL)
            return
        run = run_of(state.model)
        if run is not None:
            self._show_run(run)
            return
        data_sets = state.catalogue.data_sets if state.catalogue is not None else ()
        data = state.check.data if state.check is not None else data_sets[0][0] if data_sets else ""
        check = ModelCheck(state.model, state.info.title, state.info.sha256, data, cards=state.collapse.cards or ())
        store.update(workspace="explore", check=check)
        self._look_up()

    def close(self) -> None:
        """Back to the pictures; a diagnosis at work is stopped."""
        self._job.stop()
        self._store.update(check=None)

    def set_data(self, data: str) -> None:
        """The images to hold the model against; an earlier report on them is shown."""
        check = self._store.state.check
        if check is not None and data != check.data and check.running is None:
            self._store.change("check", data=data, report=None, message="")
            self._look_up()

    def unfold(self, name: str, on: bool) -> None:
        """Opens or closes a finding."""
        check = self._store.state.check
        if check is not None:
            self._store.change("check", opened=check.opened | {name} if on else check.opened - {name})

    def _look_up(self) -> None:
        """The catalogue, and the report that was kept of this model and data."""
        check = self._store.state.check
        assert check is not None
        ref, data, sha = check.ref, check.data, check.sha256

        def work(context: Context) -> tuple[tuple[DiagnosticCard, ...], Report | None]:
            return self._diagnoses.cards(), self._diagnoses.kept(sha, data) if data else None

        def done(found: tuple[tuple[DiagnosticCard, ...], Report | None]) -> None:
            now = self._store.state.check
            if now is not None and (now.ref, now.data) == (ref, data):
                self._store.change("check", cards=found[0], report=now.report or found[1])

        self._store.tasks.submit("study", "look for a report", work, done=done, latest="check")

    def run(self, names: tuple[str, ...] | None = None, *, quick: bool = False) -> None:
        """Makes the diagnosis: all, or the diagnostics named."""
        store, check = self._store, self._store.state.check
        if check is None or not self._job.may_start():
            return
        if not check.data:
            store.notices.say(NO_DATA)
            return
        ref, data = check.ref, check.data

        def work(context: Context) -> Diagnosed:
            return self._diagnoses.check(ref, data, names, quick=quick, context=context)

        def done(found: Diagnosed) -> None:
            if found.problem:
                store.notices.warn(found.problem)
            now = store.state.check
            if now is not None and (now.ref, now.data) == (ref, data):
                self._store.change("check", report=found.report, message="", opened=now.opened | frozenset(names or ()))

        def failed(event: Failed) -> None:
            self._store.change("check", message=event.message)

        self._store.change("check", message="")
        self._job.start(check.title, Running(None, names, quick), work=work, done=done, failed=failed)
