"""Runs in processes of their own: starting them, their rows in the jobs bar, and what becomes of them at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from app.core.model_host import ModelHost
from app.core.notices import Message
from app.core.store import Store
from app.core.tasks import LaneName
from app.job import JobView
from app.state import AppState
from app.train.runs.process import Process, ending, forget, spawn
from engine.api import TrainRequest
from engine.files.disk import reason
from engine.lanes import Context
from engine.runs import RunInfo, ask_run

LOOK_MS: Final = 500
JOB: Final = "run:"
STARTING: Final = "own process"


@dataclass(frozen=True, eq=False)
class _Child:
    process: Process
    title: str


class RunProcesses(QObject):
    """`changed` says that a run has begun or ended; `began` names one that was started here."""

    changed = Signal()
    began = Signal(object)

    def __init__(
        self, store: Store, host: ModelHost, *, device: Callable[[], str], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._store, self._host, self._device = store, host, device
        self._processes: dict[Path, _Child] = {}
        self._told: set[Path] = set()
        self._asked = False
        self._refused: TrainRequest | None = None
        self._shown: dict[str, JobView] = {}
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self._look)
        store.changed.connect(self._changed)

    def running(self) -> tuple[Path, ...]:
        """The runs whose process was started here and has not ended."""
        return tuple(self._processes)

    def watches(self, run: Path) -> bool:
        """Whether this window knows, or has known, by itself when the run's process ends."""
        return run in self._processes or run in self._told

    # starting
    def start(self, request: TrainRequest) -> None:
        """A new run: knobs are checked here, the images are read by the process."""
        device, (lane, host) = self._device(), self._free()

        def work(context: Context) -> tuple[Path, Process]:
            run = host.session().new_run(wanted, read_data=False)
            return run, spawn(run, device)

        # Who starts once more what was refused means it: memory may have been estimated too high.
        wanted = replace(request, force=request == self._refused)
        self._refused = request
        self._begin(lane, work, request.title)

    def _free(self) -> tuple[LaneName, ModelHost]:
        """Where knobs are checked without waiting for a long study: the train lane, unless it trains."""
        return ("train", self._host) if self._store.state.training is None else ("study", self._store.study_host)

    def resume(self, run: Path, *, title: str, more: int = 0) -> None:
        """Goes on with a run; `more` are its steps in all, where they change."""
        device, (lane, host) = self._device(), self._free()

        def work(context: Context) -> tuple[Path, Process]:
            if more:
                host.session().extend_run(run, {"steps": more})
            return run, spawn(run, device)

        self._begin(lane if more else "files", work, title)

    def _begin(self, lane: LaneName, work: Callable[[Context], tuple[Path, Process]], title: str) -> None:
        def done(found: tuple[Path, Process]) -> None:
            run, process = found
            self._refused = None
            self._processes[run] = _Child(process, title or run.name)
            self._timer.start()
            self._store.notices.info(
                f"{title or run.name} is being trained in its own process: closing the window may leave it running."
            )
            self.began.emit(run)
            self.changed.emit()

        row = JobView(STARTING, "Starting the process", None, can_cancel=False)
        self._store.run_job(row, work, done=done, lane=lane, kind="start the process")

    # watching
    def _look(self) -> None:
        for run, child in list(self._processes.items()):
            code = child.process.poll()
            if code is not None:
                del self._processes[run]
                self._told.add(run)
                self._tell(run, child.title, code)
        if not self._processes:
            self._timer.stop()

    def _tell(self, run: Path, title: str, code: int) -> None:
        def done(said: tuple[str, str]) -> None:
            level, text = said
            self._store.notices.say(Message(text, "error" if level == "error" else "info"))
            self.changed.emit()

        self._store.tasks.submit("files", "read how it ended", lambda context: ending(run, title, code), done=done)

    def _changed(self, before: AppState, now: AppState) -> None:
        if before.runs is not now.runs or before.run_view is not now.run_view or before.training is not now.training:
            self._show_jobs(now)

    def _show_jobs(self, now: AppState) -> None:
        """One row for each run that another process of this machine trains in the user's own folder."""
        mine = now.training.run if now.training is not None else None
        shown = now.run_view.info if now.run_view is not None else None
        infos = [
            shown if shown is not None and shown.path == c.info.path else c.info for c in now.runs if not c.attached
        ]
        wanted = {
            f"{JOB}{info.path}": _job(info)
            for info in infos
            if info.status.alive and info.status.here and info.path != mine and not now.closing
        }
        # The state is told of only what changes: this runs inside a change of it.
        before, self._shown = self._shown, wanted
        for key in before.keys() - wanted.keys():
            self._store.end_job(key)
        for key, view in wanted.items():
            if before.get(key) != view:
                run = Path(key.removeprefix(JOB))
                self._store.show_job(
                    view, cancel=partial(self.ask, run, "STOP", True), pause=partial(self.ask, run, "PAUSE")
                )

    def ask(self, run: Path, name: str, on: bool) -> None:
        """STOP or PAUSE by a file in the run, as any host understands it."""

        what = f"ask the run to {name.lower()}"
        self._store.tasks.submit("files", what, lambda _: ask_run(run, name, on), done=lambda _: self.changed.emit())

    # closing
    def may_close(self) -> bool:
        """Whether the window may close; False once, where the person is first asked what becomes of these runs."""
        self._look()
        if not self._processes:
            return True
        wish = self._store.state.on_close
        if wish == "ask" and not self._asked:
            self._asked = True
            names = ", ".join(child.title for child in self._processes.values())
            self._store.notices.say(
                Message(
                    f"{names} is still being trained in its own process: close the window again to leave it running.",
                    "warning",
                    action="Stop it first",
                    act=self.stop_all,
                )
            )
            return False
        if wish == "stop":
            self.stop_all()
        return True

    def stop_all(self) -> None:
        """Asks every process that was started here to stop with a checkpoint."""
        for run in self._processes:
            try:
                ask_run(run, "STOP")
            except OSError as error:
                self._store.notices.warn(f"{run.name} could not be asked to stop ({reason(error)}): it goes on.")

    def close(self) -> None:
        """Lets go of all; they go on by themselves."""
        self._timer.stop()
        for child in self._processes.values():
            forget(child.process)
        self._processes.clear()


def _job(info: RunInfo) -> JobView:
    status, title = info.status, info.title
    paused = status.state == "paused"
    verb = {"preparing": "Preparing", "paused": "Paused:"}.get(status.state, "Training")
    if status.state == "preparing":
        return JobView(f"{JOB}{info.path}", f"{verb} {title}", status.fraction, status.message)
    return JobView(
        f"{JOB}{info.path}",
        f"{verb} {title}",
        min(1.0, status.step / status.steps) if status.steps else None,
        f"{status.step:,} / {status.steps:,} · own process",
        can_pause=True,
        paused=paused,
    )
