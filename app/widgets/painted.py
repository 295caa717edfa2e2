"""Bases of the widgets that paint themselves: hover, focus and keys are handled once."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from PySide6.QtCore import QEvent, QPoint, QRect, Qt
from PySide6.QtGui import QFocusEvent, QHelpEvent, QMouseEvent
from PySide6.QtWidgets import QToolTip, QWidget

from app.widgets import paint

Key = Qt.Key
STEP_KEYS: Final = {
    **{Key.Key_Left: -1, Key.Key_Down: -1, Key.Key_Right: 1, Key.Key_Up: 1},
    **{Key.Key_PageDown: -10, Key.Key_PageUp: 10},
}
"""How many steps a key goes, on whatever slides."""
ARROWS: Final = {Key.Key_Left: (-1, 0), Key.Key_Right: (1, 0), Key.Key_Up: (0, -1), Key.Key_Down: (0, 1)}
"""Which way an arrow points, rightwards and downwards."""
CHOOSING: Final = (Key.Key_Return, Key.Key_Space)
"""What chooses the item under the cursor."""


class Painted(QWidget):
    """A widget that paints itself, shows its focus and keeps its keys from the window's shortcuts."""

    handled_keys: Collection[Qt.Key] = ()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def event(self, event: QEvent) -> bool:
        return paint.keeps_key(event, self.handled_keys) or super().event(event)


class PaintedItems(Painted):
    """A widget that paints numbered items itself; subclasses say where they are and what they mean."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hover, self._cursor = -1, 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)

    def index_at(self, spot: QPoint) -> int:
        """The item under ``spot`` (widget pixels), or -1."""
        return next((i for i in range(self.item_count()) if self.item_rect(i).contains(spot)), -1)

    def item_count(self) -> int:
        """How many items there are."""
        return 0

    def item_rect(self, index: int) -> QRect:
        """Where item ``index`` is, in widget pixels."""
        return QRect()

    def item_tooltip(self, index: int) -> str:
        """The tooltip of one item; empty falls back to the widget's own."""
        return ""

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._set_hover(self.index_at(event.position().toPoint()))

    def leaveEvent(self, event: QEvent) -> None:
        self._set_hover(-1)

    def _step_cursor(self, key: Qt.Key, columns: int) -> None:
        """Moves the keyboard's place by an arrow among items in so many columns; at an edge it stays."""
        right, down = ARROWS[key]
        if 0 <= self._cursor + right + down * columns < self.item_count():
            self._cursor += right + down * columns
        self.update()

    def _set_hover(self, index: int) -> None:
        if index != self._hover:
            self._hover = index
            self.update()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = self.index_at(event.pos())
            words = self.item_tooltip(index) if index >= 0 else ""
            if words:
                QToolTip.showText(event.globalPos(), words, self, self.item_rect(index))
                return True
        return super().event(event)
