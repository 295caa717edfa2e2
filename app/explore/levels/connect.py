"""What gestures on the levels of a code lead to."""

from __future__ import annotations

from app.core.workspace import Actions
from app.explore.levels.controller import MicroscopeController
from app.explore.levels.view import LevelsSection
from app.explore.photos.controller import PhotoController


def connect(microscope: MicroscopeController, levels: LevelsSection, *, photos: PhotoController) -> Actions:
    """Connects the levels, and where their second code comes from."""
    levels.scaled.connect(microscope.set_strength)
    levels.freezeToggled.connect(microscope.freeze)
    levels.swapToggled.connect(microscope.swap)
    levels.swapAllWanted.connect(microscope.swap_all)
    levels.soloToggled.connect(microscope.solo)
    levels.rollWanted.connect(microscope.roll)
    levels.precisionToggled.connect(microscope.set_precision)
    levels.actionClicked.connect(microscope.reset)
    levels.toggled.connect(lambda folded: microscope.open(not folded))
    levels.secondKeyChosen.connect(microscope.second_photo)
    levels.secondBookmarkChosen.connect(microscope.second_bookmark)
    levels.secondFilesDropped.connect(lambda names: photos.add_files(names, microscope.second_photo))
    levels.secondImageDropped.connect(lambda picture: photos.add_picture(picture, microscope.second_photo))
    levels.secondSeedWanted.connect(microscope.second_seed)
    levels.secondCurrentWanted.connect(microscope.second_current)
    return {
        "levels.show": microscope.show,
        "levels.swap": microscope.swap_all,
        "levels.double": microscope.switch_precision,
        "levels.reset": microscope.reset,
    }
