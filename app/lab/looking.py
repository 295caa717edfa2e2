"""Maps, grids, past moments and figures of the bench: asked for while it learns, on lanes of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import QObject, QTimer

from app.core.model_host import ModelHost
from app.core.store import Store
from app.lab.state import NOW, LabState, StageView
from app.series import Trace, empty_trace
from engine.events import Failed
from engine.lab import Judged, MapRequest, Maps, Probe, Span

if TYPE_CHECKING:
    from engine.session import Bench, Viewer

TICK_MS: Final = 40
ROWS: Final = (24, 32, 48, 64, 96, 128)
MOST_FINER: Final = len(ROWS)
QUICK_MS, CALM_MS = 40.0, 300.0
"""What a map may cost while the stage learns, and while it rests; more than two stages share what two may."""
LOOK_SECONDS: Final = 0.12
"""Between two looks while a stage learns: a third of a core at most is not for learning."""
LOOK_SHARE: Final = 3.0
"""Of five seeds: the time between two looks over what one costs."""
FIGURES_SECONDS: Final = 1.0
FIGURES_SHARE: Final = 8.0
"""After figures that took t seconds the next ones wait this many times as long."""


class Looking(QObject):
    """Asks for what the layers need whenever something newer is on show; one request is under way at a time."""

    def __init__(self, store: Store, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._host = ModelHost(device="cpu")
        self._bench: Bench | None = None
        self._viewers: dict[str, tuple[Bench, Viewer]] = {}
        self._span: Span | None = None
        self._asked: object = None
        self._busy = self._judging = False
        self._looked_at = 0.0
        self._cost_ms: list[float] = []
        self._rows: list[int] = []
        self._asked_rows: list[int] = []
        self._finer = 0
        self._judged_at, self._judged_cost = 0.0, 0.0
        self._judged: object = None
        self.maps_drawn = 0
        self._timer = QTimer(self, interval=TICK_MS)
        self._timer.timeout.connect(self._tick)

    def watch(self, bench: Bench) -> None:
        """Looks at this bench from now on."""
        self._bench, self._asked, self._judged = bench, None, None
        self._judged_at = self._judged_cost = 0.0
        count = len(bench.setups)
        self._cost_ms, self._rows = [QUICK_MS / 4] * count, [ROWS[2]] * count
        self._timer.start()

    def leave(self) -> None:
        """What the bench of before shows is asked for no more, and thrown away where it is under way."""
        self._bench, self._asked, self._judged = None, None, None

    def set_span(self, span: Span) -> None:
        """The part of the plane that the stages show."""
        if span != self._span:
            self._span = span
            self._store.update_part(LabState, truth_map=None)
            self._tick()

    def stop(self) -> None:
        """Asks for nothing more."""
        self._timer.stop()

    @property
    def settled(self) -> bool:
        """Whether all that is on show has been drawn and judged."""
        state = self._state
        return not (self._busy or self._judging) and not self._due(state) and self._judged == self._moment

    @property
    def _state(self) -> LabState:
        return self._store.state.part(LabState)

    @property
    def _moment(self) -> tuple[object, int]:
        return self._bench, self._state.clock_shown

    def _viewer(self, lane: str, bench: Bench, host: ModelHost) -> Viewer:
        """On the lane's thread, where what was asked of the bench before may still be under way."""
        found = self._viewers.get(lane)
        if found is None or found[0] is not bench:
            found = self._viewers[lane] = bench, host.session().viewer(bench)
        return found[1]

    def _tick(self) -> None:
        now = self._store.state
        if now.closing:
            self.stop()
        elif now.workspace == "lab" and self._bench is not None:
            self._look()
            self._judge()

    # maps
    def _kinds(self, state: LabState) -> tuple[str, ...]:
        shown = state.shown
        whole = state.depth == 1.0
        kinds: list[str] = [kind for kind in ("density", "difference", "critic", "gradient") if kind in shown and whole]
        kinds += [kind for kind in ("grid", "field") if kind in shown]
        if state.at != NOW:
            kinds.append("trace")
        return tuple(kinds)

    def _wish(self, state: LabState) -> object:
        info = state.info
        truth = "truth" in state.shown or (info is not None and info.dimension == 1)
        return (
            self._bench,
            state.clock_shown,
            tuple(stage.seen.part for stage in state.stages if stage.seen is not None),
            state.at != NOW,
            self._kinds(state),
            self._span,
            truth,
            state.depth if "field" in state.shown else 1.0,
        )

    def _due(self, state: LabState) -> bool:
        """Whether something else is on show, or the same can be drawn finer. What a map costs varies with all else that
        the machine does, so that at rest it gets no coarser again, and finer a few times only."""
        if self._wish(state) != self._asked:
            return True
        finer = any(new > old for new, old in zip(self._wanted_rows(state), self._asked_rows, strict=True))
        return finer and self._finer < MOST_FINER

    def _wanted_rows(self, state: LabState) -> list[int]:
        limit = (QUICK_MS if state.playing else CALM_MS) * min(1.0, 2 / max(1, len(self._rows)))
        return [
            max([rows for rows in ROWS if cost * (rows / own) ** 2 <= limit], default=ROWS[0])
            for cost, own in zip(self._cost_ms, self._rows, strict=True)
        ]

    def _look(self) -> None:
        state, bench, span = self._state, self._bench, self._span
        if self._busy or bench is None or span is None or len(bench.setups) != len(state.stages):
            return
        wish, wait = self._wish(state), LOOK_SECONDS
        if state.seeded:
            # The samples behind a density cost the same however coarse its map is.
            wait = max(wait, LOOK_SHARE * sum(self._cost_ms) / 1000)
        if not self._due(state) or (state.playing and time.monotonic() - self._looked_at < wait):
            return
        self._looked_at = time.monotonic()
        kinds, rows, clock = self._kinds(state), self._wanted_rows(state), state.clock_shown
        info = state.info
        lined = "truth" in state.shown or (info is not None and info.dimension == 1)
        first = ("truth",) if lined and state.truth_map is None else ()
        if not kinds and not first:
            self._asked, self._asked_rows, self._finer = wish, rows, MOST_FINER
            self._forget()
            return
        requests = [
            MapRequest(index, clock, kinds + (first if index == 0 else ()), span, rows[index], state.depth)
            for index in range(len(state.stages))
        ]
        self._finer = self._finer + 1 if wish == self._asked else 0
        self._busy, self._asked, self._asked_rows = True, wish, rows

        def work(context: object) -> list[Maps]:
            return self.draw(bench, requests)

        self._submit("look", "draw the maps", work, self._drawn(bench))

    @property
    def span(self) -> Span | None:
        """The part of the plane that the stages show; None before they were shown."""
        return self._span

    def requests(self, state: LabState, *, span: Span, rows: int) -> list[MapRequest]:
        """What the layers of this state need at its moment, for all stages."""
        kinds = self._kinds(state)
        stages = range(len(state.stages))
        return [MapRequest(index, state.clock_shown, kinds, span, rows, state.depth) for index in stages]

    def draw(self, bench: Bench, requests: Sequence[MapRequest]) -> list[Maps]:
        """Draws them; on the lane that looks."""
        viewer = self._viewer("look", bench, self._host)
        return [viewer.draw(request) for request in requests]

    def _submit(self, lane: Any, kind: str, work: Callable[[Any], Any], done: Callable[[Any], None]) -> None:
        def free() -> None:
            self._busy = False

        def failed(event: Failed) -> None:
            free()
            self._store.notices.failed(event)

        self._store.tasks.submit(lane, kind, work, done=done, failed=failed, stopped=free)

    def _drawn(self, bench: Bench) -> Callable[[list[Maps]], None]:
        def done(found: list[Maps]) -> None:
            self._busy = False
            state = self._state
            if bench is not self._bench or len(found) != len(state.stages):
                return
            self.maps_drawn += 1
            stages, changes = [], {}
            for index, (stage, maps) in enumerate(zip(state.stages, found, strict=True)):
                plain = "truth" not in maps.request.kinds
                if plain and maps.request.kinds:
                    self._cost_ms[index], self._rows[index] = maps.milliseconds, maps.request.rows
                past = None if state.at == NOW else maps.trace if maps.trace is not None else stage.past
                stages.append(replace(stage, maps=maps.maps, arrows=maps.arrows, grid=maps.grid, past=past))
                if "truth" in maps.maps and maps.request.span == self._span:
                    changes["truth_map"] = maps.maps["truth"]
            self._store.update_part(LabState, stages=tuple(stages), **changes)

        return done

    def _forget(self) -> None:
        """No layer needs a map: those of before go."""
        stages = self._state.stages
        if any(stage.maps or stage.arrows or stage.grid is not None or stage.past is not None for stage in stages):
            gone = tuple(replace(stage, maps={}, arrows={}, grid=None, past=None) for stage in stages)
            self._store.update_part(LabState, stages=gone)

    # figures
    def _judge(self) -> None:
        state, bench = self._state, self._bench
        wait = max(FIGURES_SECONDS, FIGURES_SHARE * self._judged_cost) if state.playing else 0.0
        if self._judging or bench is None or self._judged == self._moment or len(bench.setups) != len(state.stages):
            return
        if time.monotonic() - self._judged_at < wait:
            return
        self._judging, self._judged = True, self._moment
        clock, count = state.clock_shown, len(state.stages)
        host = self._store.study_host

        def work(context: object) -> list[Judged]:
            viewer = self._viewer("study", bench, host)
            return [viewer.figures(index, clock) for index in range(count)]

        def done(found: list[Judged]) -> None:
            self._judging = False
            if bench is not self._bench:
                # The first figures of the next stages do not wait for what these cost.
                return
            self._judged_at, self._judged_cost = time.monotonic(), sum(one.seconds for one in found)
            stages = self._state.stages
            if len(found) == len(stages):
                judged = tuple(map(_judged, stages, found))
                self._store.update_part(LabState, stages=judged)

        def failed(event: Failed) -> None:
            self._judging = False
            self._store.notices.failed(event)

        def stopped() -> None:
            self._judging = False

        self._store.tasks.submit(
            "study", "judge the stages", work, done=done, failed=failed, stopped=stopped, background=True
        )

    # one point
    def probe(self, x: tuple[float, ...] | None) -> None:
        """What is known of one point on every stage; None: the pointer has left."""
        state, bench = self._state, self._bench
        if x is None or bench is None:
            if any(stage.probe is not None for stage in state.stages):
                gone = tuple(replace(stage, probe=None) for stage in state.stages)
                self._store.update_part(LabState, stages=gone)
            return
        clock, count = state.clock_shown, len(bench.setups)

        def work(context: object) -> list[Probe]:
            viewer = self._viewer("look", bench, self._host)
            return [viewer.probe(index, clock, x) for index in range(count)]

        def done(found: list[Probe]) -> None:
            stages = self._state.stages
            if bench is self._bench and len(found) == len(stages):
                probed = tuple(replace(stage, probe=one) for stage, one in zip(stages, found, strict=True))
                self._store.update_part(LabState, stages=probed)

        self._store.tasks.submit("look", "look at a point", work, done=done, latest="lab probe")


def _judged(stage: StageView, found: Judged) -> StageView:
    curves = dict(stage.curves)
    for reading in found.figures:
        curves[reading.name] = extended(curves.get(reading.name), found.clock, reading.value)
    return replace(stage, figures=found.figures, figures_at=found.clock, curves=curves)


def extended(trace: Trace | None, step: int, value: float) -> Trace:
    """With one more point; a moment that has one already keeps the newer."""
    trace = empty_trace() if trace is None else trace
    known = trace.steps.array
    if len(known) and step < known[-1]:
        return trace
    return trace.extended(np.array([step], np.int64), np.array([value], np.float64))
