"""A number or a name typed in place: Enter keeps it, Escape leaves, a bad number stays and is marked."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from app.widgets.figures import parse_value


class InlineEdit(QLineEdit):
    """Emits ``closed(number or None, by_key)`` once; the owner then takes the focus back and deletes it."""

    closed = Signal(object, bool)

    def __init__(self, text: str, unit: str, *, typed: bool, parent: QWidget) -> None:
        super().__init__(text, parent)
        self._unit, self._first, self._open = unit, text, True
        self.setProperty("kind", "inline")
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        if not typed:
            self.selectAll()

    def _number(self) -> float | None:
        try:
            return parse_value(self.text(), self._unit)
        except ValueError:
            return None

    def _commit(self) -> None:
        number = self._number()
        if number is None:
            self.setProperty("invalid", "true")
            self.style().polish(self)
            self.selectAll()
        else:
            self._close(number, by_key=True)

    def _close(self, number: float | None, *, by_key: bool) -> None:
        # Hiding the field takes its focus away, which would close it a second time.
        if self._open:
            self._open = False
            self.closed.emit(number, by_key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._close(None, by_key=True)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            # A line edit hands Enter on to its parent, which would open the field again.
            self._commit()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        # Clicking elsewhere keeps a good number and drops a bad one; an untouched one changes nothing.
        self._close(self._number() if self.text() != self._first else None, by_key=False)


class NameEdit(QLineEdit):
    """Emits ``closed(text)`` once, empty when the name stays as it was, and deletes itself.

    A click elsewhere drops what was typed, or ``keeps`` it.
    """

    closed = Signal(str)

    def __init__(self, text: str, *, keeps: bool = False, parent: QWidget) -> None:
        super().__init__(text, parent)
        self._first, self._keeps, self._open = text, keeps, True
        self.setProperty("kind", "inline")
        self.setToolTip("Enter keeps the name, Escape leaves.")
        self.selectAll()

    def _close(self, text: str, *, by_key: bool) -> None:
        if not self._open:
            return
        self._open = False
        self.hide()
        owner = self.parentWidget()
        if by_key and owner is not None:
            owner.setFocus()
        self.closed.emit("" if text.strip() in ("", self._first) else text.strip())
        self.deleteLater()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._close("", by_key=True)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._close(self.text(), by_key=True)
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._close(self.text() if self._keeps else "", by_key=False)
