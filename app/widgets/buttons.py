"""Push buttons with their tooltip and look in one call."""

from __future__ import annotations

from PySide6.QtWidgets import QPushButton


def button(text: str, tooltip: str, *, kind: str = "", checkable: bool = False) -> QPushButton:
    """A button; ``kind`` is ``primary``, ``quiet`` or empty (see the style sheet)."""
    made = QPushButton(text)
    made.setToolTip(tooltip)
    made.setAccessibleName(text if len(text) > 1 else tooltip)
    made.setCheckable(checkable)
    if kind:
        made.setProperty("kind", kind)
    return made
