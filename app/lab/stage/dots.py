"""Many points at once for Qt's painter, which takes twenty times as long to draw each as a round stroke."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, cast

import numpy as np
import shiboken6
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPixmap, QPolygonF

from app.theme import color

PLACES: Final = 4
"""A dot is drawn once for each of so many places within a pixel, along both axes."""


def polygon(at: NDArray[np.float64]) -> QPolygonF:
    """Pixels (N, 2) as Qt has them, without a Python object a point."""
    found = QPolygonF()
    found.resize(len(at))
    if len(at):
        address: Any = found.data()  # At run time the address of the first point, whatever the stub says.
        memory = np.frombuffer(cast(Any, shiboken6.VoidPtr)(address, 16 * len(at), True), np.float64)
        memory.reshape(-1, 2)[:] = at
    return found


@lru_cache(maxsize=32)
def _sheet(ink: str, halo: str, radius_px: float, halo_px: float, alpha: float) -> tuple[QPixmap, int]:
    """The dot at all places within a pixel, and the side of one of them."""
    side = int(2 * (halo_px or radius_px)) + 4
    sheet = QPixmap(PLACES * side, PLACES * side)
    sheet.fill(Qt.GlobalColor.transparent)
    painter = QPainter(sheet)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    for row in range(PLACES):
        for column in range(PLACES):
            centre = QPointF(column * side + side // 2 + column / PLACES, row * side + side // 2 + row / PLACES)
            if halo_px:
                painter.setBrush(color(halo, 0.75))
                painter.drawEllipse(centre, halo_px, halo_px)
            painter.setBrush(color(ink, alpha))
            painter.drawEllipse(centre, radius_px, radius_px)
    painter.end()
    return sheet, side


def dots(
    painter: QPainter,
    at: NDArray[np.float64],
    *,
    ink: str,
    radius_px: float,
    ratio: float,
    halo: str = "",
    halo_px: float = 0.0,
    alpha: float = 1.0,
) -> None:
    """Round dots at pixels (N, 2), each with a halo where one is asked for; `ratio` is the screen's."""
    sheet, side = _sheet(ink, halo, radius_px * ratio, halo_px * ratio, alpha)
    device = at * ratio
    whole = np.floor(device)
    places = (np.floor((device - whole) * PLACES).astype(np.intp) * side).tolist()
    corners = (whole.astype(np.intp) - side // 2).tolist()
    painter.save()
    painter.scale(1 / ratio, 1 / ratio)
    draw = painter.drawPixmap
    for (x, y), (column, row) in zip(corners, places, strict=True):
        draw(x, y, sheet, column, row, side, side)
    painter.restore()
