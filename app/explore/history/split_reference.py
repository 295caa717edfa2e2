"""What stands left of the split handle."""

from __future__ import annotations

from app.explore.history.history import Entry
from app.look import Look
from app.state import AppState
from engine.api import Pictures


def reference_of(state: AppState) -> tuple[str, Pictures | None]:
    """Name and picture (H, W, 3), None while it was not drawn: the chosen one, or the state before the current one.

    While a slider is dragged the state before is the last settled one, and it stays so when the drag is settled.
    """
    if state.split.bookmark is not None:
        return state.split.bookmark.name, state.split.bookmark.picture
    found = _entry(state)
    return ("Before", None) if found is None else (found.look.text(), found.picture)


def reference_look(state: AppState) -> Look | None:
    """The look of that state; None while there is none before."""
    if state.split.bookmark is not None:
        return state.split.bookmark.look
    found = _entry(state)
    return None if found is None else found.look


def _entry(state: AppState) -> Entry | None:
    split, history = state.split, state.history
    entries = {entry.number: entry for entry in history.entries}
    found = None if split.entry is None else entries.get(split.entry)
    if found is None:
        here = history.here()
        if here is None:
            return None
        settled = state.look is None or state.look == here.look
        found = entries.get(here.parent, here) if settled and here.parent is not None else here
    return found
