"""The legend under a plot: a stroke of each line, its word, and its value where the cursor is."""

from dataclasses import dataclass
from typing import Any, Final

from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import tokens, ui_font
from app.widgets import paint
from app.widgets.plot.inks import legend_pen

_ROW_PX: Final = 18
_STROKE_PX: Final = 14


@dataclass(frozen=True)
class Entry:
    """One line in the legend; without an `ink` it explains a dash, whatever the colour."""

    name: str
    value: str
    ink: int | None
    dash: int = 0


class Legend(QWidget):
    """Wraps its entries into rows."""

    def __init__(self) -> None:
        super().__init__()
        self._entries: list[Entry] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_entries(self, entries: list[Entry]) -> None:
        """Shows these."""
        if entries != self._entries:
            self._entries = entries
            self._fit()
            self.update()

    def entries(self) -> list[Entry]:
        """What is shown."""
        return list(self._entries)

    def _places(self) -> list[tuple[QRectF, float]]:
        font, places, x, y = ui_font(tokens().small_px), [], 0.0, 0.0
        for entry in self._entries:
            # Room for any value, so that the legend does not dance while the figures change.
            name_px = min(paint.width_of(entry.name, font) + _STROKE_PX + 6, max(60.0, self.width() - 60.0))
            room_px = 40.0 * (entry.value.count("·") + 1) if entry.ink is not None else 0.0
            width = name_px + max(paint.width_of(entry.value, font), room_px) + 10
            if x and x + width > self.width() + 8:
                x, y = 0.0, y + _ROW_PX
            places.append((QRectF(x, y, width, _ROW_PX), name_px))
            x += width
        return places

    def _fit(self) -> None:
        places = self._places()
        self.setFixedHeight(round(places[-1][0].bottom()) if places else _ROW_PX)

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        return QSize(48, _ROW_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, font = tokens(), ui_font(tokens().small_px)
        painter = paint.smooth(self)
        for entry, (rect, name_px) in zip(self._entries, self._places(), strict=True):
            painter.setPen(legend_pen(entry.ink, entry.dash))
            middle = rect.center().y()
            painter.drawLine(QPointF(rect.x(), middle), QPointF(rect.x() + _STROKE_PX - 2, middle))
            words = QRectF(rect.x() + _STROKE_PX + 2, rect.y(), name_px - _STROKE_PX - 2, rect.height())
            paint.text(painter, words, entry.name, font=font, ink=theme.text)
            figures = rect.adjusted(name_px + 2, 0, 8, 0)
            paint.text(painter, figures, entry.value, font=font, ink=theme.muted)
        painter.end()
