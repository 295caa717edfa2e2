"""One photo through every model: which models, their encodings, and the path to a second photo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QObject

from app.core.store import Store
from app.explore.compare.drawing import RowDrawing
from app.explore.compare.rows import chosen_models, known_directions
from app.explore.compare.whole import WholeRows
from app.explore.controller import ExploreController
from app.explore.photos.controller import PhotoController, Target
from app.look import Look
from app.state import AppState, moved
from app.words import encodes
from engine.api import Coded, Encoded, ModelCard, ModelInfo
from engine.events import Failed
from engine.lanes import Context


class CompareController(QObject):
    """Opens one model after another on the study lane and shows each as soon as it is ready."""

    def __init__(
        self, store: Store, explore: ExploreController, photos: PhotoController, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._store, self._explore, self._photos = store, explore, photos
        self._drawing = RowDrawing(store, self)
        self.whole = WholeRows(store, photos, self)
        self._round = 0
        self._photo: str | None = None
        self._models: tuple[ModelCard, ...] | None = None
        self._chosen: tuple[str, ...] | None = None
        self._searches: dict[str, Callable[[], None]] = {}
        store.changed.connect(self._changed)

    def _changed(self, before: AppState, now: AppState) -> None:
        if now.view != "compare" or now.closing:
            return
        if now.photo != self._photo or now.models is not self._models or now.comparison.models != self._chosen:
            self.compare()
        elif now.encoded is not None and moved(now, before, "encoded", "view", "compare"):
            self._take_encoded(now.encoded, new=moved(now, before, "encoded"))

    def _take_encoded(self, encoded: Encoded, *, new: bool) -> None:
        """The photo was refined, or cut another way, in the model on show."""
        row = next((row for row in self._store.state.compare if row.ref == self._store.state.model), None)
        if row is None or row.encoded is None or row.encoded is encoded:
            return
        if np.array_equal(encoded.photo, row.encoded.photo):
            self._row(row.ref, self._round, encoded=encoded)
        elif new:
            self.compare(fresh=True)

    def compare(self, *, fresh: bool = False) -> None:
        """The current photo through all chosen models; `fresh`: also where it was encoded before."""
        state = self._store.state
        same = state.photo == self._photo and not fresh
        self._round += 1
        self._photo, self._models, self._chosen = state.photo, state.models, state.comparison.models
        self._searches.clear()
        done = {row.ref: row for row in state.compare if same and row.status == "done"}
        rows = tuple(done.get(row.ref, row) for row in chosen_models(state))
        comparison = state.comparison
        if not same:
            comparison = replace(comparison, other=comparison.other or _second_corner(state), fraction=0.0)
        self._store.update(compare=rows, comparison=comparison)
        if not same:
            self._drawing.forget()
        if state.photo is None:
            return
        for row in rows:
            if row.status == "done":
                self._encode_other(row.ref, self._round)
            else:
                self._start(row.ref, state.photo, self._round)

    def _row(self, ref: str, round_number: int, **changes: Any) -> None:
        if round_number == self._round:
            rows = self._store.state.compare
            self._store.update(compare=tuple(replace(r, **changes) if r.ref == ref else r for r in rows))
            self._start_searches()

    def _start(self, ref: str, photo: str, round_number: int) -> None:
        host, room = self._store.study_host, len(self._store.state.compare) + 1

        def work(context: Context) -> ModelInfo:
            host.room_for(room)
            return host.model(ref).info

        def opened(info: ModelInfo) -> None:
            if round_number != self._round:
                return
            target = Target.of(ref, info)
            if target.searches and self._photos.known(photo, info.sha256) is None:
                # A search takes seconds: the models that answer at once come first.
                self._searches[ref] = lambda: self._encode(ref, photo, target, round_number)
                self._row(ref, round_number, status="working", detail=encodes(info.encode), info=info)
            else:
                self._row(ref, round_number, status="working", detail=encodes(info.encode), info=info)
                self._encode(ref, photo, target, round_number)

        def failed(event: Failed) -> None:
            self._row(ref, round_number, status="failed", message=event.message)

        self._store.tasks.submit("study", "open a model to compare", work, done=opened, failed=failed)

    def _start_searches(self) -> None:
        busy = {row.ref for row in self._store.state.compare if row.status in ("waiting", "working")}
        if self._searches and busy <= set(self._searches):
            waiting, self._searches = self._searches, {}
            for start in waiting.values():
                start()

    def _encode(self, ref: str, photo: str, target: Target, round_number: int) -> None:
        def done(encoded: Encoded) -> None:
            self._row(ref, round_number, status="done", encoded=encoded, fraction=None)
            self._encode_other(ref, round_number)

        self._photos.encode(
            photo,
            target,
            done=done,
            gave_up=lambda: self._row(ref, round_number, status="failed", message="Not encoded."),
            progress=lambda fraction: self._row(ref, round_number, fraction=fraction),
        )

    # the models
    def show_model(self, ref: str, shown: bool) -> None:
        """Puts a model of the library among those compared, or takes it out; one always stays."""
        state = self._store.state
        now = {row.ref for row in chosen_models(state)}
        wanted = now | {ref} if shown else now - {ref}
        models = tuple(card.key for card in state.models or () if card.key in wanted)
        if models:
            self._store.update(comparison=replace(state.comparison, models=models))

    def set_room(self, side_px: int) -> None:
        """How large a close-up of the photo is on screen, in its pixels."""
        if side_px != self._store.state.comparison.room:
            self._store.change("comparison", room=side_px)

    def open_row(self, ref: str) -> None:
        """The model of a row becomes the one on show; the photo and the sliders go along."""
        state = self._store.state
        row = next((row for row in state.compare if row.ref == ref), None)
        if row is None or ref == state.model:
            return
        look = state.look
        if row.encoded is None or look is None:
            self._explore.open_model(ref)
            return
        known = known_directions(row.info)
        moved_here = Look(
            ref,
            Coded(row.encoded.code, row.encoded.name),
            tuple(edit for edit in look.edits if edit[0] in known),
            tuple(name for name in look.locked if name in known),
            photo=state.photo,
        )
        self._explore.open_model(ref, then=moved_here, label=row.title)

    # the path to a second photo
    def set_other(self, key: str) -> None:
        """The photo at the far end of the path, in every row."""
        state = self._store.state
        if self._photos.item(key) is None:
            return
        rows = tuple(replace(row, other=None) for row in state.compare)
        self._store.update(comparison=replace(state.comparison, other=key), compare=rows)
        for row in rows:
            self._encode_other(row.ref, self._round)

    def _encode_other(self, ref: str, round_number: int) -> None:
        key = self._store.state.comparison.other
        row = next((row for row in self._store.state.compare if row.ref == ref), None)
        if key is None or row is None or row.info is None or row.encoded is None or row.other is not None:
            return

        def here() -> bool:
            return round_number == self._round and self._store.state.comparison.other == key

        def done(encoded: Encoded) -> None:
            if here():
                self._row(ref, round_number, other=encoded)

        def say(words: str) -> None:
            if here():
                self._row(ref, round_number, other_note=words)

        say("encoding B")
        self._photos.encode(
            key,
            Target.of(ref, row.info),
            done=done,
            gave_up=lambda: say("B was not encoded"),
            progress=lambda fraction: say(f"searching B, {fraction:.0%}"),
        )

    def set_fraction(self, fraction: float) -> None:
        """Where on the path all rows are, 0 to 1."""
        self._store.step_aside()
        self._store.change("comparison", fraction=fraction)

    def reset_path(self) -> None:
        """Back to the photo, where Compare is on show."""
        if self._store.state.view == "compare":
            self.set_fraction(0.0)


def _second_corner(state: AppState) -> str | None:
    """The other photo of a morph between two photos."""
    photos = [slot.photo for slot in state.morph.slots if slot is not None and slot.photo is not None]
    return next((key for key in photos if key != state.photo), None) if len(photos) >= 2 else None
