"""What a session file keeps of the window, and how it finds its models and photos again on another machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

from app.core.model_host import run_of
from app.explore.compare.state import Comparison
from app.explore.framing.cut import FIRST_CUT
from app.explore.history.history import History
from app.explore.history.state import Bookmark
from app.explore.morph.state import MorphExport, MorphSlot, MorphTiming
from app.explore.photos.state import NO_THUMB, THUMB_PX, PhotoItem, resized_half
from app.explore.sessions.codec import Reader, Writer
from app.explore.sessions.originals import Originals, SavedOriginal, check_originals, cut_in_copy, is_unchanged
from app.look import Look
from app.state import AppState
from engine.api import Cut, Encoded, Loaded, ModelCard, Pictures, Sampled
from engine.checkpoints import LoomFile
from engine.errors import CheckpointError
from engine.files.disk import reason

MORPH_TIMING: Final = MorphTiming()
MORPH_EXPORT: Final = MorphExport()
COMPARISON: Final = Comparison()
T = TypeVar("T")


@dataclass(frozen=True)
class SavedModel:
    """A model that the session needs; the file itself stays where it is."""

    ref: str
    title: str
    sha256: str
    family: str
    image_size: int

    def text(self) -> str:
        """``Faces Glow 64 (flow, 64 px, 3f2a9c01b2d4)``."""
        return f"{self.title} ({self.family}, {self.image_size} px, {self.sha256[:12]})"


@dataclass(frozen=True)
class SavedPhoto:
    """A photo of the session. `aligned` counts in the file's photos; `shipped` names a portrait of the box.

    `original` is its file in the session, and `sha256` of the one at `path`; None and empty where none is kept. `faces`
    were found in it.
    """

    key: str
    name: str
    shipped: str
    path: str
    aligned: tuple[int, ...]
    note: str = ""
    how: str = ""
    cut: Cut = FIRST_CUT
    base: str = ""
    listed: bool = True
    original: SavedOriginal | None = None
    sha256: str = ""
    faces: int = 0


@dataclass(frozen=True, eq=False)
class SavedEncoding:
    """What a model made of a photo, so that nothing is searched again."""

    photo: str
    sha256: str
    encoded: Encoded


@dataclass(frozen=True, eq=False)
class Session:
    """All that is kept. Keys of models and photos are those of the machine that wrote it until `moved_here`."""

    look: Look | None
    history: History
    bookmarks: tuple[Bookmark, ...] = ()
    view: str = "single"
    seed: int = 0
    temperature: tuple[float, ...] = (1.0,)
    reach: float = 1.0
    slots: tuple[MorphSlot | None, ...] = (None, None)
    method: str = "slerp"
    fraction: float = 0.5
    timing: MorphTiming = MORPH_TIMING
    export: MorphExport = MORPH_EXPORT
    background: str = "faded"
    comparison: Comparison = COMPARISON
    models: tuple[SavedModel, ...] = ()
    photos: tuple[SavedPhoto, ...] = ()
    encodings: tuple[SavedEncoding, ...] = ()


@dataclass(frozen=True, eq=False)
class Kept:
    """What the photo controller remembers beside the state: aligned pictures and encodings by photo."""

    loaded: Mapping[str, tuple[Loaded, ...]]
    encoded: Mapping[tuple[str, str], Encoded]


@dataclass(frozen=True, eq=False)
class Restored:
    """A session with the keys of this machine. `missing`: sentences about what is not here, or not as it was."""

    session: Session
    photos: tuple[PhotoItem, ...]
    loaded: Mapping[str, tuple[Loaded, ...]]
    missing: tuple[str, ...]


def _looks(state: AppState) -> list[Look]:
    looks = [entry.look for entry in state.history.entries] + [mark.look for mark in state.bookmarks]
    return looks + ([state.look] if state.look is not None else [])


def photos_of(state: AppState) -> tuple[PhotoItem, ...]:
    """The photos that the session of this state needs: the person's own, and those of the box that were used."""
    slots = [slot for slot in state.morph.slots if slot is not None]
    used = {look.photo for look in _looks(state)} | {slot.photo for slot in slots} | {slot.edit_of for slot in slots}
    return tuple(item for item in state.photos if item.key in used or not item.shipped)


def pack(state: AppState, kept: Kept, shas: Mapping[str, str], *, originals: Originals) -> LoomFile:
    """The session of this state as a file. `shas` are the SHA-256 of models by their key, as far as they are known."""
    pictures: list[Pictures] = []
    photos = []
    for item in photos_of(state):
        loaded = kept.loaded.get(item.key, ())
        aligned = tuple(range(len(pictures), len(pictures) + len(loaded)))
        pictures += [one.picture for one in loaded]
        path = str(item.source) if isinstance(item.source, Path) else ""
        shipped = Path(item.key).name if item.shipped else ""
        words = loaded[0] if loaded else None
        photos.append(
            SavedPhoto(
                item.key,
                item.name,
                shipped,
                path,
                aligned,
                words.note if words else "",
                words.how if words else "",
                item.cut,
                item.base,
                item.listed,
                originals.by_key.get(item.key),
                originals.on_disk.get(item.key, ""),
                item.faces,
            )
        )
    used = {photo.key for photo in photos}
    refs = {look.model for look in _looks(state)} | set(state.comparison.models or ())
    session = Session(
        look=state.look,
        history=state.history,
        bookmarks=state.bookmarks,
        view=state.view,
        seed=state.seed,
        temperature=state.temperature,
        reach=state.reach,
        slots=tuple(None if slot is None else replace(slot, busy=False) for slot in state.morph.slots),
        method=state.morph.method,
        fraction=state.morph.fraction,
        timing=state.morph.timing,
        export=state.morph.export,
        background=state.morph.background,
        comparison=state.comparison,
        models=tuple(_saved_model(ref, state, shas) for ref in sorted(refs)),
        photos=tuple(photos),
        encodings=tuple(SavedEncoding(*at, found) for at, found in kept.encoded.items() if at[0] in used),
    )
    writer = Writer()
    document = {"session": writer.write(session)}
    return LoomFile(document, writer.arrays, tuple(pictures), originals.files, originals.digests)


def _saved_model(ref: str, state: AppState, shas: Mapping[str, str]) -> SavedModel:
    card = next((card for card in state.models or () if card.key == ref), None)
    if card is not None:
        return SavedModel(ref, card.title, card.sha256, card.family, card.image_size)
    info = state.info if state.info is not None and state.model == ref else None
    run = run_of(ref)
    title = info.title if info is not None and info.title else run.name if run is not None else Path(ref).stem
    return SavedModel(
        ref,
        title,
        info.sha256 if info is not None else shas.get(ref, ""),
        info.family if info is not None else "",
        info.image_size if info is not None else 0,
    )


def unpack(content: LoomFile, name: str) -> Session:
    """The session in a file.

    Raises:
        CheckpointError: its document does not have the form of a session.
    """
    try:
        session = Reader(content.arrays).read(Session, content.document["session"])
        _check(session, len(content.photos))
        check_originals([photo.original for photo in session.photos], content.originals)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(
            f"The session {name} is damaged ({reason(error)}): open an earlier copy of it."
        ) from error
    return session


def _check(session: Session, photos: int) -> None:
    numbers = [entry.number for entry in session.history.entries]
    known = set(numbers)
    current = session.history.current
    if numbers != sorted(known) or (current is not None and current not in known) or (current is None and numbers):
        raise ValueError("its history is out of order")
    if any(
        entry.parent is not None and not (entry.parent in known and entry.parent < entry.number)
        for entry in session.history.entries
    ):
        raise ValueError("its history has a step without a beginning")
    if any(not 0 <= index < photos for photo in session.photos for index in photo.aligned):
        raise ValueError("it lacks a photo")
    looks = [entry.look for entry in session.history.entries] + [mark.look for mark in session.bookmarks]
    looks += [session.look] if session.look is not None else []
    strengths = [look.strength for look in looks]
    strengths += [slot.strength for slot in session.slots if slot is not None]
    if any(not 0.0 <= strength <= 1.0 for strength in strengths):
        raise ValueError("a strength is not 0 to 1")
    if not 2 <= len(session.slots) <= 4 or not session.temperature:
        raise ValueError("its morph has no corners")
    pictures = [entry.picture for entry in session.history.entries] + [mark.picture for mark in session.bookmarks]
    pictures += [slot.picture for slot in session.slots if slot is not None]
    if any(picture is not None and (picture.ndim != 3 or picture.shape[2] != 3) for picture in pictures):
        raise ValueError("a picture is not (H, W, 3)")


def moved_here(
    session: Session, content: LoomFile, *, models: tuple[ModelCard, ...], shipped: tuple[PhotoItem, ...]
) -> Restored:
    """The session with this machine's keys: models are found by their SHA-256, photos by path or by what was kept.

    A file that is another one than it was is not taken for the photo; `content` are the files of the session.
    """
    refs, missing = _models_here(session, models)
    portraits = {Path(item.key).name: item for item in shipped}
    keys: dict[str, str] = {}
    items: list[PhotoItem] = []
    loaded: dict[str, tuple[Loaded, ...]] = {}
    for photo in session.photos:
        pictures = [content.photos[index] for index in photo.aligned]
        largest = max(pictures, key=lambda p: p.shape[0], default=NO_THUMB)
        thumb, base = resized_half(largest, THUMB_PX), keys.get(photo.base, photo.base)
        faces = max(0, photo.faces)
        if photo.shipped in portraits:
            keys[photo.key] = portraits[photo.shipped].key
        elif photo.path and is_unchanged(Path(photo.path), photo.sha256):
            source = Path(photo.path)
            items.append(PhotoItem(photo.key, photo.name, thumb, source, False, photo.cut, base, faces, photo.listed))
        elif (kept := photo.original) is not None:
            data, cut = content.originals[kept.index], cut_in_copy(photo.cut, kept.scale)
            items.append(PhotoItem(photo.key, photo.name, thumb, data, False, cut, base, faces, photo.listed))
            if kept.width:
                size = f"{kept.width:,} × {kept.height:,} pixels"
                missing.append(f"The file of {photo.name} is not here, so the session's copy of {size} is open.")
        elif pictures:
            items.append(PhotoItem(photo.key, photo.name, thumb, largest))
        else:
            missing.append(f"The photo {photo.name} is no longer where it was ({photo.path}).")
        key = keys.get(photo.key, photo.key)
        loaded[key] = tuple(Loaded(picture, photo.name, photo.note, photo.how) for picture in pictures)

    def photo_here(photo: str | None) -> str | None:
        return None if photo is None else keys.get(photo, photo)

    def look_here(look: Look) -> Look:
        return replace(look, model=refs.get(look.model, look.model), photo=photo_here(look.photo))

    def slot_here(slot: MorphSlot) -> MorphSlot:
        return replace(slot, photo=photo_here(slot.photo), edit_of=photo_here(slot.edit_of))

    # Equal codes stay one object, so that what shares a code compares as equal.
    history = replace(
        session.history, entries=tuple(replace(entry, look=look_here(entry.look)) for entry in session.history.entries)
    )
    moved = replace(
        session,
        look=None if session.look is None else look_here(session.look),
        history=history,
        bookmarks=tuple(replace(mark, look=look_here(mark.look)) for mark in session.bookmarks),
        slots=tuple(None if slot is None else slot_here(slot) for slot in session.slots),
        comparison=_comparison_here(session.comparison, refs, keys),
        encodings=tuple(replace(one, photo=keys.get(one.photo, one.photo)) for one in session.encodings),
    )
    return Restored(moved, tuple(items), loaded, tuple(missing))


def _comparison_here(comparison: Comparison, refs: Mapping[str, str], keys: Mapping[str, str]) -> Comparison:
    models = comparison.models
    return replace(
        comparison,
        models=None if models is None else tuple(refs[ref] for ref in models if ref in refs),
        other=None if comparison.other is None else keys.get(comparison.other, comparison.other),
    )


def _models_here(session: Session, models: tuple[ModelCard, ...]) -> tuple[dict[str, str], list[str]]:
    by_sha = {card.sha256: card.key for card in models}
    by_key = {card.key: card for card in models}
    refs, missing = {}, []
    for model in session.models:
        run = run_of(model.ref)
        if model.sha256 in by_sha:
            refs[model.ref] = by_sha[model.sha256]
        elif (run is not None and run.is_dir()) or (
            not run and not model.sha256 and (model.ref in by_key or Path(model.ref).is_file())
        ):
            refs[model.ref] = model.ref
        else:
            missing.append(f"{model.text()} is not on this machine: import it, then open the session again.")
    return refs, missing


def shown_first(session: Session, models: tuple[ModelCard, ...]) -> Look | None:
    """The look to start with: the one of the session if its model is here, else the newest whose model is."""
    here = {card.key for card in models}

    def possible(look: Look) -> bool:
        run = run_of(look.model)
        return look.model in here or (run is not None and run.is_dir())

    looks = [session.look] if session.look is not None else []
    looks += [entry.look for entry in reversed(session.history.entries)]
    return next((look for look in looks if possible(look)), None)


def seed_of(look: Look, otherwise: int) -> int:
    """The seed that the field shows."""
    return look.source.seed if isinstance(look.source, Sampled) else otherwise
