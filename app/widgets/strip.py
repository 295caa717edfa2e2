"""A filmstrip: frames of a morph, the history of edits, a run's previews."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy

from app.theme import color, tokens, ui_font
from app.widgets import paint
from app.widgets.painted import PaintedItems
from app.widgets.pixels import SmallImages, paint_rounded, small_image

_LABEL_PX: Final = 20
_SLIDER_PX: Final = 6
_BADGE_PX: Final = 16
_FAINT: Final = 0.45


@dataclass(frozen=True, eq=False)
class Frame:
    """One place in the strip; ``branch`` marks where a history leaves the main line, and a ``number`` but 0 stands in
    its corner. A ``faint`` one is not in force."""

    picture: NDArray[Any] | None
    label: str = ""
    branch: bool = False
    tooltip: str = ""
    number: int = 0
    faint: bool = False


class Strip(PaintedItems):
    """Pictures side by side of which one is chosen; it scrolls by itself and keeps the chosen one in view."""

    selected = Signal(int)
    handled_keys: tuple[Qt.Key, ...] = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End)

    def __init__(self, *, thumb_px: int = 64, linked: bool = False, empty_text: str = "") -> None:
        super().__init__()
        self._side, self._gap = thumb_px, 24 if linked else 8
        self._linked, self._empty_text = linked, empty_text
        self._frames: tuple[Frame, ...] = ()
        self._images: SmallImages[int] = {}
        self._chosen = -1
        self._scroll_px = 0
        self._dragging = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip("Left and Right choose; Home and End go to the ends.")

    def set_frames(self, frames: Sequence[Frame]) -> None:
        """Replace all frames; the choice stays where it is still possible."""
        same = len(frames) == len(self._frames)
        self._frames = tuple(frames)
        self._images.clear()
        self._chosen = min(self._chosen, len(frames) - 1)
        self._scroll_px = self._scroll_px if same else min(self._scroll_px, self._overflow())
        self._hover = -1
        self.updateGeometry()
        self._reveal()
        self.update()

    def set_pictures(self, pictures: NDArray[Any] | Sequence[NDArray[Any]]) -> None:
        """Frames without labels from (N, H, W, 3) or a list of (H, W, 3)."""
        self.set_frames([Frame(picture) for picture in pictures])

    def count(self) -> int:
        """How many frames there are."""
        return len(self._frames)

    def set_selected(self, index: int) -> None:
        """Choose without emitting; -1 chooses none."""
        self._chosen = min(max(-1, index), len(self._frames) - 1)
        self._reveal()
        self.update()

    def selected_index(self) -> int:
        """The chosen frame, or -1."""
        return self._chosen

    def item_count(self) -> int:
        return len(self._frames)

    def item_rect(self, index: int) -> QRect:
        return QRect(index * (self._side + self._gap) - self._scroll_px, 0, self._side, self._side)

    def item_tooltip(self, index: int) -> str:
        return self._frames[index].tooltip or self._frames[index].label

    def _content_px(self) -> int:
        return len(self._frames) * (self._side + self._gap) - self._gap

    def _overflow(self) -> int:
        return max(0, self._content_px() - self.width()) if self._frames else 0

    def sizeHint(self) -> QSize:
        return QSize(320, self._side + (_LABEL_PX if any(frame.label for frame in self._frames) else 0) + _SLIDER_PX)

    def minimumSizeHint(self) -> QSize:
        return QSize(self._side, self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._scroll_px = min(self._scroll_px, self._overflow())
        self._reveal()

    def _reveal(self) -> None:
        if self._chosen < 0:
            return
        left = self._chosen * (self._side + self._gap)
        # Half of a neighbour stays visible, so that one sees that the strip goes on.
        margin = self._side // 2
        low, high = left + self._side + margin - self.width(), left - margin
        self._scroll_px = min(self._overflow(), max(0, min(max(self._scroll_px, low), high)))

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens()
        painter = paint.smooth(self)
        if not self._frames:
            paint.text(painter, QRectF(self.rect()), self._empty_text, font=ui_font(), ink=theme.faint)
        for index in range(len(self._frames)):
            rect = self.item_rect(index)
            if rect.right() + self._gap >= 0 and rect.left() <= self.width():
                self._paint_frame(painter, index, QRectF(rect))
        if self._overflow():
            share = self.width() / self._content_px()
            left = self._scroll_px / self._content_px() * self.width()
            bar = QRectF(left, self.height() - 4, self.width() * share, 3)
            paint.box(painter, bar, fill=theme.track, radius_px=1.5)
        painter.end()

    def _paint_frame(self, painter: QPainter, index: int, rect: QRectF) -> None:
        theme, frame = tokens(), self._frames[index]
        if self._linked and index > 0:
            self._paint_link(painter, rect, branch=frame.branch)
        # The chosen one is drawn a little smaller inside its ring, so that the strip's edges stay in line.
        inner = rect.adjusted(4, 4, -4, -4) if index == self._chosen else rect
        if frame.picture is None:
            paint.box(painter, rect, fill=theme.raised, line=theme.line, radius_px=6)
        else:
            painter.setOpacity(_FAINT if frame.faint and index != self._hover else 1.0)
            paint_rounded(painter, inner, self._image(index), 5 if index == self._chosen else 6)
            painter.setOpacity(1.0)
        if frame.number:
            self._paint_number(painter, frame.number, inner, chosen=index == self._chosen)
        if index == self._hover and index != self._chosen:
            painter.setPen(paint.pen(theme.muted))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect.adjusted(-0.5, -0.5, 0.5, 0.5), 6, 6)
        if index == self._chosen:
            paint.ring(painter, rect, theme.accent_line if self.hasFocus() else theme.accent, 8)
        if frame.label:
            room = QRectF(rect.x() - self._gap / 2 + 2, rect.bottom() + 4, rect.width() + self._gap - 4, _LABEL_PX - 2)
            ink = theme.text if index == self._chosen else theme.muted
            centre = Qt.AlignmentFlag.AlignHCenter
            paint.text(painter, room, frame.label, font=ui_font(theme.small_px), ink=ink, align=centre)

    def _paint_number(self, painter: QPainter, number: int, rect: QRectF, *, chosen: bool) -> None:
        theme = tokens()
        spot = QRectF(rect.left() + 3, rect.bottom() - _BADGE_PX - 3, _BADGE_PX, _BADGE_PX)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color(theme.accent) if chosen else QColor(20, 21, 24, 215))
        painter.drawRoundedRect(spot, 4, 4)
        font, centre = ui_font(theme.small_px, bold=True), Qt.AlignmentFlag.AlignHCenter
        paint.text(painter, spot, str(number), font=font, ink="#ffffff", align=centre)

    def _paint_link(self, painter: QPainter, rect: QRectF, *, branch: bool) -> None:
        middle, right, left = rect.center().y(), rect.left() - 6, rect.left() - self._gap + 6
        painter.setPen(paint.pen(tokens().faint, 1.5))
        if branch:
            corner = QPointF(left, rect.bottom() - 8)
            painter.drawPolyline([corner, QPointF(left, middle), QPointF(right, middle)])
            painter.setBrush(color(tokens().faint))
            painter.drawEllipse(corner, 2, 2)
        else:
            painter.drawLine(QPointF(left, middle), QPointF(right, middle))

    def _image(self, index: int) -> QImage:
        picture = self._frames[index].picture
        assert picture is not None
        return small_image(self._images, index, picture, self._side * self.devicePixelRatioF())

    def _choose(self, index: int) -> None:
        if not self._frames:
            return
        index = min(max(0, index), len(self._frames) - 1)
        if index == self._chosen:
            return
        self.set_selected(index)
        self.selected.emit(index)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.index_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self._dragging = True
            self._choose(index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        # Dragging along the strip scrubs through it.
        index = self.index_at(QPointF(event.position().x(), 1).toPoint())
        if self._dragging and index >= 0:
            self._choose(index)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragging = False

    def wheelEvent(self, event: QWheelEvent) -> None:
        sideways = event.angleDelta().x() or event.angleDelta().y()
        target = min(self._overflow(), max(0, self._scroll_px - sideways // 2))
        if target == self._scroll_px:
            event.ignore()
            return
        self._scroll_px = target
        self.update()
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        places = (self._chosen - 1, self._chosen + 1, 0, len(self._frames) - 1)
        moves = dict(zip(Strip.handled_keys, places, strict=True))
        if Qt.Key(event.key()) in moves:
            self._choose(moves[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)
