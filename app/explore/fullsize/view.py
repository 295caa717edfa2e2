"""The photo at its own size over the whole page, with its zoom and what the model sees floating over it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QPushButton, QWidget

from app.explore.fullsize.card import SeenCard
from app.explore.fullsize.shown import photo_shows, photo_waits
from app.explore.fullsize.state import Blended
from app.explore.fullsize.zoom import is_larger
from app.explore.history.split_reference import reference_look, reference_of
from app.explore.shortcuts import keys_text
from app.state import AppState, moved
from app.widgets.buttons import button
from app.widgets.labels import kind_label
from app.widgets.layout import hbox
from app.widgets.photo_marks import Outline
from app.widgets.photo_view import PhotoView

EDGE_PX: Final = 12
LEAST_PX: Final = (640, 420)
"""In less room than this there is no card."""
ROOMY_PX: Final = (860, 560)
"""In less room than this it begins folded: it would cover too much of the photo."""
TIP: Final = (
    "The model's change is blended in; the detail is the photo's own. Wheel: zoom; drag: move what is larger than its "
    "room, also with Space. Drag on the face of a whole photo, or anywhere with Shift: wander; double click there for "
    "another plane, double click beside: fit; hold B: before; + − with the photo in focus: reach."
)
WANDERS: Final = "Drag the face to wander"
MOVES: Final = "Drag to move, with Shift to wander"
WAITING: Final = "Getting the photo ready…"
MODES: Final = (("photo", "Photo"), ("model", "What the model sees"))
MODES_TIP: Final = "The model's change is blended into the photo, whose detail is its own; or the model's own picture"


class ZoomBar(QFrame):
    """Fit, Fill, 1:1, how large the photo is, and what a drag on it does."""

    chosen = Signal(str)

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "card")
        self.percent = kind_label("readout")
        self.percent.setToolTip("Pixels of the screen for one of the photo; the wheel changes it")
        self.drag = kind_label("small")
        self.drag.setToolTip(TIP)
        self.buttons: dict[str, QPushButton] = {}
        for mode, words, what in (
            ("fit", "Fit", "The whole photo"),
            ("fill", "Fill", "The photo over all of the room"),
            ("one", "1:1", "A pixel of the photo is one of the screen"),
        ):
            made = button(words, f"{what} ({keys_text(f'photo.{mode}')})", kind="quiet", checkable=True)
            made.clicked.connect(lambda _=False, mode=mode: self.chosen.emit(mode))
            self.buttons[mode] = made
        self.setLayout(hbox(self.drag, 8, self.percent, 4, *self.buttons.values(), gap_px=2, margins=(10, 4, 4, 4)))

    def show_zoom(self, mode: str, scale: float, *, larger: bool) -> None:
        """Which is chosen, and the scale; `larger`: there is more of the photo than room."""
        self.drag.setText(MOVES if larger else WANDERS)
        self.percent.setText(f"{100 * scale:.0f} %")
        for name, made in self.buttons.items():
            made.setChecked(name == mode)


class FullSizePanel(QWidget):
    """The photo page of Single."""

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.photo = PhotoView(parent=self)
        self.photo.setToolTip(TIP)
        self.zoom = ZoomBar(parent=self)
        self.card = SeenCard(parent=self)
        self._shown: Blended | None = None
        self._folded: bool | None = None

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.photo.setGeometry(self.rect())
        self._place(ready=self._shown is not None)

    def _place(self, *, ready: bool = True) -> None:
        """The floating parts in their corners; they are there once the photo is `ready`."""
        self.zoom.setVisible(ready)
        self.card.setVisible(ready and self._has(LEAST_PX))
        self.card.set_folded(not self._has(ROOMY_PX) if self._folded is None else self._folded)
        for part in (self.zoom, self.card):
            part.adjustSize()
        bottom = self.height() - EDGE_PX
        self.zoom.move(self.width() - EDGE_PX - self.zoom.width(), bottom - self.zoom.height())
        self.card.move(EDGE_PX, bottom - self.card.height())

    def _has(self, room_px: tuple[int, int]) -> bool:
        return self.width() >= room_px[0] and self.height() >= room_px[1]

    def shows(self, now: AppState) -> bool:
        """Whether there is a photo to show, or will be in a moment, and it is what is wanted."""
        return photo_shows(now) or photo_waits(now)

    def show_state(self, now: AppState, before: AppState | None) -> None:
        """Shows the state; while the photo is made ready a small one, or words."""
        blended, full = now.blended, now.full
        framing = now.loaded.framing if now.loaded is not None else None
        overview = framing.overview if framing is not None else None
        if blended is None or not photo_shows(now):
            self._shown = None
            if photo_waits(now):
                self.photo.set_waiting(WAITING, overview)
                self._place(ready=False)
            return
        if self._shown is None:
            # What changed while nothing was shown.
            before = None
        if moved(now, before, "loaded", "blended") and blended.scene.key == now.photo:
            # Of a photo that is still to come it would lie under this one.
            self.photo.set_overview(overview)
        if full.place is not None:
            self.photo.set_place(full.place.left, full.place.top, full.place.scale)
        self._show_blended(blended)
        if moved(now, before, "full"):
            self.photo.set_outlines([Outline(f.number, f.corners, f.active, f.edited) for f in full.faces])
            self.photo.set_plain(full.before)
            if full.place is not None:
                larger = is_larger(full.size, full.room, full.place.scale)
                self.zoom.show_zoom(full.zoom.mode, full.place.scale, larger=larger)
            self._folded = full.folded
            self._place()
            self.card.show_state(now)
            self._place()
        elif moved(now, before, "drawn", "encoded"):
            self.card.show_state(now)
        if moved(now, before, "moving"):
            self.photo.set_quiet(now.moving)
        if moved(now, before, "split", "history", "look", "blended"):
            self.photo.set_split(now.split.on, now.split.share, _left_of(now) if now.split.on else "")

    def _show_blended(self, now: Blended) -> None:
        old = self._shown
        if old is now:
            return
        self._shown = now
        scene = now.scene
        if old is None or old.scene is not scene:
            self.photo.set_photo(scene.photo, scene.ground, window=scene.window, size=scene.size)
        if old is None or old.scene is not scene or old.piece is not now.piece:
            piece = now.piece
            self.photo.set_piece(*((0, 0, None) if piece is None else (piece.left, piece.top, piece.picture)))
        if old is None or old.scene is not scene or old.before is not now.before:
            piece = now.before
            self.photo.set_before(*((0, 0, None) if piece is None else (piece.left, piece.top, piece.picture)))


def _left_of(now: AppState) -> str:
    """What stands left of the handle: the state it comes from, or the photo where that is no edit of it."""
    look, blended = reference_look(now), now.blended
    if look is None or blended is None or blended.before is None or look.photo != blended.scene.key:
        return "Photo"
    return reference_of(now)[0]
