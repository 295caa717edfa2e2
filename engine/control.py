"""Asking long work to stop, pause or step aside; the work itself decides when (co-operatively).

Whoever asks holds this end. Most work holds the other, a `Progress` whose `check` is `Control.check`; only training,
which can also pause and step aside, holds the control itself.
"""

import threading
import time

from engine.errors import Cancelled


class Control:
    """One for each job, shared by the thread that asks and the thread that works."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._go = threading.Event()
        self._go.set()
        self._aside_until = 0.0

    def stop(self) -> None:
        """Asks the work to end at its next step; also wakes it from a pause."""
        self._stop.set()
        self._go.set()

    def pause(self) -> None:
        self._go.clear()

    def resume(self) -> None:
        self._go.set()

    def step_aside(self, seconds: float) -> None:
        """Asks the work to leave the processor for so long: a finger is on a slider."""
        self._aside_until = time.monotonic() + seconds

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    @property
    def paused(self) -> bool:
        return not self._go.is_set()

    def check(self) -> None:
        """Raises `Cancelled` if asked to stop; otherwise returns at once."""
        if self._stop.is_set():
            raise Cancelled

    def wait_turn(self, *, at_most: float = 2.0) -> None:
        """Sleeps while asked to step aside, but never longer than `at_most` seconds, so that training goes on."""
        end = time.monotonic() + at_most
        while not self._stop.is_set():
            left = min(self._aside_until, end) - time.monotonic()
            if left <= 0:
                return
            self._stop.wait(min(left, 0.05))
