"""The large current picture, the photo and its error beside it, and the history beneath."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from app.explore.framing.view import FramingPanel
from app.explore.fullsize.view import FullSizePanel
from app.explore.history.split_reference import reference_of
from app.explore.history.steps_view import StepsPanel
from app.explore.shortcuts import keys_text
from app.explore.stages import CentredStage
from app.state import AppState, moved
from app.widgets.buttons import button
from app.widgets.footer_picture import FooterPicture
from app.widgets.layout import held, vbox
from app.widgets.sparkline import Sparkline
from app.widgets.split import SplitPicture
from app.words import ERROR_TITLE, decibels, framing, no_error, percentile

DRAG_TIP: Final = (
    "Drag to wander, wheel for the reach, double click for another plane; arrows, + − and Enter do the same."
)
MARGIN_PX: Final = 24


class SingleView(QWidget):
    """Emits drags in picture widths and jumps in the history by the entry's number."""

    filesDropped = Signal(list)
    imageDropped = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.picture = SplitPicture("Current", draggable=True, empty_text="Opening the model…")
        self.picture.setToolTip(DRAG_TIP)
        self.photo = FooterPicture("Photo")
        self.error = FooterPicture(ERROR_TITLE)
        self.error.setToolTip("Difference between the photo and its reconstruction, enlarged; black is none.")
        for picture in (self.picture, self.photo, self.error):
            picture.filesDropped.connect(self.filesDropped)
            picture.imageDropped.connect(self.imageDropped)
        self._make_feet()
        self.stage = CentredStage(self.picture, (self.photo, self.error))
        self.framing, self.full = FramingPanel(), FullSizePanel()
        self.pages = Pages()
        for page in (self.stage, self.framing):
            self.pages.addWidget(beside(page))
        self.pages.addWidget(self.full)
        self.steps = StepsPanel()
        self.steps.setContentsMargins(MARGIN_PX, 0, MARGIN_PX, 0)
        self.history = self.steps.strip
        self.setLayout(vbox(self.pages, self.steps, gap_px=8, stretch={0: 1}))

    def _make_feet(self) -> None:
        """The small controls under the photo and its error."""
        keys = keys_text
        self.face_before = button("‹", f"The face before this one ({keys('photo.face_previous')})", kind="quiet")
        self.face_next = button("›", f"The next face of the photo ({keys('photo.face_next')})", kind="quiet")
        for arrow in (self.face_before, self.face_next):
            arrow.setFixedWidth(24)
        self.frame = button("Frame…", f"Choose a face, or click the eyes ({keys('photo.frame')})", kind="quiet")
        self.improve = button(
            "Improve", f"Look for a code that is nearer to the photo ({keys('photo.improve')})", kind="quiet"
        )
        self.stop = button("Cancel", "Stop looking; what is there stays", kind="quiet")
        self.curve = Sparkline("RMS error", parent=self.error)
        self.curve.hide()
        self.photo.add_footer(self.face_before, self.face_next, self.frame)
        self.error.add_footer(self.improve, self.stop)

    def show_state(self, now: AppState, before: AppState | None) -> None:
        if moved(now, before, "drawn"):
            self.picture.set_picture(now.drawn.picture if now.drawn is not None else None)
        if moved(now, before, "drawing", "opening"):
            self.picture.set_busy(now.drawing or now.opening is not None)
        if moved(now, before, "picture_message"):
            self.picture.set_message(now.picture_message)
        if moved(now, before, "look", "readout", "drawn"):
            self.picture.set_captions(now.look.text() if now.look is not None else "Current", _likelihood(now))
        if moved(now, before, "photo", "loaded", "encoded", "encoding", "photos", "info"):
            self._show_photo(now)
        elif now.photo is not None and moved(now, before, "search"):
            # Twenty times a second while a search runs: the pictures stay as they are.
            self._show_search(now)
        self.framing.show_state(now, before)
        if moved(now, before, "frame", "look", "full", "blended", "photo", "encoded"):
            self.pages.setCurrentIndex(1 if now.frame is not None else 2 if self.full.shows(now) else 0)
        self.full.show_state(now, before)
        self.steps.show_state(now, before)
        if moved(now, before, "split", "history", "look"):
            self.picture.set_split(now.split.on)
            self.picture.set_share(now.split.share)
            if now.split.on:
                label, reference = reference_of(now)
                self.picture.set_reference(reference, label)

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
        faces = loaded.faces if loaded is not None else 0
        at = loaded.framing.face if loaded is not None and loaded.framing is not None else -1
        several = f"face {at + 1} of {faces}" if at >= 0 else f"{faces} faces"
        # An aligned face is what one expects; the tooltip says it too.
        how = framing(loaded.how) if loaded is not None and loaded.how != "face" else ""
        # The name stands under the large picture too; beside the arrows there is room for one of them.
        self.photo.set_captions(*((several, "") if faces > 1 else (name, how)))
        for arrow in (self.face_before, self.face_next):
            arrow.setVisible(faces > 1)
        self.frame.setEnabled(any(p.key == now.photo for p in now.photos))
        self.photo.fit_footer()
        note = encoded.note if encoded is not None else loaded.note if loaded is not None else ""
        self.photo.setToolTip(note)
        self.error.set_picture(encoded.error_map if encoded is not None else None)
        self.error.set_message(no_error(encoded.psnr_db) if encoded is not None else "")
        self.error.set_empty_text("Encoding…" if now.encoding else "Not encoded yet")
        self._show_search(now)

    def _show_search(self, now: AppState) -> None:
        """The error curve in the place of the error picture while a search runs."""
        search, encoded = now.search, now.encoded
        exact = now.info is None or now.info.encode == "exact"
        self.improve.setVisible(search is None and encoded is not None and not exact)
        self.stop.setVisible(search is not None)
        self.error.set_busy(now.encoding and search is None)
        self.error.fit_footer()
        if search is None:
            self.error.set_cover(None)
            self.error.set_captions(ERROR_TITLE, decibels(encoded.psnr_db) if encoded is not None else "")
            return
        self.curve.set_curve(search.steps, search.errors, total=search.total, title="Searching the code")
        self.error.set_cover(self.curve)
        share = "" if search.fraction is None else f"{search.fraction:.0%}"
        self.error.set_captions("Searching" if encoded is None else "Improving", share)


class Pages(QStackedWidget):
    """Says how large its pages are: one that is hidden does not know."""

    roomChanged = Signal(int, int)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        ratio = self.devicePixelRatioF()
        self.roomChanged.emit(round(self.width() * ratio), round(self.height() * ratio))


def beside(page: QWidget) -> QWidget:
    """A page that does not go to the edges of the canvas, as the photo does."""
    return held(vbox(page, margins=(MARGIN_PX, 0, MARGIN_PX, 0)))


def _likelihood(now: AppState) -> str:
    read = now.readout
    if read is None or read.bits_per_dim is None:
        return ""
    share = "" if read.percentile is None else f" · {percentile(read.percentile)}"
    sign = "≤ " if now.info is not None and now.info.density == "bound" else ""
    return f"{sign}{read.bits_per_dim:.2f} bits/dim{share}"
