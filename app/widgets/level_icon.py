"""A small icon for how something is to be read: a tick, an exclamation mark, a cross or a question mark, in colour."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import color, tokens, ui_font
from app.widgets import paint

WORDS: Final = {"good": "good", "watch": "to be watched", "bad": "bad", "unknown": "not known"}
_SIDE_PX: Final = 18


class LevelIcon(QWidget):
    """A disc with a mark: colour alone would leave some people out. Levels: good, watch, bad, unknown."""

    def __init__(self, level: str = "unknown", *, side_px: int = _SIDE_PX) -> None:
        super().__init__()
        self._side = side_px
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._level = ""
        self.set_level(level)

    @property
    def level(self) -> str:
        """What is shown."""
        return self._level

    def set_level(self, level: str) -> None:
        """Another icon; an unknown word shows the question mark."""
        level = level if level in WORDS else "unknown"
        if level != self._level:
            self._level = level
            self.setAccessibleName(WORDS[level])
            self.setToolTip(f"Judged as {WORDS[level]}.")
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._side, self._side)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens()
        ink = {"good": theme.ok, "watch": theme.warn, "bad": theme.error, "unknown": theme.muted}[self._level]
        painter = paint.smooth(self)
        s = float(self._side)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color(ink, 0.18))
        painter.drawEllipse(QRectF(0, 0, s, s))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(paint.pen(ink, max(1.6, s / 11)))
        if self._level == "good":
            painter.drawPolyline(
                [QPointF(s * 0.29, s * 0.52), QPointF(s * 0.44, s * 0.67), QPointF(s * 0.72, s * 0.35)]
            )
        elif self._level == "bad":
            paint.cross(painter, QPointF(s / 2, s / 2), ink, s * 0.18)
        elif self._level == "watch":
            painter.drawLine(QPointF(s / 2, s * 0.26), QPointF(s / 2, s * 0.56))
            painter.drawPoint(QPointF(s / 2, s * 0.74))
        else:
            font = ui_font(round(s * 0.72), bold=True)
            paint.text(painter, QRectF(0, 0, s, s), "?", font=font, ink=ink, align=Qt.AlignmentFlag.AlignHCenter)
        painter.end()
