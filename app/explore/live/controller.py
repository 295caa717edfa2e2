"""Explore while it trains: newer weights of the run on show are taken in their place, under the same look.

The look (code, sliders, photo, view) stays. The weights are opened and the photo is encoded anew on the files lane,
beside the model lane, and what was found is taken over in one change of the state when no control is being used, so
that no drag is interrupted or slowed. Until then the old weights draw on; a picture of theirs that comes later is
dropped by its ticket.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication

from app.core.model_host import run_of
from app.core.run_files import RunRecord
from app.core.run_follower import RunFollower, Watch
from app.core.store import Store
from app.explore.controller import ExploreController
from app.explore.history.history import History
from app.explore.history.state import Bookmark
from app.explore.live.state import LiveModel
from app.explore.morph.state import MorphSlot
from app.explore.photos.controller import PhotoController, Target
from app.look import Look
from app.state import AppState
from engine import runs
from engine.api import Coded, Codes, Encoded, ModelInfo
from engine.events import Failed
from engine.lanes import Context

if TYPE_CHECKING:
    from engine.session import OpenModel

REST_SECONDS: Final = 0.4
"""How long no control may have moved before other weights take the place of those on show."""


@dataclass(frozen=True, eq=False)
class _Ready:
    """Newer weights, opened: what they make of the photo on show and of the photos in the morph's corners."""

    ref: str
    model: OpenModel
    info: ModelInfo
    old: Encoded | None
    encoded: Encoded | None
    corners: tuple[tuple[Codes, Codes], ...]


class LiveWeights(QObject):
    """Follows the run whose weights Explore shows."""

    def __init__(
        self,
        store: Store,
        explore: ExploreController,
        photos: PhotoController,
        follower: RunFollower,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._store, self._explore, self._photos, self._follower = store, explore, photos, follower
        self._watch: Watch | None = None
        self._opening = False
        self._ready: _Ready | None = None
        self._failed_for = ""
        self._moved_at = 0.0
        store.changed.connect(self._changed)
        store.modelOpened.connect(self._encode_again)

    def _changed(self, before: AppState, now: AppState) -> None:
        if now.look is not before.look or now.morph is not before.morph or now.grid.centre != before.grid.centre:
            self._moved_at = time.monotonic()
        if now.model != before.model:
            self._ready = None
        run = run_of(now.model)
        if now.live is not None and (run is None or now.model != before.model):
            self._store.update(live=None)
        elif now.live is not None and now.info is not None and now.info.step != now.live.step:
            self._store.update(live=replace(now.live, step=now.info.step))
        if self._watch is not None and self._watch.path != run:
            self._watch.close()
            self._watch = None
        if run is not None and self._watch is None:
            self._watch = self._follower.watch(
                run, "weights", take=self._take, failed=lambda event: self._look(None, alive=False)
            )
        if self._watch is not None:
            self._watch.follow(now.workspace == "explore" and not now.closing)

    def _take(self, record: RunRecord) -> None:
        self._look(record.weights, alive=record.info.status.alive)

    def _look(self, weights: runs.Weights | None, *, alive: bool) -> None:
        if self._ready is not None:
            self._take_over()
        if self._watch is not None and self._watch.path == run_of(self._store.state.model):
            self._saw(weights, alive)

    def _saw(self, weights: runs.Weights | None, alive: bool) -> None:
        info = self._store.state.info
        if info is None:
            return
        known = LiveModel(info.step, alive)
        if self._store.state.live != known:
            self._store.update(live=known)
        if weights is None or weights.sha256 in (info.sha256, self._failed_for):
            return
        if self._ready is not None and self._ready.info.sha256 == weights.sha256:
            return
        if not self._opening and self._at_rest():
            self._open(weights.sha256)

    def _at_rest(self) -> bool:
        """Whether no control is being used and nothing is being worked out with the weights on show."""
        state = self._store.state
        busy = (
            state.opening is not None
            or state.drawing
            or state.encoding
            or state.search is not None
            or bool(state.axes_busy)
            or (state.maker is not None and state.maker.busy)
            or state.morph.playing
        )
        touched = QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton
        return not busy and not touched and time.monotonic() - self._moved_at > REST_SECONDS

    def _open(self, sha256: str) -> None:
        store, state = self._store, self._store.state
        ref, host, old, run = state.model, store.model_host, state.encoded, run_of(state.model)
        slots = tuple(s for s in state.morph.slots if s is not None and s.photo is not None and s.code is not None)
        if ref is None or run is None:
            return

        def work(context: Context) -> _Ready:
            from engine.session import use_threads

            use_threads(1)
            model = host.session().open_live(run)
            model.warm_up()
            info = model.info
            encoded = None if old is None else model.encode_again(old)
            # Where a code would have to be searched for, it stays.
            fit = [s for s in slots if s.picture.shape[0] == info.image_size and info.encode != "search"]
            codes = model.codes_of(np.stack([s.picture for s in fit])) if fit else ()
            pairs = list(zip([s.code for s in fit], codes, strict=True))
            return _Ready(ref, model, info, old, encoded, tuple((a, b) for a, b in pairs if a is not None))

        def done(ready: _Ready) -> None:
            self._opening = False
            self._ready = ready if self._store.state.model == ref else None
            self._take_over()

        def failed(event: Failed) -> None:
            # A pair that was torn, or a run that was deleted: what is on show stays, the next weights are tried again.
            self._opening, self._failed_for = False, sha256

        def stopped() -> None:
            self._opening = False

        self._opening = True
        store.tasks.submit("files", "open newer weights", work, done=done, failed=failed, stopped=stopped)

    def _take_over(self) -> None:
        store, ready, state = self._store, self._ready, self._store.state
        if ready is None or state.closing or not self._at_rest():
            return
        self._ready = None
        if state.model != ready.ref or state.info is None or state.look is None:
            return
        if not _alike(state.info, ready.info):
            # Another run has taken this one's place in its folder.
            self._explore.open_model(ready.ref, again=True)
            return
        if state.encoded is not ready.old:
            # Another photo was chosen meanwhile; the newer weights look at that one first.
            return
        # Before the first picture that is asked of them.
        host, ref, model = store.model_host, ready.ref, ready.model
        store.tasks.submit("model", "take newer weights", lambda context: host.adopt(ref, model), done=lambda _: None)
        pairs = ready.corners
        if ready.old is not None and ready.encoded is not None:
            pairs = (*pairs, (ready.old.code, ready.encoded.code))
        swaps = _Swaps(pairs)
        changes: dict[str, object] = {
            "info": ready.info,
            "look": swaps.look(state.look),
            "history": swaps.history(state.history),
            "bookmarks": tuple(swaps.mark(mark) for mark in state.bookmarks),
            "readout": None,
            "drawing": True,
        }
        if ready.encoded is not None and state.photo is not None:
            self._photos.keep(state.photo, ready.info.sha256, ready.encoded)
            changes["encoded"] = ready.encoded
        if ready.corners:
            changes["morph"] = replace(state.morph, slots=tuple(swaps.slot(slot) for slot in state.morph.slots))
        store.update(**changes)
        self._explore.draw_again()
        self._say_about_directions(ready.info)

    def _encode_again(self) -> None:
        """After a jump back to a run, or a session: its weights have moved on since the photo was encoded."""
        store, state = self._store, self._store.state
        look, info, key, ref = state.look, state.info, state.photo, state.model
        if look is None or info is None or key is None or ref is None or run_of(ref) is None:
            return
        stale = look.photo == key and isinstance(look.source, Coded) and self._photos.known(key, info.sha256) is None
        if not stale or state.encoding or info.encode == "search":
            return

        def done(encoded: Encoded) -> None:
            now = store.state
            if now.look is look and now.info is not None and now.info.sha256 == info.sha256:
                swaps = _Swaps(((look.source.code, encoded.code),) if isinstance(look.source, Coded) else ())
                store.update(encoded=encoded, look=swaps.look(look), history=swaps.history(now.history), drawing=True)
                self._explore.draw_again()

        self._photos.encode(key, Target.of(ref, info), done=done, gave_up=lambda: None)

    def _say_about_directions(self, info: ModelInfo) -> None:
        look = self._store.state.look
        if look is not None and (look.edits or look.locked) and (info.attributes or info.components):
            self._store.update(
                status=f"Step {info.step:,}: sliders that were found at an earlier step drift as the run trains; "
                "find them again when they stop working."
            )


def _alike(old: ModelInfo, new: ModelInfo) -> bool:
    """Whether codes of the one mean something in the other."""
    return (old.family, old.groups, old.image_size, old.channels) == (
        new.family,
        new.groups,
        new.image_size,
        new.channels,
    )


class _Swaps:
    """Codes of the photos as the newer weights have them. One code object becomes one: looks are compared by it."""

    def __init__(self, pairs: tuple[tuple[Codes, Codes], ...]) -> None:
        self._pairs = pairs
        self._sources: dict[int, tuple[Coded, Coded]] = {}

    def code(self, code: Codes) -> Codes:
        """The newer code (D,), or the same where there is none."""
        return next((new for old, new in self._pairs if old is code), code)

    def look(self, look: Look) -> Look:
        """The look from the newer code; all else as it was."""
        source = look.source
        if not isinstance(source, Coded) or self.code(source.code) is source.code:
            return look
        _, new = self._sources.setdefault(id(source), (source, Coded(self.code(source.code), source.name)))
        return replace(look, source=new)

    def history(self, history: History) -> History:
        """The undo tree; its pictures stay as they were."""
        return replace(history, entries=tuple(replace(e, look=self.look(e.look)) for e in history.entries))

    def slot(self, slot: MorphSlot | None) -> MorphSlot | None:
        """A corner of the morph."""
        if slot is None or slot.code is None or self.code(slot.code) is slot.code:
            return slot
        return replace(slot, code=self.code(slot.code))

    def mark(self, mark: Bookmark) -> Bookmark:
        """A bookmark; its picture stays as it was when it was kept."""
        look = self.look(mark.look)
        return mark if look is mark.look else replace(mark, look=look)
