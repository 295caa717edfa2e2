"""All lessons as numbers in a row, where their cards would take the room of the one that is open."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy

from app.lab.lessons.items import LessonItems
from app.theme import color, tokens, ui_font
from app.widgets import paint
from app.widgets.painted import Key

WIDTH_PX: Final = 25
HEIGHT_PX: Final = 22
GAP_PX: Final = 3


class LessonDots(LessonItems):
    """Emits the name of the lesson that is wanted."""

    handled_keys = (Key.Key_Left, Key.Key_Right, Key.Key_Return)

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Lessons by number")

    def item_rect(self, index: int) -> QRect:
        return QRect(index * (WIDTH_PX + GAP_PX), 0, WIDTH_PX, HEIGHT_PX)

    def item_tooltip(self, index: int) -> str:
        lesson = self._lessons[index]
        proved = " (proved here)" if lesson.name in self._proved else ""
        return f"{lesson.number}. {lesson.title}{proved}"

    def sizeHint(self) -> QSize:
        return QSize(max(1, len(self._lessons) * (WIDTH_PX + GAP_PX) - GAP_PX), HEIGHT_PX)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Key(event.key())
        if key in (Key.Key_Left, Key.Key_Right):
            self._step_cursor(key, 1)
        elif key == Key.Key_Return and self._lessons:
            self.chosen.emit(self._lessons[self._cursor].name)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = paint.smooth(self), tokens()
        for index, lesson in enumerate(self._lessons):
            rect = QRectF(self.item_rect(index))
            opened, proved = lesson.name == self._open, lesson.name in self._proved
            fill = theme.selected if opened else theme.hover if index == self._hover else theme.raised
            paint.box(painter, rect, fill=fill, line=theme.accent_line if opened else theme.line, radius_px=5)
            if proved:
                _line(painter, rect, theme.ok)
            font, ink = ui_font(theme.small_px, bold=opened), theme.text if opened or proved else theme.muted
            centre = Qt.AlignmentFlag.AlignHCenter
            paint.text(painter, rect, lesson.number[1:], font=font, ink=ink, align=centre)
            if index == self._cursor and paint.tabbed_to(self):
                paint.focus_ring(painter, rect, 5)
        painter.end()


def _line(painter: QPainter, rect: QRectF, ink: str) -> None:
    """At the foot of a number: proved."""
    painter.fillRect(QRectF(rect.left() + 5, rect.bottom() - 4, rect.width() - 10, 2), color(ink))
