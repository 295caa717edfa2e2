"""What stands left of the split handle."""

from __future__ import annotations

from app.state import AppState
from engine.api import Pictures


def reference_of(state: AppState) -> tuple[str, Pictures | None]:
    """Name and picture (H, W, 3), None while it was not drawn: the chosen one, or the state before the current one.

    While a slider is dragged the state before is the last settled one, and it stays so when the drag is settled.
    """
    split, history = state.split, state.history
    if split.bookmark is not None:
        return split.bookmark.name, split.bookmark.picture
    entries = {entry.number: entry for entry in history.entries}
    found = None if split.entry is None else entries.get(split.entry)
    if found is None:
        here = history.here()
        if here is None:
            return "Before", None
        settled = state.look is None or state.look == here.look
        found = entries.get(here.parent, here) if settled and here.parent is not None else here
    return found.look.text(), found.picture
