"""Many points at once for Qt's painter."""

from __future__ import annotations

import numpy as np
import shiboken6
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

from app.theme import color


def polygon(at: NDArray[np.float64]) -> QPolygonF:
    """Pixels (N, 2) as Qt has them, without a Python object a point."""
    found = QPolygonF()
    found.resize(len(at))
    if len(at):
        memory = np.frombuffer(shiboken6.VoidPtr(found.data(), 16 * len(at), True), np.float64)  # type: ignore[call-overload]
        memory.reshape(-1, 2)[:] = at
    return found


def dots(painter: QPainter, at: NDArray[np.float64], ink: str, size_px: float, *, alpha: float = 1.0) -> None:
    """Round dots of this diameter."""
    painter.setPen(QPen(color(ink, alpha), size_px, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawPoints(polygon(at))
