"""Whether the grid shows the photo itself, for its view and for who fills it."""

from __future__ import annotations

from app.explore.grid.state import EDITS
from app.state import AppState


def has_photo(now: AppState) -> bool:
    """Whether what is edited comes from a photo."""
    return now.grid.kind == EDITS and now.look is not None and now.look.photo is not None


def whole_shows(now: AppState) -> bool:
    """Whether there is a photo to show, and it is what is wanted."""
    return has_photo(now) and now.full.wanted == "photo" and not now.grid.why
