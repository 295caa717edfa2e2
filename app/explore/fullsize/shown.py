"""Whether Single shows the photo itself: for its view, and for who saves what is on show."""

from __future__ import annotations

from app.state import AppState


def photo_shows(now: AppState) -> bool:
    """Whether there is a photo to show at its own size, and it is what is wanted."""
    photo = now.look is not None and now.look.photo is not None
    return photo and now.full.wanted == "photo" and not now.full.why and now.blended is not None


def photo_waits(now: AppState) -> bool:
    """Whether the photo is wanted and will be there in a moment: its code is known, and it is being made ready."""
    of_photo = now.look is not None and now.look.photo is not None and now.look.photo == now.photo
    wanted = now.full.wanted == "photo" and not now.full.why
    # Of some photos only the cut was kept: there is nothing to come.
    return of_photo and wanted and now.loaded is not None and now.encoded is not None and now.blended is None


def photo_is_seen(now: AppState) -> bool:
    """Whether somebody looks at Single's photo, or would if it were there."""
    return now.workspace == "explore" and now.view == "single" and now.full.wanted == "photo"
