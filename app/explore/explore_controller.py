"""Exploring: the model on show, its current code, sliders, wandering, and the undo tree."""

from __future__ import annotations

import random
import statistics
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from PySide6.QtCore import QObject, QTimer

from app.desk import Job
from app.hub import Hub
from app.state import REACH
from app.states.look import Look
from app.words import nice
from engine.api import Coded, Codes, Drawn, ModelInfo, Readout, Sampled, Wander
from engine.events import Failed

READOUT_MS: Final = 180
REACH_RANGE: Final = (0.2, 6.0)
LAST_SEED: Final = 99_999


class ExploreController(QObject):
    """Turns what hands do in Explore into requests, and answers into state."""

    def __init__(self, hub: Hub, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._hub = hub
        self._generation = 0
        self._label = ""
        self._times: deque[float] = deque(maxlen=60)
        self._random = random.Random()
        self._measuring: Job | None = None
        self._readout_timer = QTimer(self, interval=READOUT_MS, singleShot=True)
        self._readout_timer.timeout.connect(self._measure)
        hub.changed.connect(lambda before, now: self._readout_timer.stop() if now.closing else None)

    # the model
    def open_model(self, ref: str, *, then: Look | None = None, label: str = "", again: bool = False) -> None:
        """Opens a model, or a run's newest weights; the one on show stays until the new one is ready.

        `then` is the look to begin with; with a `label` it becomes a step of the history. The one on show is only
        opened `again` when that is asked for: newer weights of a run come by themselves.
        """
        hub = self._hub
        if ref == hub.state.model and then is None and not again:
            hub.update(opening=None)
            return
        hub.update(opening=ref)
        host = hub.model_host

        def failed(event: Failed) -> None:
            if hub.state.opening == ref:
                hub.update(opening=None)
            hub.notices.failed(event)

        def opened(info: ModelInfo) -> None:
            if hub.state.opening == ref:
                self._opened(ref, info, then, label)

        hub.desk.submit(
            "model", "open the model", lambda context: host.open(ref), done=opened, failed=failed, latest="open"
        )

    def _opened(self, ref: str, info: ModelInfo, then: Look | None, label: str) -> None:
        hub, old = self._hub, self._hub.state.look
        self._times.clear()
        if then is not None:
            look = then
        else:
            warm = (info.default_temperature,) * len(info.groups)
            known = {item.name for item in info.attributes}
            kept = () if old is None else tuple(edit for edit in old.edits if edit[0] in known)
            locks = () if old is None else tuple(name for name in old.locked if name in known)
            look = Look(ref, Sampled(hub.state.seed, warm), kept, locks)
        hub.update(
            opening=None,
            model=ref,
            info=info,
            readout=None,
            decode_ms=None,
            encoded=None,
            temperature=self._temperature_of(look, info),
        )
        if then is None:
            hub.update(look=look, history=hub.state.history.pushed(look, info.title or "Run"))
        else:
            history = hub.state.history.pushed(look, label) if label else hub.state.history
            hub.update(look=look, history=history)
        self._redraw(fresh=True)
        hub.desk.submit("model", "warm up", lambda context: hub.model_host.model(ref).warm_up(), done=lambda _: None)
        hub.modelOpened.emit()

    def _temperature_of(self, look: Look, info: ModelInfo) -> tuple[float, ...]:
        fallback = (info.default_temperature,) * len(info.groups)
        given = look.source.temperature if isinstance(look.source, Sampled) else fallback
        return given if len(given) == len(info.groups) else fallback

    # drawing
    def _redraw(self, *, fresh: bool = False) -> None:
        """Asks for the current look's picture. `fresh`: pictures of before are stale from now on."""
        hub, look = self._hub, self._hub.state.look
        if look is None or hub.state.info is None:
            return
        if fresh:
            self._generation += 1
        generation, request, host = self._generation, look.request(), hub.model_host
        ref, sha = look.model, hub.state.info.sha256
        if not hub.state.drawing:
            hub.update(drawing=True)
        # Figures of a look that is gone: several times a picture's work, and the picture would wait for it.
        hub.desk.cancel(self._measuring)
        hub.desk.submit(
            "model",
            "draw",
            lambda context: host.model(ref, sha).draw(request),
            done=lambda drawn: self._drawn(drawn, generation),
            failed=lambda event: self._draw_failed(event, generation),
            latest="draw",
        )
        if not hub.state.closing:
            self._readout_timer.start()

    def draw_again(self) -> None:
        """The same look by other weights; pictures that are still on their way are dropped."""
        self._redraw(fresh=True)

    def _drawn(self, drawn: Drawn, generation: int) -> None:
        if generation != self._generation or self._hub.state.look is None:
            return
        state = self._hub.state
        self._times.append(drawn.milliseconds)
        self._hub.update(
            drawn=drawn,
            drawing=drawn.request != self._hub.state.look.request(),
            picture_message="",
            decode_ms=statistics.median(self._times),
            history=state.history.with_picture(drawn.request, drawn.picture),
        )

    def _draw_failed(self, event: Failed, generation: int) -> None:
        if generation == self._generation:
            self._hub.update(drawing=False, picture_message=event.message)
        self._hub.notices.failed(event)

    def _measure(self) -> None:
        """Likelihood and round trip, once the hand rests: they cost more than a picture."""
        hub, look = self._hub, self._hub.state.look
        if look is None or hub.state.info is None or hub.state.drawing:
            if hub.state.drawing:
                self._readout_timer.start()
            return
        request, host, ref, sha = look.request(), hub.model_host, look.model, hub.state.info.sha256

        def measured(readout: Readout) -> None:
            if hub.state.look is not None and hub.state.look.request() == request:
                hub.update(readout=readout)
            self._fill_history()

        self._measuring = hub.desk.submit(
            "model",
            "measure",
            lambda context: host.model(ref, sha).measure(request, check_cancel=context.check),
            done=measured,
            latest="measure",
        )

    def _fill_history(self) -> None:
        """Draws what steps of the history were too quick to show, one at a time while the hand rests."""
        hub, state = self._hub, self._hub.state
        info, ref = state.info, state.model
        bare = (e for e in reversed(state.history.entries) if e.picture is None and e.look.model == ref)
        entry = next(bare, None)
        if entry is None or info is None or ref is None or state.drawing:
            return
        host, sha, request, number = hub.study_host, info.sha256, entry.look.request(), entry.number

        def drawn(found: Drawn) -> None:
            hub.update(history=hub.state.history.filled(number, found.picture))
            self._fill_history()

        hub.desk.submit(
            "study",
            "draw a step",
            lambda context: host.model(ref, sha).draw(request),
            done=drawn,
            failed=lambda _: None,
            latest="step",
        )

    # changing the look
    def _change(self, change: Callable[[Look], Look], label: str, *, fresh: bool = False) -> None:
        look = self._hub.state.look
        if look is None:
            return
        changed = change(look)
        if changed == look:
            return
        self._label = label
        self._hub.step_aside()
        self._hub.update(look=changed, drawing=True)
        self._redraw(fresh=fresh)

    def settle(self) -> None:
        """The hand lets go: one entry in the history for the whole drag."""
        state = self._hub.state
        if state.look is None:
            return
        history = state.history.pushed(state.look, self._label or "Change")
        if history is not state.history:
            if state.drawn is not None:
                history = history.with_picture(state.drawn.request, state.drawn.picture)
            self._hub.update(history=history)

    def _change_at_once(self, change: Callable[[Look], Look], label: str) -> None:
        self._change(change, label, fresh=True)
        self.settle()

    def change(self, change: Callable[[Look], Look], label: str, *, live: bool = False) -> None:
        """Any other change of the look; `live` while a hand is still on the control, and `settle` ends it."""
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
        now = list(self._hub.state.temperature)
        for index in range(len(now)) if group is None else (group,):
            now[index] = value
        self._hub.update(temperature=tuple(now))
        look = self._hub.state.look
        if look is not None and isinstance(look.source, Sampled):
            source = Sampled(look.source.seed, tuple(now))
            self._change(lambda look: replace(look, source=source), "Temperature")

    def set_seed(self, seed: int) -> None:
        """Another sample of the prior; the sliders stay where they are."""
        self._hub.update(seed=seed, photo=None, loaded=None, encoded=None)
        source = Sampled(seed, self._hub.state.temperature)
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
            self._hub.update(photo=None, loaded=None, encoded=None)
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
        reach = self._hub.state.reach

        def moved(look: Look) -> Look:
            at = look.wander
            return replace(look, wander=replace(at, x=at.x + dx * reach, y=at.y + dy * reach))

        self._change(moved, "Wander")

    def turn_reach(self, notches: float) -> None:
        """The wheel: how far a drag goes."""
        low, high = REACH_RANGE
        self._hub.update(reach=min(high, max(low, self._hub.state.reach * 1.15**notches)))

    def reset_reach(self) -> None:
        """The reach of the start."""
        self._hub.update(reach=REACH)

    def new_plane(self) -> None:
        """Another random plane through where we are: what was wandered becomes the code to start from."""
        hub, look = self._hub, self._hub.state.look
        if look is None or hub.state.info is None:
            return
        plane = self._random.randint(1, LAST_SEED)
        if not look.wander.x and not look.wander.y:
            self._change_at_once(lambda now: replace(now, wander=Wander(plane)), "New plane")
            return
        bare = replace(look, edits=(), locked=(), solo=-1).request()
        host, ref, sha = hub.model_host, look.model, hub.state.info.sha256
        name = look.text().split(" + ")[0]

        def found(code: Codes) -> None:
            if hub.state.look is look:
                here = Coded(code, name)
                self._change_at_once(
                    lambda now: replace(now.from_elsewhere(), source=here, wander=Wander(plane), solo=now.solo),
                    "New plane",
                )

        hub.desk.submit(
            "model", "new plane", lambda context: host.model(ref, sha).code_of(bare), done=found, latest="plane"
        )

    # the undo tree
    def undo(self) -> None:
        """One step back."""
        back = self._hub.state.history.back()
        if back is not None and back.current is not None:
            self.jump(back.current)

    def redo(self) -> None:
        """One step forward, the way that was taken last."""
        forward = self._hub.state.history.forward()
        if forward is not None and forward.current is not None:
            self.jump(forward.current)

    def step_to(self, look: Look, label: str) -> None:
        """A look of before becomes the current one, as a new step; another model is opened first."""
        hub = self._hub
        if look.model != hub.state.model or hub.state.info is None:
            hub.update(photo=look.photo)
            self.open_model(look.model, then=look, label=label)
            return
        history = hub.state.history.pushed(look, label)
        hub.update(history=history)
        if history.current is not None:
            self.jump(history.current)

    def jump(self, number: int) -> None:
        """To any settled look; another model is opened first."""
        hub = self._hub
        history = hub.state.history.at(number)
        entry = history.entry(number)
        hub.update(history=history)
        look = entry.look
        if look.model != hub.state.model or hub.state.info is None:
            hub.update(photo=look.photo)
            self.open_model(look.model, then=look)
            return
        changes: dict[str, object] = {"look": look, "temperature": self._temperature_of(look, hub.state.info)}
        if isinstance(look.source, Sampled):
            changes["seed"] = look.source.seed
        if look.photo != hub.state.photo:
            changes |= {"photo": look.photo, "loaded": None, "encoded": None}
        hub.update(**changes)
        hub.jumped.emit()
        self._redraw(fresh=True)
