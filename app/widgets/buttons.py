"""Push buttons with their tooltip and look in one call."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QPushButton


def button(
    text: str, tooltip: str, *, kind: str = "", checkable: bool = False, do: Callable[[], object] | None = None
) -> QPushButton:
    """A button; ``kind`` is ``primary``, ``quiet`` or empty (see the style sheet). A press does ``do``."""
    made = QPushButton(text)
    made.setToolTip(tooltip)
    made.setAccessibleName(text if len(text) > 1 else tooltip)
    made.setCheckable(checkable)
    if kind:
        made.setProperty("kind", kind)
    if do is not None:
        # `clicked` carries a bool that a plain call must not take for an argument.
        made.clicked.connect(lambda: do())
    return made
