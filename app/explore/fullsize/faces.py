"""The faces of one photo: which are edited how, by the history, and where they are."""

from __future__ import annotations

from app.explore.fullsize.state import Corners, Face, FaceEdit
from app.explore.photos.controller import PhotoController
from app.look import Look
from app.state import AppState
from engine.api import Framing, Pictures

Shas = dict[str, str]
"""The SHA-256 of models by their key."""


def photo_of(key: str, photos: PhotoController) -> str:
    """What the items of one photo have in common: the key of its first one."""
    item = photos.item(key)
    return key if item is None else item.base or item.key


def kept_looks(state: AppState) -> dict[str, tuple[Look, Pictures | None]]:
    """By photo, the newest look on the way to the current one through the history, and its decoded picture.

    So undoing takes back the edits of whichever face was edited last.
    """
    entries = {entry.number: entry for entry in state.history.entries}
    found: dict[str, tuple[Look, Pictures | None]] = {}
    at = state.history.current
    while at is not None and (entry := entries.get(at)) is not None:
        if entry.look.photo is not None:
            found.setdefault(entry.look.photo, (entry.look, entry.picture))
        at = entry.parent
    return found


def other_edits(state: AppState, photos: PhotoController, *, shas: Shas, framing: Framing) -> tuple[FaceEdit, ...]:
    """The edited faces of the photo on show but the active one, whose `framing` this is. Of two frames of one face
    the newer counts."""
    look = state.look
    if look is None or look.photo is None:
        return ()
    photo, taken, found = photo_of(look.photo, photos), [framing], []
    for key, (kept, picture) in kept_looks(state).items():
        if key == look.photo or photo_of(key, photos) != photo:
            continue
        sha = shas.get(kept.model, "")
        if photos.known(key, sha) is None:
            sha = photos.sha_of(kept)
        edit = face_edit(kept, photos, sha256=sha, picture=picture)
        if edit is None or any(same_face(edit.framing, one) for one in taken):
            continue
        taken.append(edit.framing)
        if edit.picture is None or edit.picture is not edit.base:
            found.append(edit)
    # Always in one order: the sum does not depend on it, and nothing is made anew when the active one changes back.
    return tuple(sorted(found, key=lambda one: one.key))


def face_edit(look: Look, photos: PhotoController, *, sha256: str, picture: Pictures | None) -> FaceEdit | None:
    """What is known of a face's edit; None where it is not of a photo whose framing and encoding are known."""
    item = None if look.photo is None else photos.item(look.photo)
    if item is None:
        return None
    framing, encoded = photos.framing_of(item.key), photos.encoding_of(look, sha256)
    if framing is None or encoded is None:
        return None
    base = encoded.reconstruction
    if look.request().draws(encoded.code):
        picture = base
    return FaceEdit(item.key, look, sha256, picture, base, framing, item.source)


def marked(
    now: AppState, photos: PhotoController, *, framing: Framing, others: tuple[FaceEdit, ...]
) -> tuple[Face, ...]:
    """The faces of the photo on show, by the `framing` of the active one; numbers stay those of the photo.

    The very ones of the state where they are the same.
    """
    frames: dict[int, Framing] = {}
    look = now.look
    for item in now.photos:
        if look is not None and look.photo is not None and item.key != look.photo:
            known = photos.framing_of(item.key)
            if known is not None and known.face >= 0 and photo_of(item.key, photos) == photo_of(look.photo, photos):
                frames[known.face] = known
    edited = look is not None and now.encoded is not None and not look.request().draws(now.encoded.code)
    faces, there = faces_of(framing, others, frames=frames, edited=edited), now.full.faces
    told = [[(face.number, face.corners, face.active, face.edited) for face in some] for some in (there, faces)]
    return there if told[0] == told[1] else faces


def faces_of(
    framing: Framing, others: tuple[FaceEdit, ...], *, frames: dict[int, Framing], edited: bool
) -> tuple[Face, ...]:
    """All faces of a photo, the active one last: drawn over the others. `frames` are those known by number."""
    found: list[Face] = []
    changed = {one.framing.face for one in others}
    for index, box in enumerate(framing.faces):
        if index == framing.face:
            continue
        known = frames.get(index)
        right, bottom = box.x + box.size, box.y + box.size
        corners: Corners = ((box.x, box.y), (right, box.y), (right, bottom), (box.x, bottom))
        middle = complex(box.x + box.size / 2, box.y + box.size / 2)
        if framing.face < 0 and _depth(middle, framing) < 0.35:
            # The frame that was placed by hand is this face's.
            continue
        found.append(Face(index + 1, known.corners if known is not None else corners, edited=index in changed))
    return (*found, Face(framing.face + 1, framing.corners, active=True, edited=edited))


def same_face(one: Framing, other: Framing) -> bool:
    """Whether two frames are of one face: the middle of either lies well within the other."""
    return _depth(_middle(one), other) < 0.35 and _depth(_middle(other), one) < 0.35


def _middle(framing: Framing) -> complex:
    return sum((complex(x, y) for x, y in framing.corners), 0j) / len(framing.corners)


def _depth(point: complex, framing: Framing) -> float:
    """How far from the frame's middle, in its sides."""
    corners = [complex(x, y) for x, y in framing.corners]
    return abs(point - _middle(framing)) / max(abs(corners[1] - corners[0]), 1e-6)
