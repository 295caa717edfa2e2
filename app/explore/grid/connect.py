"""What gestures in the grid lead to."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from app.core.workspace import Actions
from app.explore.grid.controller import GridController
from app.explore.grid.view import GridView


def connect(grid: GridController, view: GridView, *, show_single: Callable[[], object], window: QWidget) -> Actions:
    """Connects the grid; `window` owns the dialog of an export."""
    view.reach.changed.connect(lambda reach: grid.change(reach=reach))
    view.directionToggled.connect(grid.show_direction)
    view.roomChanged.connect(lambda side_px: grid.change(room=side_px))
    view.sheet.changed.connect(lambda side_px: grid.change(sheet=int(side_px)))
    view.export.clicked.connect(lambda: grid.ask_export(window))
    view.grid.cellClicked.connect(grid.pick)
    view.grid.cellDoubleClicked.connect(lambda _: show_single())
    view.roll.clicked.connect(grid.roll)
    view.kind.changed.connect(grid.show_kind)
    view.side.changed.connect(lambda side: grid.set_side(round(side)))
    view.radius.changed.connect(lambda radius: grid.change(radius=radius))
    view.axisChosen.connect(grid.set_axis)
    view.grid.panned.connect(grid.pan)
    view.grid.zoomed.connect(grid.zoom)
    view.whole.clicked.connect(grid.whole)
    return {"grid.kind": grid.next_kind}
