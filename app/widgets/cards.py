"""The library's rows: cards with a thumbnail for models and runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from app.theme import tokens, ui_font
from app.widgets import paint
from app.widgets.painted import CHOOSING, Key, PaintedItems
from app.widgets.pixels import SmallImages, paint_rounded, small_image
from app.widgets.thumbs import DropZone, Thumb, ThumbGrid

__all__ = ["Card", "CardList", "DropZone", "Thumb", "ThumbGrid"]

ROW_PX: Final = 56
HEADING_PX: Final = 28
_THUMB_PX: Final = 40


@dataclass(frozen=True, eq=False)
class Card:
    """One row, or with ``heading`` the title of those beneath it, which are folded away or (``unfolded``) follow it;
    ``actions`` are (action id, words) of its context menu, an empty id a line between groups; ``thumb`` is
    uint8 HxWx3. ``tags`` stand at the right; ``marked`` rows carry a bar, ``dim`` ones are greyed."""

    key: str
    title: str
    subtitle: str = ""
    thumb: NDArray[Any] | None = None
    live: bool = False
    badge: str = ""
    tooltip: str = ""
    actions: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    marked: bool = False
    dim: bool = False
    heading: bool = False
    unfolded: bool = False


class CardList(PaintedItems):
    """Rows of which at most one is chosen."""

    activated = Signal(str)
    actionTriggered = Signal(str, str)
    handled_keys: tuple[Qt.Key, ...] = (Key.Key_Up, Key.Key_Down, Key.Key_Home, Key.Key_End, *CHOOSING)

    def __init__(self, *, empty_text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cards: tuple[Card, ...] = ()
        self._tops: list[int] = [0]
        self._images: SmallImages[str] = {}
        self._selected: str | None = None
        self._empty_text = empty_text
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip("Up and Down move, Enter opens, the Menu key shows more.")

    def set_cards(self, cards: Sequence[Card]) -> None:
        """Replace all rows; raises ValueError when two share a key."""
        if len({card.key for card in cards}) != len(cards):
            raise ValueError("Two cards share one key.")
        self._cards = tuple(cards)
        self._tops = list(accumulate((HEADING_PX if card.heading else ROW_PX for card in cards), initial=0))
        self._images.clear()
        self._cursor = min(self._cursor, max(0, len(cards) - 1))
        self._hover = -1
        self.updateGeometry()
        self.update()

    def update_card(self, card: Card) -> None:
        """Replace the row with the same key; raises KeyError when there is none."""
        index = self._find(card.key)
        self._cards = (*self._cards[:index], card, *self._cards[index + 1 :])
        self._images = {key: image for key, image in self._images.items() if key[0] != card.key}
        self.update(self.item_rect(index))

    def cards(self) -> tuple[Card, ...]:
        """The rows, from the top."""
        return self._cards

    def set_selected(self, key: str | None) -> None:
        """Mark the row ``key`` without emitting; None marks none."""
        self._selected = key
        self._cursor = next((i for i, card in enumerate(self._cards) if card.key == key), self._cursor)
        self.update()

    def selected(self) -> str | None:
        """The key of the marked row."""
        return self._selected

    def set_cursor(self, key: str) -> None:
        """Puts the keyboard's place on the row ``key``; raises KeyError when there is none."""
        self._cursor = self._find(key)
        self.update()

    def card_rect(self, key: str) -> QRect:
        """Where the row ``key`` is; raises KeyError when there is none."""
        return self.item_rect(self._find(key))

    def _find(self, key: str) -> int:
        return {card.key: index for index, card in enumerate(self._cards)}[key]

    def item_count(self) -> int:
        return len(self._cards)

    def item_rect(self, index: int) -> QRect:
        return QRect(0, self._tops[index], self.width(), self._tops[index + 1] - self._tops[index] - 2)

    def item_tooltip(self, index: int) -> str:
        card = self._cards[index]
        return card.tooltip or f"{card.title}\n{card.subtitle}".strip()

    def sizeHint(self) -> QSize:
        return QSize(208, self._tops[-1] or ROW_PX)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens()
        painter = paint.smooth(self)
        if not self._cards:
            flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            room, font = QRectF(self.rect().adjusted(4, 0, -4, 0)), ui_font(theme.text_px - 1)
            paint.paragraph(painter, room, self._empty_text, font=font, ink=theme.faint, align=flags)
        for index in range(len(self._cards)):
            rect = self.item_rect(index)
            if rect.intersects(event.rect()):
                paint_row = self._paint_heading if self._cards[index].heading else self._paint_card
                paint_row(painter, index, QRectF(rect))
        painter.end()

    def _paint_heading(self, painter: QPainter, index: int, rect: QRectF) -> None:
        theme, card = tokens(), self._cards[index]
        ink = theme.text if index == self._hover else theme.muted
        paint.chevron(painter, QPointF(rect.x() + 12, rect.center().y()), ink, down=card.unfolded, size_px=3.5)
        line = rect.adjusted(24, 0, -8, 0)
        paint.text(painter, line, card.title, font=ui_font(theme.text_px - 1), ink=ink)
        if not card.unfolded:
            font = ui_font(theme.small_px)
            paint.text(painter, line, card.subtitle, font=font, ink=theme.muted, align=Qt.AlignmentFlag.AlignRight)
        if self.hasFocus() and index == self._cursor:
            paint.focus_ring(painter, rect, theme.radius_px)

    def _paint_card(self, painter: QPainter, index: int, rect: QRectF) -> None:
        theme, card = tokens(), self._cards[index]
        if card.key == self._selected:
            paint.box(painter, rect, fill=theme.selected, line=theme.accent, radius_px=theme.radius_px)
        elif index == self._hover:
            paint.box(painter, rect, fill=theme.raised, radius_px=theme.radius_px)
        if self.hasFocus() and index == self._cursor:
            paint.focus_ring(painter, rect, theme.radius_px)
        spot = QRectF(rect.x() + 7, rect.y() + 7, _THUMB_PX, _THUMB_PX)
        if card.thumb is None:
            paint.box(painter, spot, fill=theme.raised, line=theme.line, radius_px=4)
        else:
            paint_rounded(painter, spot, self._image(card), 4)
        left, right = spot.right() + 10, rect.right() - 8
        if card.badge:
            font = ui_font(theme.small_px)
            width = paint.width_of(card.badge, font) + 12
            pill = QRectF(right - width, rect.y() + 9, width, 16)
            paint.box(painter, pill, fill=theme.hover, radius_px=8)
            paint.text(painter, pill, card.badge, font=font, ink=theme.muted, align=Qt.AlignmentFlag.AlignHCenter)
            right = pill.left() - 6
        right = self._paint_tags(painter, card, left, right, rect.y() + 10)
        if card.marked:
            bar = QRectF(rect.x(), rect.y() + 6, 3, rect.height() - 12)
            paint.box(painter, bar, fill=theme.accent_line, radius_px=1.5)
        top = QRectF(left, rect.y() + 8, right - left, 20)
        if card.live:
            paint.dot(painter, QPointF(left + 4, top.center().y()), theme.ok)
            top.setLeft(left + 14)
        under = QRectF(left, rect.y() + 28, rect.right() - 8 - left, 17)
        paint.text(painter, top, card.title, font=ui_font(), ink=theme.faint if card.dim else theme.text)
        ink = theme.faint if card.dim else theme.muted
        paint.text(painter, under, card.subtitle, font=ui_font(theme.small_px), ink=ink)

    def _paint_tags(self, painter: QPainter, card: Card, left: float, right: float, top: float) -> float:
        """Paints as many tags as half the row holds, from the right; gives where the title must end."""
        if not card.tags:
            return right
        font, theme = ui_font(tokens().small_px), tokens()
        room, least = (right - left) / 2, right
        for index, tag in enumerate(card.tags):
            left_out = len(card.tags) - index
            width = paint.width_of(tag, font) + 12
            if right - (least - width) > room and index:
                tag, width = f"+{left_out}", paint.width_of(f"+{left_out}", font) + 12
            pill = QRectF(max(right - room - 32, least - width), top, min(width, room + 32), 16)
            paint.box(painter, pill, fill=theme.hover, radius_px=8)
            paint.text(painter, pill.adjusted(6, 0, -6, 0), tag, font=font, ink=theme.muted)
            least = pill.left() - 4
            if tag.startswith("+") and tag != card.tags[index]:
                break
        return least - 2

    def _image(self, card: Card) -> QImage:
        assert card.thumb is not None
        return small_image(self._images, card.key, card.thumb, _THUMB_PX * self.devicePixelRatioF())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.index_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self._cursor = index
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        index = self.index_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0 and index == self._cursor:
            self.activated.emit(self._cards[index].key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        last = len(self._cards) - 1
        key = Key(event.key())
        moves = {Key.Key_Up: self._cursor - 1, Key.Key_Down: self._cursor + 1, Key.Key_Home: 0, Key.Key_End: last}
        if last >= 0 and key in moves:
            self._cursor = min(last, max(0, moves[key]))
            self.update()
        elif last >= 0 and key in (*CHOOSING, Key.Key_Enter):
            self.activated.emit(self._cards[self._cursor].key)
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self._cursor if by_key else self.index_at(event.pos())
        if not 0 <= index < len(self._cards) or not self._cards[index].actions:
            return
        menu = self.menu_for(self._cards[index].key)
        rect = self.item_rect(index)
        menu.exec(self.mapToGlobal(QPoint(rect.x() + 24, rect.bottom())) if by_key else event.globalPos())
        menu.deleteLater()

    def menu_for(self, key: str) -> QMenu:
        """The context menu of the row ``key``; the caller shows and deletes it."""
        menu = QMenu(self)
        for action_id, words in self._cards[self._find(key)].actions:
            if not action_id:
                menu.addSeparator()
                continue
            action = menu.addAction(words)
            action.setObjectName(action_id)
            action.triggered.connect(lambda _checked=False, name=action_id: self.actionTriggered.emit(key, name))
        return menu
