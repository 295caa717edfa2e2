"""Keeps the pictures of Morph in step: the frame on show, its strip, and the choice of backgrounds.

All of it is drawn on the model lane, where a newer request takes the place of one that waits. While a hand moves, a
frame at full size is made small and quick; once it rests, as large as there is room.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer

from app.core.store import Store
from app.explore.morph.path import CodePath, filled, pad_codes, path_of
from app.explore.morph.shown import whole_shows
from app.explore.morph.state import Whole
from app.explore.morph.whole import CornerPhoto, Corners, WholePath, corner_photos, whole_of
from app.explore.photos.controller import PhotoController
from app.state import AppState
from engine.api import Pictures
from engine.blending import morphed, pad_shares, shares
from engine.events import Failed
from engine.lanes import Context

STRIP_STEPS: Final = {1: 8, 2: 4, 3: 3, 4: 2}
"""Pictures of the strip for each leg, by the number of legs: so that every corner is one of them."""
NORM_PLACES: Final = 61
REST_MS: Final = 150
"""A hand that holds still so long gets the frame in full."""
QUICK_PX: Final = 320
LARGEST_PX: Final = 1024
"""On screen; a larger frame would take longer than it is looked at."""
SMALL_PX: Final = 96
"""Of the strip and of the choice of backgrounds."""
BEHIND: Final = ("first", "last", "faded")
"""The backgrounds in the order in which they are offered."""


class MorphDrawing(QObject):
    """Draws at the fraction or the place of the pad that the state says."""

    def __init__(self, store: Store, photos: PhotoController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._photos = store, photos
        self._set = partial(store.change, "morph")
        self._corners = Corners(store.photo_loader)
        self._version = 0
        self._decoded: tuple[object, Pictures | None] = (None, None)
        self.whole_ms: float | None = None
        """How long laying a frame's detail took last, of those under the hand."""
        self._rest = QTimer(self, interval=REST_MS, singleShot=True)
        self._rest.timeout.connect(lambda: self.draw(fine=True))
        store.changed.connect(self._changed)

    def _changed(self, before: AppState, now: AppState) -> None:
        if now.closing:
            self._rest.stop()
            return
        morph, old = now.morph, before.morph
        if now.view != "morph" or now.model != before.model:
            return
        if now.full.wanted != before.full.wanted:
            if morph.why:
                # Perhaps the photo can be read again.
                self._set(why="")
            self._ask_for_strip()
            self.draw(fine=True)
        elif morph.background != old.background or morph.room != old.room:
            if morph.background != old.background:
                self._ask_for_strip()
            self.draw(fine=True)

    def whole(self) -> WholePath | None:
        """The morph at full size as it stands; None where what the model sees is on show."""
        return whole_of(self._store.state, self._photos)

    def forget(self) -> None:
        """Another path: what is on its way is of the one before."""
        self._version += 1
        self._decoded = (None, None)

    # the frame on show
    def draw(self, *, fine: bool = False) -> None:
        """The picture at this place, and the frame at full size where that is on show."""
        state = self._store.state
        morph, info, ref = state.morph, state.info, state.model
        path, corners = path_of(state), pad_codes(state) if morph.pad is not None else None
        if info is None or ref is None or (path is None if morph.pad is None else corners is None):
            return
        self._rest.stop()
        host, sha, method, version = self._store.model_host, info.sha256, morph.method, self._version
        place: float | tuple[float, float] = morph.fraction if morph.pad is None else morph.pad
        spot = (version, place, None if corners is None else id(state.drawn))
        known = self._decoded[1] if self._decoded[0] == spot else None
        slots = [morph.slots[i] for i in filled(morph)] if morph.pad is None else list(morph.slots)
        photos = corner_photos(state, slots, self._photos) if whole_shows(state) else ()
        background, kept = morph.background, self._corners
        room = min(morph.room or QUICK_PX, LARGEST_PX)
        side = room if fine else min(room, QUICK_PX)

        def decoded() -> Pictures:
            if not isinstance(place, tuple):
                assert path is not None
                pictures = path.pictures(host, [place])
            else:
                assert corners is not None
                model = host.model(ref, sha)
                pictures = model.decode(model.morph_pad(corners, *place, method=method)[None])
            first: Pictures = pictures[0]
            return first

        def work(context: Context) -> tuple[Pictures, Whole | None, float]:
            picture = known if known is not None else decoded()
            if not photos:
                return picture, None, 0.0
            ends = kept.at(photos, side)
            start = time.perf_counter()
            part = _parts(place, len(ends), path)
            frame = morphed(ends, picture, part, background=background)
            took = 1000 * (time.perf_counter() - start)
            return picture, Whole(frame, tuple(one.photo for one in ends), fine=side == room, place=place), took

        def done(made: tuple[Pictures, Whole | None, float]) -> None:
            now = self._store.state.morph
            if version != self._version or (now.pad is None) != (morph.pad is None):
                return
            picture, whole, took = made
            self._decoded = (spot, picture)
            if whole is not None and side <= QUICK_PX:
                self.whole_ms = took
            self._set(picture=picture, whole=whole)
            if whole is None or now.playing:
                return
            if whole.fine:
                self._ask_for_backgrounds(picture, photos, _parts(place, len(photos), path))
            else:
                self._rest.start()

        self._submit(work, done, key="morph", photos=photos)

    def _submit(
        self,
        work: Callable[[Context], Any],
        done: Callable[[Any], None],
        *,
        key: str,
        photos: tuple[CornerPhoto, ...],
        background: bool = False,
    ) -> None:
        def failed(event: Failed) -> None:
            if photos:
                # The photos are what is more likely gone: what the model sees is still there.
                self._set(why=event.message, whole=None, whole_strip=None, tiles=None)
                self.draw()
            self._store.notices.failed(event)

        self._store.tasks.submit("model", key, work, done=done, failed=failed, latest=key, background=background)

    def _ask_for_backgrounds(self, decoded: Pictures, photos: tuple[CornerPhoto, ...], part: tuple[float, ...]) -> None:
        """The frame on show in small, once for each background, behind everything else."""
        version, kept = self._version, self._corners

        def work(context: Context) -> tuple[Pictures, ...]:
            ends = kept.at(photos, SMALL_PX)
            return tuple(morphed(ends, decoded, part, background=one) for one in BEHIND)

        def done(tiles: tuple[Pictures, ...]) -> None:
            if version == self._version:
                self._set(tiles=tiles)

        self._submit(work, done, key="morph backgrounds", photos=photos, background=True)

    # the whole way
    def path_changed(self) -> None:
        """Other codes, or another way between them."""
        self.forget()
        if path_of(self._store.state) is None:
            self._set(picture=None, strip=None, norms=None, whole=None, whole_strip=None, tiles=None)
        else:
            if self._store.state.morph.why:
                self._set(why="")
            self._ask_for_strip()
            self._ask_for_norms()
        self.draw()

    def _ask_for_strip(self) -> None:
        state, version, kept, host = self._store.state, self._version, self._corners, self._store.model_host
        path, whole = path_of(state), self.whole()
        if path is None:
            return
        legs = len(path.codes) - (not path.closed)
        places = [float(place) for place in np.linspace(0, 1, STRIP_STEPS[legs] * legs + 1)]

        def work(context: Context) -> tuple[Pictures, Pictures | None]:
            pictures = path.pictures(host, places)
            if whole is None:
                return pictures, None
            ends = kept.at(whole.photos, SMALL_PX)
            pairs = zip(places, pictures, strict=True)
            small = [
                morphed(ends, one, _parts(place, len(ends), path), background=whole.background) for place, one in pairs
            ]
            return pictures, np.stack(small)

        def done(made: tuple[Pictures, Pictures | None]) -> None:
            if version == self._version:
                self._set(strip=made[0], whole_strip=made[1])

        self._submit(work, done, key="strip", photos=() if whole is None else whole.photos)

    def _ask_for_norms(self) -> None:
        path, version, store = path_of(self._store.state), self._version, self._store
        if path is None:
            return
        host, codes, closed = store.model_host, path.codes, path.closed

        def norms(found: dict[str, NDArray[np.float64]]) -> None:
            if version == self._version:
                self._set(norms=found)

        store.tasks.submit(
            "model",
            "measure the path",
            lambda context: dict(host.model(path.ref, path.sha256).morph_norms(codes, NORM_PLACES, loop=closed)),
            done=norms,
            latest="morph norms",
        )


def _parts(place: float | tuple[float, float], corners: int, path: CodePath | None) -> tuple[float, ...]:
    """How much of each corner there is at a place of the path or of the pad."""
    if isinstance(place, tuple):
        return pad_shares(*place, corners)
    assert path is not None
    return shares(place, corners, loop=path.closed)
