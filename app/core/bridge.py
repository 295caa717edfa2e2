"""The one way from the lanes' threads to the widgets; made on the GUI thread and never moved."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from engine.events import Event, TrainingEvent, TrainingMetrics, TrainingState

TRAINING_MS: Final = 40
MOST_METRICS: Final = 64
"""Of those that wait; who follows a run sees that some are missing, and reads them from its files."""


class Bridge(QObject):
    """Lanes post from any thread; the signals come out on the GUI thread, in order.

    Many posts make one queued call, and training's events wait in a mailbox that keeps only the newest metrics: a fast
    training run can never flood the window.
    """

    arrived = Signal(str, object)
    trained = Signal(object)
    _wake = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Lock()
        self._events: deque[tuple[str, Event]] = deque()
        self._woken = False
        self._metrics: deque[TrainingMetrics] = deque(maxlen=MOST_METRICS)
        self._every: list[TrainingEvent] = []
        self._wake.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._timer = QTimer(self, interval=TRAINING_MS)
        self._timer.timeout.connect(self._deliver_training)

    def emitter(self, lane: str) -> Callable[[Event], None]:
        """What a lane gets as its `emit`."""

        def post(event: Event) -> None:
            with self._lock:
                self._events.append((lane, event))
                wake, self._woken = not self._woken, True
            if wake:
                self._wake.emit()

        return post

    def post_training(self, event: TrainingEvent) -> None:
        """For the train lane: all arrive, but of metrics the newest alone where they come too fast."""
        with self._lock:
            if isinstance(event, TrainingMetrics):
                self._metrics.append(event)
            else:
                self._every.append(event)

    def watch_training(self, on: bool) -> None:
        """Starts or ends the mailbox's timer; ending empties it first."""
        if on:
            self._timer.start()
        else:
            self._timer.stop()
            self._deliver_training()

    def flush(self) -> None:
        """Delivers all that was posted, now."""
        self._deliver()
        self._deliver_training()

    def _deliver(self) -> None:
        with self._lock:
            events, self._events, self._woken = self._events, deque(), False
        for lane, event in events:
            self.arrived.emit(lane, event)

    def _deliver_training(self) -> None:
        with self._lock:
            events = [*self._metrics, *self._every]
            self._metrics.clear()
            self._every = []
        # A final state must not be overtaken by the metrics before it.
        for event in sorted(events, key=lambda e: isinstance(e, TrainingState)):
            self.trained.emit(event)
