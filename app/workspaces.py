"""The table of workspaces. Another one is a folder and a row here."""

from __future__ import annotations

from typing import Final

from app.core.shortcuts import WINDOW, ShortcutTable
from app.core.workspace import Workspace, shortcut_to
from app.explore.workspace import EXPLORE
from app.lab.workspace import LAB
from app.train.workspace import TRAIN

WORKSPACES: Final[tuple[Workspace, ...]] = (EXPLORE, TRAIN, LAB)
"""In the order of the top bar; the first is made with the window and shown at the start."""


def shortcuts() -> ShortcutTable:
    """All keys of the window, in the order of the help page. What acts only while its workspace is on show may have a
    key of another workspace, and none of the window's.

    Raises:
        ValueError: two workspaces share a key that acts in both.
    """
    ways = [shortcut_to(row, number) for number, row in enumerate(WORKSPACES, 1)]
    for row in WORKSPACES:
        ShortcutTable(*ways, *row.shortcuts, *WINDOW)
    every = (key for row in WORKSPACES for key in row.shortcuts)
    shown = frozenset().union(*(row.shortcuts.when_shown for row in WORKSPACES))
    return ShortcutTable(*ways, *every, *WINDOW, when_shown=shown)
