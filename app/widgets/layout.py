"""Layouts: a flow that wraps, a plain scroll area, boxes on the 8 px grid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLayout,
    QLayoutItem,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.theme import GRID_PX

Item = QWidget | QLayout | int | None
Margins = tuple[int, int, int, int]
EVEN: Final[Mapping[int, int]] = {}


class FlowLayout(QLayout):
    """Places its widgets in rows and wraps at the right edge."""

    def __init__(self, parent: QWidget | None = None, *, gap_px: int = GRID_PX) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(0, 0, 0, 0)
        self.setSpacing(gap_px)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width_px: int) -> int:
        return self._place(QRect(0, 0, width_px, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._place(rect, move=True)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        size = QSize()
        for item in self._items:
            size = size.expandedTo(item.minimumSize())
        return size

    def _place(self, rect: QRect, *, move: bool) -> int:
        x, y, row_px = rect.x(), rect.y(), 0
        for item in self._items:
            if item.isEmpty():
                continue
            hint = item.sizeHint()
            if x > rect.x() and x + hint.width() > rect.right() + 1:
                x, y, row_px = rect.x(), y + row_px + self.spacing(), 0
            if move:
                item.setGeometry(QRect(QPoint(x, y), hint))
            x += hint.width() + self.spacing()
            row_px = max(row_px, hint.height())
        return y + row_px - rect.y()


def scrolled(widget: QWidget) -> QScrollArea:
    """``widget`` in a frameless area that scrolls up and down only."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    widget.setAutoFillBackground(False)
    area.setWidget(widget)
    # The panel behind shows through; otherwise Qt fills the viewport with the window's colour.
    area.viewport().setAutoFillBackground(False)
    widget.setAutoFillBackground(False)
    return area


def _fill(
    layout: QBoxLayout, items: tuple[Item, ...], gap_px: int, margins: Margins, stretch: Mapping[int, int]
) -> None:
    layout.setContentsMargins(*margins)
    layout.setSpacing(gap_px)
    for item in items:
        if item is None:
            layout.addStretch(1)
        elif isinstance(item, int):
            layout.addSpacing(item)
        elif isinstance(item, QLayout):
            layout.addLayout(item)
        else:
            layout.addWidget(item)
    for index, share in stretch.items():
        layout.setStretch(index, share)


def hbox(
    *items: Item, gap_px: int = GRID_PX, margins: Margins = (0, 0, 0, 0), stretch: Mapping[int, int] = EVEN
) -> QHBoxLayout:
    """Items from left to right; an int is a gap in pixels, None takes up the slack.

    `margins` in pixels: left, top, right, bottom; `stretch` by the item's place, as `QBoxLayout.setStretch`.
    """
    layout = QHBoxLayout()
    _fill(layout, items, gap_px, margins, stretch)
    return layout


def vbox(
    *items: Item, gap_px: int = GRID_PX, margins: Margins = (0, 0, 0, 0), stretch: Mapping[int, int] = EVEN
) -> QVBoxLayout:
    """Items from top to bottom, else as `hbox`."""
    layout = QVBoxLayout()
    _fill(layout, items, gap_px, margins, stretch)
    return layout


def held(layout: QLayout) -> QWidget:
    """A widget for a layout."""
    widget = QWidget()
    widget.setLayout(layout)
    return widget


def stacked(*pages: QWidget) -> QStackedWidget:
    """Pages of which one is on show, at first the first."""
    stack = QStackedWidget()
    for page in pages:
        stack.addWidget(page)
    return stack


def discard(widgets: Iterable[QWidget]) -> None:
    """Takes widgets out of the window at once; Qt deletes them in a moment."""
    for widget in widgets:
        # A layout shows what it was given in a moment: without its parent that would be a window of its own.
        widget.hide()
        widget.setParent(None)
        widget.deleteLater()


def hairline() -> QFrame:
    """A one-pixel line between groups."""
    line = QFrame()
    line.setProperty("kind", "hairline")
    line.setFixedHeight(1)
    return line
