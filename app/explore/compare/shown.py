"""Whether Compare shows the photo itself, for its view and for who draws it."""

from __future__ import annotations

from app.state import AppState


def whole_shows(now: AppState) -> bool:
    """Whether there is a photo, it can be shown, and it is what is wanted."""
    return now.full.wanted == "photo" and now.photo is not None and not now.comparison.why
