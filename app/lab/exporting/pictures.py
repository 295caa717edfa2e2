"""The stages as a picture: drawn anew as they are on show, as fine as is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QSize
from PySide6.QtGui import QImage, QPainter

from app.lab.stage.card import StageCard
from app.lab.state import LabState
from app.lab.view import scales
from app.theme import color, tokens
from app.widgets.plot.scale import figure

GAP_PX: Final = 16
NAMES: Final = {"density": "density", "critic": "D"}


class Stages:
    """Cards of their own, which are on no screen. Of the window's thread."""

    def __init__(self, sizes: Sequence[QSize], *, ratio: float) -> None:
        self._ratio = ratio
        self._cards = [StageCard(index) for index in range(len(sizes))]
        for card, size in zip(self._cards, sizes, strict=True):
            card.resize(size)
            card.canvas.draw_at(ratio)

    def drawn(self, state: LabState, caption: str) -> QImage:
        """All stages side by side, with `caption` under each."""
        left, sizes = GAP_PX, [card.size() for card in self._cards]
        wide = sum(size.width() for size in sizes) + GAP_PX * (len(sizes) + 1)
        high = max(size.height() for size in sizes) + 2 * GAP_PX
        # MP4 wants even sides.
        room = QSize(round(wide * self._ratio) // 2 * 2, round(high * self._ratio) // 2 * 2)
        image = QImage(room, QImage.Format.Format_RGB888)
        image.setDevicePixelRatio(self._ratio)
        image.fill(color(tokens().window))
        painter = QPainter(image)
        for card, size in zip(self._cards, sizes, strict=True):
            card.show_lab(state)
            card.foot.set_words("", caption)
            card.render(painter, QPoint(left, GAP_PX), renderFlags=card.RenderFlag.DrawChildren)
            left += size.width() + GAP_PX
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
