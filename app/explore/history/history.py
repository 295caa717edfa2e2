"""The undo tree: every look that was settled on, with branches kept when the user goes back and takes another way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from app.look import Look
from engine.api import DrawRequest, Pictures

LIMIT: Final = 300


@dataclass(frozen=True, eq=False)
class Entry:
    """One settled look. `parent` is the number of the entry it came from, None at a root."""

    number: int
    parent: int | None
    look: Look
    label: str
    picture: Pictures | None = None


@dataclass(frozen=True, eq=False)
class History:
    """Entries in the order in which they were made; a new value for every change."""

    entries: tuple[Entry, ...] = ()
    current: int | None = None
    visited: tuple[tuple[int, int], ...] = ()
    """(parent, child) pairs, the newest last: the way that redo takes."""

    def entry(self, number: int) -> Entry:
        """The entry of this number; raises KeyError when there is none."""
        for entry in self.entries:
            if entry.number == number:
                return entry
        raise KeyError(number)

    def here(self) -> Entry | None:
        """The current entry."""
        return None if self.current is None else self.entry(self.current)

    def pushed(self, look: Look, label: str) -> History:
        """With `look` as a new child of the current entry; the same look again changes nothing."""
        here = self.here()
        if here is not None and here.look == look:
            return self
        number = self.entries[-1].number + 1 if self.entries else 0
        grown = replace(self, entries=(*self.entries, Entry(number, self.current, look, label)))
        return grown.at(number).pruned()

    def at(self, number: int) -> History:
        """With `number` as the current entry, remembered as the way on from its parent."""
        parent = self.entry(number).parent
        visited = self.visited if parent is None else (*(p for p in self.visited if p[0] != parent), (parent, number))
        return replace(self, current=number, visited=visited)

    def back(self) -> History | None:
        """One step towards the root, or None there."""
        here = self.here()
        return None if here is None or here.parent is None else self.at(here.parent)

    def forward(self) -> History | None:
        """To the child visited last, or None at a tip."""
        child = dict(self.visited).get(-1 if self.current is None else self.current)
        return None if child is None else self.at(child)

    def with_picture(self, request: DrawRequest, picture: Pictures) -> History:
        """With the picture of the current entry filled in, if it is this request's."""
        here = self.here()
        if here is None or here.picture is not None or here.look.request() != request:
            return self
        return self.filled(here.number, picture)

    def filled(self, number: int, picture: Pictures) -> History:
        """With the picture of an entry filled in, if it is still there without one."""
        return replace(
            self,
            entries=tuple(
                replace(e, picture=picture) if e.number == number and e.picture is None else e for e in self.entries
            ),
        )

    def pruned(self) -> History:
        """Without the oldest entries beyond the limit; their children move to their parents."""
        kept = self
        while len(kept.entries) > LIMIT:
            gone, *rest = kept.entries
            moved = tuple(replace(e, parent=gone.parent) if e.parent == gone.number else e for e in rest)
            visited = tuple(pair for pair in kept.visited if gone.number not in pair)
            kept = replace(kept, entries=moved, visited=visited)
        return kept

    def way(self) -> frozenset[int]:
        """The numbers of the current entry and of those that it came from: what is in force."""
        parents, found, at = {entry.number: entry.parent for entry in self.entries}, set[int](), self.current
        while at is not None and at in parents:
            found.add(at)
            at = parents[at]
        return frozenset(found)

    def branches(self) -> tuple[bool, ...]:
        """For each entry whether it leaves the line that the strip draws (its parent is not the entry before)."""
        numbers = [entry.number for entry in self.entries]
        return tuple(i > 0 and entry.parent != numbers[i - 1] for i, entry in enumerate(self.entries))
