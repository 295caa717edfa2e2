"""Push buttons with their tooltip and look, and entries of menus with their tick, in one call."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QPushButton


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


def menu_button(text: str, tooltip: str, *, kind: str = "") -> tuple[QPushButton, QMenu]:
    """A button that opens a menu, and the menu; it opens upwards where there is no room below."""
    push = button(f"{text} \u25be", tooltip, kind=kind)
    menu = QMenu(push)
    menu.setToolTipsVisible(True)
    # Not setMenu: a quiet button would then be styled as a combo box and be wider than its words.
    push.clicked.connect(lambda: menu.popup(push.mapToGlobal(QPoint(0, push.height() + 2))))
    return push, menu


def tick(
    menu: QMenu, words: str, *, on: bool = False, enabled: bool = True, do: Callable[[bool], object] | None = None
) -> QAction:
    """An entry of a menu that is ``on`` or off; a press does ``do`` with what it is then."""
    made = menu.addAction(words)
    made.setCheckable(True)
    made.setChecked(on)
    made.setEnabled(enabled)
    if do is not None:
        # A partial does not say how many arguments it takes, and Qt would give it none.
        made.triggered.connect(lambda on: do(on))
    return made
