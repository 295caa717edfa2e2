"""The window's lanes, and who waits for which answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from PySide6.QtCore import QObject

from app.core.bridge import Bridge
from engine.events import Advanced, Done, Event, Failed, Stopped
from engine.lanes import Control, Lane, Work

LaneName = Literal["model", "study", "files", "train", "lab", "look"]
"""model draws; study encodes, compares and exports with models of its own, so that no long job holds up a drag;
files lists and reads; train trains; lab trains the stages of the Lab, and look draws their maps meanwhile."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """A request that was handed in."""

    lane: LaneName
    ticket: int


@dataclass(frozen=True)
class _Waiter:
    done: Callable[[Any], None]
    failed: Callable[[Failed], None] | None
    stopped: Callable[[], None] | None
    progress: Callable[[Advanced], None] | None
    latest: str | None


class Tasks(QObject):
    """Hands work to lanes and answers to callbacks, both on the GUI thread. Lanes start at their first request."""

    def __init__(
        self,
        bridge: Bridge,
        *,
        set_ups: dict[LaneName, Callable[[], None]],
        on_failed: Callable[[Failed], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._bridge, self._set_ups, self._on_failed = bridge, set_ups, on_failed
        self._lanes: dict[LaneName, Lane] = {}
        self._waiters: dict[tuple[str, int], _Waiter] = {}
        self.closed = False
        bridge.arrived.connect(self._arrived)

    def submit(
        self,
        lane: LaneName,
        kind: str,
        work: Work,
        *,
        done: Callable[[Any], None],
        failed: Callable[[Failed], None] | None = None,
        stopped: Callable[[], None] | None = None,
        progress: Callable[[Advanced], None] | None = None,
        latest: str | None = None,
        background: bool = False,
    ) -> Task | None:
        """Queues `work`; exactly one of done, failed and stopped is called, or none when a newer `latest` takes its
        place. A failure that nobody waits for goes to the notices. None once the window closes. `background` work
        starts when nothing else waits in its lane."""
        if self.closed:
            return None
        if lane not in self._lanes:
            self._lanes[lane] = Lane(lane, self._bridge.emitter(lane), set_up=self._set_ups.get(lane))
        ticket = self._lanes[lane].submit(kind, work, latest=latest, background=background)
        self._waiters[lane, ticket] = _Waiter(done, failed, stopped, progress, latest)
        return Task(lane, ticket)

    def cancel(self, job: Task | None) -> None:
        """Asks a request to stop."""
        if job is not None and job.lane in self._lanes:
            self._lanes[job.lane].cancel(job.ticket)

    def control(self, job: Task | None) -> Control | None:
        """The control of a request that waits or runs."""
        return None if job is None or job.lane not in self._lanes else self._lanes[job.lane].control(job.ticket)

    def busy(self, *lanes: LaneName) -> bool:
        """Whether one of these lanes (all, when none is named) works or has work waiting."""
        return any(lane.busy for name, lane in self._lanes.items() if not lanes or name in lanes)

    def stop(self) -> None:
        """Asks everything to stop and takes no more."""
        self.closed = True
        for lane in self._lanes.values():
            lane.cancel()

    def close(self, seconds: float = 30.0) -> bool:
        """Joins the threads; quick once nothing is busy. False if one still works."""
        self.stop()
        return all([lane.close(seconds) for lane in self._lanes.values()])

    def _arrived(self, lane: str, event: Event) -> None:
        key = (lane, event.ticket)
        waiter = self._waiters.get(key)
        if waiter is None:
            # A replaced drag, or a lane whose set-up failed (ticket 0), which must be told.
            if isinstance(event, Failed) and event.ticket == 0:
                self._on_failed(event)
            return
        if isinstance(event, Advanced):
            if waiter.progress:
                waiter.progress(event)
            return
        if not isinstance(event, Done | Failed | Stopped):
            return
        del self._waiters[key]
        if waiter.latest is not None:
            self._forget_replaced(lane, event.ticket, waiter.latest)
        if isinstance(event, Done):
            waiter.done(event.value)
        elif isinstance(event, Stopped):
            if waiter.stopped:
                waiter.stopped()
        else:
            (waiter.failed or self._on_failed)(event)

    def _forget_replaced(self, lane: str, ticket: int, latest: str) -> None:
        """A newer answer came, so older requests of the same key were replaced and will never answer."""
        old = [k for k, w in self._waiters.items() if k[0] == lane and k[1] < ticket and w.latest == latest]
        for key in old:
            del self._waiters[key]
