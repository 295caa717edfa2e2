"""What gestures on the levels of a code lead to."""

from __future__ import annotations

from app.core.workspace import Actions
from app.explore.levels.controller import LevelsController
from app.explore.levels.view import LevelsSection
from app.explore.photos.controller import PhotoController


def connect(levels: LevelsController, section: LevelsSection, *, photos: PhotoController) -> Actions:
    """Connects the levels, and where their second code comes from."""
    section.scaled.connect(levels.set_strength)
    section.freezeToggled.connect(levels.freeze)
    section.swapToggled.connect(levels.swap)
    section.swap_all.clicked.connect(levels.swap_all)
    section.soloToggled.connect(levels.solo)
    section.rollWanted.connect(levels.roll)
    section.double.changed.connect(levels.set_precision)
    section.actionClicked.connect(levels.reset)
    section.toggled.connect(lambda folded: levels.open(not folded))
    section.secondKeyChosen.connect(levels.second_photo)
    section.secondBookmarkChosen.connect(levels.second_bookmark)
    section.second.filesDropped.connect(lambda names: photos.add_files(names, levels.second_photo))
    section.second.imageDropped.connect(lambda picture: photos.add_picture(picture, levels.second_photo))
    section.seed.clicked.connect(levels.second_seed)
    section.current.clicked.connect(levels.second_current)
    return {
        "levels.show": levels.show,
        "levels.swap": levels.swap_all,
        "levels.double": levels.switch_precision,
        "levels.reset": levels.reset,
    }
