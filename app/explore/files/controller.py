"""What comes in and what goes out: files, the clipboard, and the dialogs that ask for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from app.core.file_kinds import PICTURES, ask_photos, ask_save, safe_stem
from app.core.notices import NO_CLIPBOARD, NO_PICTURE
from app.core.store import Store
from app.explore.controller import ExploreController
from app.explore.directions.controller import SUFFIX as DIRECTIONS_SUFFIX
from app.explore.directions.controller import DirectionsController
from app.explore.files.code_text import code_from, code_text, is_code_text
from app.explore.files.whole import WholeFiles
from app.explore.fullsize.reopen import REOPENED, Corner, PhotoReopener, ReopenedFace
from app.explore.morph.controller import MorphController
from app.explore.morph.state import MorphSlot
from app.explore.photos.controller import PhotoController
from app.explore.sessions.controller import SessionController
from app.widgets.pixels import dropped_files, from_qimage, to_qimage
from engine.api import Pictures
from engine.checkpoints import SESSION_SUFFIX
from engine.errors import UserError


class FilesController(QObject):
    """Passes each file to the controller for it. `window` owns dialogs; `used` is told of every file opened."""

    def __init__(
        self,
        store: Store,
        window: QWidget,
        *,
        looks: ExploreController,
        photos: PhotoController,
        morph: MorphController,
        directions: DirectionsController,
        sessions: SessionController,
        whole: WholeFiles,
        reopener: PhotoReopener,
        used: Callable[[str], object],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._store, self._window, self._used = store, window, used
        self._looks, self._photos, self._morph = looks, photos, morph
        self._directions, self._sessions, self._whole, self._reopener = directions, sessions, whole, reopener
        sessions.used.connect(used)

    def open_files(self, names: list[str]) -> None:
        """Whatever was dropped, chosen or used lately: sessions, photos, folders, models, runs."""
        for name in names:
            self._used(name)
        sessions = [name for name in names if Path(name).suffix.lower() == SESSION_SUFFIX]
        directions = [name for name in names if name.lower().endswith(DIRECTIONS_SUFFIX)]
        for name in directions:
            self._directions.import_file(Path(name))
        others = [name for name in names if name not in (*sessions, *directions)]
        if sessions:
            self._sessions.open(Path(sessions[0]))
        if others:
            self._open_photos(others)

    def _open_photos(self, names: list[str]) -> None:
        """A photo that was saved here comes back with its edits."""
        if self._store.state.view == "morph":
            self.open_corner(self._store.state.morph.chosen, names)
        else:
            self._open_saved(names, self.use_photo)

    def open_corner(self, index: int, names: list[str]) -> None:
        """Photos that were dropped on a corner of the morph; where photos are shown, one that was saved here has its
        edits and the original's detail."""

        def edited(face: ReopenedFace) -> None:
            look, key = face.look, face.item.key
            slot = MorphSlot(look.text(), face.picture, None, face.code, edit_of=key, strength=look.strength)
            self._morph.set_edited(index, slot)

        def use(key: str) -> None:
            self._morph.set_photo(key, index)

        if self._store.state.full.wanted == "photo":
            self._open_saved(names, use, corner=edited)
        else:
            self._photos.add_files(names, use)

    def _open_saved(self, names: list[str], use: Callable[[str], None], *, corner: Corner | None = None) -> None:
        saved = next((name for name in names if Path(name).suffix.lower() in REOPENED), None)
        if saved is None:
            self._photos.add_files(names, use)
            return
        rest = [name for name in names if name != saved]
        self._reopener.open(
            Path(saved),
            plain=lambda: self._photos.add_files(names, use),
            also=lambda: self._photos.add_files(rest, lambda key: None),
            corner=corner,
        )

    def use_photo(self, key: str) -> None:
        """A photo of the library: a corner of the morph there, otherwise the current code."""
        if self._store.state.view == "morph":
            self._morph.set_photo(key)
        else:
            self._photos.choose(key)

    def take_picture(self, picture: Pictures) -> None:
        """A picture that was dropped out of another program, or pasted."""
        self._photos.add_picture(picture, self.use_photo)

    def open_photo(self) -> None:
        """Asks for photos; the window goes on meanwhile."""
        ask_photos(self._window, "Open photos", use=self.open_files)

    def paste(self) -> None:
        """The picture or the files on the clipboard."""
        mime = QGuiApplication.clipboard().mimeData()
        # An empty clipboard has no data at all on some systems.
        files = dropped_files(mime) if mime is not None else []
        if files:
            self.open_files(files)
            return
        if self._paste_code(QGuiApplication.clipboard().text()):
            return
        image = QGuiApplication.clipboard().image()
        if image.isNull():
            self._store.notices.say(NO_CLIPBOARD)
        else:
            self.take_picture(from_qimage(image))

    def copy_code(self) -> None:
        """The current code to the clipboard, as text that `paste` takes back."""
        state = self._store.state
        if state.drawn is None or state.info is None or state.look is None:
            self._store.notices.say(NO_PICTURE)
            return
        QGuiApplication.clipboard().setText(code_text(state.drawn.code, state.info, state.look.text()))
        self._store.notices.info(f"The code of {state.drawn.code.size:,} numbers is on the clipboard.")

    def _paste_code(self, text: str) -> bool:
        """Takes a code from text that `copy_code` made; False if it is something else."""
        if not is_code_text(text):
            return False
        try:
            code, name = code_from(text, self._store.state.info)
        except UserError as error:
            self._store.notices.warn(str(error))
        else:
            self._looks.take_code(code, name)
        return True

    # pictures out
    def _shown_picture(self) -> Pictures | None:
        state = self._store.state
        if state.view == "morph" and state.morph.picture is not None:
            return state.morph.picture
        return state.drawn.picture if state.drawn is not None else None

    def copy_picture(self) -> None:
        """The current picture to the clipboard: at full size where photos are on show."""
        if self._whole.copy():
            return
        picture = self._shown_picture()
        if picture is None:
            self._store.notices.say(NO_PICTURE)
            return
        QGuiApplication.clipboard().setImage(to_qimage(picture))
        self._store.notices.info("The picture is on the clipboard.")

    def save_picture(self) -> None:
        """The current picture as a file, in the model's own size; at full size where photos are on show."""
        if self._whole.save(self._window):
            return
        picture = self._shown_picture()
        if picture is None:
            self._store.notices.say(NO_PICTURE)
            return

        def save(path: Path) -> None:
            if to_qimage(picture).save(str(path)):
                self._store.notices.info(f"Saved {path}.")
            else:
                words = f"{path} could not be written: choose another place, or .png, .webp or .jpg."
                self._store.notices.warn(words)

        state = self._store.state
        text = "Morph" if state.view == "morph" else state.look.text() if state.look is not None else ""
        name = f"{safe_stem(text) or 'Picture'}.png"
        side = f"{picture.shape[1]} × {picture.shape[0]}"
        ask_save(self._window, f"Save the model's picture, {side} pixels", PICTURES, suffix="png", use=save, name=name)
