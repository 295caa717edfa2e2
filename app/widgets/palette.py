"""The command palette: type a few letters of anything the window can do, Enter does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QWidget

from app.theme import mono_font, tokens, ui_font
from app.widgets import paint
from app.widgets.layout import vbox

WIDTH_PX: Final = 620
ROW_PX: Final = 34
ROWS: Final = 11
TOP_PX: Final = 72


@dataclass(frozen=True)
class PaletteItem:
    """One thing to do. `group` stands before the title, `detail` after it; `keys` does it without the palette."""

    key: str
    title: str
    group: str = ""
    detail: str = ""
    keys: str = ""


def matches(items: Sequence[PaletteItem], query: str) -> list[PaletteItem]:
    """The items in which every word of the query occurs, best first; all of them, in their order, without a query."""
    words = query.lower().split()
    scored = []
    for index, item in enumerate(items):
        scores = [_score(word, item) for word in words]
        if all(score > 0 for score in scores):
            scored.append((-sum(scores), index, item))
    return [item for _, _, item in sorted(scored, key=lambda one: one[:2])]


def _score(word: str, item: PaletteItem) -> int:
    """How well a word fits: start of the title, of one of its words, inside it, around it, its letters in order."""
    title, around = item.title.lower(), f"{item.group} {item.detail}".lower()
    if title.startswith(word):
        return 100
    if any(part.startswith(word) for part in title.split()):
        return 80
    if word in title:
        return 60
    if word in around:
        return 40
    letters = iter(title)
    return 10 if len(word) > 1 and all(letter in letters for letter in word) else 0


class _Rows(QWidget):
    """The rows in sight, painted."""

    chosen = Signal(int)
    moved = Signal(int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.items: list[PaletteItem] = []
        self.current = 0
        self.first = 0
        self.setMouseTracking(True)
        self.setFixedHeight(ROW_PX * ROWS)

    def show_items(self, items: list[PaletteItem]) -> None:
        self.items, self.current, self.first = items, 0, 0
        self.update()

    def move_to(self, index: int) -> None:
        if not self.items:
            return
        self.current = index % len(self.items)
        self.first = min(max(self.first, self.current - ROWS + 1), self.current)
        self.update()
        self.moved.emit(self.current)

    def _at(self, y: float) -> int:
        index = self.first + int(y // ROW_PX)
        return index if index < min(len(self.items), self.first + ROWS) else -1

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        index = self._at(event.position().y())
        if index >= 0 and index != self.current:
            self.current = index
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self._at(event.position().y())
        if index >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(index)

    def wheelEvent(self, event: QWheelEvent) -> None:
        step = -1 if event.angleDelta().y() > 0 else 1
        self.first = min(max(0, self.first + step), max(0, len(self.items) - ROWS))
        self.current = min(max(self.current, self.first), self.first + ROWS - 1)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = tokens(), paint.smooth(self)
        if not self.items:
            paint.text(
                painter, QRectF(12, 0, self.width(), ROW_PX), "Nothing is called so.", font=ui_font(), ink=theme.muted
            )
        for row, item in enumerate(self.items[self.first : self.first + ROWS]):
            self._paint_row(painter, row, item, here=self.first + row == self.current)
        painter.end()

    def _paint_row(self, painter: QPainter, row: int, item: PaletteItem, *, here: bool) -> None:
        theme = tokens()
        rect = QRectF(0, row * ROW_PX, self.width(), ROW_PX)
        if here:
            paint.box(painter, rect.adjusted(0, 1, 0, -1), fill=theme.selected)
        x, right = 12.0, rect.right() - 12
        if item.keys:
            width = paint.width_of(item.keys, mono_font())
            paint.text(
                painter,
                QRectF(right - width, rect.y(), width + 2, ROW_PX),
                item.keys,
                font=mono_font(),
                ink=theme.muted,
            )
            right -= width + 16
        if item.group:
            paint.text(painter, QRectF(x, rect.y(), 92, ROW_PX), item.group, font=ui_font(), ink=theme.faint)
        x += 100
        width = min(paint.width_of(item.title, ui_font()) + 2, right - x)
        paint.text(painter, QRectF(x, rect.y(), width, ROW_PX), item.title, font=ui_font(), ink=theme.text)
        x += width + 12
        if item.detail and right - x > 40:
            paint.text(painter, QRectF(x, rect.y(), right - x, ROW_PX), item.detail, font=ui_font(), ink=theme.muted)


class Palette(QFrame):
    """Lies over the window while it is open; Escape or a click beside it closes it."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("kind", "card")
        self.setFixedWidth(WIDTH_PX)
        self.setAccessibleName("Commands")
        self._items: tuple[PaletteItem, ...] = ()
        self.field = QLineEdit(placeholderText="Type what to do, open or set")
        self.field.setToolTip("Up and Down choose, Enter does it, Escape closes.")
        self.field.setAccessibleName("Command")
        self.rows = _Rows(self)
        self.setLayout(vbox(self.field, self.rows, gap_px=8, margins=(12, 12, 12, 12)))
        self.field.textChanged.connect(self._search)
        self.field.installEventFilter(self)
        self.rows.chosen.connect(self._choose)
        self.hide()

    def open_with(self, items: Sequence[PaletteItem]) -> None:
        """Shows the palette with these items."""
        self._items = tuple(items)
        self.field.setText("")
        self._search("")
        parent = self.parentWidget()
        assert parent is not None
        self.adjustSize()
        self.move((parent.width() - self.width()) // 2, min(TOP_PX, max(0, parent.height() - self.height())))
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.PopupFocusReason)

    def shown(self) -> list[PaletteItem]:
        """The items that match what was typed, best first."""
        return list(self.rows.items)

    def _search(self, text: str) -> None:
        self.rows.show_items(matches(self._items, text))

    def _choose(self, index: int) -> None:
        if 0 <= index < len(self.rows.items):
            item = self.rows.items[index]
            self.hide()
            self.chosen.emit(item.key)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.field and event.type() == QEvent.Type.FocusOut:
            self.hide()
        if watched is self.field and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: ROWS - 1, Qt.Key.Key_PageUp: 1 - ROWS}
            key = Qt.Key(event.key())
            if key in steps:
                self.rows.move_to(self.rows.current + steps[key])
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._choose(self.rows.current)
                return True
            if key == Qt.Key.Key_Escape:
                self.hide()
                return True
        return super().eventFilter(watched, event)

    def row_point(self, index: int) -> QPointF:
        """The middle of a row in sight, in the rows' pixels."""
        return QPointF(self.rows.width() / 2, (index - self.rows.first + 0.5) * ROW_PX)
