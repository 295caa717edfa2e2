"""What the cards and the numbers of the lessons have in common."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent

from app.widgets.painted import PaintedItems
from engine.lab import LessonInfo


class LessonItems(PaintedItems):
    """Emits the name of the lesson that is wanted."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._lessons: tuple[LessonInfo, ...] = ()
        self._open = ""
        self._proved: frozenset[str] = frozenset()

    def set_lessons(self, lessons: Sequence[LessonInfo], *, opened: str, proved: Collection[str]) -> None:
        """All of them, the one that is open, and the names of those whose numbers were reached."""
        moved = opened != self._open
        self._lessons, self._open, self._proved = tuple(lessons), opened, frozenset(proved)
        names = [one.name for one in lessons]
        if moved and opened in names:
            self._cursor = names.index(opened)
            self._reveal()
        self.updateGeometry()
        self.update()

    def _reveal(self) -> None:
        """Brings the item that the keyboard is at into view, where not all have room."""

    def item_count(self) -> int:
        return len(self._lessons)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.index_at(event.position().toPoint())
        if index >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self._cursor = index
            self.chosen.emit(self._lessons[index].name)
