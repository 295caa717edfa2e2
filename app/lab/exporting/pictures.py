"""The stages as a picture: drawn anew as they are on show, as fine as is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRect, QRectF, QSize
from PySide6.QtGui import QImage, QPainter

from app.lab.stage.card import StageCard
from app.lab.state import LabState
from app.lab.view import scales
from app.theme import color, tokens, ui_font
from app.widgets import paint
from app.widgets.plot.scale import figure

GAP_PX: Final = 16
CAPTION_PX: Final = 30
NAMES: Final = {"density": "density", "critic": "D"}


class Stages:
    """Cards of their own, which are on no screen, where those of the window are (`places`). Of the window's thread."""

    def __init__(self, places: Sequence[QRect], *, ratio: float) -> None:
        self._ratio = ratio
        self._cards = [StageCard(index) for index in range(len(places))]
        corner = QPoint(min(one.left() for one in places), min(one.top() for one in places))
        self._places = [one.translated(QPoint(GAP_PX, GAP_PX) - corner) for one in places]
        for card, place in zip(self._cards, places, strict=True):
            card.resize(place.size())
            card.canvas.draw_at(ratio)

    def drawn(self, state: LabState, caption: str) -> QImage:
        """All stages, with `caption` under each, of five seeds once under all."""
        wide = max(place.x() + place.width() for place in self._places) + GAP_PX
        below = max(place.y() + place.height() for place in self._places)
        high = below + (CAPTION_PX if state.seeded else GAP_PX)
        # MP4 wants even sides.
        room = QSize(round(wide * self._ratio) // 2 * 2, round(high * self._ratio) // 2 * 2)
        image = QImage(room, QImage.Format.Format_RGB888)
        image.setDevicePixelRatio(self._ratio)
        image.fill(color(tokens().window))
        painter = QPainter(image)
        for card, place in zip(self._cards, self._places, strict=True):
            card.show_lab(state)
            card.foot.set_words("", caption)
            card.render(painter, place.topLeft(), renderFlags=card.RenderFlag.DrawChildren)
        if state.seeded:
            line, font = QRectF(GAP_PX, below, wide - 2 * GAP_PX, CAPTION_PX), ui_font(tokens().small_px)
            paint.text(painter, line, caption, font=font, ink=tokens().muted)
        painter.end()
        return image


def caption(state: LabState) -> str:
    """Data, moment, and the ends of the colours on show."""
    title = state.truth if state.info is None else state.info.title
    parts = [title, f"step {state.clock_shown:,}"]
    for name, (low, high, _) in scales(state).items():
        if name in state.shown:
            parts.append(f"{NAMES.get(name, name)} {figure(low)} to {figure(high)}".replace("-", "\u2212"))
    return ", ".join(parts)


def pixels(image: QImage) -> NDArray[np.uint8]:
    """The picture as (H, W, 3)."""
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()
