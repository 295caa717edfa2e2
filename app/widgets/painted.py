"""Bases of the widgets that paint themselves: hover, focus and keys are handled once."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from PySide6.QtCore import QEvent, QPoint, QRect, Qt
from PySide6.QtGui import QFocusEvent, QHelpEvent, QMouseEvent
from PySide6.QtWidgets import QToolTip, QWidget

from app.widgets import paint

STEP_KEYS: Final = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Down: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_Up: 1,
    Qt.Key.Key_PageDown: -10,
    Qt.Key.Key_PageUp: 10,
}
"""How many steps a key goes, on whatever slides."""


class Painted(QWidget):
    """A widget that paints itself and shows its focus."""

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()


class PaintedItems(Painted):
    """A widget that paints numbered items itself; subclasses say where they are and what they mean."""

    handled_keys: Collection[Qt.Key] = ()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hover = -1
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
        return paint.keeps_key(event, self.handled_keys) or super().event(event)
