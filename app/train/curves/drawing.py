"""The curves on show as a sheet for a table, and as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QWidget

from app.theme import color, tokens
from app.train.curves.export import Sheet
from app.train.curves.plan import clock_of
from app.train.state import RunView

if TYPE_CHECKING:
    from app.widgets.curves import Curves, Line, Span

GAP_PX: Final = 8
SCALE: Final = 2


def sheet(lines: Sequence[Line], span: Span | None, view: RunView) -> Sheet:
    """Each line that is drawn, within the zoom, as it was measured; time and images are those of the run on show."""
    columns: dict[str, tuple[str, NDArray[Any], NDArray[Any]]] = {}
    for line in lines:
        steps, values = line.trace.steps.array, line.trace.values.array
        if span is not None:
            low, high = line.step_of(span.low), line.step_of(span.high)
            part = slice(*np.searchsorted(steps, [low, np.nextafter(high, np.inf)]))
            steps, values = steps[part], values[part]
        metric = line.key.partition("\n")[2]
        # Copies: the table is made on another thread, while the run goes on.
        columns[line.key] = (f"{line.group}: {metric}" if line.group else metric, steps.copy(), values.copy())
    last = max((float(steps[-1]) for _, steps, _ in columns.values() if len(steps)), default=1.0)
    clocks = []
    for axis, heading in (("time", "training_seconds"), ("images", "images")):
        clock = clock_of(view.series, view.info, axis)
        if clock is not None:
            known = np.append(clock.steps[clock.steps < last], last)
            clocks.append((heading, known, np.asarray(clock.to_x(known))))
    return Sheet(tuple(columns.values()), tuple(clocks))


def picture(inner: QWidget, folds: Sequence[QWidget], plots: Sequence[Curves]) -> QImage:
    """A column of plots at twice its size, down to the last of its sections."""
    for plot in plots:
        plot.flush()
        plot.set_sharpness(SCALE)
    size = inner.size()
    image = QImage(size * SCALE, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(SCALE)
    image.fill(color(tokens().window))
    painter = QPainter(image)
    inner.render(painter, QPoint())
    painter.end()
    for plot in plots:
        plot.set_sharpness(0)
    height = min(size.height(), max((fold.geometry().bottom() for fold in folds), default=size.height()) + GAP_PX)
    return image.copy(QRect(0, 0, image.width(), height * SCALE))
