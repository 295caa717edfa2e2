"""Corners, the path or the pad between them, and its filmstrip."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from app.explore.morph.path import LETTERS, filled, marks_of
from app.explore.morph.shown import whole_shows
from app.explore.morph.state import MorphSlot, MorphState, Whole
from app.explore.shortcuts import keys_text
from app.explore.stages import CentredStage
from app.state import AppState, moved
from app.widgets.buttons import button
from app.widgets.key_picture import KeyPicture
from app.widgets.key_strip import Key, KeyStrip
from app.widgets.layout import hbox, vbox
from app.widgets.pad import Pad
from app.widgets.picture import CAPTION_PX, Picture
from app.widgets.segmented import Segmented
from app.widgets.slider import ValueSlider

MODES: Final = (("path", "Path"), ("pad", "Pad"))
NO_PAD: Final = "The pad needs three or four corners: add one with + Corner."


class Slot(KeyPicture):
    """A corner: takes files, pictures, and thumbnails dragged out of the library."""

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


class MorphView(QWidget):
    """Emits what happens to corner 0 to 3, and the place on the path."""

    slotChosen = Signal(int)
    slotKeyDropped = Signal(int, str)
    slotFilesDropped = Signal(int, list)
    slotImageDropped = Signal(int, object)
    slotCurrent = Signal(int)
    slotRemoved = Signal(int)
    fractionChanged = Signal(float)
    roomChanged = Signal(int)

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picture = Picture("", empty_text="A morph needs two corners: choose photos for A and B")
        self.picture.installEventFilter(self)
        self.corners = [self._slot(index) for index in range(len(LETTERS))]
        self.stage = CentredStage(self.picture, self.corners)
        self.pad = Pad()
        self.pad.cornerClicked.connect(self.slotChosen)
        self.pad.keyDropped.connect(self.slotKeyDropped)
        self.pad.filesDropped.connect(self.slotFilesDropped)
        self.mode = Segmented(
            MODES, tooltip=f"Along a path, or anywhere between the corners ({keys_text('morph.pad')})"
        )
        self.slider = ValueSlider(
            "Path",
            0.0,
            1.0,
            value=0.5,
            default=0.5,
            tooltip="From A (0) to the last corner (1); in a loop 1 is A again.",
            label_px=40,
            value_px=44,
        )
        self.slider.changed.connect(self.fractionChanged)
        self.strip = KeyStrip(thumb_px=48)
        self.strip.selected.connect(self._strip_chosen)
        self.play = button("Play", f"Play or halt ({keys_text('morph.play')})", kind="primary")
        self.take = button("Use", f"Make the code at this place the current one ({keys_text('morph.take')})")
        self.more = button("+ Corner", f"A third or fourth face ({keys_text('morph.corner')})", kind="quiet")
        self.play.setFixedWidth(80)
        self._filler = QWidget()
        path_row = hbox(self.slider, self._filler, self.take, self.more, self.mode, stretch={0: 1, 1: 1})
        # In line with the thumbnails, above the letters of the corners.
        strip_row = hbox(self.strip, vbox(10, self.play, None, gap_px=0), stretch={0: 1})
        stage_row = hbox(self.stage, self.pad, gap_px=16, stretch={0: 8, 1: 5})
        self.setLayout(vbox(stage_row, path_row, strip_row, gap_px=8, stretch={0: 1}))

    def _slot(self, index: int) -> Slot:
        slot = Slot(LETTERS[index])
        slot.clicked.connect(lambda: self.slotChosen.emit(index))
        slot.keyDropped.connect(lambda key: self.slotKeyDropped.emit(index, key))
        slot.filesDropped.connect(lambda files: self.slotFilesDropped.emit(index, files))
        slot.imageDropped.connect(lambda picture: self.slotImageDropped.emit(index, picture))
        slot.currentWanted.connect(lambda: self.slotCurrent.emit(index))
        slot.removeWanted.connect(lambda: self.slotRemoved.emit(index))
        return slot

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and watched is self.picture:
            # The picture stands in a square above its captions, whatever it shows.
            side = min(self.picture.width(), self.picture.height() - CAPTION_PX)
            self.roomChanged.emit(round(side * self.devicePixelRatioF()))
        return super().eventFilter(watched, event)

    def _strip_chosen(self, index: int) -> None:
        if self.strip.count() > 1:
            self.fractionChanged.emit(index / (self.strip.count() - 1))

    def show_state(self, now: AppState, before: AppState | None) -> None:
        """Shows the state."""
        if moved(now, before, "drawn") and now.morph.pad is not None and any(s is None for s in now.morph.slots):
            self._show_pad(now)
        if not moved(now, before, "morph", "jobs", "full"):
            return
        morph, old = now.morph, before.morph if before is not None else None
        if before is not None and whole_shows(now) != whole_shows(before):
            # Everything is another picture.
            old = None
        whole = morph.whole if whole_shows(now) else None
        if old is None or morph.slots is not old.slots or morph.chosen != old.chosen or morph.pad != old.pad:
            self._show_slots(morph, whole, photos=whole_shows(now))
            self._show_pad(now)
        elif morph.whole is not old.whole:
            self._show_ends(morph, whole)
        picture = morph.picture if whole is None else whole.picture
        if self.picture.picture() is not picture:
            self.picture.set_picture(picture)
        same = old is not None and morph.strip is old.strip and morph.whole_strip is old.whole_strip
        if old is None or not same or morph.slots is not old.slots:
            self._show_strip(morph, whole=whole_shows(now))
        self.slider.set_value(morph.fraction)
        ready = morph.strip is not None
        if self.strip.count() > 1:
            self.strip.set_selected(round(morph.fraction * (self.strip.count() - 1)) if morph.pad is None else -1)
        self.picture.set_captions(*_captions(morph))
        waits = morph.playing and any(job.key == "play" for job in now.jobs)
        self.play.setText("Cancel" if waits else "Halt" if morph.playing else "Play")
        for widget in (self.play, self.slider):
            widget.setEnabled(ready)
        self.take.setEnabled(morph.picture is not None)

    def _show_strip(self, morph: MorphState, *, whole: bool) -> None:
        strip = morph.whole_strip if whole and morph.whole_strip is not None else morph.strip
        pictures = strip if strip is not None else ()
        marks = marks_of(morph)
        legs = len(marks) - 1
        # Corners may have come or gone before their pictures did.
        fits = legs > 0 and len(pictures) > legs and (len(pictures) - 1) % legs == 0
        holds = [slot.hold for slot in morph.slots if slot is not None and slot.code is not None]
        closed = morph.timing.loop == "loop"
        keys = [
            Key(round(at * (len(pictures) - 1)), letter, holds[i % len(holds)], moves=not (closed and i == legs))
            for i, (at, letter) in enumerate(marks)
        ]
        self.strip.set_keys(pictures, keys if fits else ())

    def _show_pad(self, now: AppState) -> None:
        morph = now.morph
        self.mode.set_option_enabled("pad", len(morph.slots) > 2, NO_PAD)
        self.mode.set_current("path" if morph.pad is None else "pad")
        self.pad.setVisible(morph.pad is not None)
        self.slider.setVisible(morph.pad is None)
        self._filler.setVisible(morph.pad is not None)
        if morph.pad is None:
            return
        stands_in = now.drawn.picture if now.drawn is not None else None
        self.pad.set_corners([stands_in if slot is None else slot.picture for slot in morph.slots])
        self.pad.set_chosen(morph.chosen)
        self.pad.set_at(*morph.pad)

    def _show_ends(self, morph: MorphState, whole: Whole | None) -> None:
        """The corners' pictures: their photos, where those are on show and known."""
        ends = dict(zip(filled(morph), whole.ends, strict=False)) if whole is not None and morph.pad is None else {}
        for index, (slot, corner) in enumerate(zip(morph.slots, self.corners, strict=False)):
            picture = None if slot is None else ends.get(index, slot.picture)
            if corner.picture() is not picture:
                corner.set_picture(picture)

    def _show_slots(self, morph: MorphState, whole: Whole | None, *, photos: bool) -> None:
        for index, corner in enumerate(self.corners):
            self.stage.show_side(corner, index < len(morph.slots) and morph.pad is None)
            if index >= len(morph.slots):
                continue
            slot = morph.slots[index]
            corner.set_busy(slot is not None and slot.busy)
            corner.set_captions(LETTERS[index], _name(slot, photos=photos))
            corner.set_outlined(index == morph.chosen)
        self._show_ends(morph, whole)
        self.more.setVisible(len(morph.slots) < len(LETTERS))


def _name(slot: MorphSlot | None, *, photos: bool) -> str:
    """What a corner is called; among photos it says that it has none."""
    if slot is None:
        return ""
    if slot.busy:
        return "encoding…"
    return f"{slot.name}, no photo" if photos and not slot.has_photo else slot.name


def _captions(morph: MorphState) -> tuple[str, str]:
    """What is on show, and where on the way."""
    if morph.pad is not None:
        return "Between the corners", f"{morph.pad[0]:.0%} right, {morph.pad[1]:.0%} down"
    names = " → ".join(slot.name for slot in morph.slots if slot is not None)
    at = f"{morph.fraction:.0%} of the way" if morph.strip is not None else ""
    if morph.playing and morph.rate is not None:
        at = f"{morph.rate:.0f} pictures/s · {at}"
    return names or "Morph", at
