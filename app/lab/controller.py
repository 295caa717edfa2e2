"""The Lab's stages: set up, learning on a lane of their own, stepped and gone back through."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from PySide6.QtCore import QObject, QTimer

from app.core.model_host import ModelHost
from app.core.notices import Message
from app.core.store import Store
from app.core.tasks import Task
from app.lab.looking import Looking, extended
from app.lab.mailbox import Mailbox
from app.lab.setups import LINE_PRESET, engine_setups, of_engine, of_preset, seeds_of, with_setup
from app.lab.state import FILLS, NOW, PRESETS, LabState, StageSetup, StageView, with_seen
from app.state import AppState
from engine.api import Value
from engine.errors import UserError
from engine.events import Failed
from engine.lab import BenchSeen, LabCatalogue, Pace, Setup, StageInfo, TruthInfo
from engine.lanes import Context

if TYPE_CHECKING:
    from engine.session import Bench

DRAIN_MS: Final = 33
SWITCH_SECONDS: Final = 0.0002
"""How long a thread may keep Python to itself while stages learn. A step is a thousand small operations, and after each
the lane waits for its turn: with Python's own 5 ms a flow made 35 steps a second beside the window, and now 79."""
T = TypeVar("T")
Made = tuple["Bench", tuple[StageInfo, ...], BenchSeen]


class LabController(QObject):
    """Holds the bench. Its lane trains; `Looking` draws and judges beside it."""

    def __init__(self, store: Store, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._host = ModelHost(device="cpu")
        self._look_host = ModelHost(device="cpu")
        self.looking = Looking(store, self)
        self.mailbox = Mailbox()
        self.pace = Pace()
        self.first_line = ""
        self._switch_before = sys.getswitchinterval()
        self._bench: Bench | None = None
        self._job: Task | None = None
        self._then: Callable[[], None] | None = None
        self._opened = self._again = False
        self._making: object = None
        self._asked_truths: set[str] = set()
        self._timer = QTimer(self, interval=DRAIN_MS)
        self._timer.timeout.connect(self._drain)
        store.changed.connect(self._changed)

    @property
    def state(self) -> LabState:
        """What the Lab shows."""
        return self._store.state.part(LabState)

    @property
    def bench(self) -> Bench | None:
        """What stands on the stages, None while it is made anew."""
        return self._bench

    def _put(self, **changes: Any) -> None:
        self._store.update_part(LabState, **changes)

    # opening
    def open(self) -> None:
        """Reads the catalogue and makes the first stage, once."""
        if self._opened:
            return
        self._opened = True

        def work(_: Context) -> tuple[LabCatalogue, Sequence[Setup], str]:
            session = self._host.session()
            catalogue = session.lab_catalogue()
            try:
                return catalogue, session.read_setups(self.first_line) if self.first_line else (), ""
            except UserError as error:
                return catalogue, (), f"The stages of last time cannot be made again: {error}"

        def done(found: tuple[LabCatalogue, Sequence[Setup], str]) -> None:
            catalogue, setups, problem = found
            stages = [of_engine(catalogue, one) for one in setups] or [of_preset(catalogue.preset(PRESETS[0]))]
            truth = setups[0].truth if setups else self.state.truth
            self._put(catalogue=catalogue)
            self.set_up(truth, stages)
            if problem:
                self._store.notices.warn(problem)

        self._store.tasks.submit("lab", "open the Lab", work, done=done)

    def _read_truth(self, name: str) -> None:
        self._asked_truths.add(name)

        def done(info: TruthInfo) -> None:
            self._put(truths={**self.state.truths, name: info})

        self._store.tasks.submit(
            "look",
            "read a truth",
            lambda _: self._look_host.session().truth_info(name),
            done=done,
            background=name != self.state.truth,
        )

    def _changed(self, before: AppState, now: AppState) -> None:
        if now.workspace == "lab":
            if before.workspace != "lab":
                self.open()
        elif before.workspace == "lab":
            # Elsewhere nobody sees it, and what is done there needs the processor.
            self.pause()

    # set-ups
    def choose_truth(self, name: str) -> None:
        """Other data. A preset that cannot learn such points gives way to the first that can, and it is said."""
        info = self.state.truths.get(name)
        if info is not None and name != self.state.truth:
            self.take_truth(info)

    def take_truth(self, info: TruthInfo, **changes: Any) -> None:
        """As `choose_truth` with a truth that may be new, or other than it was; `changes` come with it."""
        state, catalogue = self.state, self.state.catalogue
        if catalogue is None:
            return
        setups = []
        for stage in state.stages[: 1 if state.seeded else None]:
            row, setup = catalogue.preset(stage.setup.preset), stage.setup
            if info.dimension not in row.dimensions:
                other = catalogue.preset(LINE_PRESET)
                self._store.notices.say(
                    Message(
                        f"{row.title} needs two coordinates, and {info.title} has one: {other.title} instead.", "info"
                    )
                )
                setup = of_preset(other)
            setups.append(setup)
        # What was learned and drawn is of other points.
        stages = tuple(map(StageView, seeds_of(setups[0]) if state.seeded else setups))
        self._begin(info.name, stages, truths={**state.truths, info.name: info}, **changes)

    def set_stages(self, truth: str, presets: Sequence[str], layers: Sequence[str]) -> None:
        """A lesson's data and stages, and of its layers those that there are; they begin to learn."""
        catalogue = self.state.catalogue
        if catalogue is None:
            return
        self._put(layers=frozenset(layers))
        self.set_up(truth, [of_preset(catalogue.preset(name)) for name in presets])
        self.play()

    def set_up(self, truth: str, setups: Sequence[StageSetup], *, chosen: int = 0) -> None:
        """Other data and stages, all at once."""
        if truth not in self.state.truths and truth not in self._asked_truths:
            self._read_truth(truth)
        self._put(chosen=min(chosen, len(setups) - 1), depth=1.0)
        self._begin(truth, tuple(map(StageView, setups)))

    def _begin(self, truth: str, stages: tuple[StageView, ...], **changes: Any) -> None:
        """Other points for these stages: nothing of those before is shown any more."""
        self._bench = None
        self.looking.leave()
        self._put(
            truth=truth, stages=stages, truth_map=None, made=False, clock=0, kept=(), at=NOW, done=False, **changes
        )
        self._make()

    def choose_preset(self, index: int, name: str) -> None:
        """A stage from a preset, with its knobs."""
        catalogue = self.state.catalogue
        if catalogue is not None:
            self._set_up(index, of_preset(catalogue.preset(name)))

    def set_knobs(self, index: int, knobs: Mapping[str, Value], training: Mapping[str, Value]) -> None:
        """Other knobs for a stage; those of its preset stay where they are not named."""
        setup = self.state.stages[index].setup
        self._set_up(index, replace(setup, knobs={**setup.knobs, **knobs}, training={**setup.training, **training}))

    def take_back(self, truth: str, setups: Sequence[StageSetup]) -> None:
        """These set-ups, which were made last, in place of such as cannot be made or are not made yet."""
        state = self.state
        # Of two stages the first of five may be the second.
        others = len(setups) > len(state.stages) or (state.seeded and len(setups) == 2)
        if self._bench is None or truth != state.truth or others:
            self.set_up(truth, setups, chosen=state.chosen)
            return
        again, self._again, self._making = self._again, False, None
        pairs = zip(state.stages, setups, strict=False)
        stages = tuple(replace(stage, setup=setup, problem="") for stage, setup in pairs)
        self._put(stages=stages, chosen=min(state.chosen, len(stages) - 1))
        if again:
            self.play()

    def refuse(self, index: int, sentence: str) -> None:
        """A knob has no value that it can have: the stage stays, and the sentence is said beside the knobs."""
        self._stage(index, problem=sentence)

    def _set_up(self, index: int, setup: StageSetup) -> None:
        if setup != self.state.stages[index].setup:
            try:
                self.put_stages(with_setup(self.state.stages, index, setup), blame=index)
            except UserError as error:
                self.refuse(index, str(error))

    def put_stages(self, stages: tuple[StageView, ...], *, chosen: int | None = None, blame: int = 0) -> None:
        """Other stages of the same points; those that stand there are seen until these are made."""
        self._put(stages=stages, chosen=self.state.chosen if chosen is None else chosen)
        self._make(blame=blame)

    def _stage(self, index: int, **changes: Any) -> None:
        stages = list(self.state.stages)
        stages[index] = replace(stages[index], **changes)
        self._put(stages=tuple(stages))

    def choose_stage(self, index: int | None = None) -> None:
        """Shows the set-up of this stage; None: of the other one."""
        count = len(self.state.stages)
        if count:
            self._put(chosen=(self.state.chosen + 1) % count if index is None else min(index, count - 1))

    def restart(self) -> None:
        """The same set-up and seed from the first step."""
        self._make()

    def _make(self, *, blame: int = 0) -> None:
        """Makes the bench anew, which goes on learning if it did; where it cannot be made, the one before stays."""
        self._again, setups = self._again or self.state.playing, engine_setups(self.state)
        asked = self._making = object()
        self._store.tasks.cancel(self._job)

        def work(context: Context) -> Made:
            bench = self._host.session().bench(setups)
            return bench, bench.info(), bench.seen()

        def done(made: Made) -> None:
            if asked is not self._making:
                # Another set-up was asked for meanwhile, perhaps of points of another dimension.
                return
            self._making = None
            self._made(made)
            if self._again:
                self._again = False
                self.play()

        def failed(event: Failed) -> None:
            if asked is not self._making:
                return
            self._making, self._again = None, False
            if event.details:
                self._store.notices.failed(event)
            if blame < len(self.state.stages):
                self._stage(blame, problem=event.message)

        self._store.tasks.submit("lab", "make the stages", work, done=done, failed=failed, latest="lab bench")

    def _made(self, made: Made) -> None:
        bench, infos, seen = made
        state = self.state
        if len(infos) != len(state.stages) or self._store.state.closing:
            return
        self._bench = bench
        self.mailbox.take()
        stages = tuple(
            StageView(stage.setup, info=info, seen=one)
            for stage, info, one in zip(state.stages, infos, seen.stages, strict=True)
        )
        self._put(stages=stages, made=True, clock=seen.clock, kept=seen.kept, rate=0.0, done=seen.done, at=NOW)
        self.looking.watch(bench)
        if state.catalogue is not None:
            # The other tiles wait for the first stage: some truths take half a second.
            for name in state.catalogue.truths:
                if name not in state.truths and name not in self._asked_truths:
                    self._read_truth(name)

    # learning
    def play(self) -> None:
        """Learns until it is done or halted."""
        bench, state = self._bench, self.state
        if bench is None or self._making is not None:
            # As soon as it is made: what stands there now is of the set-up before.
            self._again = True
            return
        if not (state.playing or state.done or self._store.state.closing):
            self._learn("train the stages", lambda context: bench.play(self.pace, context, self.mailbox.put))

    def learn(self, kind: str, work: Callable[[Bench, Context], T], done: Callable[[T], object]) -> None:
        """Learns in another way than by `play`, on the lane; what learns now is halted first."""
        bench, state = self._bench, self.state
        if bench is None or self._making is not None or state.done:
            return
        if state.playing:
            self._then = partial(self.learn, kind, work, done)
            self.pause()
        else:
            self._learn(kind, lambda context: work(bench, context), done)

    def _learn(self, kind: str, work: Callable[[Context], T], done: Callable[[T], object] = lambda found: None) -> None:
        self._put(playing=True, at=NOW, stages=tuple(replace(stage, past=None) for stage in self.state.stages))
        self._timer.start()
        sys.setswitchinterval(SWITCH_SECONDS)

        def ended(found: T) -> None:
            self._ended()
            done(found)

        def failed(event: Failed) -> None:
            self._ended()
            self._store.notices.failed(event)

        self._job = self._store.tasks.submit("lab", kind, work, done=ended, failed=failed, stopped=self._ended)

    def pause(self) -> None:
        """Halts after the step that is under way."""
        self._again = False
        self._store.tasks.cancel(self._job)

    def toggle(self) -> None:
        """Learns, or halts."""
        if self.state.playing or self._again:
            self.pause()
        else:
            self.play()

    def _ended(self) -> None:
        self._job = None
        self._timer.stop()
        sys.setswitchinterval(self._switch_before)
        self._drain()
        self._put(playing=False, rate=0.0)
        then, self._then = self._then, None
        if then is not None:
            then()

    def step(self, only: str = "") -> None:
        """One step; `only` names the network that learns."""
        bench = self._bench
        if bench is None or self._making is not None or self.state.done:
            return
        self.pause()

        def work(context: Context) -> BenchSeen:
            bench.step(only=only)
            return bench.seen()

        def done(seen: BenchSeen) -> None:
            if bench is self._bench:
                self._take([seen])

        self._store.tasks.submit("lab", "one step", work, done=done)

    def set_pace(self, steps_per_second: float) -> None:
        """How fast it learns; 0 is as fast as it can."""
        self.pace.steps_per_second = steps_per_second
        self._put(pace=steps_per_second)

    def _drain(self) -> None:
        self._take(self.mailbox.take())

    def _take(self, found: Sequence[BenchSeen]) -> None:
        state = self.state
        if not found or self._bench is None or len(found[-1].stages) != len(state.stages):
            return
        curves = [dict(stage.curves) for stage in state.stages]
        for seen in found:
            for own, one in zip(curves, seen.stages, strict=True):
                for name, value in one.losses.items():
                    own[name] = extended(own.get(name), seen.clock, value)
        self._put(**with_seen(state, found[-1], tuple(curves)))

    # what is shown
    def toggle_layer(self, name: str) -> None:
        """Shows a layer or hides it; of those that fill the stage one at most is on."""
        state = self.state
        if name not in state.possible():
            return
        if name in state.layers:
            self._put(layers=state.layers - {name})
        else:
            others = frozenset(FILLS) if name in FILLS else frozenset()
            self._put(layers=state.layers - others | {name})

    def choose_figure(self, name: str) -> None:
        """The number whose curve is drawn."""
        self._put(figure=name)

    def close(self) -> None:
        """Nothing is asked for any more."""
        self._timer.stop()
        self.looking.stop()
        sys.setswitchinterval(self._switch_before)
