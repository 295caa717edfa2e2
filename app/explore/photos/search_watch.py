"""Follows a search for a code: its row in the jobs bar, and its error curve while its photo is on show."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from app.core.store import Store
from app.explore.photos.state import Search
from app.job import JobView
from engine.events import Advanced

SHOW_SECONDS: Final = 0.05
"""Fast searches make thousands of steps a second; the window shows at most twenty of them."""


class SearchWatch:
    """One search. `shown` says whether its curve belongs on screen; `progress` gets the share that is done."""

    def __init__(
        self,
        store: Store,
        key: str,
        text: str,
        *,
        shown: Callable[[], bool],
        progress: Callable[[float], None] | None = None,
    ) -> None:
        self._store, self._shown, self._progress = store, shown, progress
        self._key, self._text = key, text
        self._steps: list[int] = []
        self._errors: list[float] = []
        self._told = 0.0
        self._started = False

    def start(self, *, cancel: Callable[[], None]) -> None:
        """Shows the row with a stop button that calls `cancel`."""
        self._started = True
        self._store.show_job(JobView(self._key, self._text, None, "starting"), cancel=cancel)
        if self._shown():
            self._store.update(search=Search(self._key, self._text))

    def moved(self, event: Advanced) -> None:
        """A step was made."""
        if not self._started:
            return
        if event.value is not None:
            self._steps.append(event.done)
            self._errors.append(event.value)
        now = time.monotonic()
        if now - self._told < SHOW_SECONDS and event.done < event.total:
            return
        self._told = now
        fraction = event.done / event.total if event.total else None
        self._store.show_job(JobView(self._key, self._text, fraction, f"{event.done} / {event.total} · {event.text}"))
        if self._progress is not None and fraction is not None:
            self._progress(fraction)
        if self._shown():
            steps, errors = tuple(self._steps), tuple(self._errors)
            self._store.update(search=Search(self._key, self._text, event.done, event.total, steps, errors))
        elif self._mine():
            self._store.update(search=None)

    def end(self) -> None:
        """It ended, one way or another."""
        self._started = False
        self._store.end_job(self._key)
        if self._mine():
            self._store.update(search=None)

    def _mine(self) -> bool:
        search = self._store.state.search
        return search is not None and search.job == self._key
