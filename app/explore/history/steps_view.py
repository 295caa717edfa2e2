"""The history under the large picture: its filmstrip, the star that keeps a state, and the split switch."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QMenu, QWidget

from app.explore.history.history import Entry
from app.explore.photos.state import PhotoItem
from app.explore.shortcuts import keys_text
from app.state import AppState, moved
from app.widgets.buttons import button
from app.widgets.form import Section
from app.widgets.layout import vbox
from app.widgets.strip import Frame, Strip


class StepsPanel(QWidget):
    """Emits the number of an entry of the history."""

    jumped = Signal(int)
    splitWanted = Signal(int)
    splitBefore = Signal()
    keepEntryWanted = Signal(int)

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.strip = Strip(thumb_px=56, linked=True, empty_text="Each change leaves a picture here to come back to.")
        self.strip.selected.connect(self._jump)
        self.strip.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.strip.customContextMenuRequested.connect(self._open_menu)
        self._numbers: list[int] = []
        self.star = button("☆ Keep", f"Keep this state as a bookmark ({keys_text('bookmark.keep')})", kind="quiet")
        self.split = button(
            "Split",
            f"Show two states over one square ({keys_text('view.split')}); right click a step to choose the other",
            kind="quiet",
            checkable=True,
        )
        section = Section("History", collapsible=False)
        section.add_action(self.star)
        section.add_action(self.split)
        section.add(self.strip)
        self.setLayout(vbox(section, gap_px=0))

    def numbers(self) -> list[int]:
        """The entries' numbers in the order of the strip."""
        return self._numbers

    def _jump(self, index: int) -> None:
        if 0 <= index < len(self._numbers):
            self.jumped.emit(self._numbers[index])

    def _open_menu(self, spot: QPoint) -> None:
        index = self.strip.index_at(spot)
        menu = self.menu_for(index if index >= 0 else self.strip.selected_index())
        if menu is not None:
            menu.exec(self.strip.mapToGlobal(spot))
            menu.deleteLater()

    def menu_for(self, index: int) -> QMenu | None:
        """The context menu of one step; the caller shows and deletes it."""
        if not 0 <= index < len(self._numbers):
            return None
        menu, number = QMenu(self), self._numbers[index]
        menu.addAction("Go here", lambda: self.jumped.emit(number))
        menu.addAction("Compare with this", lambda: self.splitWanted.emit(number))
        menu.addAction("Compare with the state before", self.splitBefore.emit)
        menu.addSeparator()
        menu.addAction("Keep as bookmark", lambda: self.keepEntryWanted.emit(number))
        return menu

    def show_state(self, now: AppState, before: AppState | None) -> None:
        """Shows the state."""
        if moved(now, before, "history", "photos"):
            history, faces = now.history, face_numbers(now.photos)
            way = history.way()
            self._numbers = [entry.number for entry in history.entries]
            frames = [
                Frame(
                    entry.picture,
                    branch=branch,
                    tooltip=_tooltip(entry, faces.get(entry.look.photo or "", 0)),
                    number=faces.get(entry.look.photo or "", 0),
                    faint=entry.number not in way,
                )
                for entry, branch in zip(history.entries, history.branches(), strict=True)
            ]
            self.strip.set_frames(frames)
            self.strip.set_selected(-1 if history.current is None else self._numbers.index(history.current))
        if moved(now, before, "look", "bookmarks"):
            kept = any(mark.look == now.look for mark in now.bookmarks)
            self.star.setText("★ Kept" if kept else "☆ Keep")
            self.star.setEnabled(now.look is not None)
        if moved(now, before, "split"):
            self.split.setChecked(now.split.on)


def face_numbers(photos: Sequence[PhotoItem]) -> dict[str, int]:
    """The number of its face, from 1, for the key of each photo that has several; one placed by hand has none."""
    several = {item.base or item.key for item in photos if item.faces > 1}
    return {
        item.key: item.cut.face + 1
        for item in photos
        if (item.base or item.key) in several and item.cut.align in ("auto", "face") and not item.cut.points
    }


def _tooltip(entry: Entry, face: int) -> str:
    words = f"{entry.label}: {entry.look.text()}"
    return f"Face {face}, {words}" if face else words
