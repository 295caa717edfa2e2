"""A run in the lists of Explore and Train, as a value."""

from dataclasses import dataclass

from engine.api import Pictures
from engine.runs import RunInfo


@dataclass(frozen=True, eq=False)
class RunCard:
    """A run in the lists, with the first picture of its newest preview."""

    info: RunInfo
    thumb: Pictures | None = None
    tags: tuple[str, ...] = ()
    attached: bool = False
