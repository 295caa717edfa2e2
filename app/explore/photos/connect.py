"""What is done with the photo on show."""

from __future__ import annotations

from app.core.workspace import Actions
from app.explore.photos.controller import PhotoController
from app.explore.single.view import SingleView


def connect(photos: PhotoController, single: SingleView) -> Actions:
    """Connects the photo beside the picture: its faces, and the search for a nearer code."""
    single.face_before.clicked.connect(lambda: photos.step_face(-1))
    single.face_next.clicked.connect(lambda: photos.step_face(1))
    single.improve.clicked.connect(photos.improve)
    single.stop.clicked.connect(photos.cancel_search)
    return {
        "photo.face_next": lambda: photos.step_face(1),
        "photo.face_previous": lambda: photos.step_face(-1),
        "photo.improve": photos.improve,
    }
