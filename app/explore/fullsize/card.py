"""The folding card over the photo: what the model sees of it, pixel by pixel."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPaintEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QWidget

from app.state import AppState
from app.theme import tokens, ui_font
from app.widgets import paint
from app.widgets.buttons import button
from app.widgets.labels import kind_label
from app.widgets.layout import hbox, held, vbox
from app.widgets.pixels import to_qimage
from app.words import no_error
from engine.api import Pictures

LARGEST_PX: Final = 128
"""Larger pictures would cover too much of the photo."""
NAMES: Final = ("picture", "read back", "|error| × 4", "the change")
GREY: Final = 128
_CAPTION_PX: Final = 20
_GAP_PX: Final = 10
_LEAST_PX: Final = 66


class Tile(QWidget):
    """A small picture at one pixel of the screen to one of its own, with a name under it."""

    def __init__(self, name: str, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._array: NDArray[Any] | None = None
        self._name, self._image, self._side, self._words = name, QImage(), LARGEST_PX // 2, ""
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(name)

    def set_picture(self, array: NDArray[Any] | None, words: str = "") -> None:
        """Shows a square picture (uint8 HxWx3) of at most `LARGEST_PX`, with `words` over it."""
        if array is self._array and words == self._words:
            return
        self._array, self._words = array, words
        self._image = QImage() if array is None else to_qimage(array)
        side = self._image.width() or self._side
        if side != self._side:
            self._side = side
            self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        side = round(self._side / self.devicePixelRatioF())
        return QSize(max(side, _LEAST_PX), side + _CAPTION_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = paint.smooth(self), tokens()
        side = self._side / self.devicePixelRatioF()
        spot = QRectF(round((self.width() - side) / 2), 0, side, side)
        if self._image.isNull():
            paint.box(painter, spot, fill=theme.raised, radius_px=2)
        else:
            painter.drawImage(spot, self._image)
        if self._words:
            font = ui_font(theme.small_px)
            paint.text(painter, spot, self._words, font=font, ink="#b0b4bc", align=Qt.AlignmentFlag.AlignHCenter)
        line = QRectF(0, side, self.width(), self.height() - side)
        align = Qt.AlignmentFlag.AlignHCenter
        paint.text(painter, line, self._name, font=ui_font(theme.small_px), ink=theme.muted, align=align)
        painter.end()


class SeenCard(QFrame):
    """The model's picture of the face, what it reads back, its error and the change; folds to its title."""

    folded = Signal(bool)

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folded = False
        self.setProperty("kind", "card")
        self.title = button("What the model sees", "Fold or unfold what the model sees of the face", kind="name")
        self.title.clicked.connect(lambda: self.folded.emit(not self._folded))
        self.size_note = kind_label("small")
        self.sign = button("⌄", "Fold what the model sees", kind="quiet", do=lambda: self.folded.emit(not self._folded))
        self.sign.setFixedWidth(24)
        self.tiles = tuple(Tile(name) for name in NAMES)
        self._body = held(hbox(*self.tiles, None, gap_px=_GAP_PX))
        column = vbox(hbox(self.title, self.size_note, None, self.sign), self._body, gap_px=8, margins=(12, 6, 8, 6))
        self.setLayout(column)

    def set_folded(self, folded: bool) -> None:
        """Its title alone, or all of it."""
        self._folded = folded
        self._body.setVisible(not folded)
        self.size_note.setVisible(not folded)
        self.sign.setText("⌃" if folded else "⌄")
        self.adjustSize()

    def show_state(self, now: AppState) -> None:
        """Shows the pictures of the active face."""
        encoded, drawn = now.encoded, now.drawn
        if encoded is None:
            return
        side = encoded.photo.shape[0]
        step = -(-side // LARGEST_PX)
        note = f"{side} × {side}, shown {'1:1' if step == 1 else f'1:{step}'}"
        if note != self.size_note.text():
            self.size_note.setText(note)
        picture = encoded.reconstruction if drawn is None else drawn.picture
        base = encoded.reconstruction
        shown = (encoded.photo, picture, encoded.error_map, change(base, picture))
        words = ("", "", no_error(encoded.psnr_db) and "none", "")
        for tile, one, word in zip(self.tiles, shown, words, strict=True):
            tile.set_picture(one if step == 1 else np.ascontiguousarray(one[::step, ::step]), word)


def change(base: Pictures, picture: Pictures) -> Pictures:
    """How two pictures (S, S, 3) differ: grey where they do not."""
    if base.shape != picture.shape:
        return np.full_like(picture, GREY)
    return np.asarray(np.clip(GREY + (picture.astype(np.int16) - base), 0, 255), np.uint8)
