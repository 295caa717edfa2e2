"""Morphing: two to four corners, the path and the pad between them, and the picture on show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

from app.core.file_kinds import ask_animation, safe_stem
from app.core.notices import NO_MORPH
from app.core.store import Store
from app.explore.controller import ExploreController
from app.explore.morph import export as morph_export
from app.explore.morph.drawing import MorphDrawing
from app.explore.morph.path import LETTERS, codes_of, filled, pad_codes, path_of
from app.explore.morph.player import MorphPlayer
from app.explore.morph.state import MorphSlot
from app.explore.morph.whole import current_slot
from app.explore.photos.controller import PhotoController, Target
from app.state import AppState
from engine.api import Codes, Encoded, Pictures, Sampled
from engine.lanes import Context

FRAMES: Final = (10, 600)
HOLD: Final = (0, 60)


class MorphController(QObject):
    """Keeps the corners' codes in step with the model on show."""

    def __init__(
        self, store: Store, explore: ExploreController, photos: PhotoController, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._store, self._explore, self._photos = store, explore, photos
        self.change = partial(store.change, "morph")
        self.drawing = MorphDrawing(store, photos, self)
        self.player = MorphPlayer(store, self.drawing, self)
        store.changed.connect(self._changed)
        store.modelOpened.connect(self._model_opened)

    def _changed(self, before: AppState, now: AppState) -> None:
        if now.view == "morph" and before.view != "morph":
            self._fill()
        # Whoever changed it: a hand, other weights, or a session. Corners of another model are gone in a moment, and
        # until then their codes mean nothing to it.
        if _path_key(now) != _path_key(before) and now.model == before.model:
            self.drawing.path_changed()
        # The pad's empty corners are the current code.
        stands_in = now.morph.pad is not None and any(slot is None for slot in now.morph.slots)
        if stands_in and now.drawn is not before.drawn:
            self.drawing.draw()

    # corners
    def _fill(self) -> None:
        """A morph that moves at once: what is shown now, and a second face."""
        state = self._store.state
        if state.info is None or state.drawn is None:
            return
        if state.morph.slots[0] is None:
            encoded, own = state.encoded, state.look is not None and state.look.photo == state.photo
            plain = encoded is not None and (not own or state.drawn.request.draws(encoded.code))
            if state.photo is not None and plain:
                self.set_photo(state.photo, 0)
            else:
                self.set_current(0)
        if state.morph.slots[1] is not None:
            return
        other = next((p.key for p in state.photos if p.key != state.photo), None)
        if other is not None and state.info.encode != "search":
            self.set_photo(other, 1)
        else:
            self._set_sample(1)

    def set_current(self, index: int | None = None) -> None:
        """The current code, as it is now, into a corner."""
        state = self._store.state
        if state.drawn is None or state.look is None:
            return
        slot = current_slot(state)
        self._put(state.morph.chosen if index is None else index, slot)

    def set_photo(self, key: str, index: int | None = None) -> None:
        """A photo into a corner; it is encoded first."""
        state = self._store.state
        item = self._photos.item(key)
        if item is None or state.info is None or state.model is None:
            return
        at = state.morph.chosen if index is None else index
        slot = MorphSlot(item.name, item.thumb, photo=key, busy=True)
        self._put(at, slot)
        target = Target.of(state.model, state.info)

        def here(name: str) -> bool:
            slots = self._store.state.morph.slots
            found = slots[at] if at < len(slots) else None
            return found is not None and found.photo == key and self._store.state.model == target.ref

        def done(encoded: Encoded) -> None:
            if here(key):
                self._put(at, MorphSlot(item.name, encoded.photo, photo=key, code=encoded.code), advance=False)

        def gave_up() -> None:
            if here(key):
                self._put(at, None, advance=False)

        self._photos.encode(key, target, done=done, gave_up=gave_up)

    def set_edited(self, index: int, slot: MorphSlot) -> None:
        """A photo with its edits, which was made elsewhere, into a corner."""
        self._put(index, slot)

    def _set_sample(self, index: int) -> None:
        """Another sample, where a photo would need a search."""
        store, state = self._store, self._store.state
        if state.model is None or state.info is None:
            return
        host, ref, sha = store.model_host, state.model, state.info.sha256
        source = Sampled(state.seed + 1, state.temperature)

        def draw(context: Context) -> tuple[Codes, Pictures]:
            model = host.model(ref, sha)
            codes = model.sample(1, temperature=source.temperature, seed=source.seed)
            return codes, model.decode(codes)

        def done(found: tuple[Codes, Pictures]) -> None:
            if store.state.model == ref:
                self._put(index, MorphSlot(f"Seed {source.seed}", found[1][0], code=found[0][0]), advance=False)

        store.tasks.submit("model", "draw a sample", draw, done=done)

    def add_slot(self) -> None:
        """One corner more."""
        morph = self._store.state.morph
        if len(morph.slots) < len(LETTERS):
            self.change(slots=(*morph.slots, None), chosen=len(morph.slots))

    def remove_slot(self, index: int) -> None:
        """Empties a corner; the third and fourth go."""
        slots = list(self._store.state.morph.slots)
        if index >= 2:
            del slots[index]
        else:
            slots[index] = None
        pad = self._store.state.morph.pad if len(slots) > 2 else None
        self.change(slots=tuple(slots), chosen=min(index, len(slots) - 1), pad=pad)

    def move_corner(self, place: int, to: int) -> None:
        """Puts the path's corner number `place` where number `to` is; those between move up."""
        slots, order = list(self._store.state.morph.slots), filled(self._store.state.morph)
        if place == to or not (0 <= place < len(order) and 0 <= to < len(order)):
            return
        moved = [slots[i] for i in order]
        moved.insert(to, moved.pop(place))
        for index, slot in zip(order, moved, strict=True):
            slots[index] = slot
        self.change(slots=tuple(slots), chosen=order[to])

    def set_hold(self, frames: int, place: int | None = None) -> None:
        """How many frames the path's corner number `place` rests; without a number all of them."""
        frames, morph = min(HOLD[1], max(HOLD[0], frames)), self._store.state.morph
        order = filled(morph)
        which = order if place is None else order[place : place + 1]
        slots = tuple(
            replace(slot, hold=frames) if slot is not None and (i in which or place is None) else slot
            for i, slot in enumerate(morph.slots)
        )
        self.change(slots=slots)

    def _put(self, index: int, slot: MorphSlot | None, *, advance: bool = True) -> None:
        slots = list(self._store.state.morph.slots)
        if index >= len(slots):
            return
        old = slots[index]
        slots[index] = slot if slot is None or old is None else replace(slot, hold=old.hold)
        changes: dict[str, object] = {"slots": tuple(slots)}
        if advance:
            changes["chosen"] = next((i for i, s in enumerate(slots) if s is None), (index + 1) % len(slots))
        self.change(**changes)

    def _model_opened(self) -> None:
        """Codes belong to one model: photos are encoded again, other corners go."""
        slots = self._store.state.morph.slots
        self.change(
            slots=tuple(None for _ in slots), picture=None, strip=None, norms=None, chosen=0, whole=None, why=""
        )
        info = self._store.state.info
        if info is not None and len(info.groups) < 2 and self._store.state.morph.method == "levels":
            self.change(method="slerp")
        self.drawing.forget()
        for index, slot in enumerate(slots):
            if slot is not None and slot.photo is not None and self._store.state.view == "morph":
                self.set_photo(slot.photo, index)
        if self._store.state.view == "morph":
            QTimer.singleShot(0, self, self._fill_when_drawn)

    def _fill_when_drawn(self) -> None:
        state = self._store.state
        if state.closing:
            return
        if state.drawing:
            QTimer.singleShot(50, self, self._fill_when_drawn)
        elif state.view == "morph":
            self._fill()

    # the path
    def codes(self) -> Codes | None:
        """The corners' codes (k, D), or None while there are fewer than two."""
        return codes_of(self._store.state.morph)

    def set_fraction(self, fraction: float) -> None:
        """Where on the path."""
        self._store.step_aside()
        if self._store.state.morph.playing:
            self.player.halt()
        self.change(fraction=fraction, pad=None)
        self.drawing.draw()

    def set_timing(self, name: str, value: Any) -> None:
        """A field of `MorphTiming`."""
        timing = self._store.state.morph.timing
        if name == "frames" and isinstance(value, int):
            value = min(FRAMES[1], max(FRAMES[0], value))
        changed = replace(timing, **{name: value})
        if changed == timing:
            return
        self.change(timing=changed)

    def set_room(self, side_px: int) -> None:
        """How large a frame is on screen, in its pixels."""
        if side_px != self._store.state.morph.room:
            self.change(room=side_px)

    def set_export(self, name: str, value: Any) -> None:
        """A field of `MorphExport`."""
        self.change(export=replace(self._store.state.morph.export, **{name: value}))

    def show_pad(self, on: bool) -> None:
        """The pad between three or four corners, or the path."""
        if on and len(self._store.state.morph.slots) < 3:
            self._store.notices.warn("The pad needs three or four corners: add one first.")
            return
        self.change(pad=(0.5, 0.5) if on else None)
        self.drawing.draw()

    def toggle_pad(self) -> None:
        """From the path to the pad, and back; a corner is added where there are only two."""
        if self._store.state.morph.pad is None and len(self._store.state.morph.slots) < 3:
            self.add_slot()
        self.show_pad(self._store.state.morph.pad is None)

    def set_pad(self, x: float, y: float) -> None:
        """Where on the pad."""
        self._store.step_aside()
        self.change(pad=(x, y))
        self.drawing.draw()

    def take(self) -> None:
        """The code at this place becomes the current one."""
        store, state = self._store, self._store.state
        morph, host = state.morph, store.model_host
        corners, path = pad_codes(state), path_of(state)
        at = morph.pad
        if at is not None and corners is not None and state.info is not None and state.model is not None:
            ref, sha = state.model, state.info.sha256
            store.tasks.submit(
                "model",
                "take the code",
                lambda context: host.model(ref, sha).morph_pad(corners, *at, method=morph.method),
                done=lambda code: self._explore.take_code(code, f"Pad {at[0]:.0%}, {at[1]:.0%}"),
            )
        elif at is None and path is not None:
            store.tasks.submit(
                "model",
                "take the code",
                lambda context: host.model(path.ref, path.sha256).morph(
                    path.codes, [morph.fraction], method=path.method, loop=path.closed
                )[0],
                done=lambda code: self._explore.take_code(code, f"Morph {morph.fraction:.0%}"),
            )
        else:
            store.notices.say(NO_MORPH)

    # playing and writing
    def if_shown(self, action: Callable[[], object]) -> Callable[[], None]:
        """What a key does, only where a morph is on show."""

        def act() -> None:
            state = self._store.state
            if state.workspace == "explore" and state.view == "morph" and not state.closing:
                action()

        return act

    def play(self) -> None:
        """Plays, or halts."""
        self.player.toggle()

    def ask_export(self, parent: QWidget) -> None:
        """Asks where the animation goes to."""
        morph = self._store.state.morph
        name = safe_stem(" to ".join(slot.name for slot in morph.slots if slot is not None and slot.code is not None))
        # What follows a dot would be taken for the kind of file where a folder is wanted.
        ask_animation(parent, "Export morph", use=self.export, kind=morph.export.kind, name=name.replace(".", "_"))

    def export(self, path: Path) -> None:
        """Writes the animation to a GIF, WebP or MP4 file, or a folder of PNG files."""
        morph_export.export(self._store, self._photos, path)


def _path_key(state: AppState) -> tuple[object, ...]:
    """What makes a path another one; its codes by identity."""
    morph = state.morph
    codes = tuple(id(slot.code) for slot in morph.slots if slot is not None and slot.code is not None)
    return (codes, morph.method, morph.timing.loop == "loop", None if state.info is None else state.info.sha256)
