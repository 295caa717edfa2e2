"""Training: starting, pausing, stopping and resuming a run, and watching any run, live or old."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal

from app.core.bridge import Bridge
from app.core.model_host import ModelHost
from app.core.notices import ONE_TRAINING, Level, Message
from app.core.run_files import RunRecord
from app.core.run_follower import RunFollower, Watch, in_progress
from app.core.store import Store
from app.job import JobView
from app.state import AppState
from app.train.state import RunView, Training
from app.words import duration
from engine.api import Catalogue, Pictures, TrainRequest
from engine.events import Advanced, Failed, TrainingEvent, TrainingMetrics, TrainingNotice, TrainingSaved, TrainingState
from engine.lanes import Context, Control
from engine.runs import ask_run, read_notices, read_preview

TORN_SECONDS: Final = 5.0
JOB: Final = "train"
_LEVELS: Final[dict[str, Level]] = {"info": "info", "error": "error"}


class TrainController(QObject):
    """At most one run is trained in this window; any number may be watched, one at a time.

    `runsChanged` says that the list of runs should be read again.
    """

    runsChanged = Signal()

    def __init__(
        self, store: Store, bridge: Bridge, host: ModelHost, follower: RunFollower, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._store, self._bridge, self._host, self._follower = store, bridge, host, follower
        self._watch: Watch | None = None
        self._opening: Watch | None = None
        self._asked: TrainRequest | None = None
        self._refused: TrainRequest | None = None
        bridge.trained.connect(self._trained)
        store.changed.connect(self._changed)

    # watching
    def load_catalogue(self) -> None:
        """What the form is made of, once the first picture is on screen."""

        def done(catalogue: Catalogue) -> None:
            self._store.update(catalogue=catalogue)

        self._store.tasks.submit(
            "study", "read the catalogue", lambda context: self._store.study_host.catalogue(), done=done
        )

    def look(self) -> None:
        """Reads the run on show once more; one that turns out to be alive is watched again."""
        if self._watch is not None:
            self._follower.look(self._watch.path)

    def show_run(self, path: Path) -> None:
        """Opens a run: its curves, previews and config. The one before stays on show until this one is read."""

        def take(record: RunRecord) -> None:
            if self._opening is watch:
                if self._watch is not None:
                    self._watch.close()
                self._watch, self._opening = watch, None
                self._store.update(run_view=RunView(path, record.info))
            self._show(record)

        def failed(event: Failed) -> None:
            if self._opening is watch:
                watch.close()
                self._opening = None
            else:
                watch.follow(False)
            self._store.notices.failed(event)

        if self._opening is not None:
            self._opening.close()
        watch = self._follower.watch(path, "metrics", "previews", take=take, failed=failed, anew=True)
        self._opening = watch

    def _show(self, record: RunRecord) -> None:
        view = self._store.state.run_view
        if view is None:
            return
        new = replace(view, info=record.info, series=record.series, previews=record.previews)
        last = len(new.previews) - 1
        wanted = last if new.following else min(new.shown, last)
        if wanted != view.shown or (view.pictures is None and wanted >= 0):
            self._store.update(run_view=replace(new, shown=wanted))
            self._read_preview(wanted)
        elif any(a is not b for a, b in zip(_read_of(view), _read_of(new), strict=True)):
            self._store.update(run_view=new)
        self._keep_following(self._store.state)

    def scrub(self, index: int) -> None:
        """Another preview of the run; the last one follows the training."""
        view = self._store.state.run_view
        if view is not None and 0 <= index < len(view.previews) and index != view.shown:
            self._store.update(run_view=replace(view, shown=index, following=index == len(view.previews) - 1))
            self._read_preview(index)

    def _read_preview(self, index: int) -> None:
        view = self._store.state.run_view
        if view is None or not 0 <= index < len(view.previews):
            return
        path, file, size = view.path, view.previews[index][1], view.info.config.image_shape[1]

        def done(pictures: Pictures) -> None:
            now = self._store.state.run_view
            if now is not None and now.path == path and now.shown == index:
                self._store.update(run_view=replace(now, pictures=pictures))

        def failed(event: Failed) -> None:
            now = self._store.state.run_view
            if now is None or now.path != path or now.shown != index:
                return
            if time.time() - file.stat().st_mtime > TORN_SECONDS:
                self._store.notices.failed(event)
            else:
                # Read while it was being written: the next look at the run tries again.
                self._store.update(run_view=replace(now, shown=-1))

        self._store.tasks.submit(
            "files",
            "read the preview",
            lambda context: read_preview(file, size),
            done=done,
            failed=failed,
            latest="preview",
        )

    def _changed(self, before: AppState, now: AppState) -> None:
        if now.run_view is None and self._watch is not None:
            self._watch.close()
            self._watch = None
        elif before.workspace != now.workspace or before.training is not now.training or now.closing:
            self._keep_following(now)

    def _keep_following(self, now: AppState) -> None:
        if self._watch is not None:
            self._watch.follow(in_progress(now))

    # training
    def start(self, request: TrainRequest) -> None:
        """A new run from the form."""
        title = request.title or f"new {request.family} run"
        # Who starts once more what was refused means it: memory may have been estimated too high.
        wanted, self._asked = replace(request, force=request == self._refused), request

        def work(context: Context) -> TrainingState:
            session = self._host.session()
            run = session.new_run(wanted, progress=context.named("reading the images"))
            self._bridge.post_training(TrainingState(run, "preparing", 0, 0))
            for row in read_notices(run)[0]:
                self._bridge.post_training(TrainingNotice(run, row.step, row.level, row.text, row.kind))
            return session.train(run, control=context.control, emit=self._bridge.post_training)

        self._train(work, title, None)

    def resume(self, run: Path, *, more: int = 0) -> None:
        """Goes on with a stopped run, up to `more` steps in all where that is given."""
        if self.is_mine(run):
            self.pause(False)
            return
        view = self._store.state.run_view

        def work(context: Context) -> TrainingState:
            session = self._host.session()
            if more:
                session.extend_run(run, {"steps": more})
            ask_run(run, "PAUSE", False)
            return session.train(run, control=context.control, emit=self._bridge.post_training)

        known = view is not None and view.path == run
        self._train(work, view.info.title if known and view is not None else run.name, run)

    def _train(self, work: Callable[[Context], TrainingState], title: str, run: Path | None) -> None:
        store = self._store
        if store.state.training is not None:
            store.notices.say(ONE_TRAINING)
            return
        self._bridge.watch_training(True)
        store.update(training=Training(run, title, "preparing"))
        store.training_job = store.tasks.submit(
            "train",
            "train",
            work,
            done=lambda state: self._ended(state.state),
            failed=self._failed,
            stopped=lambda: self._ended("stopped"),
            progress=self._preparing,
        )
        self._show_job()

    def _preparing(self, event: Advanced) -> None:
        fraction = event.done / event.total if event.total else None
        training = self._store.state.training
        if training is not None:
            self._store.show_job(
                JobView(JOB, f"Preparing {training.title}", fraction, f"{event.text} {event.done:,} / {event.total:,}")
            )

    def _failed(self, event: Failed) -> None:
        self._refused = self._asked
        self._ended("failed")
        self._store.notices.failed(event)

    def _ended(self, state: str) -> None:
        store = self._store
        self._bridge.watch_training(False)
        training = store.state.training
        store.training_job = None
        store.end_job(JOB)
        store.update(training=None)
        if training is not None and training.run is not None:
            at = f" at step {training.step:,}" if training.step else ""
            if state == "stopped":
                store.notices.info(f"{training.title} stopped{at}; its checkpoint is saved and it can be resumed.")
            elif state == "done":
                store.notices.info(f"{training.title} is done{at}: choose it under Runs in Explore to try it.")
        self.runsChanged.emit()
        self.look()

    def is_mine(self, run: Path | None) -> bool:
        """Whether this window trains `run` itself."""
        training = self._store.state.training
        return training is not None and run is not None and training.run == run

    def _control(self) -> Control | None:
        return self._store.tasks.control(self._store.training_job)

    def pause(self, on: bool | None = None, run: Path | None = None) -> None:
        """Pauses or goes on; a run of another process is asked by a file in its folder."""
        if run is not None and not self.is_mine(run):
            wanted = not (run / "PAUSE").exists() if on is None else on
            self._ask(run, "PAUSE", wanted)
            return
        control = self._control()
        if control is None:
            return
        if control.paused if on is None else not on:
            control.resume()
        else:
            control.pause()
        self._show_job()

    def stop(self, run: Path | None = None) -> None:
        """Stops with a checkpoint."""
        if run is not None and not self.is_mine(run):
            self._ask(run, "STOP", True)
            return
        training = self._store.state.training
        if training is not None:
            self._store.tasks.cancel(self._store.training_job)
            self._store.update(training=replace(training, state="stopping"))
            self._show_job()

    def _ask(self, run: Path, name: str, on: bool) -> None:
        what = f"ask the run to {name.lower()}"
        self._store.tasks.submit("files", what, lambda _: ask_run(run, name, on), done=lambda _: self.look())

    def _trained(self, event: TrainingEvent) -> None:
        store, training = self._store, self._store.state.training
        if training is None:
            return
        if isinstance(event, TrainingMetrics):
            if event.images_per_second > 0:
                store.update(training=replace(training, images_per_second=event.images_per_second))
            return
        if isinstance(event, TrainingState):
            state = training.state if training.state == "stopping" else event.state
            left = event.seconds_left if event.seconds_left is not None else training.seconds_left
            fresh = training.run is None
            title = event.run.name if fresh and training.title.startswith("new ") else training.title
            store.update(
                training=replace(
                    training,
                    run=event.run,
                    title=title,
                    state=state,
                    step=event.step,
                    steps=event.steps,
                    seconds_left=left,
                )
            )
            if (
                fresh
                or store.state.run_view is None
                or (event.state == "preparing" and store.state.run_view.path != event.run)
            ):
                self.show_run(event.run)
                self.runsChanged.emit()
        elif isinstance(event, TrainingNotice):
            store.notices.say(Message(event.text, _LEVELS.get(event.level, "warning")))
        elif isinstance(event, TrainingSaved):
            store.update(status=f"Checkpoint {event.step:,} saved" if event.step else "")
        self._show_job()

    def _show_job(self) -> None:
        training = self._store.state.training
        if training is None:
            return
        control = self._control()
        paused = (control is not None and control.paused) or training.state == "paused"
        verb = {"preparing": "Preparing", "stopping": "Stopping", "paused": "Paused:"}.get(training.state, "Training")
        parts = [f"{training.step:,} / {training.steps:,}"] if training.steps else []
        if training.state == "running" and training.seconds_left is not None:
            parts.append(f"{duration(training.seconds_left)} left")
        self._store.show_job(
            JobView(
                JOB,
                f"{'Paused:' if paused else verb} {training.title}",
                training.step / training.steps if training.steps else None,
                " · ".join(parts),
                can_pause=training.state in ("running", "paused"),
                paused=paused,
            ),
            cancel=self.stop,
            pause=self.pause,
        )


def _read_of(view: RunView) -> tuple[object, ...]:
    """What of a view was read from the run's folder."""
    return view.info, view.series, view.previews
