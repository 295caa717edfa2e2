"""Corners, the path between them, its filmstrip, playing and exporting."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QMimeData, Signal
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QWidget

from app.shortcuts import keys_text
from app.state import AppState, MorphState, moved
from app.views.stages import CentredStage
from app.widgets.buttons import button
from app.widgets.cards import KEY_MIME
from app.widgets.layout import hbox, vbox
from app.widgets.picture import Picture
from app.widgets.segmented import Segmented
from app.widgets.slider import ValueSlider
from app.widgets.strip import Strip

LETTERS: Final = "ABCD"
METHODS: Final = (("slerp", "Arc"), ("lerp", "Line"), ("norm", "Line at length"))
METHOD_TIP: Final = (
    "Arc (slerp) keeps to the shell where codes live; a line (lerp) cuts through the middle; "
    "a line at its own length is pushed back out to the shell."
)


class Slot(Picture):
    """A corner: takes files, pictures, and thumbnails dragged out of the library."""

    keyDropped = Signal(str)
    removeWanted = Signal()
    currentWanted = Signal()

    def __init__(self, letter: str) -> None:
        super().__init__(letter, empty_text="Choose a photo at the left, or drop one here")
        self.setToolTip(f"Corner {letter}: click, then choose a photo at the left; or drop one here.")
        for words, signal in (
            ("Use the current picture", self.currentWanted),
            ("Empty this corner", self.removeWanted),
        ):
            action = QAction(words, self)
            action.triggered.connect(lambda _checked=False, wanted=signal: wanted.emit())
            self.addAction(action)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasFormat(KEY_MIME):
            event.acceptProposedAction()
        else:
            super().dragEnterEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        mime: QMimeData = event.mimeData()
        if mime.hasFormat(KEY_MIME):
            self.keyDropped.emit(bytes(mime.data(KEY_MIME).data()).decode("utf-8"))
            event.acceptProposedAction()
        else:
            super().dropEvent(event)


class MorphView(QWidget):
    """Emits what happens to corner 0 to 3, and where on the path one is."""

    slotChosen = Signal(int)
    slotKeyDropped = Signal(int, str)
    slotFilesDropped = Signal(int, list)
    slotImageDropped = Signal(int, object)
    slotCurrent = Signal(int)
    slotRemoved = Signal(int)
    slotAdded = Signal()
    fractionChanged = Signal(float)
    methodChanged = Signal(str)
    playWanted = Signal()
    exportWanted = Signal()
    takeWanted = Signal()

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picture = Picture("", empty_text="A morph needs two corners: choose photos for A and B")
        self.corners = [self._slot(index) for index in range(len(LETTERS))]
        self.stage = CentredStage(self.picture, self.corners)
        self.slider = ValueSlider(
            "Path",
            0.0,
            1.0,
            value=0.5,
            default=0.5,
            tooltip="From A (0) to the last corner (1).",
            label_px=40,
            value_px=44,
        )
        self.slider.changed.connect(self.fractionChanged)
        self.method = Segmented(METHODS, tooltip=METHOD_TIP)
        self.method.changed.connect(self.methodChanged)
        self.strip = Strip(thumb_px=48)
        self.strip.selected.connect(self._strip_chosen)
        self.play = button("Play", f"Play to and fro ({keys_text('morph.play')})", kind="primary")
        self.export = button("Export…", "Write the morph as GIF, WebP, MP4 or a folder of PNG files")
        self.take = button("Use", "Make the code at this place the current one")
        self.more = button("+ Corner", "A third or fourth face on the path", kind="quiet")
        for push, signal in (
            (self.play, self.playWanted),
            (self.export, self.exportWanted),
            (self.take, self.takeWanted),
            (self.more, self.slotAdded),
        ):
            push.clicked.connect(lambda _checked=False, wanted=signal: wanted.emit())
        self.play.setFixedWidth(80)
        path_row = hbox(self.slider, self.method, self.take, self.more)
        path_row.setStretch(0, 1)
        strip_row = hbox(self.strip, self.play, self.export)
        strip_row.setStretch(0, 1)
        column = vbox(self.stage, path_row, strip_row, gap_px=8)
        column.setStretch(0, 1)
        self.setLayout(column)

    def _slot(self, index: int) -> Slot:
        slot = Slot(LETTERS[index])
        slot.clicked.connect(lambda: self.slotChosen.emit(index))
        slot.keyDropped.connect(lambda key: self.slotKeyDropped.emit(index, key))
        slot.filesDropped.connect(lambda files: self.slotFilesDropped.emit(index, files))
        slot.imageDropped.connect(lambda picture: self.slotImageDropped.emit(index, picture))
        slot.currentWanted.connect(lambda: self.slotCurrent.emit(index))
        slot.removeWanted.connect(lambda: self.slotRemoved.emit(index))
        return slot

    def _strip_chosen(self, index: int) -> None:
        if self.strip.count() > 1:
            self.fractionChanged.emit(index / (self.strip.count() - 1))

    def show_state(self, now: AppState, before: AppState | None) -> None:
        """Shows the state."""
        if not moved(now, before, "morph"):
            return
        morph, old = now.morph, before.morph if before is not None else None
        if old is None or morph.slots is not old.slots or morph.chosen != old.chosen:
            self._show_slots(morph)
        if old is None or morph.picture is not old.picture:
            self.picture.set_picture(morph.picture)
        if old is None or morph.strip is not old.strip:
            self.strip.set_pictures(morph.strip if morph.strip is not None else [])
        self.slider.set_value(morph.fraction)
        self.method.set_current(morph.method)
        ready = morph.strip is not None
        if self.strip.count() > 1:
            self.strip.set_selected(round(morph.fraction * (self.strip.count() - 1)))
        names = " → ".join(slot.name for slot in morph.slots if slot is not None)
        self.picture.set_captions(names or "Morph", f"{morph.fraction:.0%} of the way" if ready else "")
        waits = morph.playing and morph.frames is None
        self.play.setText("Halt" if morph.playing and not waits else "Wait…" if waits else "Play")
        for widget in (self.play, self.export, self.take, self.slider, self.method):
            widget.setEnabled(ready)

    def _show_slots(self, morph: MorphState) -> None:
        for index, corner in enumerate(self.corners):
            self.stage.show_side(corner, index < len(morph.slots))
            if index >= len(morph.slots):
                continue
            slot = morph.slots[index]
            corner.set_picture(None if slot is None else slot.picture)
            corner.set_busy(slot is not None and slot.busy)
            corner.set_captions(LETTERS[index], "" if slot is None else "encoding…" if slot.busy else slot.name)
            corner.set_outlined(index == morph.chosen)
        self.more.setVisible(len(morph.slots) < len(LETTERS))
