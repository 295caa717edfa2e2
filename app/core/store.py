"""What all controllers share: the state, the tasks, the notices and the jobs bar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from PySide6.QtCore import QObject, Signal

from app.core.model_host import ModelHost
from app.core.notices import Notices
from app.core.tasks import Task, Tasks
from app.job import JobView
from app.state import AppState
from engine.photos.load import PhotoLoader

ASIDE_SECONDS: Final = 0.15


class Store(QObject):
    """Holds the state; `changed` tells (before, now) once for each change, never nested."""

    changed = Signal(object, object)
    modelOpened = Signal()
    jumped = Signal()

    def __init__(
        self, state: AppState, tasks: Tasks, *, notices: Notices, model_host: ModelHost, study_host: ModelHost
    ) -> None:
        super().__init__()
        self.state = state
        self.tasks, self.notices = tasks, notices
        self.model_host, self.study_host = model_host, study_host
        self.photo_loader = PhotoLoader()
        self.training_job: Task | None = None
        self._cancels: dict[str, Callable[[], None]] = {}
        self._told = state
        self._telling = False

    def update(self, **changes: Any) -> None:
        """Replaces parts of the state and tells the views."""
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

    def step_aside(self) -> None:
        """A finger is on a control: training leaves the processor for a moment."""
        control = self.tasks.control(self.training_job)
        if control is not None:
            control.step_aside(ASIDE_SECONDS)

    # the jobs bar
    def show_job(self, view: JobView, *, cancel: Callable[[], None] | None = None) -> None:
        """Shows or renews a job; `cancel` is what its stop button does."""
        if cancel is not None:
            self._cancels[view.key] = cancel
        others = [job for job in self.state.jobs if job.key != view.key]
        at = next((i for i, job in enumerate(self.state.jobs) if job.key == view.key), len(others))
        self.update(jobs=(*others[:at], view, *others[at:]))

    def end_job(self, key: str) -> None:
        """Takes a job out of the bar."""
        self._cancels.pop(key, None)
        if any(job.key == key for job in self.state.jobs):
            self.update(jobs=tuple(job for job in self.state.jobs if job.key != key))

    def cancel_job(self, key: str) -> None:
        """What the stop button asks for."""
        if key in self._cancels:
            self._cancels[key]()
