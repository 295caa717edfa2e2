"""The set-up of all stages as one line of text: to the clipboard, and from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication

from app.core.model_host import ModelHost
from app.core.store import Store
from app.core.workspace import Actions
from app.lab.controller import LabController
from app.lab.setups import engine_setups, of_engine
from engine.events import Failed
from engine.lab import Setup, setup_line
from engine.lanes import Context

if TYPE_CHECKING:
    from app.lab.view import LabView

EMPTY = "There is no text on the clipboard: copy the line of a set-up, then paste it here."


class Sharing(QObject):
    """Copies and pastes set-ups. What cannot be pasted is said beside the knobs, and the stages stay."""

    def __init__(self, store: Store, lab: LabController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._lab = store, lab
        self._host = ModelHost(device="cpu")

    def connect_view(self, view: LabView) -> Actions:
        """The two buttons over the set-up, and their keys."""
        view.setup.copyWanted.connect(self.copy)
        view.setup.pasteWanted.connect(self.paste)
        return {"lab.copy": self.copy, "lab.paste": self.paste}

    def copy(self) -> None:
        """The line of all stages to the clipboard."""
        if self._lab.state.stages:
            QGuiApplication.clipboard().setText(setup_line(engine_setups(self._lab.state)))
            self._store.notices.info("The set-up is on the clipboard as one line: paste it here, or send it.")

    def paste(self) -> None:
        """Stages of the line on the clipboard, in place of those on show."""
        line = QGuiApplication.clipboard().text().strip()
        if line:
            self.take(line)
        else:
            self._refuse(EMPTY)

    def take(self, line: str) -> None:
        """Stages of a line, which comes from outside: they are made once before they take the place of others."""

        def work(context: Context) -> Sequence[Setup]:
            return self._host.session().read_setups(line)

        def done(setups: Sequence[Setup]) -> None:
            catalogue = self._lab.state.catalogue
            if catalogue is not None:
                self._lab.set_up(setups[0].truth, [of_engine(catalogue, one) for one in setups])

        def failed(event: Failed) -> None:
            if event.details:
                self._store.notices.failed(event)
            else:
                self._refuse(event.message)

        self._store.tasks.submit("look", "read a set-up", work, done=done, failed=failed, latest="lab paste")

    def _refuse(self, sentence: str) -> None:
        state = self._lab.state
        if state.stages:
            self._lab.refuse(min(state.chosen, len(state.stages) - 1), sentence)
