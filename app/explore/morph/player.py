"""Plays a morph: at once where decoding keeps up, else from pictures prepared before."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, QTimer

from app.core.notices import NO_MORPH
from app.core.store import Store
from app.core.tasks import Task
from app.explore.morph.drawing import LARGEST_PX, QUICK_PX, MorphDrawing
from app.explore.morph.path import CodePath, path_of, timeline_of
from app.explore.morph.shown import whole_shows
from app.explore.morph.state import Whole
from app.explore.morph.whole import Corners, WholePath
from app.job import JobView
from app.state import AppState
from app.words import duration
from engine.api import Pictures
from engine.events import Advanced, Failed
from engine.exploring import CHUNK, distinct
from engine.lanes import Context

KEEPS_UP: Final = 0.5
"""Decoding may take this share of a frame's time if the morph is to be played without preparing it."""
PREPARED_BYTES: Final = 256 * 2**20
"""Of frames at full size: where there are many of them, they are smaller."""
RATE_SECONDS: Final = 1.0
JOB: Final = "play"


class MorphPlayer(QObject):
    """Moves the morph's fraction by the clock, so that a late picture is left out and does not slow the rest."""

    def __init__(self, store: Store, drawing: MorphDrawing, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._drawing = store, drawing
        self._set = partial(store.change, "morph")
        self._timer = QTimer(self, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._fractions: tuple[float, ...] = ()
        self._order: NDArray[np.intp] = np.zeros(0, np.intp)
        self._path: CodePath | None = None
        self._job: Task | None = None
        self._started = 0.0
        self._first = self._index = 0
        self._shown: deque[float] = deque(maxlen=240)
        store.changed.connect(self._changed)

    def _changed(self, before: AppState, now: AppState) -> None:
        old, new = before.morph, now.morph
        if (new.picture is not old.picture or new.whole is not old.whole) and self._timer.isActive():
            self._shown.append(time.perf_counter())
        leaves = now.view != "morph" or now.workspace != "explore" or now.closing
        other = (
            new.slots is not old.slots
            or new.method != old.method
            or new.timing != old.timing
            or now.info is not before.info
            or now.full.wanted != before.full.wanted
            or (new.background, new.why) != (old.background, old.why)
        )
        if other and new.frames is not None:
            self._set(frames=None)
        if (leaves or other or new.pad is not None) and new.playing:
            self.halt()

    def toggle(self) -> None:
        """Plays, or halts."""
        if self._store.state.morph.playing:
            self.halt()
        else:
            self.play()

    def halt(self) -> None:
        """Stops where it is; preparing ends too."""
        self._timer.stop()
        self._store.tasks.cancel(self._job)
        self._set(playing=False, rate=None)
        if whole_shows(self._store.state):
            # The frame that it rests at is worth more than one of those that went by.
            self._drawing.draw(fine=True)

    def play(self) -> None:
        """Plays from where the path slider is."""
        store = self._store
        path = path_of(store.state)
        if path is None:
            store.notices.say(NO_MORPH)
            return
        if store.state.morph.pad is not None:
            self._set(pad=None)
        self._path, self._fractions = path, timeline_of(store.state.morph).fractions()
        places, self._order = distinct(self._fractions)
        self._set(playing=True)
        fps = store.state.morph.timing.fps
        quick = self._frame_ms() <= KEEPS_UP * 1000 / fps
        if store.state.morph.frames is not None or quick:
            self._start()
        else:
            self._prepare(path, places)

    def _frame_ms(self) -> float:
        """How long a frame under the hand takes, as far as it is known."""
        state, unknown = self._store.state, float("inf")
        whole = self._drawing.whole_ms if whole_shows(state) else 0.0
        return (unknown if state.decode_ms is None else state.decode_ms) + (unknown if whole is None else whole)

    def _start(self) -> None:
        morph = self._store.state.morph
        # Goes on in the direction in which it halted, unless the slider was moved meanwhile.
        here = self._index if self._index < len(self._fractions) else 0
        if self._fractions[here] != morph.fraction:
            here = min(range(len(self._fractions)), key=lambda i: abs(self._fractions[i] - morph.fraction))
        if morph.timing.loop == "once" and here >= len(self._fractions) - 1:
            here = 0
        self._first = self._index = here
        self._shown.clear()
        self._started = time.perf_counter()
        # A little shorter than a frame: the clock says which frame it is, and none is missed.
        self._timer.start(max(1, int(1000 / morph.timing.fps) - (morph.timing.fps > 50)))

    def _tick(self) -> None:
        store, morph = self._store, self._store.state.morph
        now = time.perf_counter()
        index = self._first + int((now - self._started) * morph.timing.fps)
        over = morph.timing.loop == "once" and index >= len(self._fractions) - 1
        index = len(self._fractions) - 1 if over else index % len(self._fractions)
        if index != self._index:
            self._index = index
            self._show(self._fractions[index], index)
        while self._shown and now - self._shown[0] > RATE_SECONDS:
            self._shown.popleft()
        if now - self._started > RATE_SECONDS:
            rate = float(len(self._shown))
            if store.state.morph.rate is None or abs(rate - store.state.morph.rate) >= 1.0:
                self._set(rate=rate)
        if over:
            self.halt()

    def _show(self, fraction: float, index: int) -> None:
        morph = self._store.state.morph
        if morph.frames is None:
            self._set(fraction=fraction)
            self._drawing.draw()
            return
        frame = morph.frames[self._order[index]]
        if whole_shows(self._store.state):
            ends = () if morph.whole is None else morph.whole.ends
            self._set(fraction=fraction, whole=Whole(frame, ends, fine=False, place=fraction))
        else:
            self._set(fraction=fraction, picture=frame)

    def _prepare(self, path: CodePath, places: Sequence[float]) -> None:
        """Makes all pictures on the study lane, with progress in the jobs bar; then plays."""
        store, host, total = self._store, self._store.study_host, len(places)
        whole, chunk = self._drawing.whole(), CHUNK
        room = min(store.state.morph.room or QUICK_PX, LARGEST_PX)
        side = min(room, int((PREPARED_BYTES / (3 * total)) ** 0.5))
        if whole is not None:
            chunk = 1

        def make(whole: WholePath | None) -> Callable[[Sequence[float]], Pictures]:
            if whole is None:
                return lambda some: path.pictures(host, some)
            corners = Corners(store.photo_loader).at(whole.photos, side)
            return lambda some: whole.frames(host, corners, some)

        def work(context: Context) -> Pictures:
            start, parts, draw = time.perf_counter(), [], make(whole)
            for at in range(0, total, chunk):
                context.check()
                parts.append(draw(places[at : at + chunk]))
                done = min(at + chunk, total)
                left = (time.perf_counter() - start) / done * (total - done)
                context.step(done, total, seconds_left=left)
            return np.concatenate(parts)

        def done(pictures: Pictures) -> None:
            if self._path is path and store.state.morph.playing:
                self._set(frames=pictures)
                self._start()

        def ended() -> None:
            if self._path is path:
                self._set(playing=False)

        def failed(event: Failed) -> None:
            ended()
            store.notices.failed(event)

        def told(event: Advanced) -> JobView:
            left = f" · {duration(event.seconds_left)} left" if event.seconds_left is not None else ""
            return JobView(JOB, text, event.done / event.total, f"{event.done} / {total}{left}")

        text = "Preparing the morph"
        row = JobView(JOB, text, None, f"{total} pictures")
        self._job = store.run_job(row, work, done=done, failed=failed, stopped=ended, told=told)
