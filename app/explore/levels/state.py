"""The section of the levels."""

from dataclasses import dataclass

from engine.api import Coded, LevelMap, Pictures, Sampled


@dataclass(frozen=True, eq=False)
class SecondCode:
    """Where swapped levels come from. `code` is None while a photo is being encoded."""

    name: str
    picture: Pictures | None = None
    code: Sampled | Coded | None = None
    photo: str | None = None


@dataclass(frozen=True, eq=False)
class LevelsState:
    """The section of the levels: unfolded or not, the second code, and what each level drives (one map a group)."""

    open: bool = False
    second: SecondCode | None = None
    maps: tuple[LevelMap, ...] = ()
