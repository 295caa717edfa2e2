"""Where data of one's own come from: two buttons under the tiles, and the page to draw on."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from app.lab.own.pad import DrawPad
from app.lab.shortcuts import keys_text
from app.lab.state import Drawing, LabState
from app.widgets import paint
from app.widgets.buttons import button
from app.widgets.layout import hbox, vbox
from app.widgets.segmented import Segmented
from app.widgets.slider import ValueSlider
from engine.lab import MOST_STAMPS, STAMP_WIDTHS

DRAW, ERASE = "draw", "erase"
OWN_KEYS: Final = (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class OwnButtons(QWidget):
    """Emits what is wanted."""

    drawWanted = Signal()
    fileWanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.draw = button("Draw\u2026", f"Draw a distribution by hand ({keys_text('lab.draw')})")
        self.file = button(
            "CSV\u2026", f"Your own numbers: a file of one or two columns ({keys_text('lab.csv')}); or drop it here"
        )
        self.draw.clicked.connect(lambda: self.drawWanted.emit())
        self.file.clicked.connect(lambda: self.fileWanted.emit())
        self.setLayout(hbox(self.draw, self.file, gap_px=8, stretch={0: 1, 1: 1}))


class DrawPage(QWidget):
    """The plane and the brush. Enter lets the stages learn what was drawn, Escape forgets it."""

    brushChosen = Signal(bool)
    widthChosen = Signal(float)
    undoWanted = Signal()
    clearWanted = Signal()
    cancelWanted = Signal()
    learnWanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.pad = DrawPad()
        self.brush = Segmented(((DRAW, "Draw"), (ERASE, "Erase")), tooltip="What dragging does; Left and Right choose.")
        low, high = STAMP_WIDTHS
        self.wide = ValueSlider(
            "Size", low, high, value=0.2, default=0.2, decimals=2, log=True, label_px=28, value_px=32
        )
        self.back = button(
            "Back", f"Take the last stroke back (Backspace, {keys_text('lab.undo')})", do=self.undoWanted.emit
        )
        self.clear = button("Clear", "Take all of it away", do=self.clearWanted.emit)
        self.cancel = button("Cancel", "The data that stood here before (Esc)", do=self.cancelWanted.emit)
        self.learn = button(
            "Learn it", "The stages learn what is drawn (Enter)", kind="primary", do=self.learnWanted.emit
        )
        row = hbox(*(self.brush, self.wide, self.back, self.clear, self.cancel, self.learn), gap_px=6, stretch={1: 1})
        self.setLayout(vbox(self.pad, row, gap_px=8, stretch={0: 1}))
        self.brush.changed.connect(lambda key: self.brushChosen.emit(key == ERASE))
        self.wide.changed.connect(self.widthChosen)

    def show_lab(self, state: LabState) -> None:
        """The drawing as it stands."""
        drawing = state.drawing
        if drawing is None:
            return
        self.pad.show_drawing(drawing.stamps, width=drawing.width, erasing=drawing.erasing, words=_words(drawing))
        self.brush.set_current(ERASE if drawing.erasing else DRAW)
        self.wide.set_value(drawing.width)
        for push in (self.learn, self.clear):
            push.setEnabled(bool(drawing.stamps))
        self.back.setEnabled(drawing.changed)

    def event(self, event: QEvent) -> bool:
        return paint.keeps_key(event, OWN_KEYS) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape:
            self.cancelWanted.emit()
        elif key == Qt.Key.Key_Backspace:
            self.undoWanted.emit()
        elif key in OWN_KEYS and self.learn.isEnabled():
            self.learnWanted.emit()
        else:
            super().keyPressEvent(event)


def _words(drawing: Drawing) -> str:
    count = len(drawing.stamps)
    if count >= MOST_STAMPS:
        return f"All {MOST_STAMPS} touches are used"
    return f"{count} of {MOST_STAMPS} touches" if count else "Drag to draw"
