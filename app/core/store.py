"""What all controllers share: the state, the tasks, the notices and the jobs bar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from PySide6.QtCore import QObject, Signal

from app.core.model_host import ModelHost
from app.core.notices import Notices
from app.core.tasks import LaneName, Task, Tasks
from app.job import JobView
from app.state import AppState
from engine.events import Advanced, Failed
from engine.lanes import Work
from engine.photos import PhotoLoader

ASIDE_SECONDS: Final = 0.15


class Store(QObject):
    """Holds the state; `changed` tells (before, now) once for each change, never nested."""

    changed = Signal(object, object)
    modelOpened = Signal()
    jumped = Signal()

    def __init__(
        self,
        state: AppState,
        tasks: Tasks,
        *,
        notices: Notices,
        model_host: ModelHost,
        study_host: ModelHost,
        workspaces: Sequence[str],
    ) -> None:
        super().__init__()
        self.state = state
        self.tasks, self.notices = tasks, notices
        self.model_host, self.study_host = model_host, study_host
        self.photo_loader = PhotoLoader()
        self.training_job: Task | None = None
        self._workspaces = tuple(workspaces)
        self._cancels: dict[str, Callable[[], None]] = {}
        self._pauses: dict[str, Callable[[bool], None]] = {}
        self._told = state
        self._telling = False

    def update(self, **changes: Any) -> None:
        """Replaces parts of the state and tells the views.

        Raises:
            ValueError: there is no such workspace.
        """
        if changes.get("workspace", self.state.workspace) not in self._workspaces:
            raise ValueError(f"The workspace must be one of {', '.join(self._workspaces)}, not {changes['workspace']}.")
        self.state = replace(self.state, **changes)
        if self._telling:
            return
        self._telling = True
        try:
            while self._told is not self.state:
                before, self._told = self._told, self.state
                self.changed.emit(before, self._told)
        finally:
            self._telling = False

    def change(self, part: str, **changes: Any) -> None:
        """Replaces fields of one part of the state, named by its field of `AppState`; a part that is None stays so."""
        now = getattr(self.state, part)
        if now is not None:
            self.update(**{part: replace(now, **changes)})

    def update_part(self, kind: type, **changes: Any) -> None:
        """Replaces fields of a workspace's own state, see `AppState.part`."""
        part: Any = self.state.part(kind)
        self.update(parts={**self.state.parts, kind: replace(part, **changes)})

    def step_aside(self) -> None:
        """A finger is on a control: training leaves the processor for a moment."""
        control = self.tasks.control(self.training_job)
        if control is not None:
            control.step_aside(ASIDE_SECONDS)

    # the jobs bar
    def show_job(
        self, view: JobView, *, cancel: Callable[[], None] | None = None, pause: Callable[[bool], None] | None = None
    ) -> None:
        """Shows or renews a job; `cancel` is what its stop button does, `pause` (True) and resume (False) likewise."""
        if pause is not None:
            self._pauses[view.key] = pause
        if cancel is not None:
            self._cancels[view.key] = cancel
        others = [job for job in self.state.jobs if job.key != view.key]
        at = next((i for i, job in enumerate(self.state.jobs) if job.key == view.key), len(others))
        self.update(jobs=(*others[:at], view, *others[at:]))

    def run_job(
        self,
        row: JobView,
        work: Work,
        *,
        done: Callable[[Any], object],
        failed: Callable[[Failed], object] | None = None,
        stopped: Callable[[], object] | None = None,
        told: Callable[[Advanced], JobView] | None = None,
        lane: LaneName = "study",
        kind: str = "",
    ) -> Task | None:
        """Submits work that has a row in the jobs bar until it ends; its stop button cancels it, `told` renews the row.

        What is called in the end finds the bar without it; a failure that nobody waits for goes to the notices.
        """

        def ended(then: Callable[..., object] | None) -> Callable[..., None]:
            def end(*found: Any) -> None:
                self.end_job(row.key)
                if then is not None:
                    then(*found)

            return end

        task = self.tasks.submit(
            lane,
            kind or row.key,
            work,
            done=ended(done),
            failed=ended(failed or self.notices.failed),
            stopped=ended(stopped),
            progress=None if told is None else lambda event: self.show_job(told(event)),
        )
        if task is not None:
            self.show_job(row, cancel=lambda: self.tasks.cancel(task))
        return task

    def end_job(self, key: str) -> None:
        """Takes a job out of the bar."""
        self._cancels.pop(key, None)
        self._pauses.pop(key, None)
        if any(job.key == key for job in self.state.jobs):
            self.update(jobs=tuple(job for job in self.state.jobs if job.key != key))

    def cancel_job(self, key: str) -> None:
        """What the stop button asks for."""
        if key in self._cancels:
            self._cancels[key]()

    def pause_job(self, key: str, on: bool = True) -> None:
        """What the pause button asks for, or (False) the resume button."""
        if key in self._pauses:
            self._pauses[key](on)
