"""The data set browser: looking a data set through on the study lane, and paging through its pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PySide6.QtCore import QObject

from app.core.notices import Message
from app.core.store import Store
from app.core.tasks import Task
from app.job import JobView
from app.train.data.state import PAGE, DataChoice, DataState
from engine.api import Pictures
from engine.events import Advanced, Failed
from engine.lanes import Context

if TYPE_CHECKING:
    from engine.session import Survey

JOB: Final = "look-at-data"
NO_DATA: Final = Message("There is no data set yet: choose a folder, zip, npz or idx file of images.", "warning")


class DataController(QObject):
    """Owns `AppState.data`."""

    def __init__(self, store: Store, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._job: Task | None = None

    @property
    def _state(self) -> DataState:
        return self._store.state.data

    def choose(self, choice: DataChoice) -> None:
        """Remembers what the panel says."""
        if choice != self._state.choice:
            self._store.change("data", choice=choice, message="")

    def look(self) -> None:
        """Looks the chosen data set through."""
        choice = self._state.choice
        if not choice.path:
            self._store.notices.say(NO_DATA)
            return
        self.stop()

        def work(context: Context) -> Survey:
            session = self._store.study_host.session()
            data = session.dataset(
                choice.path,
                labels=choice.labels or None,
                group=choice.group,
                size=choice.size,
                channels=choice.channels,
                progress=context.named("reading the images"),
            )
            return session.survey(data, progress=context.named("looking for copies"))

        def done(found: Survey) -> None:
            ended()
            self._store.change("data", survey=found, looked=choice, attribute="", show="pictures", page=0, message="")
            self._see()

        def failed(event: Failed) -> None:
            ended()
            self._store.change("data", message=event.message)
            self._store.notices.failed(event)

        def ended() -> None:
            self._job = None
            self._store.change("data", busy=False)

        def told(event: Advanced) -> JobView:
            fraction = event.done / event.total if event.total else None
            return JobView(JOB, text, fraction, f"{event.text}, {100 * (fraction or 0):.0f} %")

        text = "Looking at the data"
        self._store.change("data", busy=True, message="")
        self._job = self._store.run_job(
            JobView(JOB, text, None), work, done=done, failed=failed, stopped=ended, told=told, kind="look at the data"
        )

    def stop(self) -> None:
        """Stops looking; what was found before stays."""
        self._store.tasks.cancel(self._job)

    # the pictures
    def show(self, show: str) -> None:
        """Pictures, duplicates or broken files."""
        self._store.change("data", show=show, page=0)
        self._see()

    def narrow(self, attribute: str) -> None:
        """Only pictures that have this attribute; an empty name shows all."""
        self._store.change("data", attribute=attribute, show="pictures", page=0)
        self._see()

    def turn(self, page: int) -> None:
        """Another page."""
        page = min(self._state.pages - 1, max(0, page))
        if page != self._state.page:
            self._store.change("data", page=page)
            self._see()

    def _see(self) -> None:
        survey, now = self._state.survey, self._state
        if survey is None:
            return
        found = _rows(survey, now.show, now.attribute)
        rows = found[now.page * PAGE : (now.page + 1) * PAGE]

        def work(context: Context) -> Pictures:
            pictures = np.asarray(survey.data.images[list(rows)])
            return np.repeat(pictures, 3, 3) if pictures.shape[-1] == 1 else pictures

        def done(pictures: Pictures) -> None:
            self._store.change("data", rows=rows, total=len(found), pictures=pictures if len(pictures) else None)

        self._store.tasks.submit("files", "read the pictures", work, done=done, latest="data pictures")


def _rows(survey: Survey, show: str, attribute: str) -> tuple[int, ...]:
    """The rows of the data set that are shown, in an order that mixes what lies together on the disk."""
    if show == "duplicates":
        return tuple(row for same in survey.duplicates for row in same.rows)
    if show == "broken":
        return ()
    data = survey.data
    rows = np.arange(len(data.images))
    if attribute in data.attributes:
        rows = rows[data.labels[:, data.attributes.index(attribute)] == 1]
    return tuple(np.random.default_rng(0).permutation(rows).tolist())
