"""What the run in the form would need, worked out while nobody waits for it: parameters, memory, seconds a step."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.desk import Job
from app.hub import Hub
from app.model_host import ModelHost
from app.state import AppState
from engine.api import TrainRequest
from engine.events import Failed
from engine.lanes import Context


class CostController(QObject):
    """Asks on the train lane, which is idle while a form is filled in, and makes way as soon as a run starts."""

    def __init__(self, hub: Hub, host: ModelHost, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._hub, self._host = hub, host
        self._job: Job | None = None
        hub.changed.connect(self._changed)

    def ask(self, request: TrainRequest) -> None:
        """The newest request counts; while a run is trained the line stays as it is."""
        hub = self._hub
        if hub.state.training is not None or hub.state.closing:
            return

        def work(context: Context) -> str:
            return self._host.session().cost_words(request, check_cancel=context.check)

        def done(words: str) -> None:
            hub.update(train_cost=words)

        def failed(event: Failed) -> None:
            # A knob out of range is said where it is; a line of guesses must not complain.
            hub.update(train_cost="")

        hub.desk.cancel(self._job)
        self._job = hub.desk.submit(
            "train", "estimate the cost", work, done=done, failed=failed, stopped=lambda: None, latest="cost"
        )

    def _changed(self, before: AppState, now: AppState) -> None:
        if before.training is None and now.training is not None:
            self._hub.desk.cancel(self._job)
            self._job = None
