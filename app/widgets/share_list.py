"""Rows of names with a bar for a share: attributes of a data set, and what a model draws of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent
from PySide6.QtWidgets import QSizePolicy

from app.theme import tokens, ui_font
from app.widgets import paint
from app.widgets.painted import PaintedItems

ROW_PX: Final = 24
BAR_PX: Final = 4
FIGURE_PX: Final = 56


@dataclass(frozen=True)
class Share:
    """One row: `share` 0..1 of the bar; `figure` is the text at the right."""

    key: str
    title: str
    share: float
    figure: str
    tooltip: str = ""


class ShareList(PaintedItems):
    """A click or Enter chooses a row; on the chosen one it takes the choice back. Emits its key, or an empty text."""

    chosen = Signal(str)
    handled_keys = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Space)

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[Share, ...] = ()
        self._selected = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip("Arrows move, Enter shows only these; once more shows all.")

    def set_rows(self, rows: Sequence[Share]) -> None:
        """Replace all rows."""
        self._rows = tuple(rows)
        self._cursor = min(self._cursor, max(0, len(rows) - 1))
        self.setFixedHeight(ROW_PX * len(rows))
        self.update()

    def rows(self) -> tuple[Share, ...]:
        """The rows, top to bottom."""
        return self._rows

    def set_selected(self, key: str) -> None:
        """Marks a row without emitting; an empty text marks none."""
        self._selected = key
        self.update()

    def item_count(self) -> int:
        return len(self._rows)

    def item_rect(self, index: int) -> QRect:
        return QRect(0, index * ROW_PX, self.width(), ROW_PX)

    def item_tooltip(self, index: int) -> str:
        return self._rows[index].tooltip

    def sizeHint(self) -> QSize:
        return QSize(240, ROW_PX * len(self._rows))

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens()
        painter = paint.smooth(self)
        for index, row in enumerate(self._rows):
            rect = QRectF(self.item_rect(index))
            if not rect.intersects(QRectF(event.rect())):
                continue
            chosen = row.key == self._selected
            if chosen or index == self._hover:
                paint.box(painter, rect, fill=theme.selected if chosen else theme.hover, radius_px=4)
            inner = rect.adjusted(8, 0, -8, 0)
            half = inner.width() * 0.5
            left = QRectF(inner.x(), inner.y(), half - 8, ROW_PX)
            paint.text(painter, left, row.title, font=ui_font(), ink=theme.text)
            bar = QRectF(inner.x() + half, inner.center().y() - BAR_PX / 2, half - FIGURE_PX, BAR_PX)
            paint.box(painter, bar, fill=theme.track, radius_px=2)
            length = max(BAR_PX, bar.width() * min(1.0, max(0.0, row.share)))
            paint.box(painter, QRectF(bar.x(), bar.y(), length, BAR_PX), fill=theme.accent, radius_px=2)
            right = QRectF(bar.right(), inner.y(), FIGURE_PX, ROW_PX)
            paint.text(painter, right, row.figure, font=ui_font(), ink=theme.muted, align=Qt.AlignmentFlag.AlignRight)
            if index == self._cursor and paint.tabbed_to(self):
                paint.focus_ring(painter, rect, 4)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.index_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self._cursor = index
            self._choose(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and self._rows:
            self._step_cursor(Qt.Key(event.key()), columns=1)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Space) and self._rows:
            self._choose(self._cursor)
        else:
            super().keyPressEvent(event)

    def _choose(self, index: int) -> None:
        key = self._rows[index].key
        self._selected = "" if key == self._selected else key
        self.update()
        self.chosen.emit(self._selected)
