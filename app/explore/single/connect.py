"""What gestures on the picture lead to."""

from __future__ import annotations

from app.explore.controller import ExploreController
from app.explore.files.controller import FilesController
from app.explore.photos.controller import PhotoController
from app.explore.single.view import SingleView


def connect(looks: ExploreController, single: SingleView, *, photos: PhotoController, files: FilesController) -> None:
    """Connects the picture: wandering, steps of the history, and what is dropped on it."""
    single.picture.dragged.connect(looks.wander)
    single.picture.dragFinished.connect(looks.settle)
    single.picture.wheelTurned.connect(looks.turn_reach)
    single.picture.doubleClicked.connect(looks.new_plane)
    single.steps.jumped.connect(looks.jump)
    single.filesDropped.connect(files.open_files)
    single.imageDropped.connect(photos.add_picture)
