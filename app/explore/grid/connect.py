"""What gestures in the grid lead to."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from app.core.workspace import Actions
from app.explore.grid.controller import GridController
from app.explore.grid.view import GridView


def connect(grid: GridController, view: GridView, *, show_single: Callable[[], object], window: QWidget) -> Actions:
    """Connects the grid; `window` owns the dialog of an export."""
    view.reachChanged.connect(grid.set_reach)
    view.directionToggled.connect(grid.show_direction)
    view.roomChanged.connect(grid.set_room)
    view.sheetChosen.connect(grid.set_sheet)
    view.exportWanted.connect(lambda: grid.ask_export(window))
    view.picked.connect(grid.pick)
    view.opened.connect(lambda _: show_single())
    view.rollWanted.connect(grid.roll)
    view.kindChosen.connect(grid.show_kind)
    view.sideChanged.connect(grid.set_side)
    view.radiusChanged.connect(grid.set_radius)
    view.axisChosen.connect(grid.set_axis)
    view.panned.connect(grid.pan)
    view.zoomed.connect(grid.zoom)
    view.wholeWanted.connect(grid.whole)
    return {"grid.kind": grid.next_kind}
