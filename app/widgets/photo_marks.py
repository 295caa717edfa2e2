"""Frames, numbers and the split handle on a photo: white over dark, so that they are seen on any photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app.theme import color, tokens, ui_font
from app.widgets import paint

CORNER: Final = 0.09
"""Length of a corner mark over the frame's side."""
BADGE_PX: Final = 20.0
KNOB_PX: Final = 11.0
KNOB_AT: Final = (0.96, 0.75, 0.5, 0.25, 0.1)
"""Where on the handle's line its knob is, the first place that is on screen."""
WHITE: Final = QColor(255, 255, 255)
DARK: Final = QColor(0, 0, 0, 150)


@dataclass(frozen=True)
class Outline:
    """A face: its frame's corners in the photo's pixels, clockwise from its upper left one; `number` 0: none."""

    number: int
    corners: tuple[tuple[float, float], ...]
    active: bool = False
    edited: bool = False


@dataclass(frozen=True)
class SplitLine:
    """The handle's line across a frame, in pixels of the screen."""

    top: complex
    bottom: complex

    @staticmethod
    def across(corners: tuple[complex, ...], share: float) -> SplitLine:
        """At this share of the way from the frame's left side to its right one."""
        return SplitLine(corners[0] + (corners[1] - corners[0]) * share, corners[3] + (corners[2] - corners[3]) * share)

    def distance(self, point: complex) -> float:
        """From a point to the line."""
        way = self.bottom - self.top
        share = ((point - self.top) * way.conjugate()).real / max(abs(way) ** 2, 1e-9)
        return abs(point - self.top - way * min(1.0, max(0.0, share)))

    def knob(self, room: QRectF) -> complex:
        """Where the knob is: near the line's end, or wherever of it is on screen."""
        spots = [self.top + (self.bottom - self.top) * share for share in KNOB_AT]
        inside = room.adjusted(KNOB_PX, KNOB_PX, -KNOB_PX, -KNOB_PX)
        return next((spot for spot in spots if inside.contains(spot.real, spot.imag)), spots[0])


def paint_outline(
    painter: QPainter,
    corners: tuple[complex, ...],
    face: Outline,
    *,
    hovered: bool,
    several: bool,
    ratio: float,
    room: QRectF,
) -> None:
    """Corner marks around the active face, a hairline around another one; numbers where there are several."""
    ink = WHITE if face.active or hovered else QColor(255, 255, 255, 190)
    for width, pen_color in ((3.0, DARK), (1.5 if face.active or hovered else 1.0, ink)):
        painter.setPen(QPen(pen_color, width * ratio, Qt.PenStyle.SolidLine, Qt.PenCapStyle.SquareCap))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if not face.active:
            painter.drawPolygon(QPolygonF([_point(z) for z in corners]))
            continue
        for index in range(4):
            here, one, other = corners[index], corners[index - 1], corners[(index + 1) % 4]
            ends = [here + (end - here) * CORNER for end in (one, other)]
            painter.drawPolyline([_point(ends[0]), _point(here), _point(ends[1])])
    if several and face.number:
        _paint_badge(painter, corners, face, ratio=ratio, room=room)


def _paint_badge(painter: QPainter, corners: tuple[complex, ...], face: Outline, *, ratio: float, room: QRectF) -> None:
    theme, side = tokens(), BADGE_PX * ratio
    x, y = corners[0].real, corners[0].imag - side - 6 * ratio
    if not room.intersects(QRectF(_box(corners))):
        return
    edge = 4 * ratio
    x = min(max(x, room.left() + edge), room.right() - side - edge)
    y = min(max(y, room.top() + edge), room.bottom() - side - edge)
    spot = QRectF(x, y, side, side)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color(theme.accent) if face.active else QColor(20, 21, 24, 215))
    painter.drawRoundedRect(spot, 4 * ratio, 4 * ratio)
    font = ui_font(round(theme.small_px * ratio), bold=True)
    paint.text(painter, spot, str(face.number), font=font, ink="#ffffff", align=Qt.AlignmentFlag.AlignHCenter)
    if face.edited and not face.active:
        paint.dot(painter, QPointF(spot.right(), spot.top()), theme.accent_line, 4 * ratio)


def paint_split(painter: QPainter, line: SplitLine, label: str, *, ratio: float, room: QRectF) -> None:
    """The handle with its knob, and what is at either side of it."""
    theme = tokens()
    for width, ink in ((3.5, DARK), (1.5, WHITE)):
        painter.setPen(QPen(ink, width * ratio))
        painter.drawLine(_point(line.top), _point(line.bottom))
    knob = _point(line.knob(room))
    font, high = ui_font(round(theme.small_px * ratio)), 22 * ratio
    for words, at_left in ((label, True), ("Now", False)):
        width = min(paint.width_of(words, font) + 16 * ratio, 160 * ratio)
        gap = (KNOB_PX + 7) * ratio
        left = knob.x() - gap - width if at_left else knob.x() + gap
        pill = QRectF(left, knob.y() - high / 2, width, high)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(20, 21, 24, 215))
        painter.drawRoundedRect(pill, 4 * ratio, 4 * ratio)
        inner = pill.adjusted(8 * ratio, 0, -6 * ratio, 0)
        paint.text(painter, inner, words, font=font, ink="#ffffff", align=Qt.AlignmentFlag.AlignLeft)
    painter.setPen(QPen(DARK, ratio))
    painter.setBrush(WHITE)
    painter.drawEllipse(knob, KNOB_PX * ratio, KNOB_PX * ratio)
    painter.setPen(QPen(QColor("#424754"), 1.6 * ratio))
    for way in (-1, 1):
        tip, back = knob.x() + way * 6 * ratio, knob.x() + way * 3 * ratio
        ends = (QPointF(back, knob.y() - 3 * ratio), QPointF(tip, knob.y()), QPointF(back, knob.y() + 3 * ratio))
        painter.drawPolyline(ends)


def _point(z: complex) -> QPointF:
    return QPointF(z.real, z.imag)


def _box(corners: tuple[complex, ...]) -> QRectF:
    return QPolygonF([_point(z) for z in corners]).boundingRect()
