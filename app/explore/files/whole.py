"""What Compare, Morph and the grid of edits show of photos, saved and copied at full size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from PySide6.QtWidgets import QWidget

from app.core.store import Store
from app.explore.compare.rows import draw, recipe_of
from app.explore.compare.shown import whole_shows as compare_whole
from app.explore.compare.state import CompareRow, Recipe
from app.explore.fullsize.controller import FullSizeController
from app.explore.fullsize.saver import PhotoSaver, Still, Wanted
from app.explore.fullsize.state import FaceEdit
from app.explore.grid.shown import whole_shows as grid_whole
from app.explore.morph.path import filled, pad_codes, path_of
from app.explore.morph.shown import whole_shows as morph_whole
from app.explore.morph.whole import CornerPhoto, Corners, corner_photos
from app.explore.photos.controller import PhotoController
from app.explore.photos.state import PhotoItem
from app.look import Look
from engine.api import Coded, Framing, Loaded, Pictures
from engine.blending import morphed, pad_shares, shares
from engine.events import Failed
from engine.lanes import Context

LARGEST_PX: Final = 2048
"""Of a frame between photos: there are 12 bytes a pixel and corner in memory."""
NOT_YET: Final = "The photo is not ready to be saved: wait until it is there."


class WholeFiles:
    """Knows what the view on show has of photos; where it has nothing, `save` and `copy` are False."""

    def __init__(self, store: Store, photos: PhotoController, *, full: FullSizeController, saver: PhotoSaver) -> None:
        self._store, self._photos, self._full, self._saver = store, photos, full, saver

    def save(self, window: QWidget) -> bool:
        """Asks where the photos on show go to, at full size; False where none are on show."""
        saver = self._saver
        return self._with_what_is_shown(
            single=lambda: saver.save(window),
            photo=lambda wanted: saver.save(window, wanted),
            still=lambda still: saver.save_still(window, still),
        )

    def copy(self) -> bool:
        """The photos on show to the clipboard, at full size; False where none are on show."""
        return self._with_what_is_shown(single=self._saver.copy, photo=self._saver.copy, still=self._saver.copy_still)

    def _with_what_is_shown(
        self, *, single: Callable[[], None], photo: Callable[[Wanted], None], still: Callable[[Still], None]
    ) -> bool:
        now = self._store.state
        if self._saver.on_show() or (now.view == "grid" and grid_whole(now)):
            # A click in the grid has made its cell the look.
            single()
        elif now.view == "morph" and morph_whole(now):
            self._if_any(self._morph(), still)
        elif now.view == "compare" and compare_whole(now):
            self._compare(photo, still)
        else:
            return False
        return True

    def _if_any(self, made: Still | None, use: Callable[[Still], None]) -> None:
        if made is None:
            self._store.notices.warn(NOT_YET)
        else:
            use(made)

    def _morph(self) -> Still | None:
        """The morph at the present place of its path or pad."""
        store, state, morph = self._store, self._store.state, self._store.state.morph
        host, path, info, ref, method = store.study_host, path_of(state), state.info, state.model, morph.method
        codes = pad_codes(state) if morph.pad is not None else None
        if info is None or ref is None or (path is None if morph.pad is None else codes is None):
            return None
        slots = list(morph.slots) if morph.pad is not None else [morph.slots[index] for index in filled(morph)]
        at, sha, background = morph.pad, info.sha256, morph.background
        names = " to ".join("the current picture" if slot is None else slot.name for slot in slots)
        if at is None:
            parts = shares(morph.fraction, len(slots), loop=path is not None and path.closed)
        else:
            parts = pad_shares(*at, len(slots))

        def decoded() -> Pictures:
            if at is None:
                assert path is not None
                return path.pictures(host, [morph.fraction])
            model = host.model(ref, sha)
            assert codes is not None
            return model.decode(model.morph_pad(codes, *at, method=method)[None])

        place = f"{morph.fraction:.0%}" if at is None else f"{at[0]:.0%} {at[1]:.0%}"
        corners = corner_photos(state, slots, self._photos)
        return self._still(f"{names}, {place}", corners, parts, background=background, decoded=decoded)

    def _still(
        self,
        name: str,
        corners: Sequence[CornerPhoto],
        parts: tuple[float, ...],
        *,
        background: str,
        decoded: Callable[[], Pictures],
    ) -> Still:
        """A frame as large as the largest of its faces, and at least as one that is exported."""
        loader = self._store.photo_loader
        sides = [_side_of(one.framing) for one in corners if one.framing is not None]
        side = min(LARGEST_PX, max(self._store.state.morph.export.side, *sides, 0))

        def make(context: Context) -> Pictures:
            picture = decoded()[0]
            context.check()
            ends = Corners(loader).at(corners, side)
            context.check()
            return morphed(ends, picture, parts, background=background)

        return Still(name, side, make)

    # Compare
    def _compare(self, photo: Callable[[Wanted], None], still: Callable[[Still], None]) -> None:
        """What the row of the model on show has: the photo with its change, or a frame on the way to the other one."""
        state = self._store.state
        row = next((row for row in state.compare if row.ref == state.model), None)
        recipe = None if row is None else recipe_of(row, state)
        item = None if state.photo is None else self._photos.item(state.photo)
        if row is None or row.info is None or recipe is None or item is None:
            self._store.notices.warn(NOT_YET)
            return
        if recipe.other is None:
            self._framed(item, len(recipe.photo.photo), lambda framing: photo(self._row(row, recipe, item, framing)))
            return
        far = None if state.comparison.other is None else self._photos.item(state.comparison.other)
        if far is None:
            self._store.notices.warn(NOT_YET)
            return
        corners = [
            CornerPhoto(one.reconstruction, end.source, self._photos.framing_of(end.key), end.cut)
            for one, end in ((recipe.photo, item), (recipe.other, far))
        ]
        host, ref, sha = self._store.study_host, row.ref, row.info.sha256
        name, parts = f"{item.name} to {far.name}, {recipe.fraction:.0%}", shares(recipe.fraction, 2)

        def decoded() -> Pictures:
            return draw(host.model(ref, sha), recipe)[None]

        still(self._still(name, corners, parts, background="faded", decoded=decoded))

    def _row(self, row: CompareRow, recipe: Recipe, item: PhotoItem, framing: Framing) -> Wanted:
        """The photo with what the model of a row changes, and with its other faces as they are edited."""
        assert row.info is not None
        look, encoded = self._store.state.look, recipe.photo
        strength = 1.0 if look is None else look.strength
        code = Coded(encoded.code, encoded.name)
        shown = Look(row.ref, code, recipe.edits, recipe.locked, photo=item.key, strength=strength)
        picture = encoded.reconstruction if recipe.plain() else None
        active = FaceEdit(item.key, shown, row.info.sha256, picture, encoded.reconstruction, framing, item.source)
        others = self._full.other_faces(framing)
        return self._saver.wanted(active, others if recipe.plain() else (*others, active))

    def _framed(self, item: PhotoItem, size: int, use: Callable[[Framing], None]) -> None:
        """Where the model's picture was cut out; looked for again where the photo came back with a session."""
        known = self._photos.framing_of(item.key)
        if known is not None:
            use(known)
            return
        store, loader = self._store, self._store.photo_loader

        def found(loaded: Loaded) -> None:
            if loaded.framing is None or isinstance(item.source, np.ndarray):
                store.notices.warn(NOT_YET)
                return
            self._photos.keep_framing(item.key, loaded)
            use(loaded.framing)

        def failed(event: Failed) -> None:
            store.notices.failed(event)

        store.tasks.submit(
            "files",
            "find the photo's framing",
            lambda context: loader.load(item.source, size=size, cut=item.cut, name=item.name),
            done=found,
            failed=failed,
        )


def _side_of(framing: Framing) -> int:
    one, other = (complex(x, y) for x, y in framing.corners[:2])
    return round(abs(other - one))
