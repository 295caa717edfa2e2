"""Bookmarks, and the handle between two states."""

from __future__ import annotations

from dataclasses import dataclass

from app.look import Look
from engine.api import Pictures


@dataclass(frozen=True, eq=False)
class Bookmark:
    """A look kept by name; `picture` is (H, W, 3), as it was when it was kept."""

    name: str
    look: Look
    picture: Pictures


@dataclass(frozen=True, eq=False)
class Split:
    """The handle between two states. What stands at its left: a bookmark, an entry of the history, or (both None) the
    state before the current one. `share` 0..1 is where the handle is."""

    on: bool = False
    entry: int | None = None
    bookmark: Bookmark | None = None
    share: float = 0.5
