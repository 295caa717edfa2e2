"""The Lab workspace: its row in the table of workspaces, and what its keys and gestures lead to."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtWidgets import QWidget

from app.core.palette import Offer
from app.core.shot_request import ShotRequest
from app.core.workspace import Actions, Controllers, Services, Wait, Workspace
from app.lab.beside import Beside
from app.lab.controller import LabController
from app.lab.depth import Depth
from app.lab.exporting.controller import Exporting
from app.lab.game.controller import Game
from app.lab.keeping import Keeping
from app.lab.lessons.controller import LessonController
from app.lab.memory import Memory
from app.lab.moments import Moments
from app.lab.own.controller import OwnData
from app.lab.response import Responses
from app.lab.sharing import Sharing
from app.lab.shortcuts import LAYERS, SHORTCUTS
from app.lab.state import LabState
from app.lab.sweep.controller import Sweeps
from app.lab.undo import Undo
from app.state import AppState
from app.widgets.palette import PaletteItem
from engine.errors import UsageError

if TYPE_CHECKING:
    from app.lab.view import LabView

SHOT_STEPS: Final = 300
"""Of a picture of the Lab: enough for a flow to have found the ring."""
TWO, FIVE = "two-stages", "five-seeds"


class Lab(Controllers["LabView"]):
    """The controllers of the Lab."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self.lab = LabController(services.store, services.parent)
        self.lessons = LessonController(services.store, self.lab, services.parent)
        self.beside = Beside(services.store, self.lab, services.parent)
        self.depth = Depth(services.store, services.parent)
        self.sharing = Sharing(services.store, self.lab, services.parent)
        self.moments = Moments(services.store, self.lab, services.parent)
        self.undo = Undo(services.store, self.lab, services.parent)
        self.memory = Memory(services.store, self.lab, services.preferences, services.parent)
        self.responses = Responses(services.store, self.lab, services.parent)
        self.keeping = Keeping(services.store, self.lab, services.requests, services.parent)
        self.own = OwnData(services.store, self.lab, services.window, services.parent)
        self.game = Game(services.store, self.lab, services.parent)
        self.sweeps = Sweeps(services.store, self.lab, services.parent)
        self.exporting = Exporting(services.store, self.lab, services.window, services.parent)

    def connect(self, view: LabView) -> Actions:
        """Connects the view with the controller."""
        lab, looking = self.lab, self.lab.looking
        self.view = view
        view.playPressed.connect(self.play_or_halt)
        self.game.connect_view(view)
        self.sweeps.connect_view(view)
        view.tiles.chosen.connect(lab.choose_truth)
        view.layers.toggled.connect(lab.toggle_layer)
        view.numbers.chosen.connect(lab.choose_figure)
        for card in view.cards:
            card.canvas.pointed.connect(looking.probe)
            card.canvas.spanChanged.connect(looking.set_span)
        lessons = self.lessons
        view.lessons.strip.chosen.connect(lessons.open)
        view.lessons.dots.chosen.connect(lessons.open)
        view.lessons.foldPressed.connect(lessons.fold)
        view.lessons.answerPressed.connect(lessons.answer)
        view.lessons.measurePressed.connect(lessons.measure)
        view.lessons.closePressed.connect(lessons.close_lesson)
        setup = view.setup
        setup.stageChosen.connect(lab.choose_stage)
        setup.presetChosen.connect(lambda name: lab.choose_preset(lab.state.chosen, name))
        setup.knobsChanged.connect(lambda knobs, training: lab.set_knobs(lab.state.chosen, knobs, training))
        setup.refused.connect(lambda sentence: lab.refuse(lab.state.chosen, sentence))
        transport = view.transport
        transport.playClicked.connect(lab.toggle)
        transport.stepClicked.connect(lab.step)
        transport.restartClicked.connect(lab.restart)
        transport.paceChosen.connect(lab.set_pace)
        return {
            "lab.play": self.play_or_halt,
            "lab.step": lambda: self.game.move(1) if self.game.shown else lab.step(),
            "lab.step_d": partial(lab.step, "discriminator"),
            "lab.step_g": partial(lab.step, "generator"),
            "lab.restart": lab.restart,
            "lab.other": lab.choose_stage,
            "lab.lessons": lessons.fold,
            "lab.next_lesson": partial(lessons.move, 1),
            "lab.last_lesson": partial(lessons.move, -1),
            "lab.measure": lessons.measure,
            **self.beside.connect_view(view),
            **self.depth.connect_view(view),
            **self.sharing.connect_view(view),
            **self.own.connect_view(view),
            **self.exporting.connect_view(view),
            **self.keeping.connect_view(view),
            **self.responses.connect_view(view),
            "lab.undo": self.take_back,
            "lab.redo": self.bring_back,
            **self.moments.connect_view(view),
            "lab.back": partial(self.move, -1),
            "lab.on": partial(self.move, 1),
            **{f"lab.show_{name}": partial(lab.toggle_layer, name) for name, *_ in LAYERS},
        }

    def play_or_halt(self) -> None:
        """The game on show, or else the stages."""
        if self.game.shown is not None:
            self.game.toggle()
        elif self.lab.state.drawing is None and self.sweeps.shown is None:
            self.lab.toggle()

    def take_back(self) -> None:
        """The last stroke of what is drawn, or else the set-up."""
        if self.lab.state.drawing is not None:
            self.own.undo()
        else:
            self.undo.move(-1)

    def bring_back(self) -> None:
        """The set-up that was undone; while something is drawn the stages stay."""
        if self.lab.state.drawing is None:
            self.undo.move(1)

    def move(self, by: int) -> None:
        """A round of the game, a place of the sweep, or a moment of the stages."""
        if self.game.shown is not None:
            self.game.move(by)
        elif self.sweeps.shown is not None:
            self.sweeps.move(by)
        else:
            self.moments.move(by)

    def offers(self, state: AppState) -> Iterable[Offer]:
        """Data and presets, while the Lab is on show."""
        lab = state.part(LabState)
        if state.workspace != "lab" or lab.catalogue is None:
            return
        for info in lab.truths.values():
            yield Offer(
                PaletteItem(f"truth|{info.name}", info.title, "Data"), partial(self.lab.choose_truth, info.name)
            )
        for lesson in lab.catalogue.lessons:
            item = PaletteItem(f"lesson|{lesson.name}", lesson.title, "Lesson")
            yield Offer(item, partial(self.lessons.open, lesson.name))
        for row in lab.catalogue.presets:
            choose = partial(self.lab.choose_preset, lab.chosen, row.name)
            yield Offer(PaletteItem(f"preset|{row.name}", row.title, "Preset"), choose)

    def show(self, asked: ShotRequest, wait: Wait) -> None:
        """One stage, two, or five seeds of one, after some steps, with all that is drawn and measured of them."""
        lab = self.lab
        wait.until(lambda: lab.state.made)
        if asked.lesson:
            self._show_lesson(asked.lesson, wait)
        if asked.view == TWO:
            self.beside.compare(True)
        if asked.view == FIVE:
            self.beside.five(True)
        wait.until(lambda: all(one.seen is not None for one in lab.state.stages))
        lab.play()
        wait.until(lambda: lab.state.clock >= SHOT_STEPS or not lab.state.playing)
        lab.pause()
        wait.until(lambda: not lab.state.playing and lab.looking.settled)
        wait.until(lambda: len(lab.state.truths) == len(lab.state.catalogue.truths) if lab.state.catalogue else False)

    def _show_lesson(self, name: str, wait: Wait) -> None:
        catalogue = self.lab.state.catalogue
        names = [one.name for one in catalogue.lessons] if catalogue is not None else []
        if name not in names:
            raise UsageError(f"lesson must be one of {', '.join(names)}, got {name!r}.")
        self.lessons.open(name)
        wait.until(lambda: self.lab.state.made and self.lab.state.info is not None)

    def close(self) -> None:
        """Nothing is asked for any more; what learns is stopped with its lane."""
        self.game.close()
        self.lab.close()


def make_view(window: QWidget) -> Generator[None, None, LabView]:
    """Part by part: the plots take as long to make as all the rest."""
    from app.lab.charts import LabCharts
    from app.lab.setup_panel import SetupPanel
    from app.lab.view import LabView

    yield
    charts = LabCharts(parent=window)
    yield
    setup = SetupPanel(parent=window)
    yield
    return LabView(setup, charts, parent=window)


LAB: Final = Workspace(
    "lab",
    "Lab",
    "Go to models that learn points of the plane.",
    make_view,
    Lab,
    shortcuts=SHORTCUTS,
    ahead=("app.lab.view",),
    state=LabState,
    views=(TWO, FIVE),
)
