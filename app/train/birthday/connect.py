"""What the birthday test leads to."""

from app.core.workspace import Actions
from app.train.birthday.controller import BirthdayController
from app.train.birthday.view import BirthdayView


def connect(birthday: BirthdayController, game: BirthdayView) -> Actions:
    """Connects the test."""
    game.answered.connect(birthday.answer)
    game.undoWanted.connect(birthday.undo)
    game.skipWanted.connect(birthday.skip)
    game.finishWanted.connect(birthday.finish)
    game.againWanted.connect(birthday.again)
    game.leaveWanted.connect(birthday.leave)
    return {"collapse.birthday": birthday.open}
