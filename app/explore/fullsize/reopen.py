"""A photo that was saved here, opened again as it was left: its original, with the edits of its recipe on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from PySide6.QtWidgets import QWidget

from app.core.file_kinds import PHOTOS, ask_file
from app.core.notices import Message
from app.core.store import Store
from app.explore.controller import ExploreController
from app.explore.framing.cut import cut_label, cut_tag
from app.explore.fullsize.faces import kept_looks, photo_of
from app.explore.history.bookmarks import short_name
from app.explore.history.history import History
from app.explore.photos.controller import PhotoController
from app.explore.photos.state import NO_THUMB, THUMB_PX, PhotoItem, resized_half
from app.job import JobView
from app.look import SLIDER_SIGMAS, Look
from app.words import nice, signed
from engine.api import Coded, Codes, Cut, Encoded, Loaded, PhotoSource, Pictures
from engine.events import Failed
from engine.lanes import Context
from engine.photos import FaceRecipe, Recipe, beside, check_face, find_original, is_original, read_recipe, recipe_from

REOPENED: Final = (".png", ".jpg", ".jpeg", ".webp")
"""The files that can hold a recipe."""
NOT_ALL: Final = " What came from other codes was not kept in it, so it is not quite as it was saved."


@dataclass(frozen=True)
class Found:
    """A recipe and the original that it is for; None where that was not found. `other`: one of its name was there."""

    recipe: Recipe
    source: PhotoSource | None
    other: bool


@dataclass(frozen=True, eq=False)
class ReopenedFace:
    """A face as its recipe wants it, with all that the photo's controller remembers of one."""

    item: PhotoItem
    loaded: Loaded
    encoded: Encoded
    look: Look
    sha256: str
    picture: Pictures
    code: Codes


Corner = Callable[[ReopenedFace], None]
"""What a morph does with the face that was on show."""


class PhotoReopener:
    """Finds the original of a saved photo and puts its edits on it; nothing changes before all of it is there."""

    def __init__(
        self,
        store: Store,
        window: QWidget,
        *,
        looks: ExploreController,
        photos: PhotoController,
        recent: Callable[[], Sequence[str]],
    ) -> None:
        self._store, self._window, self._recent = store, window, recent
        self._looks, self._photos = looks, photos

    def open(
        self,
        path: Path,
        *,
        plain: Callable[[], None],
        also: Callable[[], None] = lambda: None,
        corner: Corner | None = None,
    ) -> None:
        """Opens the photo as it was left, and then does `also`; or `plain`, which opens it as any photo.

        With a `corner` the look stays: that gets the face that was on show when the photo was saved.
        """
        store, loader = self._store, self._store.photo_loader
        library = [item.source for item in store.state.photos if not (item.base or _same_source(item, path))]
        recent = [Path(name) for name in self._recent()]

        def find(context: Context) -> Found | None:
            text = read_recipe(path)
            if text is None:
                return None
            recipe = recipe_from(text, path.name)
            files = beside(path, recipe.original, recent)
            # A photo that came with a session, or was pasted, has no file whose name could tell it.
            known = [one for one in library if not isinstance(one, Path) or one.name == recipe.original.name]
            return Found(recipe, find_original(recipe.original, [*known, *files], loader.whole), bool(files))

        def done(found: Found | None) -> None:
            if found is None:
                plain()
            elif found.source is None:
                plain()
                self._say_lost(path, found, plain=plain)
            else:
                self._reopen(path, found.recipe, found.source, plain=plain, also=also, corner=corner)

        def failed(event: Failed) -> None:
            plain()
            store.notices.failed(event, about=str(path))

        store.tasks.submit("study", "look for a recipe", find, done=done, failed=failed)

    def _say_lost(self, path: Path, found: Found, *, plain: Callable[[], None]) -> None:
        """The edits cannot be taken back without the photo that they were made from."""
        name = found.recipe.original.name or "a pasted picture"
        if found.other:
            why = f"and the {name} that was found is another photo"
        else:
            why = "which was not found here"
        text = f"{path.name} was made from {name}, {why}: it is open as a photo of its own, and its edits stay in it."
        self._offer(text, path, found, plain=plain)

    def _offer(self, text: str, path: Path, found: Found, *, plain: Callable[[], None]) -> None:
        """Says it, with a button by which the person shows where the original is."""
        title = f"Find {found.recipe.original.name or 'the original'}"

        def ask() -> None:
            ask_file(self._window, title, PHOTOS, use=lambda chosen: self._try(path, found, chosen, plain))

        self._store.notices.say(Message(text, "warning", action="Find original…", act=ask, about=str(path)))

    def _try(self, path: Path, found: Found, chosen: Path, plain: Callable[[], None]) -> None:
        """A file that the person takes for the original."""
        store, loader, original = self._store, self._store.photo_loader, found.recipe.original

        def done(right: bool) -> None:
            if right:
                self._reopen(path, found.recipe, chosen, plain=plain, also=lambda: None)
            else:
                text = f"{chosen.name} is not the photo that {path.name} was made from: choose another."
                self._offer(text, path, found, plain=plain)

        store.tasks.submit(
            "study", "look at the original", lambda context: is_original(chosen, original, loader.whole), done=done
        )

    def _reopen(
        self,
        path: Path,
        recipe: Recipe,
        source: PhotoSource,
        *,
        plain: Callable[[], None],
        also: Callable[[], None],
        corner: Corner | None = None,
    ) -> None:
        store = self._store
        refs = [self._ref(face.sha256) for face in recipe.faces]
        lacks = next((face for face, ref in zip(recipe.faces, refs, strict=True) if ref is None), None)
        if lacks is not None:
            plain()
            title = lacks.title or "a model"
            store.notices.warn(
                f"{path.name} was edited with {title} ({lacks.sha256[:12]}), which is not on this machine: it is open "
                "as a photo of its own; import the model, then open it again.",
                about=str(path),
            )
            return

        def other_model() -> bool:
            """Whether it cannot be a corner, which is then said."""
            if corner is None or refs[-1] == store.state.model:
                return False
            plain()
            title = recipe.faces[-1].title or "another model"
            store.notices.warn(
                f"{path.name} was edited with {title} and a morph is of one model: it is a corner as a photo of its "
                "own, and its edits stay in it.",
                about=str(path),
            )
            return True

        if other_model():
            return
        library = store.state.photos
        base = next((one for one in library if not one.base and _same_source(one, source)), None)
        new = base is None
        base = base or PhotoItem(str(source), Path(str(source)).stem, NO_THUMB, source)
        known = {face.sha256: ref for face, ref in zip(recipe.faces, refs, strict=True) if ref is not None}
        work = self._work(path, recipe, base, refs=known, new=new)

        def done(made: tuple[PhotoItem, tuple[ReopenedFace, ...]]) -> None:
            # Another model may have opened meanwhile.
            if other_model():
                return
            if corner is None:
                self._show(*made)
            else:
                self._take_in(*made)
                corner(made[1][-1])
            also()
            name = source.name if isinstance(source, Path) else recipe.original.name or base.name
            text = (
                f"{name} is {'open' if corner is None else 'a corner'} with the edits that were saved in {path.name}."
            )
            more = ("" if recipe.complete else NOT_ALL) + _shortened(recipe)
            store.update(status=text)
            store.notices.say(Message(text + more, action="Open the saved file", act=plain))

        def failed(event: Failed) -> None:
            plain()
            if path.name not in event.message:
                event = replace(event, message=f"The edits of {path.name} were not put back: {event.message}")
            store.notices.failed(event, about=str(path))

        said = f"Opening {path.name} was stopped: nothing was changed."
        row = JobView(f"open {path}", f"Opening {path.name}", None)
        store.run_job(row, work, done=done, failed=failed, stopped=lambda: store.update(status=said))

    def _ref(self, sha256: str) -> str | None:
        """The key of the model with this digest; None where it is not here."""
        state = self._store.state
        if state.info is not None and state.info.sha256 == sha256:
            return state.model
        return next((card.key for card in state.models or () if card.sha256 == sha256), None)

    def _work(
        self, path: Path, recipe: Recipe, base: PhotoItem, *, refs: dict[str, str], new: bool
    ) -> Callable[[Context], tuple[PhotoItem, tuple[ReopenedFace, ...]]]:
        loader, host = self._store.photo_loader, self._store.study_host
        known = {
            (face, sha): found
            for face in map(_key_of(base), recipe.faces)
            for sha in refs
            if (found := self._photos.known(face, sha)) is not None and not found.improved
        }

        def one(face: FaceRecipe, context: Context) -> ReopenedFace:
            model, key = host.model(refs[face.sha256], face.sha256), _key_of(base)(face)
            check_face(face, model.info, path.name)
            name = f"{base.name}, {cut_label(face.cut)}" if face.cut.face else base.name
            loaded = loader.load(base.source, size=model.info.image_size, cut=face.cut, name=name)
            encoded = known.get((key, face.sha256))
            if encoded is None or not np.array_equal(encoded.photo, loaded.picture):
                encoded = model.encode(loaded.picture, name=name, note=loaded.note, progress=context)
            request = face.request(Coded(encoded.code, encoded.name))
            look = Look(
                refs[face.sha256],
                request.source,
                tuple((name, _reached(sigmas)) for name, sigmas in request.edits),
                request.locked,
                request.wander,
                key,
                request.levels,
                request.solo,
                request.precision,
                face.strength,
            )
            thumb = resized_half(loaded.picture, THUMB_PX)
            beside = "" if key == base.key else base.key
            item = PhotoItem(key, name, thumb, base.source, False, face.cut, beside, loaded.faces)
            drawn = model.draw(look.request())
            return ReopenedFace(item, loaded, encoded, look, face.sha256, drawn.picture, drawn.code)

        def work(context: Context) -> tuple[PhotoItem, tuple[ReopenedFace, ...]]:
            faces = []
            for face in recipe.faces:
                faces.append(one(face, context))
                context.check()
            whole = next((face.item for face in faces if face.item.key == base.key), None)
            if new and whole is None:
                size = faces[0].loaded.picture.shape[0]
                loaded = loader.load(base.source, size=size, cut=Cut(), name=base.name)
                whole = replace(base, thumb=resized_half(loaded.picture, THUMB_PX), faces=loaded.faces)
            return (whole if new and whole is not None else base), tuple(faces)

        return work

    def _take_in(self, base: PhotoItem, faces: tuple[ReopenedFace, ...]) -> None:
        """The photo and its faces into the library, with what is known of them."""
        self._photos.take_in(
            base,
            [face.item for face in faces if face.item.key != base.key],
            loaded=[(face.item.key, face.loaded) for face in faces],
            encoded=[(face.item.key, face.sha256, face.encoded) for face in faces],
        )

    def _show(self, base: PhotoItem, faces: tuple[ReopenedFace, ...]) -> None:
        """All of it in one change: the faces as they were saved are steps of the history, the last one is current."""
        store, history = self._store, self._store.state.history
        self._take_in(base, faces)
        history = self._without_others(history, base.key, {face.item.key for face in faces})
        first = faces[0]
        plain = Look(first.look.model, first.look.source, photo=first.item.key)
        history = history.pushed(plain, first.item.name)
        if history.current is not None:
            history = history.filled(history.current, first.encoded.reconstruction)
        for face in faces:
            history = history.pushed(face.look, short_name(face.look))
            if history.current is not None:
                history = history.filled(history.current, face.picture)
        store.update(history=history)
        if history.current is not None:
            self._looks.jump(history.current)

    def _without_others(self, history: History, base: str, keys: set[str]) -> History:
        """Faces of the photo that were edited here, and are not in the recipe, as the photo has them."""
        for key, (look, _) in kept_looks(self._store.state).items():
            encoded = self._photos.encoding_of(look, self._photos.sha_of(look))
            if key in keys or photo_of(key, self._photos) != base or encoded is None:
                continue
            if not look.request().draws(encoded.code):
                plain = Look(look.model, Coded(encoded.code, encoded.name), photo=key)
                history = history.pushed(plain, f"{encoded.name} as it was")
                if history.current is not None:
                    history = history.filled(history.current, encoded.reconstruction)
        return history


def _reached(sigmas: float) -> float:
    """As far as a slider goes."""
    return min(SLIDER_SIGMAS, max(-SLIDER_SIGMAS, sigmas))


def _shortened(recipe: Recipe) -> str:
    """What of it is more than a slider has, in a sentence; empty where nothing is."""
    far = {name: sigmas for face in recipe.faces for name, sigmas in face.edits if _reached(sigmas) != sigmas}
    if not far:
        return ""
    words = ", ".join(f"{nice(name)} {signed(sigmas)}" for name, sigmas in far.items())
    return f" Sliders end at {signed(SLIDER_SIGMAS)} σ, so this is not quite as it was saved: {words}."


def _key_of(base: PhotoItem) -> Callable[[FaceRecipe], str]:
    """The key in the library of a face of this photo."""

    def key(face: FaceRecipe) -> str:
        tag = cut_tag(face.cut)
        return f"{base.key}#{tag}" if tag else base.key

    return key


def _same_source(item: PhotoItem, source: PhotoSource) -> bool:
    return item.source is source or (isinstance(source, Path) and item.key == str(source))
