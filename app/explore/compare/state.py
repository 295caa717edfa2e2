"""What Compare shows: a row a model."""

from __future__ import annotations

from dataclasses import dataclass

from engine.api import Encoded, ModelInfo, Pictures


@dataclass(frozen=True)
class Recipe:
    """What a row's picture is made from: A's code, by `fraction` on its way to B's, moved along directions by name.

    Two recipes are equal only when they mean the same codes, so a picture is never taken for another's.
    """

    photo: Encoded
    other: Encoded | None = None
    fraction: float = 0.0
    method: str = ""
    edits: tuple[tuple[str, float], ...] = ()
    locked: tuple[str, ...] = ()

    def plain(self) -> bool:
        """Whether nothing is changed: the picture is then the reconstruction."""
        return self.other is None and not self.edits


@dataclass(frozen=True, eq=False)
class Close:
    """A close-up of the photo with a model's change in it: `picture` (P, P, 3) at `side` pixels, `before` as it was,
    `of` the model's picture that it is made of, `strength` how much of its change, `far` a close-up of the second
    photo. `fine`: all sharp, and not only quick."""

    picture: Pictures
    before: Pictures
    of: Pictures
    side: int
    strength: float
    fine: bool
    far: Pictures | None = None


@dataclass(frozen=True, eq=False)
class CompareRow:
    """One model's view of the photo. `status`: waiting, working, done or failed.

    `picture` (H, W, 3) is the newest of this model, made by `recipe`; `drawing` while a newer one is being made;
    `other` is the second photo of the path in this model, `other_note` how far its encoding is; `note` says what the
    row cannot follow; `close` is the photo itself with this row's change.
    """

    ref: str
    title: str
    detail: str
    status: str = "waiting"
    encoded: Encoded | None = None
    message: str = ""
    fraction: float | None = None
    info: ModelInfo | None = None
    other: Encoded | None = None
    other_note: str = ""
    picture: Pictures | None = None
    recipe: Recipe | None = None
    drawing: bool = False
    note: str = ""
    close: Close | None = None


@dataclass(frozen=True)
class Comparison:
    """Which models are compared (None: those in the box), the photo at the far end of the path, and where on it.

    `room` is the side of a row's close-up of the photo, in pixels of the screen; `why`: why there is none to show.
    """

    models: tuple[str, ...] | None = None
    other: str | None = None
    fraction: float = 0.0
    room: int = 0
    why: str = ""
