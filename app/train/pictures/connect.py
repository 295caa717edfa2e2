"""What gestures on the pictures of a run lead to."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QWidget

from app.core.store import Store
from app.core.workspace import Actions
from app.train.pictures.controller import PicturesController
from app.train.pictures.view import TrainPictures


def connect(pictures: PicturesController, view: TrainPictures, *, store: Store, window: QWidget) -> Actions:
    """Connects the pictures; `window` owns the dialogs that ask for files."""
    ask_photo, ask_timelapse = partial(pictures.ask_photo, window), partial(pictures.ask_timelapse, window)
    view.scrubber.moved.connect(pictures.scrub)
    view.tabs.changed.connect(lambda tab: store.change("pictures", tab=tab))
    view.play.clicked.connect(pictures.play)
    view.filesDropped.connect(pictures.pin_files)
    view.imageDropped.connect(pictures.pin_picture)
    view.pin.clicked.connect(lambda: ask_photo())
    view.pins.unpinned.connect(pictures.unpin)
    view.timelapseChanged.connect(pictures.set_timelapse)
    view.export.clicked.connect(lambda: ask_timelapse())
    return {
        "pictures.tab": pictures.next_tab,
        "pictures.pin": ask_photo,
        "pictures.play": pictures.play,
        "pictures.back": lambda: pictures.step(-1),
        "pictures.on": lambda: pictures.step(1),
        "pictures.timelapse": ask_timelapse,
    }
