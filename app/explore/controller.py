"""Exploring: the model on show, its current code, sliders, wandering, and the undo tree."""

import random
import statistics
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from PySide6.QtCore import QObject, QTimer

from app.core.store import Store
from app.core.tasks import Task
from app.explore.fullsize.state import Blended
from app.look import Look
from app.state import AppState
from app.words import nice
from engine.api import Coded, Codes, Drawn, DrawRequest, ModelInfo, Readout, Sampled, Wander
from engine.events import Failed
from engine.exploring import norm_ratios

READOUT_MS: Final = 180
REACH_RANGE: Final = (0.2, 6.0)
LAST_SEED: Final = 99_999


class ExploreController(QObject):
    """Turns what the user does in Explore into requests, and answers into state."""

    def __init__(self, store: Store, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._generation = 0
        self._label = ""
        self._times: deque[float] = deque(maxlen=60)
        self._random = random.Random()
        self._measuring: Task | None = None
        self.compose: Callable[[Look], Callable[[Drawn], Blended] | None] = lambda look: None
        """How a drawn picture of a look is laid on its photo, where it has one on show."""
        self._readout_timer = QTimer(self, interval=READOUT_MS, singleShot=True)
        self._readout_timer.timeout.connect(self._measure)
        store.changed.connect(lambda before, now: self._readout_timer.stop() if now.closing else None)

    # the model
    def open_model(self, ref: str, *, then: Look | None = None, label: str = "", again: bool = False) -> None:
        """Opens a model, or a run's newest weights; the one on show stays until the new one is ready.

        `then` is the look to begin with; with a `label` it becomes a step of the history. The one on show is only
        opened `again` when that is asked for: newer weights of a run come by themselves.
        """
        store = self._store
        if ref == store.state.model and then is None and not again:
            store.update(opening=None)
            return
        store.update(opening=ref)
        host = store.model_host

        def failed(event: Failed) -> None:
            if store.state.opening == ref:
                store.update(opening=None)
            store.notices.failed(event)

        def opened(info: ModelInfo) -> None:
            if store.state.opening == ref:
                self._opened(ref, info, then, label)

        store.tasks.submit(
            "model", "open the model", lambda context: host.open(ref), done=opened, failed=failed, latest="open"
        )

    def _opened(self, ref: str, info: ModelInfo, then: Look | None, label: str) -> None:
        store, old = self._store, self._store.state.look
        self._times.clear()
        if then is not None:
            look = then
        else:
            warm = (info.default_temperature,) * len(info.groups)
            known = {item.name for item in info.attributes}
            kept = () if old is None else tuple(edit for edit in old.edits if edit[0] in known)
            locks = () if old is None else tuple(name for name in old.locked if name in known)
            look = Look(ref, Sampled(store.state.seed, warm), kept, locks)
        store.update(
            opening=None,
            model=ref,
            info=info,
            readout=None,
            decode_ms=None,
            encoded=None,
            temperature=self._temperature_of(look, info),
        )
        if then is None:
            store.update(look=look, history=store.state.history.pushed(look, info.title or "Run"))
        else:
            history = store.state.history.pushed(look, label) if label else store.state.history
            store.update(look=look, history=history)
        self._redraw(fresh=True)
        store.tasks.submit(
            "model", "warm up", lambda context: store.model_host.model(ref).warm_up(), done=lambda _: None
        )
        store.modelOpened.emit()

    def _temperature_of(self, look: Look, info: ModelInfo) -> tuple[float, ...]:
        fallback = (info.default_temperature,) * len(info.groups)
        given = look.source.temperature if isinstance(look.source, Sampled) else fallback
        return given if len(given) == len(info.groups) else fallback

    # drawing
    def _redraw(self, *, fresh: bool = False) -> None:
        """Asks for the current look's picture. `fresh`: pictures of before are stale from now on."""
        store, look = self._store, self._store.state.look
        if look is None or store.state.info is None:
            return
        known = _reconstruction(look.request(), store.state)
        if fresh or known is not None:
            self._generation += 1
        generation, request, host = self._generation, look.request(), store.model_host
        ref, sha = look.model, store.state.info.sha256
        if not store.state.drawing:
            store.update(drawing=True)
        # Figures of a look that is gone: several times a picture's work, and the picture would wait for it.
        store.tasks.cancel(self._measuring)
        compose = self.compose(look)

        def drawn_and_blended() -> tuple[Drawn, Blended | None]:
            drawn = host.model(ref, sha).draw(request)
            return drawn, compose(drawn) if compose is not None else None

        if known is not None:
            self._show(known)
        else:
            store.tasks.submit(
                "model",
                "draw",
                lambda context: drawn_and_blended(),
                done=lambda made: self._drawn(*made, generation=generation),
                failed=lambda event: self._draw_failed(event, generation),
                latest="draw",
            )
        if not store.state.closing:
            self._readout_timer.start()

    def draw_again(self) -> None:
        """The same look by other weights; pictures that are still on their way are dropped."""
        self._redraw(fresh=True)

    def _drawn(self, drawn: Drawn, blended: Blended | None, *, generation: int) -> None:
        if generation != self._generation or self._store.state.look is None:
            return
        self._times.append(drawn.milliseconds)
        self._show(drawn, blended, decode_ms=statistics.median(self._times))

    def _show(self, drawn: Drawn, blended: Blended | None = None, **changes: Any) -> None:
        look, history = self._store.state.look, self._store.state.history
        if blended is not None:
            changes["blended"] = blended
        self._store.update(
            drawn=drawn,
            drawing=look is not None and drawn.request != look.request(),
            picture_message="",
            history=history.with_picture(drawn.request, drawn.picture),
            **changes,
        )

    def _draw_failed(self, event: Failed, generation: int) -> None:
        if generation == self._generation:
            self._store.update(drawing=False, picture_message=event.message)
        self._store.notices.failed(event)

    def _measure(self) -> None:
        """Likelihood and round trip, once the mouse rests: they cost more than a picture."""
        store, look = self._store, self._store.state.look
        if look is None or store.state.info is None or store.state.drawing:
            if store.state.drawing:
                self._readout_timer.start()
            return
        request, host, ref, sha = look.request(), store.model_host, look.model, store.state.info.sha256

        def measured(readout: Readout) -> None:
            if store.state.look is not None and store.state.look.request() == request:
                store.update(readout=readout)
            self._fill_history()

        self._measuring = store.tasks.submit(
            "model",
            "measure",
            lambda context: host.model(ref, sha).measure(request, progress=context),
            done=measured,
            latest="measure",
        )

    def _fill_history(self) -> None:
        """Draws steps of the history that went by too fast, one at a time while the mouse rests."""
        store, state = self._store, self._store.state
        info, ref = state.info, state.model
        bare = (e for e in reversed(state.history.entries) if e.picture is None and e.look.model == ref)
        entry = next(bare, None)
        if entry is None or info is None or ref is None or state.drawing:
            return
        host, sha, request, number = store.study_host, info.sha256, entry.look.request(), entry.number

        def drawn(found: Drawn) -> None:
            store.update(history=store.state.history.filled(number, found.picture))
            self._fill_history()

        store.tasks.submit(
            "study",
            "draw a step",
            lambda context: host.model(ref, sha).draw(request),
            done=drawn,
            failed=lambda _: None,
            latest="step",
        )

    # changing the look
    def _change(self, change: Callable[[Look], Look], label: str, *, fresh: bool = False) -> None:
        look = self._store.state.look
        if look is None:
            return
        changed = change(look)
        if changed == look:
            return
        self._label = label
        self._store.step_aside()
        self._store.update(look=changed, drawing=True, moving=True)
        self._redraw(fresh=fresh)

    def settle(self) -> None:
        """A drag ends: one entry in the history for all of it."""
        state = self._store.state
        if state.look is None:
            return
        history = state.history.pushed(state.look, self._label or "Change")
        if history is not state.history and state.drawn is not None:
            history = history.with_picture(state.drawn.request, state.drawn.picture)
        if history is not state.history or state.moving:
            self._store.update(history=history, moving=False)

    def _change_at_once(self, change: Callable[[Look], Look], label: str) -> None:
        self._change(change, label, fresh=True)
        self.settle()

    def change(self, change: Callable[[Look], Look], label: str, *, live: bool = False) -> None:
        """Any other change of the look; `live` while a control is still being dragged, and `settle` ends it."""
        self._change(change, label) if live else self._change_at_once(change, label)

    def set_edit(self, name: str, value: float) -> None:
        """A slider of a direction moves."""
        self._change(lambda look: look.with_edit(name, value), nice(name))

    def set_lock(self, name: str, locked: bool) -> None:
        """A direction is held or let go."""
        self._change_at_once(lambda look: look.with_lock(name, locked), f"{'Hold' if locked else 'Free'} {nice(name)}")

    def reset_sliders(self) -> None:
        """All directions back to zero."""
        self._change_at_once(lambda look: replace(look, edits=()), "Reset")

    def set_temperature(self, group: int | None, value: float) -> None:
        """The temperature of one group, or of all. A given code has none, so only samples change."""
        now = list(self._store.state.temperature)
        for index in range(len(now)) if group is None else (group,):
            now[index] = value
        self._store.update(temperature=tuple(now))
        look = self._store.state.look
        if look is not None and isinstance(look.source, Sampled):
            source = Sampled(look.source.seed, tuple(now))
            self._change(lambda look: replace(look, source=source), "Temperature")

    def set_seed(self, seed: int) -> None:
        """Another sample of the prior; the sliders stay where they are."""
        self._store.update(seed=seed, photo=None, loaded=None, encoded=None)
        source = Sampled(seed, self._store.state.temperature)
        self._change_at_once(
            lambda look: replace(
                look.from_elsewhere(keep_taken=True), source=source, wander=Wander(look.wander.plane), photo=None
            ),
            f"Seed {seed}",
        )

    def roll(self) -> None:
        """A random seed."""
        self.set_seed(self._random.randint(0, LAST_SEED))

    def take_code(
        self, code: Codes, name: str, *, photo: str | None = None, label: str = "", keep_edits: bool = False
    ) -> None:
        """A given code becomes the current one, with the sliders at zero or, with `keep_edits`, as they are."""
        if photo is None:
            self._store.update(photo=None, loaded=None, encoded=None)
        source = Coded(code, name)

        def taken(look: Look) -> Look:
            if keep_edits:
                return replace(look, source=source, photo=photo)
            look = look.from_elsewhere() if photo is None else replace(look, levels=(), solo=-1)
            return replace(look, source=source, edits=(), wander=Wander(look.wander.plane), photo=photo)

        self._change_at_once(taken, label or name)

    # wandering
    def wander(self, dx: float, dy: float) -> None:
        """A drag on the picture, in picture widths."""
        reach = self._store.state.reach

        def moved(look: Look) -> Look:
            at = look.wander
            return replace(look, wander=replace(at, x=at.x + dx * reach, y=at.y + dy * reach))

        self._change(moved, "Wander")

    def turn_reach(self, notches: float) -> None:
        """The wheel: how far a drag goes."""
        low, high = REACH_RANGE
        self._store.update(reach=min(high, max(low, self._store.state.reach * 1.15**notches)))

    def new_plane(self) -> None:
        """Another random plane through where we are: what was wandered becomes the code to start from."""
        store, look = self._store, self._store.state.look
        if look is None or store.state.info is None:
            return
        plane = self._random.randint(1, LAST_SEED)
        if not look.wander.x and not look.wander.y:
            self._change_at_once(lambda now: replace(now, wander=Wander(plane)), "New plane")
            return
        bare = replace(look, edits=(), locked=(), solo=-1).request()
        host, ref, sha = store.model_host, look.model, store.state.info.sha256
        name = look.text().split(" + ")[0]

        def found(code: Codes) -> None:
            if store.state.look is look:
                here = Coded(code, name)
                self._change_at_once(
                    lambda now: replace(now.from_elsewhere(), source=here, wander=Wander(plane), solo=now.solo),
                    "New plane",
                )

        store.tasks.submit(
            "model", "new plane", lambda context: host.model(ref, sha).code_of(bare), done=found, latest="plane"
        )

    # the undo tree
    def undo(self) -> None:
        """One step back."""
        back = self._store.state.history.back()
        if back is not None and back.current is not None:
            self.jump(back.current)

    def redo(self) -> None:
        """One step forward, the way that was taken last."""
        forward = self._store.state.history.forward()
        if forward is not None and forward.current is not None:
            self.jump(forward.current)

    def step_to(self, look: Look, label: str) -> None:
        """An earlier look becomes the current one, as a new step; another model is opened first."""
        store = self._store
        if look.model != store.state.model or store.state.info is None:
            store.update(photo=look.photo)
            self.open_model(look.model, then=look, label=label)
            return
        history = store.state.history.pushed(look, label)
        store.update(history=history)
        if history.current is not None:
            self.jump(history.current)

    def jump(self, number: int) -> None:
        """To any settled look; another model is opened first."""
        store = self._store
        history = store.state.history.at(number)
        entry = history.entry(number)
        store.update(history=history)
        look = entry.look
        if look.model != store.state.model or store.state.info is None:
            store.update(photo=look.photo)
            self.open_model(look.model, then=look)
            return
        temperature = self._temperature_of(look, store.state.info)
        changes: dict[str, object] = {"look": look, "temperature": temperature, "moving": False}
        if isinstance(look.source, Sampled):
            changes["seed"] = look.source.seed
        if look.photo != store.state.photo:
            changes |= {"photo": look.photo, "loaded": None, "encoded": None}
        store.update(**changes)
        store.jumped.emit()
        self._redraw(fresh=True)


def _reconstruction(request: DrawRequest, state: AppState) -> Drawn | None:
    """The picture that encoding a photo has made already, where nothing else than its code is asked for."""
    found, info = state.encoded, state.info
    if found is None or info is None or not request.draws(found.code):
        return None
    norm, *level_norms = norm_ratios(found.code, [group.size for group in info.groups]).tolist()
    return Drawn(request, found.reconstruction, found.code, norm, 0.0, tuple(level_norms))
