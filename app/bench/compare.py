"""Measures Compare: how soon the first model follows a slider, and how soon all models do."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from PySide6.QtCore import QEvent, QObject

from app.bench.tools import LIMIT_MS, SETTLE_MS, Mouse, Watcher, drag_aims, run_for
from app.conductor import Conductor
from app.explore.compare.row_view import RowView
from app.explore.compare.rows import recipe_of
from app.explore.compare.state import Recipe
from app.explore.workspace import Explore
from app.shot import wait_until
from app.state import FIRST_SEED
from engine.api import ModelCard
from engine.measuring import percentiles

WARM_MOVES: Final = 5


class RowsWatcher(Watcher):
    """Watches the current pictures of all rows; what each has painted last is in `seen`, by the model's ref."""

    def __init__(self, conductor: Conductor) -> None:
        super().__init__(conductor)
        self._until: Callable[[], bool] = self.all_current
        self.seen: dict[str, Recipe | None] = {}
        for view in self._views():
            view.current.installEventFilter(self)

    def _views(self) -> list[RowView]:
        return self._controller.of(Explore).view.compare.board.rows

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            for view, row in zip(self._views(), self._controller.state.compare, strict=True):
                if view.current is watched and view.current.picture() is row.picture:
                    self.seen[row.ref] = row.recipe
            if self._until():
                # The loop ends when this event, and so the painting of the whole window, is over.
                self.loop.quit()
        return False

    def first_current(self) -> bool:
        """Whether the first model shows what the sliders say."""
        state = self._controller.state
        return all(self.seen.get(row.ref) == recipe_of(row, state) for row in state.compare if row.ref == state.model)

    def all_current(self) -> bool:
        """Whether every row does."""
        state = self._controller.state
        return all(self.seen.get(row.ref) == recipe_of(row, state) for row in state.compare)

    def wait(self, until: Callable[[], bool]) -> float:
        """Runs the event loop until then; gives that time (`perf_counter`).

        Raises:
            UserError: it did not come in ten seconds.
        """
        self._until = until
        return self.wait_for(until, f"A row of Compare did not follow a slider within {LIMIT_MS / 1000:.0f} s")

    def close(self) -> None:
        """Watches no longer."""
        for view in self._views():
            view.current.removeEventFilter(self)


def measure_compare(conductor: Conductor, cards: dict[str, ModelCard], moves: int) -> dict[str, Any]:
    """For each family's first model: milliseconds from the mouse event to its painted picture while all rows
    are driven, and, one move after the other, until every row has painted its own. Empty without a portrait in the box.

    Raises:
        UserError: a row did not follow.
    """
    if not conductor.state.photos:
        return {}
    conductor.of(Explore).photos.choose(conductor.state.photos[0].key)
    wait_until(lambda: conductor.state.encoded is not None, conductor)
    conductor.of(Explore).show_view("compare")
    # What is measured is the models' own pictures; the photo is measured in Single.
    wanted = conductor.state.full.wanted
    conductor.store.update(full=replace(conductor.state.full, wanted="model"))
    for card in cards.values():
        conductor.of(Explore).compare.show_model(card.key, True)

    def ready() -> bool:
        rows = conductor.state.compare
        return bool(rows) and all(row.status in ("done", "failed") for row in rows)

    wait_until(ready, conductor)
    found = {family: _measure_rows(conductor, card, moves) for family, card in cards.items()}
    conductor.store.update(full=replace(conductor.state.full, wanted=wanted))
    # What is measured after this finds the window as it was before.
    conductor.of(Explore).show_view("single")
    conductor.of(Explore).looks.set_seed(FIRST_SEED)
    wait_until(lambda: not conductor.state.drawing, conductor)
    return found


def _measure_rows(conductor: Conductor, card: ModelCard, moves: int) -> dict[str, Any]:
    conductor.of(Explore).compare.open_row(card.key)
    wait_until(lambda: conductor.state.model == card.key and not conductor.state.drawing, conductor)
    run_for(SETTLE_MS)
    info = conductor.state.info
    assert info is not None
    name = (*info.attributes, *info.components)[0].name
    mouse = Mouse(conductor.window, conductor.of(Explore).view.inspector.sliders[name])
    watcher = RowsWatcher(conductor)
    try:
        _drag(watcher, mouse, WARM_MOVES, watcher.all_current)
        first = _drag(watcher, mouse, moves, watcher.first_current)
        every = _drag(watcher, mouse, moves, watcher.all_current)
    finally:
        watcher.close()
    return {
        "model": card.title,
        "rows": len(conductor.state.compare),
        "first_row": percentiles(first, aims=drag_aims(info)),
        "all_rows": percentiles(every),
    }


def _drag(watcher: RowsWatcher, mouse: Mouse, moves: int, until: Callable[[], bool]) -> list[float]:
    """Closed loop: the next move comes when `until()` holds; the drag ends when every row has caught up."""
    times = []
    mouse.press()
    for _ in range(moves):
        start = time.perf_counter()
        mouse.move()
        times.append(1000 * (watcher.wait(until) - start))
    mouse.release()
    watcher.wait(watcher.all_current)
    return times
