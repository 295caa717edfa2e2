"""Which files the dialogs of the window offer, and how such a dialog is shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from PySide6.QtWidgets import QFileDialog, QWidget

from engine.checkpoints import SESSION_SUFFIX
from engine.photos import ENDINGS

UNSAFE: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]+')
LONGEST_BYTES: Final = 180
"""Of a suggested name: file systems take 255, and a temporary name beside it is longer."""
ANY: Final = "All files (*)"
PHOTOS: Final = f"Photos ({' '.join(f'*{ending}' for ending in ENDINGS)});;{ANY}"
MODELS: Final = f"Models (*.safetensors *.pt *.pth *.pkg *.ckpt *.bin);;{ANY}"
DATA_SETS: Final = f"Image archives (*.zip *.npz *.gz *-ubyte *.idx);;{ANY}"
SESSIONS: Final = f"Latent Loom session (*{SESSION_SUFFIX})"
WHOLE_PHOTOS: Final = "PNG, without loss (*.png);;JPEG (*.jpg *.jpeg);;WebP (*.webp)"
PICTURES: Final = "PNG (*.png);;WebP (*.webp);;JPEG (*.jpg)"
TABLES: Final = "CSV table (*.csv)"
PLOTS: Final = "PNG (*.png)"
COLUMN_ENDINGS: Final = (".csv", ".tsv", ".txt")
COLUMNS: Final = f"Numbers in columns ({' '.join(f'*{ending}' for ending in COLUMN_ENDINGS)});;{ANY}"
JSON_FILES: Final = "JSON (*.json)"
ANIMATIONS: Final[Mapping[str, str]] = {
    "GIF (*.gif)": ".gif",
    "WebP (*.webp)": ".webp",
    "MP4 (*.mp4)": ".mp4",
    "PNG files in a folder (*)": "",
}
"""Filters of what can be exported as an animation, with the suffix of each."""


def ask_file(parent: QWidget, title: str, filters: str, *, use: Callable[[Path], object]) -> None:
    """Asks for a file; the window goes on meanwhile."""
    dialog = QFileDialog(parent, title, "", filters)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.fileSelected.connect(lambda name: use(Path(name)))
    _show(dialog)


def ask_photos(parent: QWidget, title: str, *, use: Callable[[list[str]], object]) -> None:
    """Asks for one photo or more."""
    dialog = QFileDialog(parent, title, "", PHOTOS)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
    dialog.filesSelected.connect(lambda names: use(names))
    _show(dialog)


def ask_folder(parent: QWidget, title: str, *, use: Callable[[str], object]) -> None:
    """Asks for a folder."""
    dialog = QFileDialog(parent, title)
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.fileSelected.connect(lambda name: use(name))
    _show(dialog)


def ask_save(
    parent: QWidget,
    title: str,
    filters: str,
    *,
    suffix: str,
    use: Callable[[Path], object],
    name: str = "",
    folder: Path | None = None,
) -> None:
    """Asks where a file goes to; a name without one gets `suffix`, without its dot. `name` and `folder` are offered."""
    dialog = _saving(parent, title, filters, suffix)
    if folder is not None:
        dialog.setDirectory(str(folder))
    for one in filters.split(";;") if name else ():
        if f"*.{suffix}" in one:
            dialog.selectNameFilter(one)
    if name:
        dialog.selectFile(name)
    dialog.fileSelected.connect(lambda name: use(Path(name)))
    _show(dialog)


def ask_animation(
    parent: QWidget, title: str, *, use: Callable[[Path], object], kind: str = ".gif", name: str = ""
) -> None:
    """Asks where an animation goes to; `kind` is the suffix that is chosen at first, and `name` is without one."""
    dialog = _saving(parent, title, ";;".join(ANIMATIONS), kind.lstrip("."))
    dialog.selectNameFilter(next(words for words, suffix in ANIMATIONS.items() if suffix == kind))

    def chosen(words: str) -> None:
        suffix = ANIMATIONS.get(words, "")
        dialog.setDefaultSuffix(suffix.lstrip("."))
        asked = Path(next(iter(dialog.selectedFiles()), ""))
        # Where no name is in the field yet, it is the folder.
        if asked.name and not asked.is_dir():
            dialog.selectFile(f"{asked.stem if asked.suffix in ANIMATIONS.values() else asked.name}{suffix}")

    dialog.filterSelected.connect(chosen)
    if name:
        dialog.selectFile(f"{name}{kind}")
    dialog.fileSelected.connect(lambda name: use(Path(name)))
    _show(dialog)


def safe_stem(text: str) -> str:
    """A file's name without its suffix, made of any text: safe on every file system."""
    # A name that is not UTF-8 comes with surrogates; "replace" writes a question mark, which no file name may have.
    text = text.encode(errors="replace")[:LONGEST_BYTES].decode(errors="ignore")
    return UNSAFE.sub(" ", text).strip(" .")


def _saving(parent: QWidget, title: str, filters: str, suffix: str) -> QFileDialog:
    dialog = QFileDialog(parent, title, "", filters)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setFileMode(QFileDialog.FileMode.AnyFile)
    dialog.setDefaultSuffix(suffix)
    return dialog


def _show(dialog: QFileDialog) -> None:
    """Without a nested event loop; forgotten afterwards."""
    dialog.finished.connect(lambda _: dialog.deleteLater())
    dialog.open()
