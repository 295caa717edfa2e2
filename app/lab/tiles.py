"""The data as a sheet of small pictures, of which one is on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy

from app.lab.stage.colours import scale
from app.theme import color, tokens
from app.widgets import paint
from app.widgets.painted import ARROWS, PaintedItems
from engine.lab import TruthInfo

COLUMNS: Final = 4
GAP_PX: Final = 8
TILE_PX: Final = 38
CELLS: Final = 72
"""Side of a picture."""


class DataTiles(PaintedItems):
    """Emits the name of the truth that is wanted; click, or arrows and Return when focused."""

    chosen = Signal(str)
    handled_keys = (*ARROWS, Qt.Key.Key_Return)

    def __init__(self) -> None:
        super().__init__()
        self._names: tuple[str, ...] = ()
        self._infos: Mapping[str, TruthInfo] = {}
        self._pictures: dict[tuple[TruthInfo, str], QImage] = {}
        self._current = ""
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Data")

    def set_truths(self, names: Sequence[str], infos: Mapping[str, TruthInfo]) -> None:
        """All tiles in their order; those whose truth is not known yet are empty."""
        self._names, self._infos = tuple(names), infos
        self._pictures = {key: one for key, one in self._pictures.items() if infos.get(key[0].name) is key[0]}
        self.setFixedSize(self.sizeHint())
        self.update()

    def set_current(self, name: str) -> None:
        """The tile that is on, without emitting."""
        self._current = name
        if name in self._names:
            self._cursor = self._names.index(name)
        self.update()

    def sizeHint(self) -> QSize:
        rows = -(-len(self._names) // COLUMNS)
        return QSize(COLUMNS * (TILE_PX + GAP_PX) - GAP_PX, max(1, rows) * (TILE_PX + GAP_PX) - GAP_PX)

    def item_count(self) -> int:
        return len(self._names)

    def item_rect(self, index: int) -> QRect:
        row, column = divmod(index, COLUMNS)
        return QRect(column * (TILE_PX + GAP_PX), row * (TILE_PX + GAP_PX), TILE_PX, TILE_PX)

    def item_tooltip(self, index: int) -> str:
        info = self._infos.get(self._names[index])
        return "" if info is None else info.title

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.index_at(event.position().toPoint())
        if index >= 0:
            self._cursor = index
            self._choose()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in ARROWS:
            self._step_cursor(key, COLUMNS)
        elif key == Qt.Key.Key_Return:
            self._choose()
        else:
            super().keyPressEvent(event)

    def _choose(self) -> None:
        if self._names and self._names[self._cursor] in self._infos:
            self.chosen.emit(self._names[self._cursor])

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = paint.smooth(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        theme = tokens()
        for index, name in enumerate(self._names):
            rect = QRectF(self.item_rect(index))
            paint.box(painter, rect, fill=theme.stage, line=theme.line, radius_px=5)
            info = self._infos.get(name)
            if info is not None:
                key = (info, theme.name)
                if key not in self._pictures:
                    self._pictures[key] = tile_picture(info, ground=theme.stage, ink=theme.points)
                painter.drawImage(rect.adjusted(3, 3, -3, -3), self._pictures[key])
            if name == self._current:
                paint.ring(painter, rect, theme.accent_line, 5)
            elif index == self._hover:
                paint.ring(painter, rect, theme.faint, 5, width_px=1)
            if index == self._cursor and paint.tabbed_to(self):
                painter.setPen(color(theme.text))
                painter.drawRoundedRect(rect.adjusted(3, 3, -3, -3), 3, 3)
        painter.end()


def tile_picture(info: TruthInfo, *, ground: str, ink: str) -> QImage:
    """A truth as a small picture: where its points lie, of the line how often."""
    low, high = info.view
    if info.dimension == 1:
        counts, _ = np.histogram(info.points[:, 0], CELLS // 3, (low, high))
        heights = np.repeat(counts / counts.max(), 3) * 0.8 * CELLS
        shares = (np.arange(CELLS)[::-1, None] < heights[None]).astype(np.float64)
    else:
        counts, _, _ = np.histogram2d(info.points[:, 1], info.points[:, 0], CELLS // 2, ((low, high), (low, high)))
        shares = np.repeat(np.repeat(np.minimum(1.0, counts[::-1] / 2), 2, 0), 2, 1)
    rows = scale((ground, ink))[(shares * 255).astype(np.intp)]
    rows = np.ascontiguousarray(rows)
    return QImage(rows.data, rows.shape[1], rows.shape[0], 3 * rows.shape[1], QImage.Format.Format_RGB888).copy()
