"""Number fields: what is not a number in range is marked, explained and never emitted."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QWidget

from app.widgets.figures import compact, parse_value

FIELD_PX = 28


class NumberField(QLineEdit):
    """The typing, marking and stepping that both number fields share; it emits only finished numbers.

    A line edit is used because a styled spin box gives its text no room when its buttons are hidden.
    """

    example = "0.5 or 2e-4"

    def __init__(self, minimum: float, maximum: float, *, unit: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "value")
        self._low, self._high, self._unit, self._help = minimum, maximum, unit, ""
        self._number = minimum
        # A picture dropped here is the window's: a path is no number.
        self.setAcceptDrops(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.returnPressed.connect(self._commit)
        self.textEdited.connect(lambda _text: self._mark(""))

    def shown(self, number: float) -> str:
        """The text of ``number``."""
        raise NotImplementedError

    def parsed(self, words: str) -> float:
        """The number in ``words``; raises ValueError."""
        return parse_value(words, self._unit)

    def stepped(self, steps: int) -> float:
        """The number ``steps`` arrow presses away."""
        raise NotImplementedError

    def tell(self, number: float) -> None:
        """Emit ``number``."""
        raise NotImplementedError

    def set_value(self, number: float) -> None:
        """Show ``number``, clamped, without emitting."""
        self._number = min(self._high, max(self._low, number))
        self.setText(self.shown(self._number))
        self._mark("")

    def set_range(self, minimum: float, maximum: float) -> None:
        """Change the ends without emitting."""
        self._low, self._high = minimum, maximum
        self.set_value(self._number)

    def is_valid(self) -> bool:
        """False while the typed text is not a number in range."""
        return bool(self.property("invalid") != "true")

    def sizeHint(self) -> QSize:
        return QSize(96, FIELD_PX)

    def minimumSizeHint(self) -> QSize:
        return QSize(64, FIELD_PX)

    def _mark(self, why: str) -> None:
        state = "true" if why else "false"
        if self.property("invalid") == state:
            return
        if why:
            self._help = self.toolTip()
            self.setToolTip(why)
        elif self.property("invalid") == "true":
            self.setToolTip(self._help)
        self.setProperty("invalid", state)
        self.style().polish(self)

    def _commit(self) -> None:
        if self.text() == self.shown(self._number):
            return
        try:
            number = self.parsed(self.text())
        except ValueError:
            self._mark(f"This is not such a number; type one like {self.example}.")
            return
        if not self._low <= number <= self._high:
            self._mark(f"{number:g} is outside {self._low:g} to {self._high:g}; type a number between them.")
            return
        self._take(number)

    def _take(self, number: float) -> None:
        before = self._number
        self.set_value(number)
        if self._number != before:
            self.tell(self._number)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}.get(Qt.Key(event.key()))
        if step is not None:
            self._take(self.stepped(step))
        elif event.key() == Qt.Key.Key_Escape:
            self.set_value(self._number)
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        # The wheel belongs to the panel that scrolls.
        event.ignore()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._commit()
        if not self.is_valid():
            self.set_value(self._number)


class IntField(NumberField):
    """A whole number; separators of thousands are shown and may be typed."""

    changed = Signal(int)
    example = "64 or 1,000"

    def __init__(self, minimum: int, maximum: int, value: int, *, step: int = 1, unit: str = "") -> None:
        super().__init__(minimum, maximum, unit=unit)
        self._step = step
        self.set_value(value)

    def value(self) -> int:
        """The last good number."""
        return int(self._number)

    def shown(self, number: float) -> str:
        return f"{int(number):,} {self._unit}".rstrip()

    def parsed(self, words: str) -> float:
        plain = words.strip().removesuffix(self._unit) if self._unit else words
        return int(plain.replace(",", "").replace(" ", ""))

    def stepped(self, steps: int) -> float:
        return self._number + steps * self._step

    def tell(self, number: float) -> None:
        self.changed.emit(int(number))


class FloatField(NumberField):
    """A number in plain or scientific form."""

    changed = Signal(float)

    def __init__(self, minimum: float, maximum: float, value: float, *, unit: str = "") -> None:
        super().__init__(minimum, maximum, unit=unit)
        self.set_value(value)

    def value(self) -> float:
        """The last good number."""
        return self._number

    def shown(self, number: float) -> str:
        if number != 0 and not 0.001 <= abs(number) < 100_000 and float(compact(number)) == number:
            words = compact(number)
        else:
            words = f"{number:.12g}"
        return f"{words} {self._unit}".rstrip()

    def stepped(self, steps: int) -> float:
        if self._number > 0:
            # Ten steps to a decade; the result stays a number one would type.
            return float(f"{self._number * 10 ** (steps / 10):.1e}")
        return float(round(self._number + steps * 0.01, 4))

    def tell(self, number: float) -> None:
        self.changed.emit(number)
