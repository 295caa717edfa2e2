"""What gestures on the morph lead to."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QWidget

from app.core.workspace import Actions
from app.explore.files.controller import FilesController
from app.explore.morph.controller import MorphController
from app.explore.morph.panel import MorphPanel
from app.explore.morph.view import MorphView
from app.explore.photos.controller import PhotoController


def connect(
    morph: MorphController,
    view: MorphView,
    *,
    panel: MorphPanel,
    photos: PhotoController,
    files: FilesController,
    window: QWidget,
) -> Actions:
    """Connects the morph's corners, path and pad; `window` owns the dialog of an export."""
    ask = partial(morph.ask_export, window)
    view.slotChosen.connect(lambda index: morph.change(chosen=index))
    view.slotKeyDropped.connect(lambda index, key: morph.set_photo(key, index))
    view.slotFilesDropped.connect(files.open_corner)
    view.slotImageDropped.connect(
        lambda index, picture: photos.add_picture(picture, lambda key: morph.set_photo(key, index))
    )
    view.slotCurrent.connect(morph.set_current)
    view.slotRemoved.connect(morph.remove_slot)
    view.more.clicked.connect(morph.add_slot)
    view.fractionChanged.connect(morph.set_fraction)
    view.mode.changed.connect(lambda mode: morph.show_pad(mode == "pad"))
    view.pad.placed.connect(morph.set_pad)
    view.strip.keyMoved.connect(morph.move_corner)
    view.strip.holdWanted.connect(lambda place, frames: morph.set_hold(frames, place))
    view.play.clicked.connect(morph.play)
    view.take.clicked.connect(morph.take)
    view.roomChanged.connect(morph.set_room)
    panel.background.changed.connect(lambda background: morph.change(background=background))
    panel.method.changed.connect(lambda method: morph.change(method=method))
    panel.plot.placed.connect(morph.set_fraction)
    panel.timingChanged.connect(morph.set_timing)
    panel.hold.changed.connect(morph.set_hold)
    panel.exportChanged.connect(morph.set_export)
    panel.export.clicked.connect(lambda: ask())
    return {
        "morph.play": morph.if_shown(morph.play),
        "morph.take": morph.if_shown(morph.take),
        "morph.corner": morph.if_shown(morph.add_slot),
        "morph.pad": morph.if_shown(morph.toggle_pad),
        "morph.export": morph.if_shown(ask),
    }
