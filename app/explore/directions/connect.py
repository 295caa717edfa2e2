"""What gestures on directions lead to, and on the panel that makes a new one."""

from __future__ import annotations

from app.core.workspace import Actions
from app.explore.directions.controller import DirectionsController
from app.explore.directions.maker_view import NewAttribute
from app.explore.inspector.view import Inspector


def connect(directions: DirectionsController, inspector: Inspector, *, panel: NewAttribute) -> Actions:
    """Connects the inspector's directions and the panel of a new attribute."""
    maker = directions.maker
    inspector.attributes.new.clicked.connect(maker.open)
    inspector.axesChosen.connect(directions.show_axes)
    inspector.actionWanted.connect(directions.act)
    inspector.renamed.connect(directions.rename)
    panel.closeWanted.connect(maker.close)
    panel.makeWanted.connect(maker.make)
    panel.stop.clicked.connect(maker.stop)
    panel.name.textEdited.connect(lambda name: maker.set(name=name, message=""))
    panel.way.changed.connect(lambda way: maker.set(way=way, message=""))
    panel.method.changed.connect(lambda method: maker.set(method=method, message=""))
    panel.filesDropped.connect(maker.add_files)
    panel.imageDropped.connect(maker.add_picture)
    panel.keyDropped.connect(maker.add_key)
    panel.removed.connect(maker.remove)
    panel.labels.changed.connect(maker.set_labels)
    panel.data.changed.connect(lambda name: maker.set(data=name, message=""))
    panel.column.changed.connect(maker.set_column)
    return {"attribute.new": maker.open}
