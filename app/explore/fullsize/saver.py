"""The whole photo with the edits of all its faces, as a file or on the clipboard. It is made on the study lane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QWidget

from app.core.file_kinds import WHOLE_PHOTOS, ask_save, safe_stem
from app.core.store import Store
from app.explore.fullsize.controller import FullSizeController
from app.explore.fullsize.shown import photo_shows
from app.explore.fullsize.state import FaceEdit
from app.explore.photos.controller import PhotoController
from app.explore.photos.state import is_pasted
from app.job import JobView
from app.widgets.pixels import to_qimage
from app.words import nice, signed
from engine.api import PhotoSource, Pictures
from engine.blending import over, patch, prepare
from engine.errors import UserError
from engine.lanes import Context
from engine.photos import FaceRecipe, Recipe, face_recipe, original_of, recipe_text, write_photo

T = TypeVar("T")
COPYING: Final = "copy the photo"
SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".webp")
NOT_YET: Final = "The photo is not ready to be saved: wait until it is read, or drop it again if it left the library."
NOT_ALL: Final = "Dropped here again, it will lack what came from other codes: keep a session for that."
TOO_LONG: Final = "What was done to it is too long to be kept in it, so dropped here again it is a plain photo."


@dataclass(frozen=True, eq=False)
class Wanted:
    """A photo as it is to be written: its `source`, whose whole is `size` (width, height; None while nobody knows it),
    its name and that of its `file`, its edited faces and how each was edited."""

    source: PhotoSource
    size: tuple[int, int] | None
    name: str
    file: str
    edits: tuple[FaceEdit, ...]
    faces: tuple[FaceRecipe, ...]


@dataclass(frozen=True, eq=False)
class Still:
    """One frame between photos, `side` pixels wide and high, as it is to be written; `make` runs on the study lane."""

    name: str
    side: int
    make: Callable[[Context], Pictures]


class PhotoSaver:
    """Saves and copies a photo whole, as Single shows it, or another view, which then says what is wanted of it."""

    def __init__(self, store: Store, full: FullSizeController, photos: PhotoController) -> None:
        self._store, self._full, self._photos = store, full, photos

    def on_show(self) -> bool:
        """Whether what Single shows is the photo, and not what the model sees of it."""
        now = self._store.state
        return now.view == "single" and now.frame is None and photo_shows(now)

    def save(self, window: QWidget, wanted: Wanted | None = None) -> None:
        """Asks where the photo goes to and writes it there: as it is `wanted`, or as it is on show now."""
        wanted = wanted or self._on_show()
        if wanted is None:
            return
        name = suggested_name(wanted.name, wanted.file or wanted.source, wanted.edits)
        folder = wanted.source.parent if isinstance(wanted.source, Path) else None
        shipped = any(item.shipped and item.source is wanted.source for item in self._store.state.photos)
        pixels = "" if wanted.size is None else f", {wanted.size[0]:,} × {wanted.size[1]:,} pixels"
        ask_save(
            window,
            f"Save the whole photo{pixels}",
            WHOLE_PHOTOS,
            suffix=Path(name).suffix[1:],
            use=lambda path: self.write(path, wanted),
            name=name,
            folder=None if shipped else folder,
        )

    def write(self, path: Path, wanted: Wanted) -> None:
        """Writes the photo; a file that was there is replaced whole or stays."""
        store, compose = self._store, self._compose(wanted)

        def work(context: Context) -> str:
            _check_place(path, wanted.source)
            rgb = compose(context)
            recipe = ""
            if wanted.edits:
                original = original_of(wanted.source, store.photo_loader.whole(wanted.source), wanted.file)
                recipe = recipe_text(Recipe(original, wanted.faces))
            context.check()
            said = _written(path, rgb, write_photo(path, rgb, recipe=recipe))
            return said if recipe or not wanted.edits else f"{said} {TOO_LONG}"

        def done(text: str) -> None:
            if not all(face.complete for face in wanted.faces):
                text += f" {NOT_ALL}"
            self._say(text)

        self._submit(f"save the photo {path}", f"Saving {path.name}", work, done)

    def save_still(self, window: QWidget, still: Still) -> None:
        """Asks where a frame between photos goes to and writes it there."""

        def use(path: Path) -> None:
            def work(context: Context) -> str:
                _check_place(path, None)
                rgb = still.make(context)
                context.check()
                return _written(path, rgb, write_photo(path, rgb))

            self._submit(f"save the photo {path}", f"Saving {path.name}", work, self._say)

        title = f"Save the morph of the photos here, {still.side:,} × {still.side:,} pixels"
        ask_save(window, title, WHOLE_PHOTOS, suffix="png", use=use, name=f"{safe_stem(still.name)}.png")

    def copy(self, wanted: Wanted | None = None) -> None:
        """The photo to the clipboard, as it is `wanted` or as it is on show now."""
        wanted = wanted or self._on_show()
        if wanted is not None:
            self._copy(self._compose(wanted), "whole photo")

    def copy_still(self, still: Still) -> None:
        """A frame between photos to the clipboard."""
        self._copy(still.make, "morph of the photos here")

    def _copy(self, make: Callable[[Context], Pictures], what: str) -> None:
        def done(image: QImage) -> None:
            QGuiApplication.clipboard().setImage(image)
            self._say(f"The {what}, {image.width():,} × {image.height():,} pixels, is on the clipboard.")

        self._submit(COPYING, "Copying the photo", lambda context: to_qimage(make(context)), done)

    def _say(self, text: str) -> None:
        self._store.update(status=text)
        self._store.notices.info(text)

    def _on_show(self) -> Wanted | None:
        active = self._full.active_face()
        if active is None:
            self._store.notices.warn(NOT_YET)
            return None
        return self.wanted(active, self._full.edits_on_photo())

    def wanted(self, active: FaceEdit, edits: tuple[FaceEdit, ...]) -> Wanted:
        """The photo of the face `active` with these edits of its faces, as things are now."""
        state, size = self._store.state, self._full.size_of(active.key)
        items = {item.key: item for item in state.photos}
        item = items[active.key]
        first = items.get(item.base, item)
        titles = {card.sha256: card.title for card in state.models or ()}
        if state.info is not None:
            titles[state.info.sha256] = state.info.title
        faces = tuple(self._recipe(one, titles.get(one.sha256, "")) for one in edits)
        # A photo that came with a session has no file here, but its key is where the file was.
        name = first.key if isinstance(active.source, bytes) else active.source
        file = Path(name).name if isinstance(name, str | Path) and not is_pasted(first.key) else ""
        return Wanted(active.source, size, first.name, file, edits, faces)

    def _recipe(self, edit: FaceEdit, title: str) -> FaceRecipe:
        encoded, item = self._photos.encoding_of(edit.look, edit.sha256), self._photos.item(edit.key)
        assert encoded is not None, "without it there is no edit"
        assert item is not None
        look, cut = edit.look, item.cut
        return face_recipe(look.request(), encoded, title=title, sha256=edit.sha256, cut=cut, strength=look.strength)

    def _compose(self, wanted: Wanted) -> Callable[[Context], Pictures]:
        loader, host = self._store.photo_loader, self._store.study_host

        def picture(one: FaceEdit) -> Pictures:
            if one.picture is not None:
                return one.picture
            return host.model(one.look.model, one.sha256).draw(one.look.request()).picture

        def compose(context: Context) -> Pictures:
            rgb = loader.whole(wanted.source)
            if wanted.size is not None and (rgb.shape[1], rgb.shape[0]) != wanted.size:
                raise UserError(f"{wanted.name} is another photo than it was: drop it again, then save it.")
            patches = []
            for one in wanted.edits:
                context.check()
                canvas = prepare(rgb, one.framing, one.base)
                patches.append(patch(canvas, picture(one), strength=one.look.strength))
            context.check()
            return over(rgb, [one for one in patches if one.change.size])

        return compose

    def _submit(self, key: str, text: str, work: Callable[[Context], T], use: Callable[[T], None]) -> None:
        """Does it on the study lane, with a row in the jobs bar from which it can be stopped."""
        said = f"{text} was stopped: nothing was changed."
        self._store.run_job(JobView(key, text, None), work, done=use, stopped=lambda: self._store.update(status=said))


def _written(path: Path, rgb: Pictures, size_bytes: int) -> str:
    return f"Saved {path}: {rgb.shape[1]:,} × {rgb.shape[0]:,} pixels, {size_words(size_bytes)}."


def _check_place(path: Path, source: PhotoSource | None) -> None:
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{path.name} could not be written: a photo is saved as .png, .jpg or .webp.")
    if isinstance(source, Path) and path.exists() and source.exists() and path.samefile(source):
        raise UserError(f"{path.name} is the photo that the edits are made from: choose another name.")


def suggested_name(name: str, source: PhotoSource, edits: Sequence[FaceEdit]) -> str:
    """``Anna, Smiling +1.6.jpg``: the photo's own kind of file where it can be written, safe on every file system."""
    own = Path(source).suffix.lower() if isinstance(source, str | Path) else ""
    suffix = own if own in SUFFIXES else ".png"
    stem = Path(source).stem if isinstance(source, str | Path) else name
    return f"{safe_stem(f'{stem}, {edit_text(edits)}')}{suffix}"


def edit_text(edits: Sequence[FaceEdit]) -> str:
    """What was done to the faces, in a few words."""
    words = [", ".join(f"{nice(name)} {signed(value)}" for name, value in one.look.edits) or "edited" for one in edits]
    return ", ".join(dict.fromkeys(words)) or "copy"


def size_words(size_bytes: int) -> str:
    """``812 KB``, ``3.1 MB``."""
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e6 else f"{max(1, round(size_bytes / 1e3))} KB"
