"""A filmstrip whose corners are keys: they carry a letter and a rest, and can be put in another order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent

from app.theme import tokens, ui_font
from app.widgets import paint
from app.widgets.strip import Frame, Strip

_DRAG_PX: Final = 10
_HOLD_STEP: Final = 5


@dataclass(frozen=True)
class Key:
    """A corner in the strip: at which frame, its letter, how many frames it rests, and whether it can be dragged."""

    frame: int
    letter: str
    hold: int = 0
    moves: bool = True


class KeyStrip(Strip):
    """Dragging between keys scrubs; dragging a key puts it elsewhere; Up and Down change its rest."""

    keyMoved = Signal(int, int)
    holdWanted = Signal(int, int)
    handled_keys = (*Strip.handled_keys, Qt.Key.Key_Up, Qt.Key.Key_Down)

    def __init__(self, *, thumb_px: int = 48) -> None:
        super().__init__(thumb_px=thumb_px)
        self._keys: tuple[Key, ...] = ()
        self._carried = -1
        self._press_x = self._now_x = 0.0
        self.setToolTip(
            "Left and Right choose; drag a lettered corner (or Shift with Left and Right) to put it elsewhere; "
            "Up and Down change how many frames it rests."
        )

    def set_keys(self, pictures: NDArray[Any] | Sequence[NDArray[Any]], keys: Sequence[Key]) -> None:
        """Pictures (N, H, W, 3), some of which are keys; the pictures are kept when they are the same ones."""
        self._keys = tuple(keys)
        by_frame = {key.frame: key for key in keys}
        frames = []
        for index, picture in enumerate(pictures):
            key = by_frame.get(index)
            if key is None:
                frames.append(Frame(picture))
                continue
            rest = f"rests {key.hold} frames" if key.hold else "no rest"
            words = f"Corner {key.letter}, {rest}. Up and Down change the rest; drag to put it elsewhere."
            frames.append(Frame(picture, f"{key.letter} +{key.hold}" if key.hold else key.letter, tooltip=words))
        self.set_frames(frames)

    def keys(self) -> tuple[Key, ...]:
        """The keys on show."""
        return self._keys

    def _key_at(self, frame: int) -> int:
        return next((i for i, key in enumerate(self._keys) if key.frame == frame and key.moves), -1)

    def _target(self) -> int:
        """The key whose place the carried one would take."""
        movable = [i for i, key in enumerate(self._keys) if key.moves]
        return min(movable, key=lambda i: abs(self.item_rect(self._keys[i].frame).center().x() - self._now_x))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._carried = -1
        if event.button() == Qt.MouseButton.LeftButton:
            self._carried = self._key_at(self.index_at(event.position().toPoint()))
            self._press_x = self._now_x = event.position().x()
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._carried < 0:
            super().mouseMoveEvent(event)
            return
        self._now_x = event.position().x()
        self.setCursor(Qt.CursorShape.ClosedHandCursor)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        carried, self._carried = self._carried, -1
        self.unsetCursor()
        super().mouseReleaseEvent(event)
        self.update()
        if carried >= 0 and abs(self._now_x - self._press_x) > _DRAG_PX:
            target = self._target()
            if target != carried:
                self.keyMoved.emit(carried, target)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        chosen, key = self._key_at(self.selected_index()), Qt.Key(event.key())
        shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            if chosen >= 0:
                step = _HOLD_STEP if key == Qt.Key.Key_Up else -_HOLD_STEP
                self.holdWanted.emit(chosen, max(0, self._keys[chosen].hold + step))
        elif shifted and key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            target = chosen + (1 if key == Qt.Key.Key_Right else -1)
            if chosen >= 0 and 0 <= target < len(self._keys) and self._keys[target].moves:
                self.keyMoved.emit(chosen, target)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._carried < 0 or abs(self._now_x - self._press_x) <= _DRAG_PX:
            return
        painter = paint.smooth(self)
        place = QRectF(self.item_rect(self._keys[self._target()].frame))
        paint.ring(painter, place, tokens().accent_line, 8, width_px=3.0)
        ghost = QRectF(self.item_rect(self._keys[self._carried].frame))
        ghost.moveCenter(QPointF(self._now_x, ghost.center().y()))
        painter.setOpacity(0.8)
        paint.box(painter, ghost.adjusted(6, 6, -6, -6), fill=tokens().accent, radius_px=6)
        painter.setOpacity(1.0)
        letter = self._keys[self._carried].letter
        centre = Qt.AlignmentFlag.AlignHCenter
        paint.text(painter, ghost, letter, font=ui_font(bold=True), ink=tokens().accent_text, align=centre)
        painter.end()
