"""Whether Morph shows photos, and which of its corners have none."""

from __future__ import annotations

from app.explore.morph.path import LETTERS, filled
from app.explore.morph.state import MorphState
from app.state import AppState


def whole_shows(state: AppState) -> bool:
    """Whether Morph shows photos: they are wanted, and a corner is one."""
    return state.full.wanted == "photo" and not state.morph.why and has_photo(state.morph)


def has_photo(morph: MorphState) -> bool:
    """Whether a corner of the path is a photo."""
    return any(slot.has_photo for slot in map(morph.slots.__getitem__, filled(morph)) if slot is not None)


def soft_words(morph: MorphState) -> str:
    """Which corners have no photo, in words; empty where all have one."""
    letters = [LETTERS[i] for i in filled(morph) if (slot := morph.slots[i]) is not None and not slot.has_photo]
    if not letters:
        return ""
    if len(letters) == 1:
        return f"{letters[0]} has no photo: that end is as soft as the model"
    return f"{' and '.join(letters)} have no photo: those ends are as soft as the model"
