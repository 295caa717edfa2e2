"""A whole photo with the part that is cut out, the faces to choose from, and markers to set by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import color, tokens, ui_font
from app.widgets import paint
from app.widgets.painted import ARROWS
from app.widgets.pixels import Picture8, checked, paint_rounded, resized

Spot = tuple[float, float]
MOST_POINTS: Final = 3
NAMES: Final = ("left eye", "right eye", "mouth")
_GRAB_PX: Final = 14.0
_ENTER: Final = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)
_BACK: Final = (Qt.Key.Key_Backspace, Qt.Key.Key_Delete)


class FramePicker(QWidget):
    """All coordinates that come in and go out are the photo's pixels, `scale` times larger than the picture's.

    Without markers a click or the arrows choose a face. With `set_clicking(True)` clicks set up to three markers;
    arrows move the chosen one (Shift: further), Tab goes to the next, Enter sets it, Backspace takes the last away.
    """

    faceChosen = Signal(int)
    pointsChanged = Signal(object)
    accepted = Signal()
    cancelled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._array: Picture8 | None = None
        self._scaled: QImage | None = None
        self._scale = 1.0
        self._corners: tuple[Spot, ...] = ()
        self._boxes: tuple[tuple[float, float, float], ...] = ()
        self._face = self._hover = -1
        self._clicking = False
        self._points: list[Spot] = []
        self._chosen = 0
        self._pending: Spot | None = None
        self._dragging = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 120)
        self.setAccessibleName("The whole photo")

    # values in
    def set_photo(self, array: NDArray[Any] | None, scale: float = 1.0) -> None:
        """The whole photo, small (uint8 HxWx3); `scale` is its pixels over the real photo's."""
        self._array = None if array is None else checked(array)
        self._scale, self._scaled = scale, None
        self.update()

    def set_cut(self, corners: Sequence[Spot]) -> None:
        """The four corners of what is cut out, clockwise from its top left; empty for none."""
        self._corners = tuple(corners)
        self.update()

    def set_faces(self, boxes: Sequence[tuple[float, float, float]], face: int) -> None:
        """Squares (left, top, side) around faces, and the one that is used (-1: none)."""
        self._boxes, self._face = tuple(boxes), face
        self._hover = -1
        self.update()

    def set_clicking(self, clicking: bool, points: Sequence[Spot] = ()) -> None:
        """Whether clicks set markers, and which are set; emits nothing."""
        begins = clicking and not self._clicking
        self._clicking = clicking
        if list(points) != self._points or begins:
            self._points = list(points)
            self._chosen = len(self._points) if len(self._points) < MOST_POINTS else MOST_POINTS - 1
            self._pending = None
        self.setCursor(Qt.CursorShape.CrossCursor if clicking else Qt.CursorShape.ArrowCursor)
        self.update()

    def points(self) -> tuple[Spot, ...]:
        """The markers that are set."""
        return tuple(self._points)

    # geometry
    def picture_rect(self) -> QRectF:
        """Where the photo is, in widget pixels."""
        if self._array is None:
            return QRectF(self.rect())
        rows, columns = self._array.shape[:2]
        scale = min(self.width() / columns, self.height() / rows)
        w, h = max(1, round(columns * scale)), max(1, round(rows * scale))
        # At the top, where the cut beside it begins; in the middle only from left to right.
        return QRectF((self.width() - w) // 2, 0, w, h)

    def _zoom(self) -> float:
        """Widget pixels a photo pixel."""
        rows = 1 if self._array is None else self._array.shape[0]
        return self.picture_rect().height() / rows * self._scale

    def place_of(self, spot: Spot) -> QPointF:
        """The photo's pixel in the widget."""
        rect, zoom = self.picture_rect(), self._zoom()
        return QPointF(rect.x() + spot[0] * zoom, rect.y() + spot[1] * zoom)

    def _spot_at(self, place: QPointF) -> Spot:
        rect, zoom = self.picture_rect(), self._zoom()
        return self._inside((place.x() - rect.x()) / zoom, (place.y() - rect.y()) / zoom)

    def _inside(self, x: float, y: float) -> Spot:
        rows, columns = (1, 1) if self._array is None else self._array.shape[:2]
        return min(max(0.0, x), columns / self._scale), min(max(0.0, y), rows / self._scale)

    def _face_at(self, place: QPointF) -> int:
        """The smallest box under the pointer: a child in front of its mother can still be chosen."""
        x, y = self._spot_at(place)
        boxes = enumerate(self._boxes)
        inside = [(box[2], i) for i, box in boxes if 0 <= x - box[0] <= box[2] and 0 <= y - box[1] <= box[2]]
        return min(inside, default=(0.0, -1))[1]

    def _marker_at(self, place: QPointF) -> int:
        near = [((self.place_of(s) - place).manhattanLength(), i) for i, s in enumerate(self._points)]
        distance, index = min(near, default=(_GRAB_PX + 1, -1))
        return index if distance <= _GRAB_PX else -1

    def sizeHint(self) -> QSize:
        return QSize(480, 360)

    # painting
    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens()
        painter = paint.smooth(self)
        rect = self.picture_rect()
        if self._array is None:
            paint.box(painter, rect, fill=theme.panel, line=theme.line, radius_px=theme.picture_radius_px)
            painter.end()
            return
        ratio = self.devicePixelRatioF()
        w, h = round(rect.width() * ratio), round(rect.height() * ratio)
        if self._scaled is None or (self._scaled.width(), self._scaled.height()) != (w, h):
            self._scaled = resized(self._array, w, h)
        paint_rounded(painter, rect, self._scaled, float(theme.picture_radius_px))
        self._paint_cut(painter, rect)
        if not self._clicking:
            self._paint_faces(painter)
        self._paint_markers(painter)
        if paint.tabbed_to(self):
            paint.focus_ring(painter, rect, theme.picture_radius_px)
        painter.end()

    def _paint_cut(self, painter: QPainter, rect: QRectF) -> None:
        """What is left out is darkened, so that the cut is seen before its line is."""
        if len(self._corners) != 4:
            return
        spots = [self.place_of(corner) for corner in self._corners]
        quad = QPolygonF(spots)
        shade, hole = QPainterPath(), QPainterPath()
        shade.addRoundedRect(rect, tokens().picture_radius_px, tokens().picture_radius_px)
        hole.addPolygon(quad)
        hole.closeSubpath()
        painter.fillPath(shade.subtracted(hole), color("#000000", 0.28 if self._clicking else 0.45))
        painter.save()
        painter.setClipRect(rect)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(paint.pen("#ffffff", 1.6))
        painter.drawPolygon(quad)
        # A short stroke at the top edge's middle: a turned cut shows which way is up.
        top = (spots[0] + spots[1]) / 2
        inwards = (spots[3] - spots[0]) * 0.04
        painter.drawLine(top, top + inwards)
        painter.restore()

    def _paint_faces(self, painter: QPainter) -> None:
        theme = tokens()
        for index, (left, top, side) in enumerate(self._boxes):
            box = QRectF(self.place_of((left, top)), self.place_of((left + side, top + side)))
            chosen, hover = index == self._face, index == self._hover
            painter.setBrush(color("#ffffff", 0.12) if hover and not chosen else Qt.BrushStyle.NoBrush)
            painter.setPen(paint.pen(theme.accent_line if chosen else "#ffffff", 2.4 if chosen else 1.4))
            painter.drawRoundedRect(box, 4, 4)
            if len(self._boxes) > 1:
                self._paint_tag(painter, box, str(index + 1), theme.accent if chosen else "#16181c")

    def _paint_tag(self, painter: QPainter, box: QRectF, words: str, fill: str) -> None:
        font = ui_font(tokens().small_px)
        tag = QRectF(box.left(), box.top(), max(16.0, paint.width_of(words, font) + 8), 16)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color(fill, 0.9))
        painter.drawRoundedRect(tag, 4, 4)
        paint.text(painter, tag, words, font=font, ink="#ffffff", align=Qt.AlignmentFlag.AlignHCenter)

    def _paint_markers(self, painter: QPainter) -> None:
        if not self._clicking:
            return
        spots = list(enumerate(self._points))
        if self._pending is not None and len(self._points) < MOST_POINTS:
            spots.append((len(self._points), self._pending))
        for index, spot in spots:
            waits = index >= len(self._points)
            self._paint_marker(painter, self.place_of(spot), index == self._chosen, waits)

    def _paint_marker(self, painter: QPainter, at: QPointF, chosen: bool, waits: bool) -> None:
        ink = tokens().accent_line if chosen else "#ffffff"
        for width, line in ((3.6, "#000000"), (1.8, ink)):
            pen = paint.pen(line, width)
            if waits:
                pen.setDashPattern([2.0, 2.0])
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(at, 8, 8)
            for dx, dy in ARROWS.values():
                painter.drawLine(at + QPointF(dx * 4, dy * 4), at + QPointF(dx * 12, dy * 12))

    # hands
    def _set_points(self, points: list[Spot]) -> None:
        self._points = points
        self.update()
        self.pointsChanged.emit(tuple(points))

    def _add(self, spot: Spot) -> None:
        self._pending = None
        count = len(self._points) + 1
        self._chosen = count if count < MOST_POINTS else MOST_POINTS - 1
        self._set_points([*self._points, spot])

    def undo(self) -> None:
        """Takes the last marker away."""
        if self._points:
            self._pending = None
            self._chosen = len(self._points) - 1
            self._set_points(self._points[:-1])

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = event.position()
        if event.button() != Qt.MouseButton.LeftButton or not self.picture_rect().contains(place):
            event.ignore()
            return
        if not self._clicking:
            face = self._face_at(place)
            if face >= 0 and face != self._face:
                self.faceChosen.emit(face)
            return
        marker = self._marker_at(place)
        if marker >= 0:
            self._chosen, self._dragging = marker, True
            self.update()
        elif len(self._points) < MOST_POINTS:
            self._add(self._spot_at(place))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragging:
            points = list(self._points)
            points[self._chosen] = self._spot_at(event.position())
            self._set_points(points)
            return
        hover = -1 if self._clicking else self._face_at(event.position())
        if hover != self._hover:
            self._hover = hover
            self.setCursor(Qt.CursorShape.PointingHandCursor if hover >= 0 else Qt.CursorShape.ArrowCursor)
            if self._clicking:
                self.setCursor(Qt.CursorShape.CrossCursor)
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragging = False

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._clicking:
            # Two quick clicks are two eyes, or one click too many: never both a click and its undoing.
            self.mousePressEvent(event)
        elif self._face_at(event.position()) >= 0:
            self.accepted.emit()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = -1
        self.update()

    def event(self, event: QEvent) -> bool:
        if self._clicking and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            # Qt takes Tab away before keyPressEvent.
            if event.key() == Qt.Key.Key_Tab and self._chosen + 1 < min(MOST_POINTS, len(self._points) + 1):
                self._chosen += 1
                self.update()
                return True
            if event.key() == Qt.Key.Key_Backtab and self._chosen > 0:
                self._chosen -= 1
                self.update()
                return True
        return paint.keeps_key(event, {*ARROWS, *_ENTER, *_BACK, Qt.Key.Key_Escape}) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape:
            self.cancelled.emit()
        elif self._clicking and key in _BACK:
            self.undo()
        elif key in ARROWS:
            self._arrow(key, bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        elif key in _ENTER:
            self._enter()
        else:
            super().keyPressEvent(event)

    def _enter(self) -> None:
        waits = self._clicking and len(self._points) < MOST_POINTS and self._pending is not None
        if waits and self._pending is not None:
            self._add(self._pending)
        elif not self._clicking or len(self._points) >= 2:
            self.accepted.emit()
        else:
            self._pending = self._start()
            self.update()

    def _arrow(self, key: Qt.Key, far: bool) -> None:
        dx, dy = ARROWS[key]
        if not self._clicking:
            if self._boxes:
                self.faceChosen.emit((max(self._face, 0) + (dx or dy)) % len(self._boxes))
            return
        # Two pixels of the screen, so that a large photo is not crossed one of its own pixels at a time.
        step = (20.0 if far else 2.0) / max(1e-6, self._zoom())
        if self._chosen < len(self._points):
            points = list(self._points)
            x, y = points[self._chosen]
            points[self._chosen] = self._inside(x + dx * step, y + dy * step)
            self._set_points(points)
            return
        x, y = self._pending or self._start()
        self._pending = self._inside(x + dx * step, y + dy * step)
        self.update()

    def _start(self) -> Spot:
        """Where the keyboard's marker begins: where that feature is in a cut that is right already."""
        shares = ((0.34, 0.5), (0.66, 0.5), (0.5, 0.78))[min(len(self._points), MOST_POINTS - 1)]
        if len(self._corners) == 4:
            (x0, y0), (x1, y1), _, (x3, y3) = self._corners
            u, v = shares
            return self._inside(x0 + u * (x1 - x0) + v * (x3 - x0), y0 + u * (y1 - y0) + v * (y3 - y0))
        rows, columns = (1, 1) if self._array is None else self._array.shape[:2]
        return self._inside(shares[0] * columns / self._scale, shares[1] * rows / self._scale)
