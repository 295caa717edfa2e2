"""Morphing: up to four corners, a path through them, playing it and writing it to a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from PySide6.QtCore import QObject, QTimer

from app.explore_controller import ExploreController
from app.hub import Hub
from app.model_host import ModelHost
from app.notices import NO_MORPH
from app.photo_controller import PhotoController, Target
from app.state import AppState, MorphSlot
from app.widgets.jobs import JobView
from app.words import source_text
from engine.api import Codes, Encoded, ModelInfo, Pictures, Sampled
from engine.events import Failed, Progress
from engine.export import save_animation
from engine.lanes import Context

STRIP: Final = 9
PLAY_FRAMES: Final = 60
PLAY_MS: Final = 33
CHUNK: Final = 6
EXPORT_SCALE: Final = 4
LETTERS: Final = "ABCD"


class MorphController(QObject):
    """Keeps the corners' codes in step with the model on show."""

    def __init__(
        self, hub: Hub, explore: ExploreController, photos: PhotoController, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._hub, self._explore, self._photos = hub, explore, photos
        self._direction = 1
        self._version = 0
        self._timer = QTimer(self, interval=PLAY_MS)
        self._timer.timeout.connect(self._step)
        hub.changed.connect(self._changed)
        hub.modelOpened.connect(self._model_opened)

    def _set(self, **changes: Any) -> None:
        self._hub.update(morph=replace(self._hub.state.morph, **changes))

    def _changed(self, before: AppState, now: AppState) -> None:
        if now.view == "morph" and before.view != "morph":
            self._fill()
        leaves = now.view != "morph" or now.workspace != "explore" or now.closing
        if leaves and self._timer.isActive():
            self.play(False)

    # corners
    def _fill(self) -> None:
        """A morph that moves at once: what is shown now, and a second face."""
        state = self._hub.state
        if state.info is None or state.drawn is None:
            return
        if state.morph.slots[0] is None:
            if state.photo is not None and state.encoded is not None:
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

    def choose_slot(self, index: int) -> None:
        """The corner that the next photo goes to."""
        self._set(chosen=index)

    def set_current(self, index: int | None = None) -> None:
        """The current code, as it is now, into a corner."""
        state = self._hub.state
        if state.drawn is None or state.look is None:
            return
        slot = MorphSlot(source_text(state.look.source), state.drawn.picture, code=state.drawn.code)
        self._put(state.morph.chosen if index is None else index, slot)

    def set_photo(self, key: str, index: int | None = None) -> None:
        """A photo into a corner; it is encoded first."""
        state = self._hub.state
        item = self._photos.item(key)
        if item is None or state.info is None or state.model is None:
            return
        at = state.morph.chosen if index is None else index
        slot = MorphSlot(item.name, item.thumb, photo=key, busy=True)
        self._put(at, slot)
        target = Target.of(state.model, state.info)

        def here(name: str) -> bool:
            slots = self._hub.state.morph.slots
            found = slots[at] if at < len(slots) else None
            return found is not None and found.photo == key and self._hub.state.model == target.ref

        def done(encoded: Encoded) -> None:
            if here(key):
                self._put(at, MorphSlot(item.name, encoded.photo, photo=key, code=encoded.code), advance=False)

        def gave_up() -> None:
            if here(key):
                self._put(at, None, advance=False)

        self._photos.encode(key, target, done=done, gave_up=gave_up)

    def _set_sample(self, index: int) -> None:
        """Another sample, where a photo would need a search."""
        hub, state = self._hub, self._hub.state
        if state.model is None or state.info is None:
            return
        host, ref, sha = hub.model_host, state.model, state.info.sha256
        source = Sampled(state.seed + 1, state.temperature)

        def draw(context: Context) -> tuple[Codes, Pictures]:
            model = host.model(ref, sha)
            codes = model.sample(1, temperature=source.temperature, seed=source.seed)
            return codes, model.decode(codes)

        def done(found: tuple[Codes, Pictures]) -> None:
            if hub.state.model == ref:
                self._put(index, MorphSlot(f"Seed {source.seed}", found[1][0], code=found[0][0]), advance=False)

        hub.desk.submit("model", "draw a sample", draw, done=done)

    def add_slot(self) -> None:
        """One corner more."""
        morph = self._hub.state.morph
        if len(morph.slots) < len(LETTERS):
            self._set(slots=(*morph.slots, None), chosen=len(morph.slots))

    def remove_slot(self, index: int) -> None:
        """Empties a corner; the third and fourth go."""
        slots = list(self._hub.state.morph.slots)
        if index >= 2:
            del slots[index]
        else:
            slots[index] = None
        self._set(slots=tuple(slots), chosen=min(index, len(slots) - 1))
        self._path_changed()

    def _put(self, index: int, slot: MorphSlot | None, *, advance: bool = True) -> None:
        slots = list(self._hub.state.morph.slots)
        if index >= len(slots):
            return
        slots[index] = slot
        changes: dict[str, object] = {"slots": tuple(slots)}
        if advance:
            changes["chosen"] = next((i for i, s in enumerate(slots) if s is None), (index + 1) % len(slots))
        self._set(**changes)
        self._path_changed()

    def _model_opened(self) -> None:
        """Codes belong to one model: photos are encoded again, other corners go."""
        slots = self._hub.state.morph.slots
        self._set(slots=tuple(None for _ in slots), picture=None, strip=None, frames=None, playing=False, chosen=0)
        self._timer.stop()
        self._version += 1
        for index, slot in enumerate(slots):
            if slot is not None and slot.photo is not None and self._hub.state.view == "morph":
                self.set_photo(slot.photo, index)
        if self._hub.state.view == "morph":
            QTimer.singleShot(0, self, self._fill_when_drawn)

    def _fill_when_drawn(self) -> None:
        state = self._hub.state
        if state.drawing:
            QTimer.singleShot(50, self, self._fill_when_drawn)
        elif state.view == "morph":
            self._fill()

    # the path
    def codes(self) -> Codes | None:
        """The corners' codes (k, D), or None while there are fewer than two."""
        found = [slot.code for slot in self._hub.state.morph.slots if slot is not None and slot.code is not None]
        return np.stack(found) if len(found) >= 2 else None

    def set_fraction(self, fraction: float) -> None:
        """Where on the path."""
        self._set(fraction=fraction)
        self._hub.step_aside()
        self._draw()

    def set_method(self, method: str) -> None:
        """lerp, slerp or norm."""
        self._set(method=method)
        self._path_changed()

    def _path_changed(self) -> None:
        self._version += 1
        self._timer.stop()
        self._set(frames=None, playing=False)
        if self.codes() is None:
            self._set(picture=None, strip=None)
            return
        self._draw()
        self._decode(np.linspace(0, 1, STRIP), lambda pictures: self._set(strip=pictures), kind="strip")

    def _draw(self) -> None:
        morph = self._hub.state.morph
        if morph.frames is not None:
            self._set(picture=morph.frames[round(morph.fraction * (len(morph.frames) - 1))])
        at = np.array([morph.fraction])
        self._decode(at, lambda pictures: self._set(picture=pictures[0]), kind="morph")

    def _decode(
        self,
        fractions: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
        use: Callable[[Pictures], None],
        *,
        kind: str,
    ) -> None:
        hub, codes, version = self._hub, self.codes(), self._version
        asked = _Asked.of(hub)
        if codes is None or asked is None:
            return
        host, method = hub.model_host, hub.state.morph.method

        def done(pictures: Pictures) -> None:
            if version == self._version:
                use(pictures)

        hub.desk.submit(
            "model",
            kind,
            lambda context: _frames(context, host, asked, codes, fractions, method),
            done=done,
            latest=kind,
        )

    def take(self) -> None:
        """The code at this place becomes the current one."""
        hub, codes = self._hub, self.codes()
        asked = _Asked.of(hub)
        if codes is None or asked is None:
            hub.notices.say(NO_MORPH)
            return
        morph, host = hub.state.morph, hub.model_host
        name = f"Morph {morph.fraction:.0%}"
        hub.desk.submit(
            "model",
            "take the code",
            lambda context: host.model(*asked.key).morph(codes, [morph.fraction], method=morph.method)[0],
            done=lambda code: self._explore.take_code(code, name),
        )

    # playing
    def play(self, on: bool | None = None) -> None:
        """Plays to and fro, from frames decoded before; or halts."""
        hub, morph = self._hub, self._hub.state.morph
        wanted = not morph.playing if on is None else on
        if not wanted or self.codes() is None:
            self._timer.stop()
            self._set(playing=False)
            if wanted:
                hub.notices.say(NO_MORPH)
            return
        self._set(playing=True)
        if morph.frames is not None:
            self._timer.start()
            return
        version = self._version

        def ready(pictures: Pictures) -> None:
            if version == self._version:
                self._set(frames=pictures)
                if hub.state.morph.playing:
                    self._timer.start()

        self._prepare(PLAY_FRAMES, "Preparing the morph", ready)

    def _step(self) -> None:
        morph = self._hub.state.morph
        if morph.frames is None:
            self._timer.stop()
            return
        last = len(morph.frames) - 1
        index = round(morph.fraction * last) + self._direction
        if not 0 <= index <= last:
            self._direction = -self._direction
            index += 2 * self._direction
        self._set(fraction=index / last, picture=morph.frames[index])

    def _prepare(self, count: int, text: str, ready: Callable[[Pictures], None], *, path: Path | None = None) -> None:
        """Decodes the path on the study lane with its progress in the jobs bar; writes it where `path` says."""
        hub, codes = self._hub, self.codes()
        asked = _Asked.of(hub)
        if codes is None or asked is None:
            hub.notices.say(NO_MORPH)
            return
        host, method, key = hub.study_host, hub.state.morph.method, "export" if path else "play"
        fractions = np.linspace(0, 1, count)

        def work(context: Context) -> Pictures:
            pictures = _frames(context, host, asked, codes, fractions, method)
            if path is not None:
                there_and_back = np.concatenate([pictures, pictures[-2:0:-1]])
                save_animation(
                    path, there_and_back, frames_per_second=30, scale=EXPORT_SCALE, check_cancel=context.check
                )
            return pictures

        def done(pictures: Pictures) -> None:
            hub.end_job(key)
            ready(pictures)

        def failed(event: Failed | None) -> None:
            hub.end_job(key)
            self._set(playing=False)
            if event is not None:
                hub.notices.failed(event)

        job = hub.desk.submit(
            "study",
            key,
            work,
            done=done,
            failed=failed,
            stopped=lambda: failed(None),
            progress=lambda event: self._progress(key, text, event),
        )
        hub.show_job(JobView(key, text, None, f"{count} pictures"), cancel=lambda: hub.desk.cancel(job))

    def _progress(self, key: str, text: str, event: Progress) -> None:
        self._hub.show_job(JobView(key, text, event.done / event.total, f"{event.done} / {event.total} pictures"))

    def export(self, path: Path) -> None:
        """The path, there and back, as GIF, WebP, MP4 or a folder of PNG files."""
        self._prepare(
            PLAY_FRAMES, f"Exporting {path.name}", lambda _: self._hub.notices.info(f"Saved {path}."), path=path
        )


class _Asked:
    """Which model, as it was when it was asked."""

    def __init__(self, ref: str, sha256: str) -> None:
        self.key = (ref, sha256)

    @staticmethod
    def of(hub: Hub) -> _Asked | None:
        info: ModelInfo | None = hub.state.info
        return None if info is None or hub.state.model is None else _Asked(hub.state.model, info.sha256)


def _frames(
    context: Context,
    host: ModelHost,
    asked: _Asked,
    codes: Codes,
    fractions: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    method: str,
) -> Pictures:
    """Pictures (n, S, S, 3) along the path; asks to be stopped between chunks."""
    model = host.model(*asked.key)
    parts: list[Pictures] = []
    for start in range(0, len(fractions), CHUNK):
        context.check()
        path = model.morph(codes, [float(f) for f in fractions[start : start + CHUNK]], method=method)
        parts.append(model.decode(path))
        if len(fractions) > CHUNK:
            context.progress(min(start + CHUNK, len(fractions)), len(fractions))
    return np.concatenate(parts)
