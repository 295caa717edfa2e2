"""The figures of the stages, each with what a perfect model reads at the right; a click draws its curve."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QMouseEvent, QPaintEvent
from PySide6.QtWidgets import QSizePolicy

from app.lab.state import LETTERS
from app.theme import mono_font, tokens, ui_font
from app.widgets import paint
from app.widgets.painted import PaintedItems
from app.widgets.plot.inks import ink_of

ROW_PX: Final = 23
HEAD_PX: Final = 20
CELL_PX: Final = 58
RANGE_PX: Final = 104
MEDIAN_PX: Final = 48


@dataclass(frozen=True)
class Row:
    """One figure: values of all stages (None: the stage has no such figure), and the floor."""

    key: str
    title: str
    values: tuple[float | None, ...]
    floor: float
    unit: str = ""
    help: str = ""
    whole: bool = False


@dataclass(frozen=True)
class _Column:
    title: str
    left: float
    width: float
    ink: str
    font: QFont


class NumberTable(PaintedItems):
    """Emits the key of the row that was chosen."""

    chosen = Signal(str)
    handled_keys = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Return)

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[Row, ...] = ()
        self._current = ""
        self._seeded = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Numbers")

    def set_rows(self, rows: Sequence[Row], current: str, *, seeded: bool) -> None:
        """What is shown, and the row whose curve is drawn; of seeds their median and range, or a whole number each."""
        if (tuple(rows), current, seeded) != (self._rows, self._current, self._seeded):
            self._rows, self._current, self._seeded = tuple(rows), current, seeded
            self.setFixedHeight(self.sizeHint().height())
            words = (f"{row.title} {_told(row, seeded=seeded)}, floor {_shown(row, row.floor)}" for row in self._rows)
            self.setAccessibleDescription("; ".join(words))
            self.update()

    def rows(self) -> tuple[Row, ...]:
        """What is shown."""
        return self._rows

    def sizeHint(self) -> QSize:
        return QSize(260, HEAD_PX + max(1, len(self._rows)) * ROW_PX)

    def item_count(self) -> int:
        return len(self._rows)

    def item_rect(self, index: int) -> QRect:
        return QRect(0, HEAD_PX + index * ROW_PX, self.width(), ROW_PX)

    def item_tooltip(self, index: int) -> str:
        row = self._rows[index]
        unit = f" in {row.unit}" if row.unit else ""
        if self._seeded:
            unit += ": " + ", ".join(f"{LETTERS[place]} {_shown(row, value)}" for place, value in enumerate(row.values))
        return f"{row.help or row.title}{unit}. At the right: what a perfect model reads. Click: draw its curve."

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.index_at(event.position().toPoint())
        if index >= 0:
            self._cursor = index
            self.chosen.emit(self._rows[index].key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._step_cursor(key, 1)
        elif key == Qt.Key.Key_Return and self._rows:
            self.chosen.emit(self._rows[self._cursor].key)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = paint.smooth(self), tokens()
        small, right = ui_font(theme.small_px), Qt.AlignmentFlag.AlignRight
        columns = self._columns()
        for column in columns:
            box = QRectF(column.left, 0, column.width, HEAD_PX)
            paint.text(painter, box, column.title, font=small, ink=column.ink, align=right)
        paint.text(
            painter,
            QRectF(self.width() - CELL_PX, 0, CELL_PX, HEAD_PX),
            "perfect",
            font=small,
            ink=theme.faint,
            align=right,
        )
        if not self._rows:
            paint.text(painter, QRectF(0, HEAD_PX, self.width(), ROW_PX), "Measuring…", font=ui_font(), ink=theme.muted)
        for index, row in enumerate(self._rows):
            rect = QRectF(self.item_rect(index))
            if row.key == self._current:
                paint.box(painter, rect.adjusted(-6, 1, 6, -1), fill=theme.selected, radius_px=4)
            elif index == self._hover:
                paint.box(painter, rect.adjusted(-6, 1, 6, -1), fill=theme.hover, radius_px=4)
            words = QRectF(0, rect.top(), columns[0].left - 4, ROW_PX)
            title = f"{row.title}, {row.unit}" if row.unit and not self._seeded else row.title
            paint.text(painter, words, title, font=ui_font(12), ink=theme.text)
            for column, cell in zip(columns, _cells(row, seeded=self._seeded), strict=True):
                box = QRectF(column.left, rect.top(), column.width, ROW_PX)
                paint.text(painter, box, cell, font=column.font, ink=column.ink, align=right)
            box = QRectF(self.width() - CELL_PX, rect.top(), CELL_PX, ROW_PX)
            paint.text(painter, box, _shown(row, row.floor), font=mono_font(), ink=theme.faint, align=right)
            if index == self._cursor and paint.tabbed_to(self):
                paint.focus_ring(painter, rect, 4)
        painter.end()

    def _columns(self) -> list[_Column]:
        """Those between title and floor."""
        right, theme = self.width() - CELL_PX, tokens()
        if self._seeded:
            left = right - RANGE_PX
            return [
                _Column("median", left - MEDIAN_PX, MEDIAN_PX, theme.text, mono_font()),
                _Column("lowest to highest", left, RANGE_PX - 4, ink_of(0), mono_font(theme.small_px)),
            ]
        stages = max((len(row.values) for row in self._rows), default=1)
        return [
            _Column(
                LETTERS[place] if stages > 1 else "now",
                right - CELL_PX * (stages - place),
                CELL_PX - 4,
                ink_of(place) if stages > 1 else theme.text,
                mono_font(),
            )
            for place in range(stages)
        ]


def _cells(row: Row, *, seeded: bool) -> tuple[str, ...]:
    """What stands between title and floor."""
    if not seeded:
        return tuple(_shown(row, value) for value in row.values)
    known = sorted(value for value in row.values if value is not None and not math.isnan(value))
    if not known:
        return _shown(row, None), ""
    median = _shown(row, statistics.median(known))
    if row.whole:
        return median, " ".join(_shown(row, value) for value in row.values)
    return median, f"{_short(row, known[0])} to {_short(row, known[-1])}"


def _short(row: Row, value: float) -> str:
    """In five digits at most: two have to stand in one column."""
    return f"{value:.2f}".replace("-", "\u2212") if 10 <= abs(value) < 100 else _shown(row, value)


def _told(row: Row, *, seeded: bool) -> str:
    """Its values in words."""
    cells = _cells(row, seeded=seeded)
    if not seeded:
        return cells[0]
    return f"median {cells[0]}, {'each' if row.whole else 'lowest to highest'} {cells[1]}"


def _shown(row: Row, value: float | None) -> str:
    if value is None:
        return "\u2013"
    if not math.isfinite(value):
        return "\u221e" if value > 0 else "\u2212\u221e" if value < 0 else "none"
    value = round(value, 3) + 0.0
    words = f"{value:.0f}" if row.whole else f"{round(value, 3) + 0.0:.3f}" if abs(value) < 100 else f"{value:,.0f}"
    return words.replace("-", "\u2212")
