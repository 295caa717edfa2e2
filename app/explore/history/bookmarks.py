"""Bookmarks: looks kept by name, and the split handle that shows one of them beside the current picture."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from PySide6.QtCore import QObject

from app.core.notices import NO_PICTURE, Message
from app.core.store import Store
from app.explore.controller import ExploreController
from app.explore.history.state import Bookmark
from app.look import Look
from app.state import AppState
from app.words import nice, signed

NAME_LENGTH: Final = 80


class BookmarksController(QObject):
    """Keeps looks, goes back to them, names and deletes them; a bookmark is meant by its place in the list."""

    def __init__(self, store: Store, explore: ExploreController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._explore = store, explore
        self.split = partial(store.change, "split")
        self._keeping = False
        store.changed.connect(self._changed)

    # keeping
    def keep(self) -> None:
        """The current look with its picture; while that is still being drawn, as soon as it is there."""
        store, state = self._store, self._store.state
        if state.look is None or state.drawn is None:
            store.notices.say(NO_PICTURE)
            return
        known = next((mark for mark in state.bookmarks if mark.look == state.look), None)
        if known is not None:
            store.notices.info(f"This is kept already, as {known.name}.")
        elif state.drawn.request != state.look.request():
            self._keeping = True
        else:
            name = short_name(state.look)
            mark = Bookmark(name, state.look, state.drawn.picture)
            # The new row at the left says it; a notice line would push the whole window down.
            store.update(bookmarks=(*state.bookmarks, mark), status=f"Kept as {name}")

    def _changed(self, before: AppState, now: AppState) -> None:
        if self._keeping and not now.drawing and now.drawn is not before.drawn:
            self._keeping = False
            self.keep()

    def keep_entry(self, number: int) -> None:
        """A step of the history, as it was."""
        state = self._store.state
        entry = next((entry for entry in state.history.entries if entry.number == number), None)
        if entry is None or entry.picture is None:
            self._store.notices.say(NO_PICTURE)
            return
        mark = Bookmark(short_name(entry.look), entry.look, entry.picture)
        self._store.update(bookmarks=(*state.bookmarks, mark), status=f"Kept as {mark.name}")

    # the list
    def go(self, index: int) -> None:
        """Back to a bookmark, as a step of the history."""
        mark = self._mark(index)
        if mark is not None:
            self._explore.step_to(mark.look, mark.name)

    def rename(self, index: int, name: str) -> None:
        """Another name; an empty one changes nothing."""
        mark, words = self._mark(index), " ".join(name.split())[:NAME_LENGTH]
        if mark is not None and words and words != mark.name:
            self._put(index, (replace(mark, name=words),))

    def remove(self, index: int) -> None:
        """Takes a bookmark away; the notice brings it back."""
        mark = self._mark(index)
        if mark is None:
            return
        self._put(index, ())

        def undo() -> None:
            marks = self._store.state.bookmarks
            if all(other is not mark for other in marks):
                at = min(index, len(marks))
                self._store.update(bookmarks=(*marks[:at], mark, *marks[at:]))

        self._store.notices.say(Message(f"Deleted the bookmark {mark.name}.", action="Undo", act=undo))

    def _mark(self, index: int) -> Bookmark | None:
        marks = self._store.state.bookmarks
        return marks[index] if 0 <= index < len(marks) else None

    def _put(self, index: int, new: tuple[Bookmark, ...]) -> None:
        marks = self._store.state.bookmarks
        self._store.update(bookmarks=(*marks[:index], *new, *marks[index + 1 :]))

    # the split handle
    def toggle_split(self) -> None:
        """Two states over one square, or the current one alone."""
        on = not self._store.state.split.on
        self.split(on=on)
        if on and self._store.state.view != "single":
            self._store.update(workspace="explore", view="single")

    def split_bookmark(self, index: int) -> None:
        """A bookmark to the left of the handle."""
        mark = self._mark(index)
        if mark is not None:
            self.split(on=True, entry=None, bookmark=mark)
            self._store.update(workspace="explore", view="single")


def short_name(look: Look) -> str:
    """What a bookmark is called at first: its edits, or where its code comes from when there are none."""
    return ", ".join(f"{nice(name)} {signed(value)} σ" for name, value in look.edits) or look.text()
