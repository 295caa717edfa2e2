"""What the run in the form would need, worked out while nobody waits for it: parameters, memory, seconds a step."""

from PySide6.QtCore import QObject

from app.core.model_host import ModelHost
from app.core.store import Store
from app.core.tasks import Task
from app.state import AppState
from engine.api import TrainRequest
from engine.events import Failed
from engine.lanes import Context


class CostController(QObject):
    """Asks on the train lane, which is idle while a form is filled in, and makes way as soon as a run starts."""

    def __init__(self, store: Store, host: ModelHost, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._host = store, host
        self._job: Task | None = None
        store.changed.connect(self._changed)

    def ask(self, request: TrainRequest) -> None:
        """The newest request counts; while a run is trained the line stays as it is."""
        store = self._store
        if store.state.training is not None or store.state.closing:
            return

        def work(context: Context) -> str:
            return self._host.session().cost_words(request, progress=context)

        def done(words: str) -> None:
            store.update(train_cost=words)

        def failed(event: Failed) -> None:
            # A knob out of range is said where it is; a line of guesses must not complain.
            store.update(train_cost="")

        store.tasks.cancel(self._job)
        self._job = store.tasks.submit(
            "train", "estimate the cost", work, done=done, failed=failed, stopped=lambda: None, latest="cost"
        )

    def _changed(self, before: AppState, now: AppState) -> None:
        if before.training is None and now.training is not None:
            self._store.tasks.cancel(self._job)
            self._job = None
