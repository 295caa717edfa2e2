"""What framing a photo by hand leads to."""

from __future__ import annotations

from app.core.workspace import Actions
from app.explore.framing.controller import FramingController
from app.explore.single.view import SingleView


def connect(framing: FramingController, single: SingleView) -> Actions:
    """Connects the panel that lies over the picture."""
    single.frame.clicked.connect(framing.open)
    panel = single.framing
    panel.picker.faceChosen.connect(framing.choose_face)
    panel.clickWanted.connect(framing.start_clicking)
    panel.picker.pointsChanged.connect(framing.set_points)
    panel.undo.clicked.connect(framing.undo_point)
    panel.middle.clicked.connect(framing.take_middle)
    panel.useWanted.connect(framing.use)
    panel.cancelWanted.connect(framing.cancel)
    return {"photo.frame": framing.open}
