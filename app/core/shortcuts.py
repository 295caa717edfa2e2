"""Keys as rows of tables, one a workspace and one of the window: actions, tooltips and help are made from them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget


@dataclass(frozen=True)
class Shortcut:
    """One action of the window; ``keys`` in Qt's portable text, the first is the one shown to the user."""

    id: str
    keys: tuple[str, ...]
    title: str
    help: str
    group: str


class ShortcutTable:
    """Shortcuts in the order in which help and palette list them. Those `when_shown` act only in their workspace, and
    there a key is theirs also where it is another action's elsewhere, see `take_turns`.

    Raises:
        ValueError: two actions share an id or always a key (Qt would then fire neither), or Qt does not know a key.
        KeyError: `when_shown` names none of them.
    """

    def __init__(self, *rows: Shortcut, when_shown: Collection[str] = ()) -> None:
        _assert_unique(rows, when_shown)
        self._rows = {row.id: row for row in rows}
        self.when_shown = frozenset(self._rows[action_id].id for action_id in when_shown)

    def __iter__(self) -> Iterator[Shortcut]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, action_id: str) -> Shortcut:
        """The row of ``action_id``; raises KeyError when there is none."""
        return self._rows[action_id]

    def keys_text(self, action_id: str) -> str:
        """The first key in the platform's own spelling, for tooltips (``Ctrl+O``, on a Mac ``⌘O``)."""
        return _native(self[action_id].keys[0])

    def help_rows(self) -> list[tuple[str, str, str]]:
        """Rows (group, title and help, keys) of the help page, in table order."""
        return [(row.group, f"{row.title}: {row.help}", ", ".join(map(_native, row.keys))) for row in self]


def _native(key: str) -> str:
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)


def _assert_unique(rows: tuple[Shortcut, ...], when_shown: Collection[str]) -> None:
    ids = [row.id for row in rows]
    keys = [QKeySequence(key).toString() for row in rows if row.id not in when_shown for key in row.keys]
    doubled = sorted({item for group in (ids, keys) for item in group if group.count(item) > 1})
    if doubled:
        raise ValueError(f"The shortcut table names {', '.join(doubled)} more than once.")
    if any(not QKeySequence(key).toString() for row in rows for key in row.keys):
        raise ValueError("The shortcut table holds a key that Qt does not know.")


WINDOW: Final = ShortcutTable(
    Shortcut("view.theme", ("Ctrl+T",), "Light or dark", "Switch between the light and the dark theme.", "Window"),
    Shortcut("view.fullscreen", ("F11",), "Full screen", "Fill the screen or go back to a window.", "Window"),
    Shortcut("help.palette", ("Ctrl+K",), "Commands", "Find and do anything by typing.", "Window"),
    Shortcut("help.shortcuts", ("F1",), "Keys", "List every key of the window.", "Window"),
    Shortcut("app.quit", ("Ctrl+Q",), "Quit", "Stop the work, keep the checkpoint and close.", "Window"),
)
"""The keys that belong to no workspace."""


class _SpaceForButtons(QObject):
    """Leaves Space to a focused button: without it the window's Space shortcut would take its only key."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        is_space = (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Space
        )
        if is_space and isinstance(QApplication.focusWidget(), QAbstractButton):
            event.accept()
            return True
        return super().eventFilter(watched, event)


def make_actions(
    parent: QWidget, slots: Mapping[str, Callable[[], object]], *, table: ShortcutTable
) -> dict[str, QAction]:
    """Make a QAction for each id in ``slots`` and add it to ``parent``; raises KeyError for an id not in ``table``.

    The actions work anywhere in the parent's window except in a text field, which keeps its own keys.
    """
    actions: dict[str, QAction] = {}
    for action_id, slot in slots.items():
        row = table[action_id]
        action = QAction(row.title, parent)
        action.setObjectName(action_id)
        action.setShortcuts([QKeySequence(key) for key in row.keys])
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.setToolTip(f"{row.help} ({_native(row.keys[0])})")
        # `triggered` carries a bool that a plain slot must not take for an argument.
        action.triggered.connect(lambda _checked=False, call=slot: call())
        parent.addAction(action)
        actions[action_id] = action
    parent.installEventFilter(_SpaceForButtons(parent))
    return actions


def take_turns(actions: Mapping[str, QAction], table: ShortcutTable, *, shown: Collection[str]) -> None:
    """Gives each key that several actions have to one of them: to that among `shown`, the ids that act in the workspace
    on show, else to that which acts everywhere."""
    wanting: dict[str, list[str]] = {}
    for row in table:
        for key in row.keys:
            wanting.setdefault(key, []).append(row.id)
    shared = {key: ids for key, ids in wanting.items() if len(ids) > 1}
    owners = {
        key: next((one for one in ids if one in shown), next((one for one in ids if one not in table.when_shown), ""))
        for key, ids in shared.items()
    }
    for action_id in {one for ids in shared.values() for one in ids} & actions.keys():
        keys = [key for key in table[action_id].keys if owners.get(key, action_id) == action_id]
        actions[action_id].setShortcuts([QKeySequence(key) for key in keys])
