"""An empty place that says what belongs there and offers the one action that fills it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from app.widgets.labels import kind_label
from app.widgets.layout import hbox, vbox


class EmptyState(QWidget):
    """A centred title, a sentence and at most one button."""

    actionClicked = Signal()

    def __init__(self, title: str, text: str = "", action: str = "") -> None:
        super().__init__()
        self._title, self._text, self._button = kind_label("title"), kind_label("muted"), QPushButton()
        self._text.setWordWrap(True)
        self._text.setMinimumWidth(160)
        self._text.setMaximumWidth(400)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        for label in (self._title, self._text):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self._button.clicked.connect(lambda: self.actionClicked.emit())
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        rows = [hbox(None, widget, None) for widget in (self._title, self._text, self._button)]
        title_row, text_row, button_row = rows
        text_row.setStretch(1, 8)
        self.setLayout(vbox(None, title_row, text_row, 8, button_row, None))
        self.set_texts(title, text, action)

    def set_texts(self, title: str, text: str = "", action: str = "") -> None:
        """Change the words; an empty one takes no room."""
        for widget, words in ((self._title, title), (self._text, text), (self._button, action)):
            widget.setText(words)
            widget.setVisible(bool(words))
        self._button.setToolTip(text)
        self._button.setAccessibleName(action)
