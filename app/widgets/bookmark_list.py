"""Rows of kept states: a click goes there, F2 or a double click renames, Delete takes away."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent

from app.widgets.cards import Card, CardList
from app.widgets.inline_edit import NameEdit


class BookmarkList(CardList):
    """Cards with a name that can be changed in place."""

    renamed = Signal(str, str)
    removed = Signal(str)
    handled_keys: tuple[Qt.Key, ...] = (*CardList.handled_keys, Qt.Key.Key_F2, Qt.Key.Key_Delete)

    def __init__(self) -> None:
        super().__init__()
        self._editor: NameEdit | None = None
        self.setToolTip("Enter goes there, F2 renames, Delete takes away.")

    def set_cards(self, cards: Sequence[Card]) -> None:
        """Replace all rows; a name that is being typed is left."""
        self._end_edit()
        super().set_cards(cards)

    def begin_edit(self, key: str) -> NameEdit:
        """Opens the field over the name of ``key``; raises KeyError when there is none."""
        self._end_edit()
        rect = self.card_rect(key)
        card = next(card for card in self.cards() if card.key == key)
        editor = NameEdit(card.title, keeps=True, parent=self)
        editor.setProperty("kind", "")
        editor.setAccessibleName("Name")
        editor.setToolTip("Enter keeps the name, Escape leaves it as it was.")
        editor.setGeometry(rect.x() + 50, rect.y() + 5, rect.width() - 54, 28)
        editor.closed.connect(lambda name: self._closed(key, name))
        editor.show()
        editor.setFocus()
        self._editor = editor
        return editor

    def editor(self) -> NameEdit | None:
        """The field that is open, or None."""
        return self._editor

    def _closed(self, key: str, name: str) -> None:
        self._editor = None
        self.renamed.emit(key, name)

    def _end_edit(self) -> None:
        editor, self._editor = self._editor, None
        if editor is not None:
            editor.blockSignals(True)
            editor.hide()
            editor.deleteLater()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        index = self.index_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self._cursor = -1
            self.begin_edit(self.cards()[index].key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        here = self.cards()[self._cursor].key if 0 <= self._cursor < len(self.cards()) else None
        if event.key() == Qt.Key.Key_F2 and here is not None:
            self.begin_edit(here)
        elif event.key() == Qt.Key.Key_Delete and here is not None:
            self.removed.emit(here)
        else:
            super().keyPressEvent(event)
