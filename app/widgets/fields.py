"""Fields of a form: choice, text, path and switch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from PySide6.QtCore import QEvent, QPointF, QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractButton, QComboBox, QFileDialog, QLineEdit, QSizePolicy, QWidget

from app.theme import tokens, ui_font
from app.widgets import paint
from app.widgets.buttons import button
from app.widgets.layout import hbox
from app.widgets.pixels import dropped_files

FIELD_PX: Final = 28
_SWITCH_PX: Final = 32


class Combo(QComboBox):
    """A choice of (key, label); painted here because a styled Fusion combo loses its arrow."""

    changed = Signal(str)

    def __init__(self, options: Sequence[tuple[str, str]] = (), *, tooltip: str = "") -> None:
        super().__init__()
        self.setToolTip(tooltip)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(4)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.set_options(options)
        self.activated.connect(lambda _index: self.changed.emit(self.current()))

    def set_options(self, options: Sequence[tuple[str, str]]) -> None:
        """Replace the choices without emitting; the current key stays when it is still there."""
        before = self.current()
        with QSignalBlocker(self):
            self.clear()
            for key, label in options:
                self.addItem(label, key)
            self.setCurrentIndex(max(0, self.findData(before)) if options else -1)
        self.updateGeometry()
        self.update()

    def current(self) -> str:
        """The key of the choice, empty when there is none."""
        return str(self.currentData() or "")

    def set_current(self, key: str) -> None:
        """Choose without emitting; raises KeyError for an unknown key."""
        index = self.findData(key)
        if index < 0:
            raise KeyError(key)
        with QSignalBlocker(self):
            self.setCurrentIndex(index)
        self.update()

    def sizeHint(self) -> QSize:
        widest = max((paint.width_of(self.itemText(i), ui_font()) for i in range(self.count())), default=64)
        return QSize(round(widest) + 40, FIELD_PX)

    def minimumSizeHint(self) -> QSize:
        return QSize(72, FIELD_PX)

    def showPopup(self) -> None:
        # The list is as wide as its longest line, also where the field had to be narrow.
        self.view().setMinimumWidth(max(self.width(), self.sizeHint().width() + 8))
        super().showPopup()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens()
        painter = paint.smooth(self)
        rect = QRectF(self.rect())
        fill = theme.hover if self.underMouse() and self.isEnabled() else theme.raised
        paint.box(painter, rect, fill=fill, line=theme.line, radius_px=theme.radius_px)
        if paint.tabbed_to(self):
            paint.focus_ring(painter, rect, theme.radius_px)
        ink = theme.text if self.isEnabled() else theme.faint
        paint.text(painter, rect.adjusted(10, 0, -24, 0), self.currentText(), font=ui_font(), ink=ink)
        paint.chevron(painter, QPointF(rect.right() - 13, rect.center().y()), theme.muted, size_px=3.5)
        painter.end()


class TextField(QLineEdit):
    """One line of text; emits when it is finished and differs."""

    changed = Signal(str)

    def __init__(self, text: str = "", *, placeholder: str = "") -> None:
        super().__init__(text)
        self._told = text
        self.setPlaceholderText(placeholder)
        self.editingFinished.connect(self._commit)

    def set_text(self, text: str) -> None:
        """Show ``text`` without emitting."""
        self._told = text
        self.setText(text)

    def _commit(self) -> None:
        if self.text() != self._told:
            self._told = self.text()
            self.changed.emit(self._told)


class Toggle(QAbstractButton):
    """A switch with an optional text right of it; `setChecked` emits no `changed`."""

    changed = Signal(bool)

    def __init__(self, text: str = "", *, checked: bool = False) -> None:
        super().__init__()
        self.setText(text)
        self.setAccessibleName(text)
        self.setCheckable(True)
        self.setChecked(checked)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self.changed)

    def sizeHint(self) -> QSize:
        words = round(paint.width_of(self.text(), ui_font())) + 10 if self.text() else 0
        return QSize(_SWITCH_PX + 8 + words, FIELD_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens()
        painter = paint.smooth(self)
        pill = QRectF(2, self.height() / 2 - 9, _SWITCH_PX, 18)
        if paint.tabbed_to(self):
            paint.focus_ring(painter, pill.adjusted(-2, -2, 2, 2), 11)
        on = self.isChecked()
        paint.box(painter, pill, fill=theme.accent if on and self.isEnabled() else theme.track, radius_px=9)
        x = pill.right() - 9 if on else pill.left() + 9
        paint.dot(painter, QPointF(x, pill.center().y()), theme.knob if self.isEnabled() else theme.faint, 6.5)
        room = QRectF(pill.right() + 8, 0, self.width() - pill.right() - 8, self.height())
        paint.text(painter, room, self.text(), font=ui_font(), ink=theme.text if self.isEnabled() else theme.faint)
        painter.end()

    def hitButton(self, spot: object) -> bool:
        return True


class PathField(QWidget):
    """A path, typed, dropped or chosen."""

    changed = Signal(str)

    def __init__(
        self, *, mode: Literal["folder", "file", "save"] = "folder", filters: str = "", placeholder: str = ""
    ) -> None:
        super().__init__()
        self._mode, self._filters = mode, filters
        self._text = TextField(placeholder=placeholder or ("Choose a folder" if mode == "folder" else "Choose a file"))
        self._text.setAcceptDrops(False)
        self._browse = button("…", "Choose in a dialog", do=self._choose)
        self._browse.setFixedWidth(36)
        self._text.changed.connect(self.changed)
        self.setLayout(hbox(self._text, self._browse, gap_px=4))
        self.setFocusProxy(self._text)
        self.setAcceptDrops(True)

    def path(self) -> str:
        """The path as typed, stripped; empty when there is none."""
        return self._text.text().strip()

    def set_path(self, path: str) -> None:
        """Show ``path`` without emitting; its whole text is in the tooltip."""
        self._text.set_text(path)
        self._text.setToolTip(path)

    def _choose(self) -> None:
        if self._mode == "folder":
            path = QFileDialog.getExistingDirectory(self, "Choose a folder", self.path())
        elif self._mode == "file":
            path, _ = QFileDialog.getOpenFileName(self, "Choose a file", self.path(), self._filters)
        else:
            path, _ = QFileDialog.getSaveFileName(self, "Save as", self.path(), self._filters)
        self._take(path)

    def _take(self, path: str) -> None:
        if path and path != self.path():
            self.set_path(path)
            self.changed.emit(path)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        files = dropped_files(event.mimeData())
        if files:
            event.acceptProposedAction()
            self._take(files[0])

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.EnabledChange:
            self._browse.setEnabled(self.isEnabled())
