"""Sections and rows of a form: titled groups that fold, labels and fields that line up."""

from __future__ import annotations

from PySide6 import QtWidgets
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPaintEvent

from app.theme import GRID_PX, heading_font, tokens
from app.widgets import paint
from app.widgets.fields import FIELD_PX, Combo, PathField, TextField, Toggle
from app.widgets.layout import hbox, vbox
from app.widgets.numbers import FloatField, IntField

__all__ = ["Combo", "FloatField", "FormRows", "IntField", "PathField", "Section", "TextField", "Toggle", "ValueLabel"]


class _Header(QtWidgets.QAbstractButton):
    """The upper-case title; with a chevron when the section folds."""

    def __init__(self, title: str, *, foldable: bool) -> None:
        super().__init__()
        self._foldable = foldable
        self.folded = False
        self.setText(title)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus if foldable else Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
        self.setToolTip("Fold or unfold (Space)" if foldable else "")

    def sizeHint(self) -> QSize:
        return QSize(round(paint.width_of(self.text().upper(), heading_font())) + 28, 28)

    def minimumSizeHint(self) -> QSize:
        return QSize(64, 28)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens()
        painter = paint.smooth(self)
        ink = theme.text if self._foldable and self.underMouse() else theme.muted
        words = self.text().upper()
        cut = paint.text(painter, QRectF(self.rect()).adjusted(0, 0, -16, 0), words, font=heading_font(), ink=ink)
        # The chevron shows only where it tells something: folded, or under the hand.
        if self._foldable and not cut and (self.folded or self.underMouse() or paint.tabbed_to(self)):
            x = paint.width_of(words, heading_font()) + 10
            paint.chevron(painter, QPointF(x, self.height() / 2), ink, down=not self.folded, size_px=3.5)
        if paint.tabbed_to(self):
            paint.focus_ring(painter, QRectF(self.rect()), 4)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._foldable:
            super().mousePressEvent(event)
        else:
            event.ignore()


class Section(QtWidgets.QWidget):
    """A titled group; ``action`` is the text of a quiet button at the right of the title."""

    actionClicked = Signal()
    toggled = Signal(bool)

    def __init__(
        self,
        title: str,
        *,
        collapsible: bool = True,
        collapsed: bool = False,
        action: str = "",
        parent: QtWidgets.QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._header = _Header(title, foldable=collapsible)
        self._header.clicked.connect(self._flip)
        self._action = QtWidgets.QPushButton()
        self._action.setProperty("kind", "quiet")
        self._action.setFixedHeight(26)
        self._action.clicked.connect(lambda: self.actionClicked.emit())
        self._body = QtWidgets.QWidget()
        self._column = QtWidgets.QVBoxLayout(self._body)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(GRID_PX // 2)
        self._top = hbox(self._header, self._action, stretch={0: 1})
        self.setLayout(vbox(self._top, self._body, gap_px=4))
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Preferred, QtWidgets.QSizePolicy.Policy.Maximum)
        self.set_title(title)
        self.set_action(action)
        self.set_collapsed(collapsed)

    def add(self, widget: QtWidgets.QWidget) -> None:
        """Put ``widget`` under what is there."""
        self._column.addWidget(widget)

    def add_layout(self, layout: QtWidgets.QLayout) -> None:
        """Put ``layout`` under what is there."""
        self._column.addLayout(layout)

    def add_action(self, push: QtWidgets.QPushButton) -> None:
        """Another small button at the right of the title."""
        push.setFixedHeight(26)
        self._top.addWidget(push)

    def set_title(self, title: str) -> None:
        """The title; it is shown in capitals."""
        self._header.setText(title)
        self._header.setAccessibleName(title)
        self._header.updateGeometry()
        self._header.update()

    def title(self) -> str:
        """The title as given."""
        return self._header.text()

    def set_action(self, text: str) -> None:
        """The button at the right; empty text takes it away."""
        self._action.setText(text)
        self._action.setToolTip(text)
        self._action.setVisible(bool(text))

    def set_action_enabled(self, enabled: bool) -> None:
        """Allow or forbid the button."""
        self._action.setEnabled(enabled)

    def set_collapsed(self, collapsed: bool) -> None:
        """Fold or unfold without emitting."""
        self._header.folded = collapsed
        self._body.setVisible(not collapsed)
        self._header.update()

    def is_collapsed(self) -> bool:
        """Whether it is folded."""
        return self._header.folded

    def _flip(self) -> None:
        self.set_collapsed(not self.is_collapsed())
        self.toggled.emit(self.is_collapsed())


class ValueLabel(QtWidgets.QLabel):
    """A figure to read and copy."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.setProperty("kind", "value")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def set_text(self, text: str) -> None:
        """Show ``text``; repaints only when it differs."""
        if text != self.text():
            self.setText(text)

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().minimumSizeHint().height())


class FormRows(QtWidgets.QWidget):
    """Label left, field right, all fields on one line."""

    def __init__(self, *, label_px: int = 112) -> None:
        super().__init__()
        self._grid = QtWidgets.QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(GRID_PX)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnMinimumWidth(0, label_px)
        self._grid.setColumnStretch(1, 1)
        self._labels: dict[QtWidgets.QWidget, QtWidgets.QLabel] = {}

    def add_row(self, label: str, widget: QtWidgets.QWidget, tooltip: str = "") -> QtWidgets.QLabel:
        """One row; the tooltip goes to label and field; returns the label."""
        words = QtWidgets.QLabel(label)
        words.setMinimumHeight(FIELD_PX)
        words.setToolTip(tooltip or label)
        words.setBuddy(widget)
        if tooltip:
            widget.setToolTip(tooltip)
        if not widget.accessibleName():
            widget.setAccessibleName(label)
        row = self._grid.rowCount()
        self._grid.addWidget(words, row, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(widget, row, 1)
        self._labels[widget] = words
        return words

    def add_value(self, label: str, text: str = "", tooltip: str = "") -> ValueLabel:
        """A row that only shows a figure; returns its label."""
        value = ValueLabel(text)
        words = self.add_row(label, value, tooltip)
        words.setProperty("kind", "muted")
        # Nothing is typed here, so the row needs no field's height.
        words.setMinimumHeight(0)
        return value

    def add_wide(self, widget: QtWidgets.QWidget) -> None:
        """A widget over both columns."""
        self._grid.addWidget(widget, self._grid.rowCount(), 0, 1, 2)

    def set_row_visible(self, widget: QtWidgets.QWidget, visible: bool) -> None:
        """Show or hide a field with its label."""
        widget.setVisible(visible)
        if widget in self._labels:
            self._labels[widget].setVisible(visible)

    def clear(self) -> None:
        """Delete all rows."""
        self._labels.clear()
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.setParent(None)
                widget.deleteLater()
