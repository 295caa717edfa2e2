"""What gestures on the morph lead to."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QWidget

from app.core.workspace import Actions
from app.explore.morph.controller import MorphController
from app.explore.morph.panel import MorphPanel
from app.explore.morph.view import MorphView
from app.explore.photos.controller import PhotoController


def connect(
    morph: MorphController, view: MorphView, *, panel: MorphPanel, photos: PhotoController, window: QWidget
) -> Actions:
    """Connects the morph's corners, path and pad; `window` owns the dialog of an export."""
    ask = partial(morph.ask_export, window)
    view.slotChosen.connect(morph.choose_slot)
    view.slotKeyDropped.connect(lambda index, key: morph.set_photo(key, index))
    view.slotFilesDropped.connect(lambda index, names: photos.add_files(names, lambda key: morph.set_photo(key, index)))
    view.slotImageDropped.connect(
        lambda index, picture: photos.add_picture(picture, lambda key: morph.set_photo(key, index))
    )
    view.slotCurrent.connect(morph.set_current)
    view.slotRemoved.connect(morph.remove_slot)
    view.slotAdded.connect(morph.add_slot)
    view.fractionChanged.connect(morph.set_fraction)
    view.padWanted.connect(morph.show_pad)
    view.padPlaced.connect(morph.set_pad)
    view.cornerMoved.connect(morph.move_corner)
    view.holdWanted.connect(morph.set_hold)
    view.playWanted.connect(morph.play)
    view.takeWanted.connect(morph.take)
    view.roomChanged.connect(morph.set_room)
    panel.backgroundChanged.connect(morph.set_background)
    panel.methodChanged.connect(morph.set_method)
    panel.fractionChanged.connect(morph.set_fraction)
    panel.timingChanged.connect(morph.set_timing)
    panel.holdChanged.connect(morph.set_hold)
    panel.exportChanged.connect(morph.set_export)
    panel.exportWanted.connect(ask)
    return {
        "morph.play": morph.if_shown(morph.play),
        "morph.take": morph.if_shown(morph.take),
        "morph.corner": morph.if_shown(morph.add_slot),
        "morph.pad": morph.if_shown(morph.toggle_pad),
        "morph.export": morph.if_shown(ask),
    }
