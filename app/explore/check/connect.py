"""What the page that diagnoses a model leads to."""

from __future__ import annotations

from app.core.workspace import Actions
from app.explore.check.controller import ModelCheckController
from app.explore.check.view import ModelCheckPanel


def connect(check: ModelCheckController, page: ModelCheckPanel) -> Actions:
    """Connects the page."""
    page.runWanted.connect(lambda names, quick: check.run(names, quick=quick))
    page.dataChosen.connect(check.set_data)
    page.report.folded.connect(check.unfold)
    page.closeWanted.connect(check.close)
    return {"model.diagnose": check.open}
