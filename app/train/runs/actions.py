"""What can be done with one run: explore, resume, train again with changes, continue from a checkpoint, hand on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QWidget

from app.core.file_kinds import ask_folder
from app.core.model_host import run_ref
from app.core.notices import Message
from app.core.store import Store
from app.state import AppState
from app.train.controller import TrainController
from app.train.runs.controller import RunsController
from app.train.runs.processes import RunProcesses
from app.train.runs.state import Draft
from engine import runs
from engine.api import TrainRequest
from engine.lanes import Context
from engine.runs import Checkpoint, RunInfo, torchrun_line

NO_RUN: Final = Message("No run is chosen yet: choose one under Runs in Train first.", "warning")


class RunActions(QObject):
    """The context menu of a run, and the keys for the run on show."""

    def __init__(
        self,
        store: Store,
        runs: RunsController,
        train: TrainController,
        processes: RunProcesses,
        *,
        open_model: Callable[[str], object],
        remember: Callable[..., None],
        device: Callable[[], str],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._store, self._runs, self._train, self._processes = store, runs, train, processes
        self._open_model, self._remember, self._device = open_model, remember, device
        store.changed.connect(self._changed)
        self._table: dict[str, Callable[[Path], object]] = {
            "explore": self.explore,
            "resume": self.resume,
            "duplicate": self.duplicate,
            "continue": self.continue_from,
            "mark": lambda path: runs.mark(path, path not in store.state.run_list.marked),
            "compare": self._compare_with,
            "torchrun": self.copy_torchrun,
            "folder": self.open_folder,
            "detach": runs.detach,
            "delete": runs.delete,
        }

    def act(self, path: Path, action: str) -> None:
        """One of the menu's actions by its name.

        Raises:
            KeyError: an unknown action.
        """
        self._table[action](path)

    def with_shown(self, action: str) -> Callable[[], None]:
        """The same for the run on show, for a key."""

        def call() -> None:
            view = self._store.state.run_view
            if view is None:
                self._store.notices.say(NO_RUN)
            else:
                self.act(view.path, action)

        return call

    def _info(self, path: Path) -> RunInfo | None:
        card, view = self._runs.card(path), self._store.state.run_view
        if view is not None and view.path == path:
            return view.info
        return card.info if card is not None else None

    def explore(self, path: Path) -> None:
        """Opens the run's newest checkpoint in Explore."""
        self._open_model(run_ref(path))
        self._store.update(workspace="explore")

    # training
    def start(self, request: TrainRequest) -> None:
        """A new run, where the form says."""
        self._store.update(workspace="train", draft=None)
        if self._store.state.train_in == "process":
            self._processes.start(request)
        else:
            self._train.start(request)

    def resume(self, path: Path) -> None:
        """Goes on with a run; one that is done gets as many steps again."""
        info = self._info(path)
        if info is None:
            return
        more = 2 * info.status.steps if info.status.state == "done" else 0
        if self._train.is_mine(path):
            self._train.pause(False)
        elif self._store.state.train_in == "process":
            self._processes.resume(path, title=info.title, more=more)
        else:
            self._runs.choose(path)
            self._train.resume(path, more=more)

    # the run on show
    def pause_shown(self) -> None:
        """Pauses the run on show, or lets it go on."""
        self._train.pause(run=self._shown_run())

    def stop_shown(self) -> None:
        """Stops the run on show."""
        self._train.stop(self._shown_run())

    def resume_shown(self) -> None:
        """Resumes the run on show."""
        if self._store.state.run_view is not None:
            self.resume(self._store.state.run_view.path)

    def explore_shown(self) -> None:
        """Opens the run on show in Explore."""
        if self._store.state.run_view is not None:
            self.explore(self._store.state.run_view.path)

    def _shown_run(self) -> Path | None:
        state = self._store.state
        if state.workspace != "train" or state.run_view is None:
            return state.training.run if state.training is not None else None
        return state.run_view.path

    # where runs are trained
    def choose_host(self, host: str) -> None:
        """Where runs are trained from now on: window or process."""
        self._remember(train_in=host)
        self._store.update(train_in=host)

    def next_host(self) -> None:
        """The other place."""
        host = "window" if self._store.state.train_in == "process" else "process"
        self.choose_host(host)
        where = "in its own process" if host == "process" else "in this window"
        self._store.notices.info(f"The next run is trained {where}.")

    def choose_on_close(self, wish: str) -> None:
        """What becomes of runs in their own process when the window closes: leave, stop or ask."""
        self._remember(on_close=wish)
        self._store.update(on_close=wish)

    # a form from another run
    def duplicate(self, path: Path) -> None:
        """Fills the form with this run's knobs."""
        info = self._info(path)
        if info is not None:
            request = runs.request_of(info.config)
            self._take(Draft(path, info.title, request))

    def continue_from(self, path: Path) -> None:
        """Fills the form for a new run that starts from one of this run's checkpoints."""
        info = self._info(path)
        if info is None:
            return
        name, request = info.title, runs.request_of(info.config)

        def done(found: tuple[Checkpoint, ...]) -> None:
            if found:
                self._take(Draft(path, name, request, found, found[0]))
            else:
                self._store.notices.warn(f"{name} has no checkpoint yet: wait until training has saved one.")

        def work(context: Context) -> tuple[Checkpoint, ...]:
            return runs.list_checkpoints(path)

        self._store.tasks.submit("files", "look for checkpoints", work, done=done, latest="checkpoints")

    def _take(self, draft: Draft) -> None:
        self._store.update(draft=draft, train_panel="new", workspace="train")

    def choose_start(self, step: int) -> None:
        """Another checkpoint to start from."""
        draft = self._store.state.draft
        start = next((one for one in draft.checkpoints if one.step == step), None) if draft is not None else None
        if draft is not None and start is not None:
            self._store.change("draft", start=start)

    # handing on
    def _compare_with(self, path: Path) -> None:
        if path not in self._store.state.run_list.marked:
            self._runs.mark(path, True)
        self._runs.compare()

    def torchrun(self, path: Path) -> str:
        """The line that continues a run on the chosen number of devices and machines."""
        run_list = self._store.state.run_list
        return torchrun_line(path, run_list.devices, run_list.nodes, device=self._device())

    def _changed(self, before: AppState, now: AppState) -> None:
        path = now.run_view.path if now.run_view is not None else None
        same = before.run_view is not None and before.run_view.path == path
        machines = (now.run_list.devices, now.run_list.nodes)
        if same and now.run_list.line and machines == (before.run_list.devices, before.run_list.nodes):
            return
        line = self.torchrun(path) if path is not None else ""
        if line != now.run_list.line:
            self._store.change("run_list", line=line)

    def copy_torchrun(self, path: Path) -> None:
        """Copies that line."""
        QGuiApplication.clipboard().setText(self.torchrun(path))
        run_list = self._store.state.run_list
        many = f"each of {run_list.nodes} machines, which must all see the run's folder"
        where = many if run_list.nodes > 1 else "this machine"
        self._store.notices.info(f"The torchrun line is on the clipboard: stop the run, then give it on {where}.")

    def open_folder(self, path: Path) -> None:
        """Shows the run's folder in the system's file manager."""
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
            QGuiApplication.clipboard().setText(str(path))
            self._store.notices.warn(f"No file manager could be opened: the path {path} is on the clipboard.")

    def choose_attached(self, window: QWidget) -> None:
        """Asks for a run or a folder of runs; the window goes on meanwhile."""
        ask_folder(window, "Attach a run or a folder of runs", use=lambda name: self._runs.attach([name]))
