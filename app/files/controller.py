"""What comes in and what goes out: files, the clipboard, and the dialogs that ask for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from app.core.notices import NO_CLIPBOARD, NO_CURVES, NO_PICTURE
from app.explore.code_text import code_from, code_text, is_code_text
from app.explore.directions.controller import SUFFIX as DIRECTIONS_SUFFIX
from app.widgets.pixels import dropped_files, from_qimage, to_qimage
from app.words import PHOTO_FILTER
from engine.api import Pictures
from engine.checkpoints.loom_file import SUFFIX as SESSION_SUFFIX
from engine.errors import UserError

if TYPE_CHECKING:
    from app.conductor import Conductor
    from app.window import Window

PICTURE_FILTER: Final = "PNG (*.png);;WebP (*.webp);;JPEG (*.jpg)"
SESSION_FILTER: Final = "Latent Loom session (*.loom)"
MORPH_FILTERS: Final = {
    "GIF (*.gif)": ".gif",
    "WebP (*.webp)": ".webp",
    "MP4 (*.mp4)": ".mp4",
    "PNG files in a folder (*)": "",
}


class FilesController(QObject):
    """Gives each file to whom it belongs to."""

    def __init__(self, conductor: Conductor) -> None:
        super().__init__(conductor)
        self._controller = conductor

    def open_files(self, names: list[str]) -> None:
        """Whatever was dropped, chosen or used lately: sessions, photos, folders, models, runs."""
        for name in names:
            self._controller.remember_file(name)
        sessions = [name for name in names if Path(name).suffix.lower() == SESSION_SUFFIX]
        directions = [name for name in names if name.lower().endswith(DIRECTIONS_SUFFIX)]
        for name in directions:
            self._controller.directions.take_in(Path(name))
        others = [name for name in names if name not in (*sessions, *directions)]
        if sessions:
            self._controller.sessions.open(Path(sessions[0]))
        if others:
            self._controller.photos.add_files(others, self._controller.use_photo)

    def open_session(self) -> None:
        """Asks for a session file."""
        dialog = QFileDialog(self._controller.window, "Open session", "", SESSION_FILTER)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda name: self.open_files([name]))
        _open(dialog)

    def save_session(self) -> None:
        """Asks where the session goes to."""
        dialog = _save_dialog(self._controller.window, "Save session", SESSION_FILTER, SESSION_SUFFIX.lstrip("."))
        dialog.fileSelected.connect(lambda name: self._controller.sessions.save(Path(name)))
        _open(dialog)

    def open_photo(self) -> None:
        """Asks for photos; the window goes on meanwhile."""
        dialog = QFileDialog(self._controller.window, "Open photos", "", PHOTO_FILTER)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(self.open_files)
        _open(dialog)

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
            self._controller.notices.say(NO_CLIPBOARD)
        else:
            self._controller.photos.add_picture(from_qimage(image), self._controller.use_photo)

    def copy_code(self) -> None:
        """The current code to the clipboard, as text that `paste` takes back."""
        state = self._controller.state
        if state.drawn is None or state.info is None or state.look is None:
            self._controller.notices.say(NO_PICTURE)
            return
        QGuiApplication.clipboard().setText(code_text(state.drawn.code, state.info, state.look.text()))
        self._controller.notices.info(f"The code of {state.drawn.code.size:,} numbers is on the clipboard.")

    def _paste_code(self, text: str) -> bool:
        """Takes a code from text that `copy_code` made; False if it is something else."""
        if not is_code_text(text):
            return False
        try:
            code, name = code_from(text, self._controller.state.info)
        except UserError as error:
            self._controller.notices.warn(str(error))
        else:
            self._controller.explore.take_code(code, name)
        return True

    # pictures out
    def _shown_picture(self) -> Pictures | None:
        state = self._controller.state
        if state.view == "morph" and state.morph.picture is not None:
            return state.morph.picture
        return state.drawn.picture if state.drawn is not None else None

    def copy_picture(self) -> None:
        """The current picture to the clipboard."""
        picture = self._shown_picture()
        if picture is None:
            self._controller.notices.say(NO_PICTURE)
            return
        QGuiApplication.clipboard().setImage(to_qimage(picture))
        self._controller.notices.info("The picture is on the clipboard.")

    def save_picture(self) -> None:
        """The current picture as a file, in the model's own size."""
        picture = self._shown_picture()
        if picture is None:
            self._controller.notices.say(NO_PICTURE)
            return
        dialog = _save_dialog(self._controller.window, "Save picture", PICTURE_FILTER, "png")

        def save(name: str) -> None:
            if to_qimage(picture).save(name):
                self._controller.notices.info(f"Saved {name}.")
            else:
                words = f"{name} could not be written: choose another place, or .png, .webp or .jpg."
                self._controller.notices.warn(words)

        dialog.fileSelected.connect(save)
        _open(dialog)

    def export_curves_table(self) -> None:
        """Asks where the table of the curves goes to."""
        in_train = self._controller.state.workspace == "train"
        sheet = self._controller.window.train.curves.sheet() if in_train else None
        if sheet is None:
            self._controller.notices.say(NO_CURVES)
            return
        dialog = _save_dialog(self._controller.window, "Export curves", "CSV table (*.csv)", "csv")
        dialog.fileSelected.connect(lambda name: self._controller.curves.save_table(Path(name), sheet))
        _open(dialog)

    def export_curves_picture(self) -> None:
        """Asks where the picture of the curves goes to."""
        if self._controller.state.workspace != "train" or self._controller.window.train.curves.sheet() is None:
            self._controller.notices.say(NO_CURVES)
            return
        curves = self._controller.window.train.curves
        picture = curves.picture()
        dialog = _save_dialog(self._controller.window, "Export curves", "PNG (*.png)", "png")
        dialog.fileSelected.connect(lambda name: self._controller.curves.save_picture(Path(name), picture))
        _open(dialog)

    def export_morph(self) -> None:
        """Asks where the morph goes to."""
        kind = self._controller.state.morph.export.kind
        dialog = _save_dialog(self._controller.window, "Export morph", ";;".join(MORPH_FILTERS), kind.lstrip("."))
        dialog.selectNameFilter(next(words for words, suffix in MORPH_FILTERS.items() if suffix == kind))
        dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix(MORPH_FILTERS.get(chosen, "").lstrip(".")))
        dialog.fileSelected.connect(lambda name: self._controller.morph.export(Path(name)))
        _open(dialog)


def _save_dialog(window: Window, title: str, filters: str, suffix: str) -> QFileDialog:
    dialog = QFileDialog(window, title, "", filters)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setFileMode(QFileDialog.FileMode.AnyFile)
    dialog.setDefaultSuffix(suffix)
    return dialog


def _open(dialog: QFileDialog) -> None:
    """Shows a dialog without a nested event loop, and forgets it afterwards."""
    dialog.finished.connect(lambda _: dialog.deleteLater())
    dialog.open()
