"""Photos or what the model sees of them: where there is that choice, and the line beside it."""

from __future__ import annotations

from typing import Final

from app.explore.compare.shown import whole_shows as compare_whole
from app.explore.grid.shown import has_photo as has_photo_in_grid
from app.explore.grid.shown import whole_shows as grid_whole
from app.explore.morph.shown import has_photo, soft_words, whole_shows
from app.state import AppState

HINTS: Final = {
    "compare": "sliders and path drive every row",
    "grid": "a click takes one, a double click shows it large",
    "morph": "click a corner, then a photo at the left",
}


def photo_choice(now: AppState) -> tuple[bool, str, str]:
    """Whether the view on show has photos, why they cannot be shown (else empty), and the line beside the views."""
    words = HINTS.get(now.view, f"drag to wander · wheel: reach {now.reach:.1f} rad")
    if now.view == "single":
        photo, why = now.look is not None and now.look.photo is not None, now.full.why
        if not photo:
            return False, "", words
        # What a drag on the photo does stands on it: in a small window there is no room beside the switch.
        return True, why, why or ("" if now.full.wanted == "photo" else words)
    if now.view == "morph":
        why = now.morph.why
        return has_photo(now.morph), why, why or (soft_words(now.morph) if whole_shows(now) else "") or words
    if now.view == "compare":
        why = now.comparison.why
        return now.photo is not None, why, why or words
    if now.view == "grid":
        why = now.grid.why
        return has_photo_in_grid(now), why, (why if has_photo_in_grid(now) else "") or words
    return False, "", words


def shown_in_full(now: AppState) -> bool:
    """Whether the view on show has all of its pictures, photos too."""
    if now.view == "compare":
        whole = compare_whole(now)
        sharp = ((row.close is not None and row.close.fine) or not whole for row in now.compare if row.status == "done")
        return all(row.status in ("done", "failed") for row in now.compare) and all(sharp)
    if now.view == "grid":
        cells = now.grid.cells
        return now.grid.pictures is not None and not (
            grid_whole(now) and any(c is None or c.whole is None for c in cells)
        )
    if now.view == "morph":
        morph = now.morph
        small = morph.whole_strip is not None and morph.tiles is not None
        photos = morph.whole is not None and morph.whole.fine and small
        return morph.strip is not None and morph.picture is not None and (photos or not whole_shows(now))
    return not now.drawing
