"""The panel "New attribute" as a frozen value: two groups of photos or a CSV of labels, a name and a method."""

from dataclasses import dataclass, field
from typing import Final

from engine.api import Cut, PhotoSource, Pictures

GROUPS: Final = ("a", "b")
METHODS: Final = (
    ("mean", "Difference of means", "From the middle of B to the middle of A: sturdy with few photos."),
    ("logistic", "Logistic", "What tells A from B best, held back where photos are few: a good first choice."),
    ("lda", "LDA", "Difference of means, corrected for how codes vary anyway: best with many photos."),
)
"""(key, label, explanation)."""
FEWEST: Final = 5


@dataclass(frozen=True, eq=False)
class GroupPhoto:
    """A photo of a group; `thumb` is (H, W, 3). One of the library keeps its `cut`."""

    key: str
    name: str
    source: PhotoSource
    thumb: Pictures
    cut: Cut = field(default_factory=Cut)


@dataclass(frozen=True)
class Column:
    """A column of the CSV: in how many rows it says with, and without."""

    name: str
    positives: int
    negatives: int


@dataclass(frozen=True, eq=False)
class MakerState:
    """`way` is photos or labels; `reading` photos are on their way; `message` says what is wrong, in a sentence.

    `left_out` names the photos that could not be read. `fraction` is None where it is not known.
    """

    name: str = ""
    way: str = "photos"
    method: str = "logistic"
    a: tuple[GroupPhoto, ...] = ()
    b: tuple[GroupPhoto, ...] = ()
    reading: int = 0
    left_out: tuple[str, ...] = ()
    labels: str = ""
    data: str = ""
    columns: tuple[Column, ...] = ()
    column: str = ""
    busy: bool = False
    fraction: float | None = None
    detail: str = ""
    message: str = ""

    def group(self, name: str) -> tuple[GroupPhoto, ...]:
        """The photos of group "a" or "b"."""
        return self.a if name == "a" else self.b

    def missing(self) -> str:
        """What is still needed before it can be made; empty when nothing is."""
        if not self.name.strip():
            return "Type a name."
        if self.way == "labels":
            if not self.labels or not self.data:
                return "Choose the CSV of labels and its pictures."
            chosen = next((c for c in self.columns if c.name == self.column), None)
            return "" if chosen is not None else "Choose a column of the CSV."
        short = [f"{FEWEST - len(g)} more in {n.upper()}" for n, g in (("a", self.a), ("b", self.b)) if len(g) < FEWEST]
        return f"At least {FEWEST} photos a group: {' and '.join(short)}." if short else ""
