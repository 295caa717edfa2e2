"""What gestures on the photo at its own size lead to."""

from __future__ import annotations

from app.core.workspace import Actions
from app.explore.controller import ExploreController
from app.explore.files.controller import FilesController
from app.explore.fullsize.controller import FullSizeController
from app.explore.history.bookmarks import BookmarksController
from app.explore.photos.controller import PhotoController
from app.explore.single.view import SingleView
from app.widgets.segmented import Segmented


def connect(
    full: FullSizeController,
    single: SingleView,
    *,
    switch: Segmented,
    looks: ExploreController,
    photos: PhotoController,
    files: FilesController,
    marks: BookmarksController,
) -> Actions:
    """Connects the photo, its zoom, the card over it, and the switch to what the model sees."""
    panel, view = single.full, single.full.photo
    single.pages.roomChanged.connect(full.set_room)
    view.dragged.connect(looks.wander)
    view.dragFinished.connect(looks.settle)
    view.planeWanted.connect(looks.new_plane)
    view.reachTurned.connect(looks.turn_reach)
    view.panned.connect(full.pan)
    view.zoomed.connect(full.zoom)
    view.faceClicked.connect(full.choose_face)
    view.fitWanted.connect(lambda: full.set_zoom("fit"))
    view.shareChanged.connect(lambda share: marks.split(share=share))
    view.beforeHeld.connect(full.hold_before)
    view.filesDropped.connect(files.open_files)
    view.imageDropped.connect(photos.add_picture)
    panel.zoom.chosen.connect(full.set_zoom)
    panel.card.folded.connect(full.fold)
    switch.changed.connect(full.show)
    return {
        "view.photo": full.toggle,
        "photo.fit": lambda: full.set_zoom("fit"),
        "photo.fill": lambda: full.set_zoom("fill"),
        "photo.one": lambda: full.set_zoom("one"),
    }
