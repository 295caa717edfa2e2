"""The list of runs: cards that can be marked for a comparison and acted on by keys; says which are on screen."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QMouseEvent, QPaintEvent

from app.widgets.cards import ROW_PX, CardList

SETTLE_MS: Final = 60
KEY_ACTIONS: Final = {Qt.Key.Key_Delete: "delete", Qt.Key.Key_F2: "rename"}


class RunList(CardList):
    """``markWanted(key, on)`` by Ctrl and a click, or Space; ``actionTriggered`` also by keys; ``seen``: on screen."""

    markWanted = Signal(str, bool)
    seen = Signal(list)
    handled_keys: tuple[Qt.Key, ...] = (*CardList.handled_keys, *KEY_ACTIONS)

    def __init__(self, *, empty_text: str = "") -> None:
        super().__init__(empty_text=empty_text)
        self._told: list[str] = []
        self._timer = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._timer.timeout.connect(self._tell)
        self.setToolTip(
            "Up and Down move, Enter shows, Space (or Ctrl and a click) marks for comparing, F2 renames, "
            "Delete moves to the trash, the Menu key shows more."
        )

    def cursor_key(self) -> str | None:
        """The key of the row that keys act on."""
        cards = self.cards()
        return cards[self._cursor].key if 0 <= self._cursor < len(cards) else None

    def visible_keys(self) -> list[str]:
        """The keys of the rows that are on screen."""
        shown = self.visibleRegion().boundingRect()
        if shown.isEmpty():
            return []
        first, last = max(0, shown.top() // ROW_PX), shown.bottom() // ROW_PX
        return [card.key for card in self.cards()[first : last + 1]]

    def _tell(self) -> None:
        keys = self.visible_keys()
        if keys != self._told:
            self._told = keys
            self.seen.emit(keys)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.visible_keys() != self._told and not self._timer.isActive():
            self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def _flip(self, index: int) -> None:
        card = self.cards()[index]
        if not card.dim:
            self.markWanted.emit(card.key, not card.marked)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        index = self.index_at(event.position().toPoint())
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier and event.button() == Qt.MouseButton.LeftButton:
            if index >= 0:
                self._flip(index)
            return
        super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, at = Qt.Key(event.key()), self.cursor_key()
        if at is not None and key == Qt.Key.Key_Space:
            self._flip(self._cursor)
        elif at is not None and key in KEY_ACTIONS:
            self.actionTriggered.emit(at, KEY_ACTIONS[key])
        else:
            super().keyPressEvent(event)
