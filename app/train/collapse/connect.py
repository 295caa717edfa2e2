"""What the Collapse panel leads to."""

from __future__ import annotations

from collections.abc import Callable

from app.core.workspace import Actions
from app.train.collapse.controller import CollapseController
from app.train.collapse.view import CollapsePanel


def connect(collapse: CollapseController, panel: CollapsePanel, *, begin_test: Callable[[], object]) -> Actions:
    """Connects the panel; `begin_test` opens the birthday test in it."""
    panel.runWanted.connect(lambda names, quick: collapse.run(names, quick=quick))
    panel.steps.changed.connect(lambda step: collapse.choose(int(step)))
    panel.report.folded.connect(collapse.unfold)
    panel.birthday_button.clicked.connect(begin_test)
    return {
        "collapse.show": collapse.toggle,
        "collapse.quick": lambda: collapse.run(quick=True),
        "collapse.full": collapse.run,
    }
