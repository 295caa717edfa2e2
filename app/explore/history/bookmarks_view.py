"""The bookmarks in the library's panel; hidden while there are none."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.explore.history.state import Bookmark
from app.state import AppState, moved
from app.widgets.bookmark_list import BookmarkList
from app.widgets.cards import Card
from app.widgets.form import Section
from app.widgets.layout import vbox

ACTIONS: Final = (("go", "Go there"), ("split", "Compare with this"), ("rename", "Rename…"), ("remove", "Delete"))


class BookmarksPanel(QWidget):
    """Emits the place of a bookmark in the list."""

    chosen = Signal(int)
    renamed = Signal(int, str)
    removed = Signal(int)
    splitWanted = Signal(int)

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list = BookmarkList()
        self.list.activated.connect(lambda key: self.chosen.emit(int(key)))
        self.list.renamed.connect(lambda key, name: self.renamed.emit(int(key), name))
        self.list.removed.connect(lambda key: self.removed.emit(int(key)))
        self.list.actionTriggered.connect(self._act)
        section = Section("Bookmarks")
        section.add(self.list)
        self.setLayout(vbox(section, gap_px=0))

    def _act(self, key: str, action: str) -> None:
        if action == "rename":
            self.list.begin_edit(key)
        else:
            {"go": self.chosen, "split": self.splitWanted, "remove": self.removed}[action].emit(int(key))

    def show_state(self, now: AppState, before: AppState | None) -> None:
        """Shows the state."""
        if moved(now, before, "bookmarks", "models"):
            self.setVisible(bool(now.bookmarks))
            self.list.set_cards([_card(index, mark, now) for index, mark in enumerate(now.bookmarks)])
        if moved(now, before, "bookmarks", "look"):
            here = next((str(i) for i, mark in enumerate(now.bookmarks) if mark.look == now.look), None)
            self.list.set_selected(here)


def _card(index: int, mark: Bookmark, now: AppState) -> Card:
    title = next((card.title for card in now.models or () if card.key == mark.look.model), "")
    what = mark.look.text()
    under = title if what == mark.name else what
    return Card(
        str(index), mark.name, under, mark.picture, tooltip=f"{mark.name}\n{what}\n{title}".strip(), actions=ACTIONS
    )
