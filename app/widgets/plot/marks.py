"""What is marked on the curves: notes of the person and notices of the guards."""

from dataclasses import dataclass
from typing import Final, Literal

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

from app.theme import color, tokens
from app.widgets import paint

MarkKind = Literal["note", "info", "warning", "error"]
REACH_PX: Final = 6.0
_SIZE_PX: Final = 4.5


@dataclass(frozen=True)
class Mark:
    """A mark at an x. `text` is told where one points at it; `key` says which note it is (its step)."""

    x: float
    text: str
    kind: MarkKind = "note"
    key: int = 0

    @property
    def is_note(self) -> bool:
        """Whether the person made it, and may change it."""
        return self.kind == "note"


def ink_of(kind: MarkKind) -> str:
    """The colour of a mark."""
    theme = tokens()
    return {"note": theme.text, "info": theme.accent_line, "warning": theme.warn, "error": theme.error}[kind]


def paint_mark(painter: QPainter, mark: Mark, x_px: float, room: QRectF) -> None:
    """A note hangs as a flag from the top, a notice stands as a triangle on the bottom axis."""
    ink = ink_of(mark.kind)
    line = QPen(color(ink, 0.4))
    line.setDashPattern([2.0, 3.0])
    painter.setPen(line)
    painter.drawLine(QPointF(x_px, room.top()), QPointF(x_px, room.bottom()))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color(ink))
    s = _SIZE_PX
    if mark.is_note:
        top = room.top() + 1
        flag = [(0, 0), (2 * s, 0), (1.4 * s, s * 0.8), (2 * s, 1.6 * s), (0, 1.6 * s)]
        painter.drawPolygon(QPolygonF([QPointF(x_px + dx, top + dy) for dx, dy in flag]))
    else:
        painter.drawPolygon(
            QPolygonF(
                [
                    QPointF(x_px, room.bottom() - 1.7 * s),
                    QPointF(x_px - s, room.bottom()),
                    QPointF(x_px + s, room.bottom()),
                ]
            )
        )


def paint_place(painter: QPainter, x_px: float, room: QRectF) -> None:
    """Where the history scrubber is: a small open triangle under the top edge."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(paint.pen(tokens().muted, 1.2))
    s = 3.5
    painter.drawPolyline(
        QPolygonF(
            [QPointF(x_px - s, room.top() + 1), QPointF(x_px, room.top() + 1 + s), QPointF(x_px + s, room.top() + 1)]
        )
    )
