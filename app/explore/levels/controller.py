"""The levels of a code: strength, held, taken from a second code, alone; what each drives; and the precision."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from PySide6.QtCore import QObject, QTimer

from app.core.notices import NO_PICTURE
from app.core.store import Store
from app.core.tasks import Task
from app.explore.controller import LAST_SEED, ExploreController
from app.explore.levels.state import SecondCode
from app.explore.photos.controller import PhotoController, Target
from app.look import Look
from app.state import AppState
from app.words import source_text
from engine.api import Coded, Codes, Drawn, DrawRequest, Encoded, LevelMap, Sampled
from engine.events import Failed

MAPS_MS: Final = 500
"""How long the picture must have rested before what each level drives is worked out."""


class LevelsController(QObject):
    """Turns what the user does in the levels section into rules of the look, so that undo and sessions keep them."""

    def __init__(
        self, store: Store, explore: ExploreController, photos: PhotoController, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._store, self._explore, self._photos = store, explore, photos
        self._random = random.Random()
        self._taken_from: Sampled | Coded | None = None
        self._maps_job: Task | None = None
        self._maps_of: tuple[str, DrawRequest] | None = None
        self._timer = QTimer(self, interval=MAPS_MS, singleShot=True)
        self._timer.timeout.connect(self._find_maps)
        store.changed.connect(self._changed)
        store.modelOpened.connect(self._model_opened)

    # the rules
    def set_strength(self, index: int, value: float) -> None:
        """Scales one level of a given code about zero."""
        self._rule(index, f"Strength of level {index + 1}", live=True, strength=value)

    def freeze(self, index: int, on: bool) -> None:
        """Holds a level as it is now, or lets it go."""
        look, info = self._store.state.look, self._store.state.info
        if look is None or info is None:
            return
        if not on:
            self._rule(index, f"Free level {index + 1}", held=None)
            return

        def held(code: Codes) -> None:
            self._rule(index, f"Freeze level {index + 1}", held=Coded(code, source_text(look.source)))

        self._code_of(replace(look, solo=-1).request(), held)

    def swap(self, index: int, on: bool) -> None:
        """Takes a level from the second code, or from where the picture comes from."""
        second = self._store.state.levels.second
        if on and (second is None or second.code is None):
            self._store.change("levels")
            return
        taken = second.code if on and second is not None else None
        self._rule(index, f"Level {index + 1} from {'B' if on else 'A'}", taken=taken, strength=1.0)

    def swap_all(self) -> None:
        """All levels from the second code; all back if they are from there already."""
        state, second = self._store.state, self._store.state.levels.second
        if state.look is None or state.info is None or second is None or second.code is None:
            return
        count, code = len(state.info.groups), second.code
        back = all(state.look.rule(i).taken is code for i in range(count))
        rules = [replace(state.look.rule(i), taken=None if back else code, strength=1.0) for i in range(count)]
        self._explore.change(lambda look: look.with_levels(rules), "Levels from A" if back else "Levels from B")

    def roll(self, index: int) -> None:
        """Draws one level anew, at its temperature; the others stay."""
        state = self._store.state
        if state.look is None:
            return
        source = Sampled(self._random.randint(0, LAST_SEED), state.temperature)
        self._rule(index, f"Roll level {index + 1}", taken=source, strength=1.0, held=None)

    def solo(self, index: int, on: bool) -> None:
        """Shows one level alone, the others at zero."""
        self._explore.change(
            lambda look: replace(look, solo=index if on else -1), f"Level {index + 1} alone" if on else "All levels"
        )

    def set_precision(self, double: bool) -> None:
        """float64 draws with a double copy of the model."""
        wanted = "float64" if double else "float32"
        self._explore.change(lambda look: replace(look, precision=wanted), wanted)

    def switch_precision(self) -> None:
        """To float64 and back, for models whose round trip is exact."""
        state = self._store.state
        if state.look is not None and state.info is not None and state.info.encode == "exact":
            self.set_precision(state.look.precision == "float32")

    def reset(self) -> None:
        """No rules: the code as it comes."""
        self._explore.change(lambda look: replace(look, levels=(), solo=-1), "Reset levels")

    def _rule(self, index: int, label: str, *, live: bool = False, **changes: object) -> None:
        info = self._store.state.info
        if info is not None and index < len(info.groups):
            count = len(info.groups)
            self._explore.change(lambda look: look.with_rule(index, count, **changes), label, live=live)

    def _code_of(self, request: DrawRequest, use: Callable[[Codes], None]) -> None:
        store, state = self._store, self._store.state
        if state.info is None or state.model is None:
            return
        host, ref, sha = store.model_host, state.model, state.info.sha256

        def found(code: Codes) -> None:
            if store.state.model == ref and store.state.info is not None and store.state.info.sha256 == sha:
                use(code)

        store.tasks.submit("model", "read the code", lambda context: host.model(ref, sha).code_of(request), done=found)

    # the second code
    def second_photo(self, key: str) -> None:
        """A photo of the library as second code, encoded by the model on show."""
        state, item = self._store.state, self._photos.item(key)
        if item is None or state.info is None or state.model is None:
            return
        before = state.levels.second
        self._second(SecondCode(item.name, item.thumb, photo=key))

        def wanted() -> bool:
            second = self._store.state.levels.second
            return second is not None and second.photo == key

        def done(encoded: Encoded) -> None:
            if wanted():
                self._second(SecondCode(item.name, encoded.photo, Coded(encoded.code, item.name), key))

        def gave_up() -> None:
            if wanted():
                self._second(before)

        self._photos.encode(key, Target.of(state.model, state.info), done=done, gave_up=gave_up)

    def second_bookmark(self, index: int) -> None:
        """A bookmark as second code."""
        state = self._store.state
        if index >= len(state.bookmarks):
            return
        bookmark = state.bookmarks[index]
        if bookmark.look.model == state.model:
            self._second_look(bookmark.look, bookmark.name)
        elif bookmark.look.photo is not None and self._photos.item(bookmark.look.photo) is not None:
            self.second_photo(bookmark.look.photo)
        else:
            self._store.notices.warn(f"{bookmark.name} belongs to another model: choose a bookmark of this one.")

    def second_current(self) -> None:
        """What is on show as second code."""
        look = self._store.state.look
        if look is None or self._store.state.drawn is None:
            self._store.notices.say(NO_PICTURE)
            return
        self._second_look(replace(look, solo=-1), look.text())

    def _second_look(self, look: Look, name: str) -> None:
        request = look.request()

        def done(drawn: Drawn) -> None:
            self._second(SecondCode(name, drawn.picture, Coded(drawn.code, name)))

        self._draw(request, done)

    def second_seed(self) -> None:
        """A sample as second code."""
        source = Sampled(self._random.randint(0, LAST_SEED), self._store.state.temperature)
        name = source_text(source)
        self._draw(DrawRequest(source), lambda drawn: self._second(SecondCode(name, drawn.picture, source)))

    def _draw(self, request: DrawRequest, done: Callable[[Drawn], None]) -> None:
        store, state = self._store, self._store.state
        if state.info is None or state.model is None:
            return
        host, ref, sha = store.model_host, state.model, state.info.sha256

        def drawn(found: Drawn) -> None:
            if store.state.model == ref:
                done(found)

        store.tasks.submit("model", "draw B", lambda context: host.model(ref, sha).draw(request), done=drawn)

    def _second(self, second: SecondCode | None) -> None:
        """Another second code; levels that came from the old one come from it now."""
        store, was = self._store, self._taken_from
        store.change("levels", second=second)
        look = store.state.look
        if look is None or second is None or second.code is None:
            return
        self._taken_from = second.code
        if was is not None and any(rule.taken is was for rule in look.levels):
            rules = [replace(r, taken=second.code) if r.taken is was else r for r in look.levels]
            self._explore.change(lambda now: now.with_levels(rules), f"B: {second.name}")

    # which pixels a level drives
    def open(self, unfolded: bool) -> None:
        """The section was unfolded or folded."""
        self._store.change("levels", open=unfolded)
        if unfolded:
            self._timer.start()

    def show(self) -> None:
        """Unfolds or folds the section by keyboard."""
        self.open(not self._store.state.levels.open)

    def _changed(self, before: AppState, now: AppState) -> None:
        if now.closing:
            self._timer.stop()
        elif now.levels.open and (now.look is not before.look or now.info is not before.info):
            # The picture comes first: what is being worked out for the one before stops.
            self._store.tasks.cancel(self._maps_job)
            self._timer.start()

    def _model_opened(self) -> None:
        """Codes of another model mean nothing here: a photo is encoded again, all else is forgotten."""
        state = self._store.state
        second, self._maps_of = state.levels.second, None
        self._store.update(levels=replace(state.levels, second=None, maps=()))
        many = state.info is not None and len(state.info.groups) > 1
        if many and second is not None and second.photo is not None:
            self.second_photo(second.photo)
        if many and state.levels.open:
            self._timer.start()

    def _find_maps(self) -> None:
        store, state = self._store, self._store.state
        if state.look is None or state.info is None or len(state.info.groups) < 2 or not state.levels.open:
            return
        if state.drawing:
            self._timer.start()
            return
        request = replace(state.look, solo=-1, precision="float32").request()
        at = (state.info.sha256, request)
        if at == self._maps_of:
            return
        host, ref, sha = store.model_host, state.look.model, state.info.sha256

        def done(maps: tuple[LevelMap, ...]) -> None:
            if store.state.info is not None and store.state.info.sha256 == sha:
                self._maps_of = at
                store.change("levels", maps=maps)

        def failed(event: Failed) -> None:
            store.notices.failed(event)

        self._maps_job = store.tasks.submit(
            "model",
            "find what each level drives",
            lambda context: host.model(ref, sha).level_maps(request, progress=context),
            done=done,
            failed=failed,
            background=True,
        )
