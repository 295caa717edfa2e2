"""What the panel of an import leads to."""

from PySide6.QtWidgets import QWidget

from app.core.workspace import Actions
from app.explore.importing.controller import ImportController
from app.explore.importing.view import ImportPanel


def connect(imports: ImportController, panel: ImportPanel, *, window: QWidget) -> Actions:
    """Connects the panel; `window` owns the dialog that asks for a file."""
    panel.accepted.connect(imports.accept)
    panel.closeWanted.connect(imports.close)
    panel.titleChanged.connect(imports.set_title)
    return {"model.import": lambda: imports.choose(window)}
