"""A diagnosis at work on the study lane: its row in the jobs bar, Cancel, and that there is only one at a time."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from app.core.notices import Message
from app.core.store import Store
from app.core.tasks import Task
from app.diagnosis.host import Diagnosed
from app.diagnosis.state import Running
from app.job import JobView
from app.words import duration
from engine.events import Advanced, Failed
from engine.lanes import Context

AT_WORK: Final = Message("A diagnosis is being made already: wait for it, or stop it in the bar below.", "warning")


class DiagnosisJob:
    """The job `key`; `show` puts the diagnosis at work into the workspace's state, None when it has ended."""

    def __init__(self, store: Store, key: str, show: Callable[[Running | None], None]) -> None:
        self._store, self._key, self._show = store, key, show
        self._task: Task | None = None

    def may_start(self) -> bool:
        """False, and said so, while a diagnosis is at work in either workspace."""
        state = self._store.state
        free = state.collapse.running is None and (state.check is None or state.check.running is None)
        if not free:
            self._store.notices.say(AT_WORK)
        return free

    def start(
        self,
        title: str,
        running: Running,
        *,
        work: Callable[[Context], Diagnosed],
        done: Callable[[Diagnosed], object],
        failed: Callable[[Failed], object],
    ) -> None:
        """Begins `work` on what is called `title`; a failure is said to the person besides."""
        store, text, began = self._store, f"Diagnosing {title}", time.monotonic()

        def ended() -> None:
            self._task = None
            store.end_job(self._key)
            self._show(None)

        def finished(found: Diagnosed) -> None:
            ended()
            done(found)

        def broken(event: Failed) -> None:
            ended()
            failed(event)
            store.notices.failed(event)

        def told(event: Advanced) -> None:
            fraction = event.done / event.total if event.total else None
            detail, took_seconds = event.text, time.monotonic() - began
            if fraction is not None and 0.1 < fraction < 1 and took_seconds > 2:
                detail = f"{detail} · {duration(took_seconds * (1 - fraction) / fraction)} left"
            self._show(replace(running, fraction=fraction, text=event.text))
            store.show_job(JobView(self._key, text, fraction, detail), cancel=self.stop)

        self._show(running)
        store.show_job(JobView(self._key, text, None, ""), cancel=self.stop)
        self._task = store.tasks.submit(
            "study", "diagnose", work, done=finished, failed=broken, stopped=ended, progress=told
        )

    def stop(self) -> None:
        """Cancels the diagnosis at work."""
        self._store.tasks.cancel(self._task)
