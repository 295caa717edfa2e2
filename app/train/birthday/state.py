"""The birthday test of a run as it stands."""

from dataclasses import dataclass
from pathlib import Path

from engine.api import Pictures
from engine.diagnostics import Game


@dataclass(frozen=True, eq=False)
class BirthdayState:
    """The birthday test of a run's step. `left` and `right` (P, H, W, 3) are the pairs of the round on the table.

    `training` is the number of training images; `drawing` while a model is read or a batch drawn.
    """

    open: bool = False
    run: Path | None = None
    step: int = 0
    sha256: str = ""
    training: int = 0
    game: Game | None = None
    left: Pictures | None = None
    right: Pictures | None = None
    drawing: bool = False
    message: str = ""
