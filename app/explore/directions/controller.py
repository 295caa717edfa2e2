"""Directions in the window: main axes found on demand, one's own attributes, and what locks take away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QFileDialog

from app.core.model_host import run_of
from app.core.notices import NO_MODEL, Message
from app.core.store import Store
from app.explore.controller import ExploreController
from app.explore.directions.maker import MakerController
from app.explore.photos.controller import PhotoController
from app.job import JobView
from app.look import Look
from app.state import AppState
from app.words import AXES, nice
from engine.api import DirectionInfo, ModelInfo
from engine.events import Advanced, Failed
from engine.lanes import Context

if TYPE_CHECKING:
    from engine.session import UserDirections

T = TypeVar("T")

SUFFIX: Final = ".directions.safetensors"
"""The suffix of an exported file of directions."""
FILTER: Final = f"Directions (*{SUFFIX})"


class DirectionsController(QObject):
    """Keeps both lanes' models and the sliders in step with the user's file of directions."""

    def __init__(
        self, store: Store, explore: ExploreController, photos: PhotoController, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._store, self._explore = store, explore
        self.maker = MakerController(store, photos, self._made, self)
        self._told: set[str] = set()
        store.changed.connect(self._changed)

    def _changed(self, before: AppState, now: AppState) -> None:
        locked = now.look.locked if now.look is not None else ()
        locked_before = before.look.locked if before.look is not None else ()
        if locked != locked_before or now.info is not before.info:
            self._measure_locks(locked)
        if now.info is not None and now.info is not before.info:
            self._info_changed(before.info, now.info)

    def _info_changed(self, before: ModelInfo | None, info: ModelInfo) -> None:
        if info.problem and info.problem not in self._told:
            self._told.add(info.problem)
            self._store.notices.warn(info.problem)
        if before is None or before.sha256 != info.sha256:
            axes = self._store.state.axes
            if axes not in info.axes or not any(c.method == axes for c in info.components):
                # Not searched for unasked: the first kind that is there already is shown.
                there = next((m for m in info.axes if any(c.method == m for c in info.components)), "pca")
                self._store.update(axes=there)

    # locks
    def _measure_locks(self, locked: tuple[str, ...]) -> None:
        """How much of each direction the locked ones take away, for the sliders' tooltips."""
        store, info, ref = self._store, self._store.state.info, self._store.state.model
        known = set() if info is None else {d.name for d in (*info.attributes, *info.components)}
        held = tuple(name for name in locked if name in known)
        if info is None or ref is None or not held:
            if store.state.lost:
                store.update(lost=())
            return
        host, sha = store.model_host, info.sha256

        def done(lost: tuple[tuple[str, float], ...]) -> None:
            look = store.state.look
            if look is not None and look.locked == locked and store.state.model == ref:
                store.update(lost=lost)

        store.tasks.submit(
            "model", "measure the locks", lambda context: host.model(ref, sha).lost(held), done=done, latest="locks"
        )

    # after any change of the user's file
    def _renew(self, then: Callable[[], None] = lambda: None) -> None:
        store, info, ref = self._store, self._store.state.info, self._store.state.model
        if info is None or ref is None:
            return

        def done(new: ModelInfo) -> None:
            if store.state.model == ref and store.state.info is not None and store.state.info.sha256 == new.sha256:
                store.update(info=new)
                then()

        host, study, sha = store.model_host, store.study_host, info.sha256
        store.tasks.submit(
            "study", "read the directions", lambda context: study.refresh_directions(ref, sha), done=lambda _: None
        )
        store.tasks.submit("model", "read the directions", lambda context: host.refresh_directions(ref, sha), done=done)

    def _made(self, info: DirectionInfo, note: str) -> None:
        """An attribute was made: its slider appears, and what is known of it is said."""
        auc = "" if info.auc is None else f": held-out AUC {info.auc:.2f} ({info.auc_low:.2f} to {info.auc_high:.2f})"
        weak = "" if info.auc is None or info.auc >= 0.7 else ", which is weak; more photos would help"
        said = f"{nice(info.name)} was made from {info.positives} + {info.negatives} photos{auc}{weak}."
        self._renew(lambda: self._store.notices.info(f"{said} {note}." if note else said))

    # main axes without labels
    def show_axes(self, method: str) -> None:
        """Shows the main axes of this kind; they are found first where they are not known yet."""
        info = self._store.state.info
        if info is None:
            return
        if any(axis.method == method for axis in info.components):
            self._store.update(axes=method)
        else:
            self._find(method)

    def _find(self, method: str) -> None:
        store, info, ref = self._store, self._store.state.info, self._store.state.model
        if info is None or ref is None or store.state.axes_busy:
            return
        host, before = store.study_host, store.state.axes
        job_key, text = f"axes:{method}", f"Finding {AXES[method][1]} of {info.title}"
        run = run_of(ref)

        def work(context: Context) -> object:
            from engine import runs

            data = Path(runs.read_config(run).data) if run is not None and method == "pca" else None
            directions = host.user_directions(ref, info.sha256)
            return directions.find(method, data=data if data is not None and data.exists() else None, progress=context)

        def moved(event: Advanced) -> JobView:
            fraction = event.done / event.total if event.total else None
            return JobView(job_key, text, fraction, f"{event.done} / {event.total}")

        def ended() -> None:
            store.update(axes_busy="")

        def done(_: object) -> None:
            ended()
            self._renew(lambda: store.update(axes=method))

        def failed(event: Failed) -> None:
            store.update(axes_busy="", axes=before)
            store.notices.failed(event)

        store.update(axes_busy=method)
        row = JobView(job_key, text, None, "starting")
        store.run_job(row, work, done=done, failed=failed, stopped=ended, told=moved, kind="find the main axes")

    # attributes of one's own
    def act(self, action: str, name: str) -> None:
        """What the context menu of a slider asks for; renaming is typed on the slider itself."""
        if action == "delete":
            self.delete(name)
        elif action == "export":
            self.ask_export(name)

    def delete(self, name: str) -> None:
        """Takes an attribute away; its slider is reset first, so that the picture can go on."""
        look = self._store.state.look
        if look is not None and (look.edit(name) or name in look.locked):
            self._explore.change(lambda now: now.with_lock(name, False).with_edit(name, 0.0), f"Without {nice(name)}")

        def done(_: None) -> None:
            self._store.notices.info(f"{nice(name)} was deleted.")

        self._do("delete the attribute", lambda directions: directions.delete(name), done)

    def rename(self, old: str, new: str) -> None:
        """Another name, also in the looks of the history."""
        if new.strip() == old:
            return

        def done(clean: str) -> None:
            store = self._store
            entries = tuple(replace(e, look=_called(e.look, old, clean)) for e in store.state.history.entries)
            look = None if store.state.look is None else _called(store.state.look, old, clean)
            store.update(look=look, history=replace(store.state.history, entries=entries))

        self._do("rename the attribute", lambda directions: directions.rename(old, new), done, done_first=True)

    def import_file(self, path: Path) -> None:
        """A file of directions that was dropped: added to the model on show, or refused with the reason."""
        info = self._store.state.info
        if info is None:
            self._store.notices.say(NO_MODEL)
            return

        def done(names: tuple[str, ...]) -> None:
            listed = ", ".join(nice(name) for name in names)
            self._store.notices.say(Message(f"Added to {info.title}: {listed}."))

        self._do("read the directions", lambda directions: directions.import_file(path), done)

    def ask_export(self, name: str) -> None:
        """Asks where a direction goes to."""
        dialog = QFileDialog(QApplication.activeWindow(), "Export direction", "", FILTER)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile(f"{name}{SUFFIX}")
        dialog.fileSelected.connect(lambda chosen: self.export(name, Path(chosen)))
        dialog.finished.connect(lambda _: dialog.deleteLater())
        dialog.open()

    def export(self, name: str, path: Path) -> None:
        """Writes a direction to a file that others with the same model can drop on their window."""
        path = path if path.name.endswith(SUFFIX) else path.with_name(path.name.removesuffix(".safetensors") + SUFFIX)

        def done(_: None) -> None:
            self._store.notices.info(f"Saved {path}.")

        self._do("export the direction", lambda directions: directions.export((name,), path), done)

    def _do(
        self, kind: str, work: Callable[[UserDirections], T], done: Callable[[T], None], *, done_first: bool = False
    ) -> None:
        """Something quick with the model's file of directions, on the study lane; the sliders follow."""
        store, info, ref = self._store, self._store.state.info, self._store.state.model
        if info is None or ref is None:
            return
        host, sha = store.study_host, info.sha256

        def finished(value: T) -> None:
            if done_first:
                done(value)
                self._renew()
            else:
                self._renew(lambda: done(value))

        store.tasks.submit("study", kind, lambda context: work(host.user_directions(ref, sha)), done=finished)


def _called(look: Look, old: str, new: str) -> Look:
    """The look with a direction under its new name."""
    edits = tuple((new if name == old else name, value) for name, value in look.edits)
    return replace(look, edits=edits, locked=tuple(new if name == old else name for name in look.locked))
