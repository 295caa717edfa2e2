"""One model in Compare: its title and figures, the photo inside it, the error, and the picture under the sliders."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRect
from PySide6.QtWidgets import QWidget

from app.explore.compare.state import CompareRow
from app.theme import set_kind
from app.widgets.buttons import button
from app.widgets.labels import ElidedLabel, kind_label
from app.widgets.layout import hbox
from app.widgets.picture import CAPTION_PX, Picture
from app.words import ERROR_TITLE, decibels, milliseconds, no_error

GAP_PX: Final = 16
TITLE_PX: Final = 24
PICTURES: Final = 3
NARROW_PX: Final = 150
CURRENT_TIP: Final = "The photo in this model, moved by the sliders and along the path."
WHOLE_TIP: Final = (
    "What this model changes, blended into the photo, whose detail is its own. The figure is how near the model's own "
    "picture of the unchanged photo is: of a person it hardly knows it hardly knows the change."
)


class RowView(QWidget):
    """A press on its title makes its model the one on show."""

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = button("", "Make this model the one on show: it then follows the hand first", kind="name")
        self.detail = ElidedLabel("")
        set_kind(self.detail, "muted")
        self.note = kind_label("warn")
        self._head = QWidget(self)
        self._head.setLayout(hbox(self.title, self.detail, self.note, stretch={1: 1}))
        self.picture = Picture("Reconstruction", parent=self)
        self.picture.setToolTip("Reconstruction: the photo encoded and decoded again, with its PSNR.")
        self.error = Picture(ERROR_TITLE, parent=self)
        self.error.setToolTip(
            "Difference between the photo and its reconstruction, enlarged; black is none. SSIM: 1 is the same picture."
        )
        self.current = Picture("Current", parent=self)
        self.current.setToolTip(CURRENT_TIP)
        self._shown: CompareRow | None = None
        self._whole = False
        self._figures, self._caption = ("", ""), ""

    def show_row(self, row: CompareRow, *, on_show: bool, caption: str) -> None:
        """Shows the row; `on_show` marks the model of the other views, `caption` says what is changed."""
        old, self._shown = self._shown, row
        self.title.setText(row.title)
        self.title.setAccessibleName(row.title)
        self.current.set_outlined(on_show)
        self._caption = caption
        self._show_captions()
        if old is None or row.note != old.note:
            self.note.setText(row.note)
            self.note.setVisible(bool(row.note))
        # A drag changes one picture of one row: the others must not be scaled and painted again.
        close = row.close.picture if row.close is not None else None
        now = close if self._whole else row.picture
        if self.current.picture() is not now:
            self.current.set_picture(now)
        waiting = row.status in ("waiting", "working")
        self.current.set_busy(waiting or row.drawing)
        if old is not None and (row.encoded, row.status, row.fraction, row.detail, row.message) == (
            old.encoded,
            old.status,
            old.fraction,
            old.detail,
            old.message,
        ):
            return
        self._show_encoded(row)
        for picture in (self.picture, self.error):
            picture.set_busy(waiting)

    def _show_encoded(self, row: CompareRow) -> None:
        found = row.encoded
        words = {"waiting": "Waiting", "working": "Encoding…", "failed": row.message}.get(row.status, "")
        if row.fraction is not None:
            words = f"Searching {row.fraction:.0%}"
        self.picture.set_empty_text(words)
        self.current.set_empty_text(words)
        if found is None:
            self.picture.set_picture(None)
            self.error.set_picture(None)
            self._figures = ("", "")
            self._show_captions()
            self.detail.setText(row.detail)
            return
        self.picture.set_picture(found.reconstruction)
        self.error.set_picture(found.error_map)
        self.error.set_message(no_error(found.psnr_db))
        self._figures = (decibels(found.psnr_db), f"{found.ssim:.3f} SSIM")
        self._show_captions()
        sign = "≤ " if row.info is not None and row.info.density == "bound" else ""
        bits = () if found.bits_per_dim is None else (f"{sign}{found.bits_per_dim:.2f} bits/dim",)
        self.detail.setText(" · ".join((row.detail, milliseconds(found.milliseconds), *bits)))

    def _show_captions(self) -> None:
        """Where squares are small, the figure matters more than the name, which the tooltip has too."""
        narrow = self.current.width() < NARROW_PX
        for picture, name, figure in zip(
            (self.picture, self.error), ("Reconstruction", ERROR_TITLE), self._figures, strict=True
        ):
            # An empty line would give its room to the picture, which would then jump with the first figure.
            picture.set_captions("" if narrow and figure else name, figure)
        if self._whole:
            # How near the model is to the photo says what its change is worth.
            self.current.set_captions(self._caption or "Photo", self._figures[0])
        else:
            self.current.set_captions(self._caption or "Current")

    def set_whole(self, whole: bool) -> None:
        """The photo with this model's change alone, or what the model sees."""
        if whole == self._whole:
            return
        self._whole = whole
        for picture in (self.picture, self.error):
            picture.setVisible(not whole)
        # Between the titles of two columns there is no room for it.
        self.detail.setVisible(not whole)
        self.current.setToolTip(WHOLE_TIP if whole else CURRENT_TIP)
        self._show_captions()

    def place(self, side_px: int) -> None:
        """Gives each picture `side_px` pixels; `height_px` says how high the row then is."""
        self.setFixedHeight(height_px(side_px))
        pictures = (self.current,) if self._whole else (self.picture, self.error, self.current)
        width = len(pictures) * side_px + (len(pictures) - 1) * GAP_PX
        self._head.setGeometry(QRect(0, 0, width, TITLE_PX))
        for index, picture in enumerate(pictures):
            left = index * (side_px + GAP_PX)
            picture.setGeometry(QRect(left, TITLE_PX + 4, side_px, side_px + CAPTION_PX))
        self._show_captions()

    def figures(self) -> str:
        """All figures of the row in one line, as they are shown."""
        return " · ".join((self.detail.text(), *self._figures))


def height_px(side_px: int) -> int:
    """How high a row with pictures of this size is."""
    return TITLE_PX + 4 + side_px + CAPTION_PX
