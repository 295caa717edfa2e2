"""The Pictures panel of Train: pinned photos, the user's own look in the run on show, playing and time-lapse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

from app.core.file_kinds import ask_animation, ask_photos
from app.core.model_host import run_ref
from app.core.run_files import RunRecord
from app.core.run_follower import RunFollower, Watch
from app.core.store import Store
from app.state import AppState, moved
from app.train.controller import TrainController
from app.train.pictures import timelapse as timelapse_export
from app.train.pictures.look_in_run import Fitted, fitted
from app.train.pictures.state import TABS, LookInRun, PicturesState, Shot
from app.train.state import RunView
from engine import runs
from engine.api import PhotoSource, Pictures
from engine.events import Failed
from engine.lanes import Context


class PicturesController(QObject):
    """Takes what the run on show draws; pins photos to it; draws the look of Explore with its weights."""

    def __init__(
        self, store: Store, train: TrainController, follower: RunFollower, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._store, self._train, self._follower = store, train, follower
        self._watch: Watch | None = None
        self._drawing = False
        self._weights: runs.Weights | None = None
        self._player = QTimer(self)
        self._player.timeout.connect(self._play_on)
        store.changed.connect(self._changed)

    # following the run on show
    def _changed(self, before: AppState, now: AppState) -> None:
        view = now.run_view
        if view is not None and view.path != now.pictures.run:
            kept = PicturesState(tab=now.pictures.tab, run=view.path, timelapse=now.pictures.timelapse)
            self._weights = None
            if self._watch is not None:
                self._watch.close()
            self._watch = self._follower.watch(view.path, "pins", "weights", take=self._take)
            self._store.update(pictures=kept)
        watched = view is not None and now.workspace == "train" and not now.closing
        if self._watch is not None:
            self._watch.follow(watched)
        if not watched:
            self._halt()
        if not moved(now, before, "run_view", "pictures"):
            return
        if _step(before.run_view) != _step(view) or before.pictures.sheets is not now.pictures.sheets:
            self._show_sheet()
        if now.pictures.tab == "look" and not now.closing:
            self._draw_look()

    def _take(self, record: RunRecord) -> None:
        pictures = self._store.state.pictures
        self._weights = record.weights
        if record.pins != pictures.pins or record.sheets != pictures.sheets:
            self._store.change("pictures", pins=record.pins, sheets=record.sheets)
        elif pictures.tab == "look":
            self._draw_look()

    def _look(self) -> None:
        if self._watch is not None:
            self._watch.look()

    def next_tab(self) -> None:
        """By keyboard, one after the other."""
        keys = [key for key, _ in TABS]
        self._store.change("pictures", tab=keys[(keys.index(self._store.state.pictures.tab) + 1) % len(keys)])

    # pinned photos
    def pin_files(self, names: Sequence[str]) -> None:
        """Photos dropped on the panel, or chosen."""
        for name in names:
            self._pin(Path(name), Path(name).stem)

    def pin_picture(self, picture: Pictures) -> None:
        """A picture dropped out of another program."""
        self._pin(picture, "pasted picture")

    def ask_photo(self, parent: QWidget) -> None:
        """Asks for photos to pin."""
        if self._store.state.run_view is None:
            self._store.notices.warn("Choose a run first: a photo is pinned to one.")
            return
        ask_photos(parent, "Pin photos", use=self.pin_files)

    def _pin(self, source: PhotoSource, name: str) -> None:
        store, view = self._store, self._store.state.run_view
        if view is None:
            store.notices.warn("Choose a run first: a photo is pinned to one.")
            return
        run, size, loader = view.path, view.info.config.image_shape[1], store.photo_loader

        def work(context: Context) -> int:
            return runs.pin(run, loader.load(source, size=size, name=name).picture)

        def done(number: int) -> None:
            now = store.state.run_view
            when = "at the next preview" if now is not None and now.info.status.alive else "when the run goes on"
            store.update(status=f"Pinned {name}: it is drawn {when}.")
            if store.state.pictures.run == run:
                self._store.change("pictures", tab="pins")
            self._look()

        store.tasks.submit("study", "pin the photo", work, done=done)

    def unpin(self, number: int) -> None:
        """Takes a pinned photo away from the run on show."""
        view = self._store.state.run_view
        if view is not None:
            run = view.path
            self._store.tasks.submit(
                "files", "unpin the photo", lambda context: runs.unpin(run, number), done=lambda _: self._look()
            )

    def _show_sheet(self) -> None:
        store, view = self._store, self._store.state.run_view
        pictures, step = store.state.pictures, _step(view)
        fit = [(at, file) for at, file in pictures.sheets if step is not None and at <= step]
        if view is None or not fit:
            if pictures.sheet is not None:
                self._store.change("pictures", sheet=None, sheet_step=-1)
            return
        at, file = fit[-1]
        run, size = view.path, view.info.config.image_shape[1]
        if at == pictures.sheet_step:
            return

        def done(sheet: Pictures) -> None:
            if store.state.pictures.run == run:
                self._store.change("pictures", sheet=sheet, sheet_step=at)

        store.tasks.submit(
            "files",
            "read the pinned photos",
            lambda context: runs.read_sheet(file, size),
            done=done,
            failed=lambda event: None,  # Torn or pruned: what is on show stays until there is a better one.
            latest="pin sheet",
        )

    # the user's own look
    def _draw_look(self) -> None:
        store, view, weights = self._store, self._store.state.run_view, self._weights
        look, shown = store.state.look, store.state.pictures.look_in_run
        if view is None or self._drawing or weights is None:
            return
        run = view.path
        if look is None:
            if not shown.note:
                self._store.change(
                    "pictures",
                    look_in_run=LookInRun(run, None, note="Nothing is on show in Explore yet: open a model there."),
                )
            return
        fresh = shown.run != run or shown.look is not look
        if not fresh and ((shown.note and shown.now is None) or (shown.now and shown.now.step == weights.step)):
            return
        ref, sha, step, host = run_ref(run), weights.sha256, weights.step, store.study_host

        def work(context: Context) -> tuple[Shot | None, Fitted]:
            model = host.model(ref, sha)
            fit = fitted(look, ref, model.info)
            return (None if fit.request is None else Shot(step, model.draw(fit.request).picture)), fit

        def done(found: tuple[Shot | None, Fitted]) -> None:
            self._drawing = False
            if store.state.pictures.run != run:
                return
            shot, fit = found
            old = store.state.pictures.look_in_run
            known = old.now if old.run == run and old.look is look else None
            before = known if known is not None and shot is not None and known.step != shot.step else None
            self._store.change("pictures", look_in_run=LookInRun(run, look, shot, before, fit.note))

        def ended(event: Failed | None) -> None:
            # The weights have moved on meanwhile: the next look at the run brings newer ones.
            self._drawing = False

        self._drawing = True
        store.tasks.submit(
            "study", "draw your look", work, done=done, failed=ended, stopped=lambda: ended(None), background=True
        )

    # the history
    def scrub(self, index: int) -> None:
        """Another preview by hand: playing ends."""
        self._halt()
        self._train.scrub(index)

    def play(self) -> None:
        """Plays the history from the step on show, or from the start when that is the last; or halts."""
        view = self._store.state.run_view
        if self._store.state.pictures.playing:
            self._halt()
        elif view is not None and len(view.previews) > 1:
            if view.shown >= len(view.previews) - 1:
                self._train.scrub(0)
            self._store.change("pictures", playing=True)
            self._player.start(round(1000 / self._store.state.pictures.timelapse.fps))

    def _play_on(self) -> None:
        view = self._store.state.run_view
        if view is None or view.shown + 1 >= len(view.previews):
            self._halt()
        elif not self._store.tasks.busy("files"):
            # Not faster than the pictures can be read: none is passed over.
            self._train.scrub(view.shown + 1)

    def _halt(self) -> None:
        self._player.stop()
        if self._store.state.pictures.playing:
            self._store.change("pictures", playing=False)

    def step(self, by: int) -> None:
        """One preview on or back, or to the ends with a large number."""
        view = self._store.state.run_view
        if view is not None and view.previews:
            self.scrub(min(max(0, view.shown + by), len(view.previews) - 1))

    # the time-lapse
    def set_timelapse(self, name: str, value: Any) -> None:
        """A field of `TimelapseChoice`."""
        timelapse = replace(self._store.state.pictures.timelapse, **{name: value})
        self._store.change("pictures", timelapse=timelapse)
        if self._player.isActive():
            self._player.setInterval(round(1000 / timelapse.fps))

    def ask_timelapse(self, parent: QWidget) -> None:
        """Asks where the time-lapse goes to."""
        view, tab = self._store.state.run_view, self._store.state.pictures.tab
        if view is None or not view.previews:
            self._store.notices.warn("There is nothing to export yet: wait for the first preview.")
            return
        what = "pinned photos" if tab == "pins" else "samples"
        ask_animation(parent, f"Export the {what} as a time-lapse", use=self.export)

    def export(self, file: Path) -> None:
        """Writes the time-lapse of the tab on show: the pinned photos there, the samples elsewhere."""
        view, pictures = self._store.state.run_view, self._store.state.pictures
        if view is not None:
            what = "pins" if pictures.tab == "pins" else "samples"
            timelapse_export.export(self._store, view.path, what, pictures.timelapse, file)


def _step(view: RunView | None) -> int | None:
    """The step of the preview on show."""
    return view.previews[view.shown][0] if view is not None and 0 <= view.shown < len(view.previews) else None
