"""What the library's gestures lead to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from app.core.model_host import run_ref
from app.explore.files.controller import FilesController
from app.explore.library.view import Library
from app.explore.photos.controller import PhotoController


def connect(
    photos: PhotoController,
    library: Library,
    *,
    files: FilesController,
    open_model: Callable[[str], object],
    show_train: Callable[[], object],
) -> None:
    """Connects the library: models, runs and photos are opened by a click."""
    library.modelChosen.connect(open_model)
    library.runs.activated.connect(lambda path: open_model(run_ref(Path(path))))
    library.photos.activated.connect(files.use_photo)
    library.photos.removed.connect(photos.remove)
    library.drop.filesDropped.connect(files.open_files)
    library.drop.imageDropped.connect(files.take_picture)
    library.drop.clicked.connect(files.open_photo)
    library.run_section.actionClicked.connect(show_train)
