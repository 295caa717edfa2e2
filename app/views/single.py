"""The large current picture, the photo and its error beside it, and the history beneath."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.state import AppState, moved
from app.views.stages import CentredStage
from app.widgets.form import Section
from app.widgets.layout import vbox
from app.widgets.picture import Picture
from app.widgets.strip import Frame, Strip
from app.words import ERROR_TITLE, decibels, framing, percentile

DRAG_TIP: Final = "Drag to wander, wheel for the reach, double click for another plane; arrows and + − do the same."


class SingleView(QWidget):
    """Emits drags in picture widths and jumps in the history by the entry's number."""

    wandered = Signal(float, float)
    wanderFinished = Signal()
    reachTurned = Signal(float)
    planeWanted = Signal()
    jumped = Signal(int)
    filesDropped = Signal(list)
    imageDropped = Signal(object)

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picture = Picture("Current", draggable=True, empty_text="Opening the model…")
        self.picture.setToolTip(DRAG_TIP)
        self.photo = Picture("Photo")
        self.error = Picture(ERROR_TITLE)
        self.error.setToolTip("Difference between the photo and its reconstruction, enlarged; black is none.")
        for picture in (self.picture, self.photo, self.error):
            picture.filesDropped.connect(self.filesDropped)
            picture.imageDropped.connect(self.imageDropped)
        self.picture.dragged.connect(self.wandered)
        self.picture.dragFinished.connect(self.wanderFinished)
        self.picture.wheelTurned.connect(self.reachTurned)
        self.picture.doubleClicked.connect(self.planeWanted)
        self.stage = CentredStage(self.picture, (self.photo, self.error))
        self.history = Strip(thumb_px=56, linked=True, empty_text="Each change leaves a picture here to come back to.")
        self.history.selected.connect(self._jump)
        self._numbers: list[int] = []
        section = Section("History", collapsible=False)
        section.add(self.history)
        column = vbox(self.stage, section, gap_px=8)
        column.setStretch(0, 1)
        self.setLayout(column)

    def _jump(self, index: int) -> None:
        if index < len(self._numbers):
            self.jumped.emit(self._numbers[index])

    def show_state(self, now: AppState, before: AppState | None) -> None:
        """Shows the state."""
        if moved(now, before, "drawn"):
            self.picture.set_picture(now.drawn.picture if now.drawn is not None else None)
        if moved(now, before, "drawing", "opening"):
            self.picture.set_busy(now.drawing or now.opening is not None)
        if moved(now, before, "picture_message"):
            self.picture.set_message(now.picture_message)
        if moved(now, before, "look", "readout", "drawn"):
            self.picture.set_captions(now.look.text() if now.look is not None else "Current", _likelihood(now))
        if moved(now, before, "photo", "loaded", "encoded", "encoding", "photos"):
            self._show_photo(now)
        if moved(now, before, "history"):
            history = now.history
            self._numbers = [entry.number for entry in history.entries]
            frames = [
                Frame(entry.picture, branch=branch, tooltip=entry.label)
                for entry, branch in zip(history.entries, history.branches(), strict=True)
            ]
            self.history.set_frames(frames)
            self.history.set_selected(-1 if history.current is None else self._numbers.index(history.current))

    def _show_photo(self, now: AppState) -> None:
        shown = now.photo is not None
        self.stage.show_side(self.photo, shown)
        self.stage.show_side(self.error, shown)
        if not shown:
            return
        encoded, loaded = now.encoded, now.loaded
        picture = encoded.photo if encoded is not None else loaded.picture if loaded is not None else None
        if picture is None:
            picture = next((p.thumb for p in now.photos if p.key == now.photo), None)
        self.photo.set_picture(picture)
        name = next((p.name for p in now.photos if p.key == now.photo), loaded.name if loaded is not None else "Photo")
        bits = encoded.bits_per_dim if encoded is not None else None
        how = framing(loaded.how if loaded is not None else "")
        self.photo.set_captions(name, how if bits is None else f"{bits:.2f} bits/dim")
        note = encoded.note if encoded is not None else loaded.note if loaded is not None else ""
        self.photo.setToolTip(note)
        self.error.set_picture(encoded.error_map if encoded is not None else None)
        self.error.set_empty_text("Encoding…" if now.encoding else "Not encoded yet")
        self.error.set_busy(now.encoding)
        self.error.set_captions(ERROR_TITLE, decibels(encoded.psnr_db) if encoded is not None else "")


def _likelihood(now: AppState) -> str:
    read = now.readout
    if read is None or read.bits_per_dim is None:
        return ""
    share = "" if read.percentile is None else f" · {percentile(read.percentile)}"
    sign = "≤ " if now.info is not None and now.info.density == "bound" else ""
    return f"{sign}{read.bits_per_dim:.2f} bits/dim{share}"
