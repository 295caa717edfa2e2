"""What the command palette offers: every action of the window, and what the workspaces add to them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from app.core.shortcuts import ShortcutTable
from app.widgets.palette import Palette, PaletteItem

PALETTE: Final = "help.palette"
"""The action that opens the palette: the only one that is not in it."""


@dataclass(frozen=True, eq=False)
class Offer:
    """A row of the palette, and what it does."""

    item: PaletteItem
    do: Callable[[], object]


class PaletteController(QObject):
    """Lists what can be done now, and does what was chosen. `more` gives what there is beside the actions."""

    def __init__(
        self,
        window: QWidget,
        actions: Mapping[str, QAction],
        *,
        shortcuts: ShortcutTable,
        more: Callable[[], Iterable[Offer]],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._more = more
        self._actions = [
            Offer(
                PaletteItem(f"do|{row.id}", row.title.rstrip("…"), row.group, row.help, shortcuts.keys_text(row.id)),
                actions[row.id].trigger,
            )
            for row in shortcuts
            if row.id != PALETTE
        ]
        self._listed: dict[str, Offer] = {}
        self.palette = Palette(window)
        self.palette.chosen.connect(lambda key: self._listed[key].do())

    def toggle(self) -> None:
        """Opens the palette, or closes it."""
        if self.palette.isVisible():
            self.palette.hide()
        else:
            self.palette.open_with(self.items())

    def items(self) -> tuple[PaletteItem, ...]:
        """All that can be done now."""
        self._listed = {offer.item.key: offer for offer in (*self._actions, *self._more())}
        return tuple(offer.item for offer in self._listed.values())
