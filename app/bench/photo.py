"""Measures a large photo in Single: how soon the edit that is blended into it follows a slider."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image
from PySide6.QtCore import QEvent, QObject, QSize

from app.bench.tools import SETTLE_MS, Mouse, PaintWatcher, drag, drag_aims, run_for
from app.conductor import Conductor
from app.explore.workspace import Explore
from app.shot import wait_until
from app.state import FIRST_SEED
from engine.api import ModelCard, Pictures
from engine.measuring import percentiles

PHOTO_PX: Final = 3464
"""The side of a square of 12 megapixels."""
WINDOW_PX: Final = QSize(1920, 1080)
ZOOMS: Final = ("fit", "fill")
WARM_MOVES: Final = 5


class PhotoWatcher(PaintWatcher):
    """Watches the photo at its own size; a picture of it counts once its edit was blended in and painted."""

    def __init__(self, conductor: Conductor) -> None:
        super().__init__(conductor, watched=conductor.of(Explore).view.single.full.photo)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        state = self._controller.state
        if event.type() == QEvent.Type.Paint and state.blended is not None and state.drawn is not None:
            if state.blended.picture is state.drawn.picture:
                self._saw(state.drawn.request)
        return False


def large_photo(portrait: Path) -> Pictures:
    """A portrait (H, W, 3) enlarged to 12 megapixels."""
    with Image.open(portrait) as image:
        large = image.convert("RGB").resize((PHOTO_PX, PHOTO_PX), Image.Resampling.BICUBIC)
    return np.asarray(large, np.uint8)


def measure_photo(conductor: Conductor, cards: dict[str, ModelCard], portrait: Path, moves: int) -> dict[str, Any]:
    """For each family's model: milliseconds from the mouse event to the painted photo, whole and filling its room.

    Raises:
        UserError: a picture did not follow.
    """
    window, explore = conductor.window, conductor.of(Explore)
    before = window.size()
    explore.full.show("photo")
    explore.show_view("single")
    window.resize(WINDOW_PX)
    explore.photos.add_picture(large_photo(portrait))
    wait_until(lambda: conductor.state.photo is not None and conductor.state.encoded is not None, conductor)
    found = {family: _measure_model(conductor, card, moves) for family, card in cards.items()}
    window.resize(before)
    # What is measured after this finds the window as it was before.
    explore.looks.set_seed(FIRST_SEED)
    wait_until(lambda: not conductor.state.drawing, conductor)
    return found


def _measure_model(conductor: Conductor, card: ModelCard, moves: int) -> dict[str, Any]:
    explore = conductor.of(Explore)
    if conductor.state.model != card.key:
        explore.looks.open_model(card.key)

    def there() -> bool:
        state = conductor.state
        right = state.model == card.key and state.look is not None and state.look.photo is not None
        shown = state.blended is not None and state.drawn is not None and state.blended.picture is state.drawn.picture
        return right and state.encoded is not None and not state.encoding and shown

    wait_until(there, conductor)
    info, window = conductor.state.info, conductor.window
    assert info is not None
    name = (*info.attributes, *info.components)[0].name
    figures: dict[str, Any] = {"model": card.title}
    for zoom in ZOOMS:
        explore.full.set_zoom(zoom)
        run_for(SETTLE_MS)
        wait_until(there, conductor)
        watcher = PhotoWatcher(conductor)
        try:
            mouse = Mouse(window, explore.view.inspector.sliders[name])
            drag(watcher, mouse, WARM_MOVES)
            figures[zoom] = percentiles(drag(watcher, mouse, moves), aims=drag_aims(info))
        finally:
            watcher.close()
    return figures
