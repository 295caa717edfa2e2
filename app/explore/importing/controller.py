"""Models that others made: looked at when dropped, their open questions asked in the window, then built and opened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.core.file_kinds import MODELS, ask_file
from app.core.notices import Message
from app.core.store import Store
from app.core.tasks import Task
from app.explore.controller import ExploreController
from app.explore.importing.state import ImportState
from app.job import JobView
from app.state import AppState
from engine.api import ModelCard, Value
from engine.checkpoints import WEIGHTS, ImportReport
from engine.errors import CheckpointError
from engine.events import Failed
from engine.lanes import Context

OURS: Final = ".safetensors"
PICKLES: Final = (".pkl", ".pickle", ".h5", ".onnx", ".tar")
"""Never opened, but the refusal says what to do instead."""
JOB: Final = "import"
BUSY: Final = Message("A model is being imported: wait until it is done, or cancel it below.", "warning")


class ImportController(QObject):
    """Owns the import panel; reading runs on the files lane, building on the study lane."""

    def __init__(self, store: Store, explore: ExploreController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._explore = store, explore
        self._job: Task | None = None
        self._asked = 0
        store.changed.connect(self._changed)

    def _changed(self, before: AppState, now: AppState) -> None:
        """A refusal leaves when the person goes on with something else."""
        refused = now.importing is not None and now.importing.stage == "refused"
        if refused and now.importing is before.importing and (now.model != before.model or now.photo != before.photo):
            self._store.update(importing=None)

    def choose(self, parent: QWidget) -> None:
        """Asks for a file."""
        ask_file(parent, "Import model", MODELS, use=self._chosen)

    def _chosen(self, path: Path) -> None:
        """A file that was chosen as a model is looked at whatever its suffix."""
        if not self.take(path):
            self.begin(path)

    def take(self, path: Path) -> bool:
        """Whether this dropped file or folder is a model, which is then opened or looked at."""
        suffix = path.suffix.lower()
        if suffix == OURS:
            self._open_or_begin(path)
            return True
        if suffix in WEIGHTS + PICKLES or (path.is_dir() and _has_weights(path)):
            self.begin(path)
            return True
        return False

    def _open_or_begin(self, path: Path) -> None:
        """One of ours opens as it is; what cannot be read is opened too, since opening says what is wrong."""

        def done(foreign: bool) -> None:
            self.begin(path) if foreign else self._explore.open_model(str(path))

        self._store.tasks.submit("files", "look at the model", lambda context: _is_foreign(path), done=done)

    def begin(self, path: Path) -> None:
        """Looks at a file and shows what it holds."""
        store, shown = self._store, self._store.state.importing
        if shown is not None and shown.stage == "importing":
            store.notices.say(BUSY)
            return
        self.stop()
        self._asked += 1
        asked = self._asked
        title = path.stem.replace("_", " ").replace("-", " ").strip()[:60]
        store.update(workspace="explore", importing=ImportState(path, title or "Imported"))

        def done(report: ImportReport) -> None:
            if asked == self._asked:
                self._end()
                self._store.change("importing", stage="asking", report=report)

        def failed(event: Failed) -> None:
            if asked == self._asked:
                self._end()
                self._store.change("importing", stage="refused", message=event.message)

        def stopped() -> None:
            # A newer file has taken the place of this one, or the panel is closed.
            if asked == self._asked:
                self._end()

        self._job = store.tasks.submit(
            "files",
            "look at the model",
            lambda context: _inspect(path, context),
            done=done,
            failed=failed,
            stopped=stopped,
        )
        store.show_job(JobView(JOB, f"Reading {path.name}", None, "in a process of its own"), cancel=self.close)

    def set_title(self, title: str) -> None:
        """The name that the model will have."""
        self._store.change("importing", title=title)

    def accept(self, answers: Mapping[str, Value]) -> None:
        """Builds, verifies and saves the model with these answers, and opens it."""
        store, shown = self._store, self._store.state.importing
        if shown is None or shown.report is None or shown.stage != "asking":
            return
        host, chosen = store.study_host, dict(answers)
        self._store.change("importing", stage="importing", message="")

        def work(context: Context) -> tuple[Path, tuple[str, ...], tuple[ModelCard, ...]]:
            session = host.session()
            imported = session.import_model(shown.path, answers=chosen, title=shown.title, progress=context)
            return imported.path, imported.warnings, session.models()

        def done(found: tuple[Path, tuple[str, ...], tuple[ModelCard, ...]]) -> None:
            target, warnings, models = found
            self._end()
            store.update(models=models, importing=None)
            self._explore.open_model(str(target))
            store.notices.say(
                Message(f"{shown.title} was imported. {' '.join(warnings)}".strip(), "warning" if warnings else "info")
            )

        def failed(event: Failed) -> None:
            self._end()
            self._store.change("importing", stage="asking", message=event.message)

        def stopped() -> None:
            self._end()
            self._store.change("importing", stage="asking")

        self._job = store.tasks.submit("study", "import the model", work, done=done, failed=failed, stopped=stopped)
        store.show_job(JobView(JOB, f"Importing {shown.title}", None, "builds and verifies"), cancel=self.stop)

    def close(self) -> None:
        """Closes the panel and stops what runs."""
        self.stop()
        self._store.update(importing=None)

    def stop(self) -> None:
        """Asks the running work to stop."""
        self._store.tasks.cancel(self._job)

    def _end(self) -> None:
        self._job = None
        self._store.end_job(JOB)


def _inspect(path: Path, context: Context) -> ImportReport:
    from engine.session import Session

    return Session.inspect(path, progress=context)


def _is_foreign(path: Path) -> bool:
    """Whether a safetensors file is whole and not one of ours."""
    from engine.session import Session

    try:
        return not Session.is_loom_model(path)
    except (CheckpointError, OSError, ValueError):
        return False


def _has_weights(folder: Path) -> bool:
    """Whether a folder is that of a model: a config and weights side by side, which no run has."""
    try:
        return (folder / "config.json").is_file() and any(p.suffix.lower() in WEIGHTS for p in folder.iterdir())
    except OSError:
        return False
