"""One large picture with smaller ones beside it, all edges in line and the room filled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QRect, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.widgets.picture import CAPTION_PX, Picture

GAP_PX: Final = 16
_STACK_GAP_PX: Final = 8


class PictureStage(QWidget):
    """Places a main ``Picture`` and up to four side pictures; hidden side pictures give their room back.

    All pictures are taken as square with a caption line; the side ones share the height of the main one.
    """

    def __init__(self, main: Picture, sides: Sequence[Picture] = ()) -> None:
        super().__init__()
        self._main, self._sides = main, tuple(sides)
        for picture in (main, *sides):
            picture.setParent(self)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, 160)

    def sizeHint(self) -> QSize:
        return QSize(720, 480)

    def show_side(self, picture: Picture, shown: bool) -> None:
        """Show or hide one side picture and place the others again."""
        picture.setVisible(shown)
        self._place()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        stack = [picture for picture in self._sides if not picture.isHidden()]
        room_w, room_h = self.width(), self.height() - CAPTION_PX
        count = len(stack)
        if not count:
            side = max(32, min(room_w, room_h))
            self._main.setGeometry(QRect(0, 0, side, side + CAPTION_PX))
            return
        # count small pictures, their captions and gaps are exactly as high as the large one and its caption
        spent = (count - 1) * (CAPTION_PX + _STACK_GAP_PX)
        widest = (room_w - GAP_PX + spent / count) * count / (count + 1)
        if count == 1:
            # One beside the other: the second may be smaller, so that the first keeps the height.
            big = int(max(32, min(room_h, room_w * 0.62)))
            small = int(max(32, min(big, room_w - big - GAP_PX)))
        else:
            big = int(max(32, min(room_h, widest)))
            small = int(max(32, (big - spent) / count))
        self._main.setGeometry(QRect(0, 0, big, big + CAPTION_PX))
        for index, picture in enumerate(stack):
            top = index * (small + CAPTION_PX + _STACK_GAP_PX)
            picture.setGeometry(QRect(big + GAP_PX, top, small, small + CAPTION_PX))
