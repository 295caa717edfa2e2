"""Shows the game of the open lesson, where it has one, and plays it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QTimer

from app.core.model_host import ModelHost
from app.core.store import Store
from app.lab.controller import LabController
from app.lab.state import GameState, LabState
from app.state import AppState
from engine.lab import GameSeen
from engine.lanes import Context

if TYPE_CHECKING:
    from app.lab.view import LabView

ROUNDS: Final = 1000
TICK_MS: Final = 33
FIRST: Final = 120
"""Rounds that are seen at first: two turns of the circling one."""


class Game(QObject):
    """Follows which lesson is open. The game goes where the stages are set up or learn, and comes back with its
    lesson's number."""

    def __init__(self, store: Store, lab: LabController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._lab = store, lab
        self._host = ModelHost(device="cpu")
        self._timer = QTimer(self, interval=TICK_MS)
        self._timer.timeout.connect(self._tick)
        store.changed.connect(self._changed)

    def connect_view(self, view: LabView) -> None:
        """The bar under the games."""
        view.board.roundMoved.connect(self.go_to)
        view.board.playPressed.connect(self.toggle)
        view.lessons.strip.chosen.connect(self.show_again)
        view.lessons.dots.chosen.connect(self.show_again)

    @property
    def shown(self) -> GameState | None:
        """The game on show, None without one."""
        return self._lab.state.game

    def _put(self, game: GameState | None) -> None:
        self._store.update_part(LabState, game=game)

    def _changed(self, before: AppState, now: AppState) -> None:
        old, new = before.part(LabState), now.part(LabState)
        if now.workspace != "lab":
            self._timer.stop()
        if new.lessons.open != old.lessons.open:
            self._open(new.lessons.open)
        elif new.game is not None and (new.set_up != old.set_up or (new.playing and not old.playing)):
            self._timer.stop()
            self._put(None)

    def show_again(self, lesson: str) -> None:
        """The game of the lesson that is open already, where the stages took its place."""
        if lesson == self._lab.state.lessons.open and self.shown is None:
            self._open(lesson)

    def _open(self, lesson: str) -> None:
        catalogue = self._lab.state.catalogue
        self._timer.stop()
        if self.shown is not None:
            self._put(None)
        if not lesson or catalogue is None or not catalogue.lesson(lesson).game:
            return
        self._lab.pause()
        rules = catalogue.lesson(lesson).game

        def work(context: Context) -> tuple[GameSeen, ...]:
            return self._host.session().games(rules, steps=ROUNDS)

        def done(seen: tuple[GameSeen, ...]) -> None:
            if self._lab.state.lessons.open == lesson:
                self._put(GameState(seen, FIRST))

        self._store.tasks.submit("look", "play a game", work, done=done, latest="lab game")

    def go_to(self, number: int) -> None:
        """Shows the game up to this round; it plays no more."""
        self._timer.stop()
        if self.shown is not None:
            self._put(replace(self.shown, at=min(max(0, number), ROUNDS), playing=False))

    def move(self, by: int) -> None:
        """So many rounds on, or back."""
        if self.shown is not None:
            self.go_to(self.shown.at + by)

    def toggle(self) -> None:
        """Plays on, from the first round where the last is shown, or halts."""
        game = self.shown
        if game is None:
            return
        if game.playing:
            self.go_to(game.at)
        else:
            self._put(replace(game, playing=True, at=0 if game.at == ROUNDS else game.at))
            self._timer.start()

    def _tick(self) -> None:
        game = self.shown
        if game is None or not game.playing:
            self._timer.stop()
        elif game.at >= ROUNDS:
            self.go_to(ROUNDS)
        else:
            self._put(replace(game, at=game.at + 1))

    def close(self) -> None:
        """Plays no more."""
        self._timer.stop()
