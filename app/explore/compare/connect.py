"""What gestures in Compare lead to."""

from __future__ import annotations

from app.explore.compare.controller import CompareController
from app.explore.compare.view import CompareView
from app.explore.files.controller import FilesController
from app.explore.inspector.view import Inspector
from app.explore.photos.controller import PhotoController


def connect(
    compare: CompareController,
    view: CompareView,
    *,
    inspector: Inspector,
    photos: PhotoController,
    files: FilesController,
) -> None:
    """Connects Compare: its rows, the second photo of its path, and what is dropped on it."""
    view.roomChanged.connect(compare.set_room)
    view.empty.actionClicked.connect(photos.choose_sample)
    view.board.photo.filesDropped.connect(files.open_files)
    view.board.photo.imageDropped.connect(photos.add_picture)
    view.rowOpened.connect(compare.open_row)
    view.modelToggled.connect(compare.show_model)
    view.board.other.keyChosen.connect(compare.set_other)
    view.board.other.filesDropped.connect(lambda names: photos.add_files(names, compare.set_other))
    view.board.other.imageDropped.connect(lambda picture: photos.add_picture(picture, compare.set_other))
    view.path.changed.connect(compare.set_fraction)
    inspector.resetWanted.connect(compare.reset_path)
