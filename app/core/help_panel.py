"""The list of all keys, in a panel that does not hold up the window."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QLabel, QWidget

from app.core.shortcuts import ShortcutTable
from app.widgets.layout import scrolled, vbox


class HelpPanel(QDialog):
    """Made from the table of shortcuts; Escape closes it."""

    def __init__(self, shortcuts: ShortcutTable, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        inner = QWidget()
        grid = QGridLayout(inner)
        grid.setContentsMargins(24, 16, 24, 16)
        grid.setHorizontalSpacing(32)
        grid.setColumnStretch(0, 1)
        group = ""
        for title, words, keys in shortcuts.help_rows():
            if title != group:
                group = title
                grid.addWidget(_label(title.upper(), "muted"), grid.rowCount(), 0, 1, 2)
            row = grid.rowCount()
            described = _label(words, "")
            described.setWordWrap(True)
            grid.addWidget(described, row, 0)
            grid.addWidget(_label(keys, "value"), row, 1)
        self.setLayout(vbox(scrolled(inner)))
        self.resize(720, 640)


def _label(text: str, kind: str) -> QLabel:
    label = QLabel(text)
    if kind:
        label.setProperty("kind", kind)
    return label
