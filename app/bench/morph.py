"""Measures a morph of photos: how soon a frame at full size follows the path's slider."""

from __future__ import annotations

from typing import Any, Final

from PySide6.QtCore import QEvent, QObject

from app.bench.tools import SETTLE_MS, Mouse, PaintWatcher, drag, run_for
from app.conductor import Conductor
from app.explore.workspace import Explore
from app.shot import wait_until
from app.state import FIRST_SEED
from engine.api import ModelCard
from engine.measuring import percentiles

WARM_MOVES: Final = 5


class MorphWatcher(PaintWatcher):
    """Watches the frame; one counts once it has been painted at the place where the slider is."""

    def __init__(self, conductor: Conductor) -> None:
        self._frame = conductor.of(Explore).view.morph.picture
        super().__init__(conductor, watched=self._frame)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        whole = self._controller.state.morph.whole
        if event.type() == QEvent.Type.Paint and whole is not None and self._frame.picture() is whole.picture:
            self._saw(whole.place)
        return False

    def wanted(self) -> float:
        """Where the slider is."""
        return self._controller.state.morph.fraction


def measure_morph(conductor: Conductor, cards: dict[str, ModelCard], moves: int) -> dict[str, Any]:
    """For each family's model, between two portraits of the box: milliseconds from the mouse event to the painted
    frame while a hand drags, and its side in pixels. Empty where there are fewer.

    Raises:
        UserError: a frame did not follow.
    """
    explore, keys = conductor.of(Explore), [photo.key for photo in conductor.state.photos if photo.shipped]
    if len(keys) < 2:
        return {}
    explore.full.show("photo")
    explore.show_view("morph")
    found = {family: _measure_model(conductor, card, keys[:2], moves) for family, card in cards.items()}
    # What is measured after this finds the window as it was before.
    explore.show_view("single")
    explore.looks.set_seed(FIRST_SEED)
    wait_until(lambda: not conductor.state.drawing, conductor)
    return found


def _measure_model(conductor: Conductor, card: ModelCard, keys: list[str], moves: int) -> dict[str, Any]:
    explore = conductor.of(Explore)
    if conductor.state.model != card.key:
        explore.looks.open_model(card.key)
        wait_until(lambda: conductor.state.model == card.key and not conductor.state.drawing, conductor)
    for index, key in enumerate(keys):
        explore.morph.set_photo(key, index)

    def there() -> bool:
        morph = conductor.state.morph
        ready = all(slot is not None and slot.photo in keys and slot.code is not None for slot in morph.slots)
        return ready and morph.whole is not None and morph.whole.fine and morph.whole_strip is not None

    wait_until(there, conductor)
    run_for(SETTLE_MS)
    watcher, mouse = MorphWatcher(conductor), Mouse(conductor.window, explore.view.morph.slider)
    try:
        drag(watcher, mouse, WARM_MOVES)
        figures: dict[str, Any] = {"model": card.title, "frame": percentiles(drag(watcher, mouse, moves))}
        whole = conductor.state.morph.whole
        figures["side_px"] = 0 if whole is None else len(whole.picture)
        return figures
    finally:
        watcher.close()
