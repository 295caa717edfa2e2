"""The data set on show in Train: what was chosen, what was found, and which of its pictures are seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.api import Pictures

if TYPE_CHECKING:
    from engine.session import Survey

PAGE: Final = 120
"""Pictures at a time."""
SHOWS: Final = (("pictures", "Pictures"), ("duplicates", "Duplicates"), ("broken", "Broken files"))


@dataclass(frozen=True)
class DataChoice:
    """A data set as the person names it: its path, a CSV of labels, what the split goes by, and the images' shape."""

    path: str = ""
    labels: str = ""
    group: str = ""
    size: int = 64
    channels: int = 3


@dataclass(frozen=True, eq=False)
class DataState:
    """`survey` belongs to `looked`; `choice` may have moved on. `show` is one of SHOWS.

    `attribute` narrows the pictures to those that have it; `rows` are the rows in view, and `pictures` (N, S, S, 3).
    `total` is how many there are to page through from `page` on.
    """

    choice: DataChoice = DataChoice()
    looked: DataChoice | None = None
    survey: Survey | None = None
    busy: bool = False
    message: str = ""
    show: str = "pictures"
    attribute: str = ""
    page: int = 0
    total: int = 0
    rows: tuple[int, ...] = ()
    pictures: Pictures | None = None

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // PAGE))
