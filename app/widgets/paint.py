"""Small painters shared by the widgets: focus ring, glyphs, cut text."""

from __future__ import annotations

from collections.abc import Callable, Collection

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QKeyEvent, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QWidget

from app.theme import color, tokens


def pen(value: str, width_px: float = 1.0) -> QPen:
    """A round-capped pen in a token's colour."""
    return QPen(color(value), width_px, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)


def box(
    painter: QPainter,
    rect: QRectF,
    *,
    fill: str | None = None,
    alpha: float = 1.0,
    line: str | None = None,
    radius_px: float = 6.0,
) -> None:
    """A rounded box whose hairline lies inside ``rect``, so neighbours keep their gap."""
    painter.setBrush(color(fill, alpha) if fill else Qt.BrushStyle.NoBrush)
    painter.setPen(pen(line) if line else Qt.PenStyle.NoPen)
    painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5) if line else rect, radius_px, radius_px)


def focus_ring(painter: QPainter, rect: QRectF, radius_px: float = 6.0) -> None:
    """The one focus mark of the program: a two-pixel accent line inside ``rect``."""
    ring(painter, rect, tokens().accent_line, radius_px)


def tabbed_to(widget: QWidget) -> bool:
    """Whether ``widget`` has the focus and got it by the keyboard; a click needs no ring to be seen."""
    return widget.hasFocus() and widget.window().testAttribute(Qt.WidgetAttribute.WA_KeyboardFocusChange)


def text(
    painter: QPainter,
    rect: QRectF,
    words: str,
    *,
    font: QFont,
    ink: str,
    align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
    elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
) -> bool:
    """Draw one line, vertically centred; returns True when it had to be shortened (then show a tooltip)."""
    metrics = QFontMetricsF(font)
    shown = metrics.elidedText(words, elide, rect.width())
    painter.setFont(font)
    painter.setPen(color(ink))
    painter.drawText(rect, int(align | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine), shown)
    return shown != words


def width_of(words: str, font: QFont) -> float:
    """Advance width of ``words`` in pixels."""
    return QFontMetricsF(font).horizontalAdvance(words)


def chevron(painter: QPainter, centre: QPointF, ink: str, *, down: bool = True, size_px: float = 4.0) -> None:
    """A small open arrow head, down or right."""
    painter.setPen(pen(ink, 1.5))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    x, y, s = centre.x(), centre.y(), size_px
    points = (
        [QPointF(x - s, y - s / 2), QPointF(x, y + s / 2), QPointF(x + s, y - s / 2)]
        if down
        else [QPointF(x - s / 2, y - s), QPointF(x + s / 2, y), QPointF(x - s / 2, y + s)]
    )
    painter.drawPolyline(points)


def cross(painter: QPainter, centre: QPointF, ink: str, size_px: float = 4.0) -> None:
    """A closing cross."""
    painter.setPen(pen(ink, 1.5))
    x, y, s = centre.x(), centre.y(), size_px
    painter.drawLine(QPointF(x - s, y - s), QPointF(x + s, y + s))
    painter.drawLine(QPointF(x - s, y + s), QPointF(x + s, y - s))


def padlock(painter: QPainter, centre: QPointF, ink: str, *, closed: bool) -> None:
    """A padlock twelve pixels high; open it is drawn with its shackle lifted to one side."""
    x, y = centre.x(), centre.y()
    shackle = QPainterPath(QPointF(x - 2.5, y))
    shackle.lineTo(x - 2.5, y - 2.5)
    shackle.arcTo(QRectF(x - 2.5, y - 5.0, 5.0, 5.0), 180, -180)
    if closed:
        shackle.lineTo(x + 2.5, y)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(pen(ink, 1.4))
    painter.drawPath(shackle)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color(ink))
    painter.drawRoundedRect(QRectF(x - 4.0, y, 8.0, 6.0), 1.5, 1.5)


def ring(painter: QPainter, rect: QRectF, ink: str, radius_px: float = 6.0, *, width_px: float = 2.0) -> None:
    """A rounded outline whose line lies inside ``rect`` where it is two pixels wide."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(pen(ink, width_px))
    painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), radius_px, radius_px)


def circle(painter: QPainter, centre: QPointF, ink: str, radius_px: float, *, width_px: float) -> None:
    """An open circle."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(pen(ink, width_px))
    painter.drawEllipse(centre, radius_px, radius_px)


def paragraph(
    painter: QPainter,
    rect: QRectF,
    words: str,
    *,
    font: QFont,
    ink: str,
    align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignCenter,
) -> None:
    """Words that wrap at the edges of ``rect``."""
    painter.setFont(font)
    painter.setPen(color(ink))
    painter.drawText(rect, int(align | Qt.TextFlag.TextWordWrap), words)


def dot(painter: QPainter, centre: QPointF, ink: str, radius_px: float = 4.0) -> None:
    """A filled dot: live work, or a series in a legend."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(ink))
    painter.drawEllipse(centre, radius_px, radius_px)


def smooth(widget: QWidget) -> QPainter:
    """A painter on ``widget`` with antialiasing on; the caller ends it."""
    painter = QPainter(widget)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    return painter


def keeps_key(event: QEvent, keys: Collection[Qt.Key], also: Callable[[QKeyEvent], bool] | None = None) -> bool:
    """Accept a ShortcutOverride for ``keys`` so a focused widget wins over the window's shortcuts.

    Call from ``event()``; True when the event was taken. Keys with Ctrl, Alt or Meta stay the window's.
    """
    if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
        return False
    foreign = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
    if event.modifiers() & foreign:
        return False
    if event.key() in keys or (also is not None and also(event)):
        event.accept()
        return True
    return False
