"""A lane is one thread that owns what it works on; requests go in, events come out, the newest drag wins."""

import logging
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from engine.control import Control
from engine.errors import Cancelled, UserError
from engine.events import Advanced, Done, Event, Failed, Started, Stopped
from engine.progress import Progress
from engine.progress import Step as Step

Emit = Callable[[Event], None]

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Context(Progress):
    """All that a piece of work gets from its lane; it is the `progress` that the engine's functions take."""

    ticket: int
    control: Control


def _context(ticket: int, emit: Emit) -> Context:
    control = Control()
    return Context(control.check, lambda step: emit(Advanced(ticket, **vars(step))), ticket=ticket, control=control)


Work = Callable[[Context], Any]


@dataclass(frozen=True)
class _Request:
    kind: str
    work: Work
    latest: str | None
    context: Context
    background: bool = False


@dataclass
class _Waiting:
    """What the lane's thread and its callers share, under one lock."""

    queue: deque[_Request] = field(default_factory=deque)
    running: _Request | None = None
    closed: bool = False
    tickets: int = 0


class Lane:
    """One thread with a queue. `emit` is called on the lane's thread and must not block.

    `set_up` runs first on the thread (thread counts, slow imports). Nothing is a daemon: `close` ends the thread.
    """

    def __init__(self, name: str, emit: Emit, *, set_up: Callable[[], None] | None = None) -> None:
        self._emit = emit
        self._set_up = set_up
        self._shared = _Waiting()
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"lane-{name}")
        self._thread.start()

    def submit(self, kind: str, work: Work, *, latest: str | None = None, background: bool = False) -> int:
        """Queues `work` and gives its ticket. A waiting request with the same `latest` key is replaced without a word:
        only the newest of a drag is worth doing. `background` work starts when nothing else waits, so that a grid that
        fills, piece by piece, holds up no drag."""
        with self._change:
            if self._shared.closed:
                raise RuntimeError("The lane is closed.")
            self._shared.tickets += 1
            context = _context(self._shared.tickets, self._emit)
            if latest is not None:
                self._shared.queue = deque(r for r in self._shared.queue if r.latest != latest)
            self._shared.queue.append(_Request(kind, work, latest, context, background))
            self._change.notify_all()
            return context.ticket

    def cancel(self, ticket: int | None = None) -> None:
        """Asks the request (or, with None, all of them) to stop; a waiting one never starts and is told as stopped."""
        dropped: list[_Request] = []
        with self._change:
            running = self._shared.running
            if running is not None and ticket in (None, running.context.ticket):
                running.context.control.stop()
            kept: deque[_Request] = deque()
            for request in self._shared.queue:
                (dropped if ticket in (None, request.context.ticket) else kept).append(request)
            self._shared.queue = kept
            self._change.notify_all()
        for request in dropped:
            self._emit(Stopped(request.context.ticket, request.kind))

    def control(self, ticket: int) -> Control | None:
        """The control of a waiting or running request."""
        with self._change:
            running = [self._shared.running] if self._shared.running else []
            return next(
                (r.context.control for r in [*running, *self._shared.queue] if r.context.ticket == ticket), None
            )

    @property
    def busy(self) -> bool:
        with self._change:
            return self._shared.running is not None or bool(self._shared.queue)

    def wait_idle(self, seconds: float) -> bool:
        """Waits until nothing runs or waits; False if it took longer. For tests and commands, never on a GUI thread."""
        end = time.monotonic() + seconds
        with self._change:
            while self._shared.running is not None or self._shared.queue:
                if not self._change.wait(max(0.0, end - time.monotonic())):
                    return False
            return True

    def close(self, seconds: float = 30.0) -> bool:
        """Stops everything, then waits for the thread; False if it still works after that time."""
        self.cancel()
        with self._change:
            self._shared.closed = True
            self._change.notify_all()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        if self._set_up is not None:
            self._guarded(_Request("set up", self._do_set_up, None, _context(0, self._emit)), quiet=True)
        while (request := self._next()) is not None:
            self._guarded(request)
            with self._change:
                self._shared.running = None
                self._change.notify_all()

    def _do_set_up(self, _: Context) -> None:
        assert self._set_up is not None
        self._set_up()

    def _next(self) -> _Request | None:
        with self._change:
            while not self._shared.queue:
                if self._shared.closed:
                    return None
                self._change.wait()
            queue = self._shared.queue
            first = next((request for request in queue if not request.background), queue[0])
            queue.remove(first)
            self._shared.running = first
            return first

    def _guarded(self, request: _Request, *, quiet: bool = False) -> None:
        """Runs one request; whatever it raises becomes an event, and the lane lives on."""
        ticket, kind = request.context.ticket, request.kind
        try:
            if not quiet:
                self._emit(Started(ticket, kind))
            value = request.work(request.context)
            if not quiet:
                self._emit(Done(ticket, kind, value))
        except Cancelled:
            self._emit(Stopped(ticket, kind))
        except UserError as error:
            self._emit(Failed(ticket, kind, str(error)))
        except Exception as error:
            log.exception("%s failed", kind)
            self._emit(Failed(ticket, kind, _sentence(error), "".join(traceback.format_exception(error))))


def _sentence(error: Exception) -> str:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "There was not enough memory for this: choose a smaller batch or model, or another device."
    return f"Something went wrong inside Latent Loom ({type(error).__name__}: {error}): details are in the log."
