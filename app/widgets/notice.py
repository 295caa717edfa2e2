"""One line in the window for what the program has to say; never a box that must be answered."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QLabel, QPlainTextEdit, QSizePolicy, QWidget

from app.theme import set_kind, tokens
from app.widgets import paint
from app.widgets.buttons import button
from app.widgets.layout import hbox, vbox

Level = Literal["info", "warning", "error"]


class CloseButton(QAbstractButton):
    """A small painted cross."""

    def __init__(self, tooltip: str) -> None:
        super().__init__()
        self.setToolTip(tooltip)
        self.setAccessibleName(tooltip)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFixedSize(26, 26)

    def sizeHint(self) -> QSize:
        return QSize(26, 26)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens()
        painter = paint.smooth(self)
        if self.underMouse():
            paint.box(painter, QRectF(self.rect()), fill=theme.hover)
        if paint.tabbed_to(self):
            paint.focus_ring(painter, QRectF(self.rect()))
        paint.cross(painter, QPointF(self.rect().toRectF().center()), theme.text if self.underMouse() else theme.muted)
        painter.end()


class NoticeLine(QFrame):
    """Hidden when there is nothing to say; infos go away by themselves, warnings and errors stay."""

    dismissed = Signal()
    acted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._level: Level = "info"
        self._hide_after_ms = 0
        self._words = QLabel(wordWrap=True)
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._more = button("Details", "Show or hide the details (Space)", kind="quiet", checkable=True)
        self._act = button("", "Do this (Space)", kind="quiet", do=self.acted.emit)
        self._act.hide()
        self._close = CloseButton("Close this notice (Escape)")
        self._details = QPlainTextEdit(readOnly=True)
        self._details.setFixedHeight(120)
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.clear)
        self._more.toggled.connect(self._details.setVisible)
        self._close.clicked.connect(lambda: self._dismiss())
        line = hbox(self._words, self._act, self._more, self._close, stretch={0: 1})
        self.setLayout(vbox(line, self._details, margins=(16, 6, 8, 6)))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setProperty("kind", "notice-info")
        self.setVisible(False)

    def show_notice(
        self, text: str, *, level: Level = "info", details: str = "", action: str = "", hide_after_ms: int = 6000
    ) -> None:
        """Say one sentence; ``hide_after_ms`` holds for infos only, 0 keeps them. ``action`` is a button's word."""
        self._act.setText(action)
        self._act.setAccessibleName(action)
        self._act.setVisible(bool(action))
        self._level = level
        set_kind(self, f"notice-{level}")
        self._words.setText(text)
        self._details.setPlainText(details)
        self._details.hide()
        self._more.setChecked(False)
        self._more.setVisible(bool(details))
        self.setAccessibleName(f"{level}: {text}")
        self._timer.stop()
        self._hide_after_ms = hide_after_ms if level == "info" else 0
        if self._hide_after_ms and not self.underMouse():
            self._timer.start(self._hide_after_ms)
        self.setVisible(bool(text))

    def clear(self) -> None:
        """Say nothing."""
        self._timer.stop()
        self._words.clear()
        self._details.clear()
        self.setVisible(False)

    def text(self) -> str:
        """The sentence on show, or empty."""
        return self._words.text()

    def action(self) -> str:
        """The word on the button that emits ``acted``, or empty."""
        return self._act.text() if self.text() else ""

    def level(self) -> Level:
        """``info``, ``warning`` or ``error``."""
        return self._level

    def details(self) -> str:
        """The text behind the Details button, or empty."""
        return self._details.toPlainText()

    def _dismiss(self) -> None:
        self.clear()
        self.dismissed.emit()

    def enterEvent(self, event: QEvent) -> None:
        # Whoever points at a sentence is reading it; its time starts again when the pointer leaves.
        self._timer.stop()

    def leaveEvent(self, event: QEvent) -> None:
        if self._hide_after_ms and self.isVisible():
            self._timer.start(self._hide_after_ms)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._dismiss()
        else:
            super().keyPressEvent(event)
