"""A place for one photo: dropped, dragged out of the library, or picked from a small sheet of thumbnails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QWidget

from app.widgets.key_picture import KeyPicture
from app.widgets.layout import scrolled, vbox
from app.widgets.thumbs import Thumb, ThumbGrid

SHEET_PX: Final = 288
SHEET_HIGHEST_PX: Final = 320


class PhotoSlot(KeyPicture):
    """Emits the key of the photo that was chosen, or what was dropped from outside (see ``Picture``)."""

    keyChosen = Signal(str)

    def __init__(self, caption: str, *, empty_text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(caption, empty_text=empty_text, parent=parent)
        self._thumbs: tuple[Thumb, ...] = ()
        self._sheet: PhotoSheet | None = None
        self.clicked.connect(self.open_sheet)
        self.keyDropped.connect(self.keyChosen)

    def set_thumbs(self, thumbs: Sequence[Thumb]) -> None:
        """The photos to pick from."""
        self._thumbs = tuple(thumbs)

    def open_sheet(self) -> PhotoSheet | None:
        """Shows the thumbnails beside the slot; None when there are none."""
        if not self._thumbs:
            return None
        sheet = PhotoSheet(self._thumbs, parent=self)
        sheet.chosen.connect(self.keyChosen)
        sheet.show_at(self.mapToGlobal(QPoint(0, round(self.picture_rect().bottom()))), above_px=self.height())
        return sheet

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.open_sheet()
        else:
            super().keyPressEvent(event)


class PhotoSheet(QFrame):
    """A popup of thumbnails; a click or Enter chooses, Escape closes."""

    chosen = Signal(str)

    def __init__(self, thumbs: Sequence[Thumb], *, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.grid = ThumbGrid(columns=5, removable=False)
        self.grid.activated.connect(self._choose)
        area = scrolled(self.grid)
        self.setLayout(vbox(area, margins=(8, 8, 8, 8)))
        self.grid.set_thumbs(thumbs)
        side = (SHEET_PX - 16) // 5
        self.resize(SHEET_PX, min(SHEET_HIGHEST_PX, -(-len(thumbs) // 5) * side + 24))

    def show_at(self, spot: QPoint, *, above_px: int) -> None:
        """Shows the sheet below ``spot`` (global pixels), or ``above_px`` higher where the screen ends."""
        screen = self.screen().availableGeometry()
        if spot.y() + self.height() > screen.bottom():
            spot = QPoint(spot.x(), max(screen.top(), spot.y() - above_px - self.height()))
        self.move(min(spot.x(), screen.right() - self.width()), spot.y())
        self.show()
        self.grid.setFocus()

    def _choose(self, key: str) -> None:
        self.close()
        self.chosen.emit(key)
