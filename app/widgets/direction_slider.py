"""The slider of a direction: a small figure on its row, and a context menu where it is one's own."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QMouseEvent, QPaintEvent
from PySide6.QtWidgets import QLineEdit, QMenu

from app.theme import mono_font, tokens
from app.widgets import paint
from app.widgets.inline_edit import NameEdit
from app.widgets.slider import ValueSlider


class DirectionSlider(ValueSlider):
    """A `ValueSlider` that can show a note, act from a menu, and be renamed in place."""

    actionTriggered = Signal(str)
    renamed = Signal(str)
    _note = ""
    _actions: tuple[tuple[str, str], ...] = ()

    def note(self) -> str:
        """The small figure before the track, or empty."""
        return self._note

    def set_note(self, text: str) -> None:
        """A small figure at the end of the label, where the padlock comes under the hand; amber with a warning."""
        self._note = text
        self._tell()
        self.update()

    def set_actions(self, actions: tuple[tuple[str, str], ...]) -> None:
        """(action id, words) of a context menu; with one, the right button opens it and resets no more."""
        self._actions = actions

    def menu(self) -> QMenu:
        """The context menu; the caller shows and deletes it."""
        menu = QMenu(self)
        for action_id, words in self._actions:
            action = menu.addAction(words)
            action.setObjectName(action_id)
            action.triggered.connect(lambda _checked=False, name=action_id: self.actionTriggered.emit(name))
        return menu

    def begin_rename(self) -> QLineEdit:
        """Opens the label as a text field: Enter says the new name, Escape leaves."""
        field = NameEdit(self.label(), parent=self)
        field.setGeometry(self._label_rect().adjusted(-4, 2, 40, -2).toRect())
        field.closed.connect(lambda text: self.renamed.emit(text) if text else None)
        field.show()
        field.setFocus()
        return field

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if not self._actions:
            super().contextMenuEvent(event)
            return
        menu = self.menu()
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        menu.exec(self.mapToGlobal(QPoint(24, self.height())) if by_key else event.globalPos())
        menu.deleteLater()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        # The menu has a line that resets.
        if event.button() != Qt.MouseButton.RightButton or not self._actions:
            super().mousePressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._note or self._locked or self.underMouse() or self.hasFocus():
            return
        theme, painter = tokens(), paint.smooth(self)
        ink = theme.warn if self.warning() else theme.faint
        right = Qt.AlignmentFlag.AlignRight
        paint.text(painter, self._label_rect(), self._note, font=mono_font(theme.small_px), ink=ink, align=right)
        painter.end()

    def _tell(self) -> None:
        super()._tell()
        if self._note:
            self.setAccessibleName(f"{self.accessibleName()} ({self._note})")
