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
    """All keys of the window, in the order of the help page.

    Raises:
        ValueError: two workspaces share a key.
    """
    ways = (shortcut_to(row, number) for number, row in enumerate(WORKSPACES, 1))
    return ShortcutTable(*ways, *(key for row in WORKSPACES for key in row.shortcuts), *WINDOW)
