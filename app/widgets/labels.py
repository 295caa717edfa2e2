"""Labels with their look in one call, and labels that may be narrower than their words."""

from __future__ import annotations

import re
from typing import Any, Final

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QLabel, QWidget

from app.theme import mono_font, tokens, ui_font
from app.widgets import paint

LONGEST_WORD: Final = 20
"""Characters that have room beside each other in the narrowest column."""


def kind_label(kind: str, text: str = "", **properties: Any) -> QLabel:
    """A label with the look named ``kind`` in the style sheet; ``properties`` are Qt's, such as ``wordWrap``."""
    made = QLabel(text, **properties)
    made.setProperty("kind", kind)
    return made


def breakable(text: str) -> str:
    """`text` with places to break in words that are too long for a narrow column, such as the name of a file."""
    return re.sub(rf"(\S{{{LONGEST_WORD}}})(?=\S)", "\\1\u200b", text)


class ElidedLabel(QLabel):
    """A label that shortens itself where there is too little room; the tooltip has the rest. `whole`: it shows all of
    its words or, where there is too little room, none."""

    def __init__(self, text: str = "", *, whole: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._whole = whole

    def minimumSizeHint(self) -> QSize:
        return QSize(32, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = tokens()
        mono = self.property("kind") == "readout"
        font = mono_font() if mono else ui_font()
        if self._whole and paint.width_of(self.text(), font) > self.width():
            return
        painter = paint.smooth(self)
        ink = theme.muted if self.property("kind") in ("readout", "muted") else theme.text
        cut = paint.text(painter, QRectF(self.rect()), self.text(), font=font, ink=ink, align=self.alignment())
        painter.end()
        if self.toolTip() != (words := self.text() if cut else ""):
            self.setToolTip(words)
