"""What sliders, seed and temperature lead to, and the keys of undo."""

from __future__ import annotations

from collections.abc import Callable

from app.core.workspace import Actions
from app.explore.controller import ExploreController
from app.explore.inspector.view import Inspector


def connect(looks: ExploreController, inspector: Inspector, *, roll: Callable[[], object]) -> Actions:
    """Connects the inspector, less its levels and directions."""
    inspector.temperatureChanged.connect(looks.set_temperature)
    inspector.seed.changed.connect(looks.set_seed)
    inspector.roll.clicked.connect(roll)
    inspector.editChanged.connect(looks.set_edit)
    inspector.strength.changed.connect(lambda percent: looks.set_strength(percent / 100))
    inspector.lockChanged.connect(looks.set_lock)
    inspector.resetWanted.connect(looks.reset_sliders)
    inspector.settled.connect(looks.settle)
    return {
        "edit.undo": looks.undo,
        "edit.redo": looks.redo,
        "sample.random": roll,
        "sliders.reset": inspector.resetWanted.emit,
    }
