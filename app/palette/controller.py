"""What the command palette offers: every action of the table, models, photos, sliders, bookmarks and recent files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction

from app.core.model_host import run_ref
from app.core.shortcuts import SHORTCUTS, keys_text
from app.state import VIEWS
from app.widgets.palette import Palette, PaletteItem
from app.words import nice

if TYPE_CHECKING:
    from app.conductor import Conductor

Do = Callable[[str], None]
SEPARATOR: Final = "|"


class PaletteController(QObject):
    """Lists what can be done now, and does what was chosen."""

    def __init__(self, conductor: Conductor, actions: Mapping[str, QAction]) -> None:
        super().__init__(conductor)
        self._controller, self._actions = conductor, actions
        self.palette = Palette(conductor.window)
        self.palette.chosen.connect(self._chosen)
        self._verbs: dict[str, Do] = {
            "do": lambda name: self._actions[name].trigger(),
            "view": conductor.show_view,
            "model": self._open_model,
            "photo": conductor.use_photo,
            "slider": self._focus_slider,
            "bookmark": lambda index: conductor.bookmarks.go(int(index)),
            "recent": lambda name: conductor.files.open_files([name]),
        }

    def toggle(self) -> None:
        """Opens the palette, or closes it."""
        if self.palette.isVisible():
            self.palette.hide()
        else:
            self.palette.open_with(self.items())

    def items(self) -> tuple[PaletteItem, ...]:
        """All that can be done now."""
        state = self._controller.state
        info = state.info
        rows = [
            PaletteItem(f"do|{row.id}", row.title.rstrip("…"), row.group, row.help, keys_text(row.id))
            for row in SHORTCUTS
            if row.id in self._actions and row.id != "help.palette"
        ]
        rows += [PaletteItem(f"view|{key}", title, "View", "How to look at the model") for key, title in VIEWS]
        rows += [
            PaletteItem(f"model|{card.key}", card.title, "Model", card.family_title) for card in state.models or ()
        ]
        rows += [
            PaletteItem(
                f"model|{run_ref(card.info.path)}", card.info.config.title or card.info.name, "Run", "Explore it"
            )
            for card in state.runs
        ]
        rows += [PaletteItem(f"photo|{item.key}", item.name, "Photo", "Put it into the model") for item in state.photos]
        if info is not None:
            sliders = (*info.attributes, *info.components)
            rows += [
                PaletteItem(f"slider|{one.name}", nice(one.name), "Slider", "Left and Right move it") for one in sliders
            ]
        rows += [
            PaletteItem(f"bookmark|{index}", mark.name, "Bookmark", mark.look.text())
            for index, mark in enumerate(state.bookmarks)
        ]
        rows += [
            PaletteItem(f"recent|{name}", Path(name).name, "Recent", str(Path(name).parent))
            for name in self._controller.settings.recent
        ]
        return tuple(rows)

    def _chosen(self, key: str) -> None:
        verb, _, rest = key.partition(SEPARATOR)
        self._verbs[verb](rest)

    def _open_model(self, ref: str) -> None:
        self._controller.show_workspace("explore")
        self._controller.explore.open_model(ref)

    def _focus_slider(self, name: str) -> None:
        self._controller.show_workspace("explore")
        self._controller.window.explore.inspector.show_slider(name)
