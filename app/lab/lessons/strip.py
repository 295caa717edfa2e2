"""All lessons as a row of cards: number, title and a tick when its numbers were reached."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy

from app.lab.lessons.items import LessonItems
from app.theme import color, tokens, ui_font
from app.widgets import paint
from app.widgets.painted import Key
from engine.lab import LessonInfo

CARD_PX: Final = 164
HEIGHT_PX: Final = 52
GAP_PX: Final = 8
PAD_PX: Final = 8


class LessonStrip(LessonItems):
    """Emits the name of the lesson that is wanted. It scrolls by the wheel and keeps the open one in view."""

    handled_keys = (Key.Key_Left, Key.Key_Right, Key.Key_Home, Key.Key_End, Key.Key_Return)

    def __init__(self) -> None:
        super().__init__()
        self._scroll_px = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Lessons")
        self.setToolTip("Left, Right and Return choose a lesson; the wheel shows more of them.")

    def item_rect(self, index: int) -> QRect:
        return QRect(index * (CARD_PX + GAP_PX) - self._scroll_px, 0, CARD_PX, HEIGHT_PX)

    def item_tooltip(self, index: int) -> str:
        lesson = self._lessons[index]
        return f"{lesson.number}. {lesson.title}. {lesson.question}"

    def sizeHint(self) -> QSize:
        return QSize(4 * CARD_PX, HEIGHT_PX)

    def _scroll(self, to_px: int) -> None:
        whole = len(self._lessons) * (CARD_PX + GAP_PX) - GAP_PX
        self._scroll_px = min(max(0, to_px), max(0, whole - self.width()))
        self._set_hover(-1)
        self.update()

    def _reveal(self) -> None:
        left, margin = self._cursor * (CARD_PX + GAP_PX), CARD_PX // 2
        low, high = left + CARD_PX + margin - self.width(), left - margin
        self._scroll(min(max(self._scroll_px, low), high))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._reveal()

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta()
        self._scroll(self._scroll_px - (turned.y() or turned.x()))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, last = Key(event.key()), len(self._lessons) - 1
        places = {Key.Key_Left: self._cursor - 1, Key.Key_Right: self._cursor + 1, Key.Key_Home: 0, Key.Key_End: last}
        if key in places and self._lessons:
            self._cursor = min(max(0, places[key]), last)
            self._reveal()
        elif key == Key.Key_Return and self._lessons:
            self.chosen.emit(self._lessons[self._cursor].name)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint.smooth(self)
        for index, lesson in enumerate(self._lessons):
            rect = self.item_rect(index)
            if rect.intersects(self.rect()):
                self._paint_card(painter, QRectF(rect), index, lesson)
        painter.end()

    def _paint_card(self, painter: QPainter, rect: QRectF, index: int, lesson: LessonInfo) -> None:
        theme, opened = tokens(), lesson.name == self._open
        fill = theme.selected if opened else theme.hover if index == self._hover else theme.raised
        paint.box(painter, rect, fill=fill, line=theme.accent_line if opened else theme.line, radius_px=6)
        inner = rect.adjusted(PAD_PX, 5, -PAD_PX, -5)
        small = ui_font(theme.small_px)
        paint.text(painter, QRectF(inner.x(), inner.y(), 20, 14), lesson.number[1:], font=small, ink=theme.muted)
        if lesson.name in self._proved:
            _tick(painter, QPointF(inner.right() - 5, inner.y() + 7), theme.ok)
        words = QRectF(inner.x() + 20, inner.y(), inner.width() - 34, inner.height())
        align = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
        paint.paragraph(painter, words, lesson.title, font=small, ink=theme.text, align=align)
        if index == self._cursor and paint.tabbed_to(self):
            paint.focus_ring(painter, rect, 6)


def _tick(painter: QPainter, centre: QPointF, ink: str) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color(ink))
    painter.drawEllipse(centre, 6.0, 6.0)
    painter.setPen(paint.pen(tokens().stage, 1.5))
    x, y = centre.x(), centre.y()
    painter.drawPolyline([QPointF(x - 2.6, y + 0.2), QPointF(x - 0.7, y + 2.2), QPointF(x + 2.8, y - 2.0)])
