"""A labelled slider with a typed value: for temperatures, attributes and directions."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QLineEdit, QSizePolicy

from app.theme import color, mono_font, tokens, ui_font
from app.widgets import paint
from app.widgets.figures import format_value
from app.widgets.inline_edit import InlineEdit
from app.widgets.painted import STEP_KEYS, Key, Painted
from app.widgets.scale import Scale

ROW_PX: Final = 28
_KNOB_PX: Final = 7.0
_LOCK_PX: Final = 20
_GAP_PX: Final = 8
# Letting go within this distance of the origin means the origin: zero must be easy to find again.
_SNAP_PX: Final = 4.0


class ValueSlider(Painted):
    """Label, track and value in one row; ``origin`` makes the fill start there instead of at the left."""

    changed = Signal(float)
    pressed = Signal()
    released = Signal()
    lockToggled = Signal(bool)
    handled_keys = (
        *(*STEP_KEYS, Key.Key_Home, Key.Key_End, Key.Key_Return, Key.Key_Enter),
        *(Key.Key_Backspace, Key.Key_Delete, Key.Key_L, Key.Key_Minus, Key.Key_Plus),
    )

    def __init__(
        self,
        label: str,
        minimum: float,
        maximum: float,
        *,
        value: float | None = None,
        default: float | None = None,
        decimals: int = 2,
        unit: str = "",
        origin: float | None = None,
        signed: bool = False,
        log: bool = False,
        step: float | None = None,
        lockable: bool = False,
        tooltip: str = "",
        label_px: int = 96,
        value_px: int = 56,
    ) -> None:
        super().__init__()
        self._label, self._unit, self._decimals = label, unit, decimals
        self._signed, self._log, self._lockable = signed, log, lockable
        self._origin = origin
        self._step = step
        self._label_px, self._value_px = label_px, value_px
        self._warning, self._help = "", tooltip
        self._locked = self._dragging = False
        self._grab_px = 0.0
        self._last_x = 0.0
        self._editor: InlineEdit | None = None
        self._scale = Scale(minimum, maximum, decimals, log)
        first = next(v for v in (value, default, origin, minimum) if v is not None)
        self._default = self._scale.clamped(default if default is not None else first)
        self._value = self._scale.clamped(first)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._tell()

    # values in
    def value(self) -> float:
        """The current value."""
        return self._value

    def value_text(self) -> str:
        """The value as shown, with its unit."""
        return format_value(self._value, decimals=self._decimals, unit=self._unit, signed=self._signed, log=self._log)

    def set_value(self, value: float) -> None:
        """Show ``value``, clamped to the range, without emitting."""
        value = self._scale.clamped(value)
        if value != self._value:
            self._value = value
            self._tell()
            self.update()

    def minimum(self) -> float:
        """Lower end of the range."""
        return self._scale.low

    def maximum(self) -> float:
        """Upper end of the range."""
        return self._scale.high

    def set_range(self, minimum: float, maximum: float) -> None:
        """Change the ends; raises ValueError when empty, or not above zero on a log scale."""
        self._scale = Scale(minimum, maximum, self._decimals, self._log)
        self._value, self._default = self._scale.clamped(self._value), self._scale.clamped(self._default)
        self.update()

    def set_default(self, value: float) -> None:
        """The value that a reset returns to."""
        self._default = self._scale.clamped(value)

    def label(self) -> str:
        """The label."""
        return self._label

    def set_label(self, text: str) -> None:
        """Rename the slider."""
        self._label = text
        self._tell()
        self.update()

    def set_help(self, text: str) -> None:
        """The tooltip sentence (a warning is shown before it)."""
        self._help = text
        self._tell()

    def warning(self) -> str:
        """The warning sentence, or empty."""
        return self._warning

    def set_warning(self, text: str) -> None:
        """An amber label and this sentence in its tooltip; empty text clears it."""
        self._warning = text
        self._tell()
        self.update()

    def set_locked(self, locked: bool) -> None:
        """Close or open the padlock without emitting."""
        if locked != self._locked:
            self._locked = locked
            self.update()

    def reset(self) -> None:
        """Back to the default; emits like any change by hand."""
        self._by_hand(self._default)

    # geometry
    def sizeHint(self) -> QSize:
        return QSize(self._label_px + self._value_px + 120, ROW_PX)

    def minimumSizeHint(self) -> QSize:
        return QSize(self._label_px + self._value_px + 64, ROW_PX)

    def track_rect(self) -> QRectF:
        """The line that the knob's centre runs along, in widget pixels."""
        left = self._label_px + _GAP_PX + _KNOB_PX + 3
        right = self.width() - self._value_px - _GAP_PX - _KNOB_PX - 3
        return QRectF(left, self.height() / 2 - 2, max(8.0, right - left), 4)

    def _label_rect(self) -> QRectF:
        return QRectF(0, 0, self._label_px, self.height())

    def _lock_rect(self) -> QRectF:
        return QRectF(self._label_px - _LOCK_PX, 0, _LOCK_PX, self.height()) if self._lockable else QRectF()

    def _value_rect(self) -> QRectF:
        return QRectF(self.width() - self._value_px, 0, self._value_px, self.height())

    def _x_of(self, value: float) -> float:
        track = self.track_rect()
        return track.left() + self._scale.fraction(value) * track.width()

    # painting
    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens()
        painter = paint.smooth(self)
        ink = theme.warn if self._warning else theme.text
        label = self._label_rect().adjusted(0, 0, -(_LOCK_PX - 2) if self._lockable else 0, 0)
        ink = ink if self.isEnabled() else theme.faint
        paint.text(painter, label, self._label, font=ui_font(), ink=ink)
        if self._lockable and (self._locked or self.underMouse() or self.hasFocus()):
            paint.padlock(
                painter,
                self._lock_rect().center() + QPointF(0, 0.5),
                theme.text if self._locked else theme.faint,
                closed=self._locked,
            )
        self._paint_track(painter)
        if self._editor is None:
            words = self.value_text()
            at_rest = self._origin is not None and self._value == self._origin
            shade = theme.faint if not self.isEnabled() else theme.muted if at_rest else theme.text
            right = Qt.AlignmentFlag.AlignRight
            paint.text(painter, self._value_rect(), words, font=mono_font(), ink=shade, align=right)
        painter.end()

    def _paint_track(self, painter: QPainter) -> None:
        theme, track = tokens(), self.track_rect()
        x, middle = self._x_of(self._value), self.height() / 2
        start = self._x_of(self._scale.clamped(self._origin)) if self._origin is not None else track.left()
        painter.setPen(Qt.PenStyle.NoPen)
        paint.box(painter, track, fill=theme.track, radius_px=2)
        fill = QRectF(min(start, x), track.top(), abs(x - start), track.height())
        paint.box(painter, fill, fill=theme.accent_line if self.isEnabled() else theme.faint, radius_px=2)
        if self._origin is not None:
            paint.box(painter, QRectF(start - 1, middle - 4, 2, 8), fill=theme.faint, radius_px=1)
        painter.setPen(paint.pen(theme.line if theme.name == "dark" else theme.faint))
        painter.setBrush(color(theme.knob if self.isEnabled() else theme.track))
        radius = _KNOB_PX + (0.5 if self._dragging or self.underMouse() else 0.0)
        painter.drawEllipse(QPointF(x, middle), radius, radius)
        if self.hasFocus() and self._editor is None:
            paint.circle(painter, QPointF(x, middle), theme.accent_line, _KNOB_PX + 3, width_px=2.0)

    # hands
    def _by_hand(self, value: float) -> None:
        """One finished change: from a key, the field or a reset."""
        self._take(value)
        self.released.emit()

    def _take(self, value: float) -> None:
        value = self._scale.clamped(value)
        if value == self._value:
            return
        self._value = value
        self._tell()
        self.update()
        self.changed.emit(value)

    def _drag_to(self, x: float, *, fine: bool) -> None:
        track = self.track_rect()
        if fine:
            # A tenth of the speed; the grip moves along, so that letting Shift go does not jump.
            here = self._x_of(self._value) + 0.1 * (x - self._last_x)
            self._grab_px = x - here
        else:
            here = x - self._grab_px
        self._last_x = x
        origin = self._origin
        if origin is not None and not fine and abs(here - self._x_of(self._scale.clamped(origin))) < _SNAP_PX:
            self._take(origin)
        else:
            self._take(self._scale.at((here - track.left()) / track.width()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        spot = event.position()
        if event.button() == Qt.MouseButton.RightButton:
            self.reset()
            return
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        if self._lock_rect().contains(spot):
            self._toggle_lock()
        elif self.track_rect().adjusted(-_KNOB_PX, -12, _KNOB_PX, 12).contains(spot):
            knob = self._x_of(self._value)
            on_knob = abs(spot.x() - knob) <= _KNOB_PX + 1
            self._grab_px = spot.x() - knob if on_knob else 0.0
            self._last_x = spot.x()
            self._dragging = True
            self.pressed.emit()
            if not on_knob:
                self._drag_to(spot.x(), fine=False)
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragging:
            self._drag_to(event.position().x(), fine=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
            return
        over = self._value_rect().contains(event.position())
        self.setCursor(Qt.CursorShape.IBeamCursor if over else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._dragging and event.button() == Qt.MouseButton.LeftButton:
            self._dragging = False
            self.update()
            self.released.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._value_rect().contains(event.position()):
            self.begin_edit()
        elif self._label_rect().contains(event.position()) and not self._lock_rect().contains(event.position()):
            self.reset()
        else:
            self.mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        # Without focus the wheel belongs to the panel that scrolls.
        if not self.hasFocus():
            event.ignore()
            return
        self._nudge(1 if event.angleDelta().y() > 0 else -1)
        event.accept()

    def _nudge(self, steps: int) -> None:
        self._by_hand(self._scale.stepped(self._value, steps, self._step))

    def event(self, event: QEvent) -> bool:
        return paint.keeps_key(event, self.handled_keys, lambda key: key.text().isdigit()) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in STEP_KEYS:
            big = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and abs(STEP_KEYS[key]) == 1 else 1
            self._nudge(STEP_KEYS[key] * big)
        elif key == Qt.Key.Key_Home:
            self._by_hand(self._scale.low)
        elif key == Qt.Key.Key_End:
            self._by_hand(self._scale.high)
        elif key in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
            self.reset()
        elif key == Qt.Key.Key_L and self._lockable:
            self._toggle_lock()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.begin_edit()
        elif event.text() and (event.text().isdigit() or event.text() in "+-.,"):
            self.begin_edit(event.text())
        else:
            super().keyPressEvent(event)

    def _toggle_lock(self) -> None:
        self._locked = not self._locked
        self.update()
        self.lockToggled.emit(self._locked)

    # typing
    def begin_edit(self, text: str | None = None) -> None:
        """Open the value as a text field holding ``text``, or the value with all of it chosen."""
        if self._editor is not None:
            return
        shown = format_value(self._value, decimals=self._decimals, log=self._log)
        editor = InlineEdit(text or shown, self._unit, typed=text is not None, parent=self)
        editor.setToolTip(f"{self._scale.low:g} to {self._scale.high:g}. Enter keeps, Escape leaves.")
        editor.setGeometry(self._edit_rect())
        editor.closed.connect(self._on_edit_closed)
        self._editor = editor
        editor.show()
        editor.setFocus()

    def editor(self) -> QLineEdit | None:
        """The open text field, or None."""
        return self._editor

    def _edit_rect(self) -> QRect:
        return self._value_rect().adjusted(-8, 3, 0, -3).toRect()

    def _on_edit_closed(self, number: float | None, by_key: bool) -> None:
        editor, self._editor = self._editor, None
        if editor is not None:
            editor.hide()
            editor.deleteLater()
        if by_key:
            self.setFocus()
        self.update()
        if number is not None:
            self._by_hand(number)

    # looks
    def _tell(self) -> None:
        """Tooltip and what a screen reader says."""
        words = self.value_text()
        self.setAccessibleName(f"{self._label}: {words}")
        keys = "Arrows change, Enter types, Backspace resets." + (" L locks." if self._lockable else "")
        self.setToolTip("\n".join(part for part in (self._label, self._warning, self._help, keys) if part))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._editor is not None:
            self._editor.setGeometry(self._edit_rect())
