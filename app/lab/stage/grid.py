"""Where the stages stand: one, two beside each other, or five in the rows that leave each the most room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QRect, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.lab.stage.card import HEAD_PX, StageCard
from app.lab.state import SEEDS

GAP_PX: Final = 16
SMALL_GAP_PX: Final = 12
COLUMNS: Final = (SEEDS, 3)
"""In which five may stand."""


class StageGrid(QWidget):
    """Shows the first cards, as many as there are stages."""

    def __init__(self, cards: Sequence[StageCard]) -> None:
        super().__init__()
        self._cards = tuple(cards)
        self._count = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        for card in cards:
            card.setParent(self)
        self.set_count(1)

    def set_count(self, count: int) -> None:
        """How many stages there are."""
        if count != self._count:
            self._count = count
            for index, card in enumerate(self._cards):
                card.setVisible(index < count)
            self.updateGeometry()
            self._place()

    def minimumSizeHint(self) -> QSize:
        return QSize(340, 230)

    def sizeHint(self) -> QSize:
        return QSize(440, 480)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        for card, place in zip(self._cards, places(self._count, self.width(), self.height()), strict=False):
            card.setGeometry(place)


def places(count: int, wide: int, high: int) -> tuple[QRect, ...]:
    """Where so many cards stand in a room, all of one size."""
    gap, columns = GAP_PX, count
    if count == SEEDS:
        gap, columns = SMALL_GAP_PX, max(COLUMNS, key=lambda one: _side(one, wide, high))
    width, height = _cell(count, columns, wide, high, gap=gap)
    return tuple(
        QRect(index % columns * (width + gap), index // columns * (height + gap), width, height)
        for index in range(count)
    )


def _cell(count: int, columns: int, wide: int, high: int, *, gap: int) -> tuple[int, int]:
    rows = -(-count // columns)
    return max(1, (wide - gap * (columns - 1)) // columns), max(1, (high - gap * (rows - 1)) // rows)


def _side(columns: int, wide: int, high: int) -> int:
    """The shorter side of what each of five draws on."""
    width, height = _cell(SEEDS, columns, wide, high, gap=SMALL_GAP_PX)
    return min(width, height - HEAD_PX)
