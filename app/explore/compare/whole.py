"""Lays what each model of Compare changes into the photo itself: the model on show first, the others after it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from PySide6.QtCore import QObject, QTimer

from app.core.store import Store
from app.core.tasks import LaneName
from app.explore.compare.shown import whole_shows
from app.explore.compare.state import Close, CompareRow
from app.explore.fullsize.close_up import CloseUpPhoto, CloseUps, changed, close_up_photo
from app.explore.photos.controller import PhotoController
from app.state import AppState, moved
from engine.api import Pictures
from engine.blending import Corner, corner_of, morphed, prepare, shares
from engine.events import Failed
from engine.lanes import Context
from engine.photos import PhotoLoader

REST_MS: Final = 150
GONE: Final = "This photo is no longer in the library: drop it again to see it whole."
PARTS: Final = ("view", "compare", "comparison", "full", "moving", "model", "photo", "look")


class WholeRows(QObject):
    """Follows the rows' pictures, as `RowDrawing` makes them: each row newest wins, and quick while a hand moves."""

    def __init__(self, store: Store, photos: PhotoController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._photos = store, photos
        self._makers: dict[LaneName, Maker] = {"model": Maker(store.photo_loader), "study": Maker(store.photo_loader)}
        self._asked: dict[str, tuple[Any, ...]] = {}
        self._hand_rests = True
        self._rest = QTimer(self, interval=REST_MS, singleShot=True)
        self._rest.timeout.connect(self._rested)
        store.changed.connect(self._changed)

    def _changed(self, before: AppState, now: AppState) -> None:
        if now.closing:
            self._rest.stop()
            return
        if now.photo != before.photo or now.full.wanted != before.full.wanted:
            self._asked.clear()
            if now.comparison.why:
                # Another photo, or perhaps it can be read again.
                self._store.change("comparison", why="")
                return
        if now.view != "compare" or not moved(now, before, *PARTS):
            return
        if now.look is not before.look or now.comparison.fraction != before.comparison.fraction:
            self._hand_rests = False
            self._rest.start()
        if whole_shows(now):
            self._ask_all()

    def _rested(self) -> None:
        self._hand_rests = True
        if whole_shows(self._store.state) and self._store.state.view == "compare":
            self._ask_all()

    def _ask_all(self) -> None:
        state = self._store.state
        side = state.comparison.room
        if not side or state.photo is None:
            return
        photo = close_up_photo(state.photo, self._photos)
        if photo is None:
            self._give_up(GONE)
            return
        for row in sorted(state.compare, key=lambda row: row.ref != state.model):
            self._ask(row, photo, side)

    def _ask(self, row: CompareRow, photo: CloseUpPhoto, side: int) -> None:
        store, there, picture = self._store, row.close, row.picture
        if row.encoded is None or picture is None:
            return
        fine, look = self._hand_rests, store.state.look
        strength = 1.0 if look is None else look.strength
        right = there is not None and there.of is picture and there.side == side and (there.fine or not fine)
        right = right and there is not None and there.strength == strength
        right = right and there is not None and (there.far is None) == (row.other is None)
        asked = (picture, row.encoded, side, strength, fine, row.recipe, row.other)
        before = self._asked.get(row.ref)
        if right or (before is not None and all(one is two for one, two in zip(asked, before, strict=True))):
            return
        self._asked[row.ref] = asked
        lane: LaneName = "model" if row.ref == store.state.model else "study"
        maker = self._makers[lane]
        other = store.state.comparison.other
        beyond = None if other is None or row.other is None else close_up_photo(other, self._photos)

        def work(context: Context) -> Close:
            return maker.close(row, photo, beyond, side=side, strength=strength, fine=fine)

        def done(close: Close) -> None:
            if self._asked.get(row.ref) is asked:
                del self._asked[row.ref]
            rows, now = store.state.compare, store.state
            if now.photo is None or side != now.comparison.room:
                return
            new = tuple(replace(r, close=close) if r.ref == row.ref and r.encoded is row.encoded else r for r in rows)
            store.update(compare=new)

        def failed(event: Failed) -> None:
            self._give_up(event.message)

        store.tasks.submit(lane, "show a row whole", work, done=done, failed=failed, latest=f"whole {row.ref}")

    def _give_up(self, why: str) -> None:
        """What the models see is what there is to show."""
        comparison = self._store.state.comparison
        if comparison.why != why:
            rows = tuple(replace(row, close=None) for row in self._store.state.compare)
            self._store.update(comparison=replace(comparison, why=why), compare=rows, status=why)


class Maker:
    """Makes close-ups of rows, and keeps what they share. It runs on one lane's thread."""

    def __init__(self, loader: PhotoLoader) -> None:
        self._loader, self._close_ups = loader, CloseUps(loader)
        self._ends: dict[str, tuple[tuple[Any, ...], tuple[Corner, Corner]]] = {}

    def close(
        self,
        row: CompareRow,
        photo: CloseUpPhoto,
        beyond: CloseUpPhoto | None,
        *,
        side: int,
        strength: float,
        fine: bool,
    ) -> Close:
        """The photo with this row's change; on the way to a second photo a frame of the morph between both.

        Raises:
            UserError: a photo can no longer be read.
        """
        assert row.encoded is not None
        assert row.picture is not None
        base, other, recipe = row.encoded.reconstruction, row.other, row.recipe
        canvas = self._close_ups.canvas(photo, base, side)
        there = None
        if beyond is not None and other is not None:
            there = self._close_ups.canvas(beyond, other.reconstruction, side).picture
        if beyond is None or other is None or recipe is None or recipe.other is None:
            frame = changed(canvas, row.picture, strength=strength, fine=fine)
        else:
            far = other.reconstruction
            key, known = (base, far, photo.framing, beyond.framing, side), self._ends.get(row.ref)
            if known is None or not all(one is two for one, two in zip(key, known[0], strict=True)):
                known = (key, (self._end(photo, base, side), self._end(beyond, far, side)))
                self._ends = {**self._ends, row.ref: known}
            frame = morphed(known[1], row.picture, shares(recipe.fraction, 2))
        return Close(frame, canvas.picture, row.picture, side, strength, fine, there)

    def _end(self, photo: CloseUpPhoto, base: Pictures, side: int) -> Corner:
        framing = self._close_ups.framing(photo, len(base))
        return corner_of(prepare(self._loader.whole(photo.source), framing, base), side)
