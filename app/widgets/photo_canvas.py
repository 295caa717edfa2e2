"""A photo larger or smaller than its room, painted: a part of it that changes, and frames around its faces.

Places are in the screen's own pixels unless said otherwise, so that a photo at 1:1 is never scaled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import color, tokens, ui_font
from app.widgets import paint
from app.widgets.photo_marks import Outline, SplitLine, paint_outline, paint_split
from app.widgets.pixels import to_qimage

Window = tuple[int, int, int, int]
"""Left, top, width, height of a part of the photo, in its pixels."""
Piece = tuple[int, int, QImage]
"""Where a changed part is in the picture on screen: left, top, and its pixels."""


BEYOND = 0.08
"""The split reaches over so much of the active frame's side around it."""


class PhotoCanvas(QWidget):
    """Shows the part of a photo that it is given."""

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._photo: QImage | None = None
        self._ground: QImage | None = None
        self._overview: QImage | None = None
        self._overview_array: NDArray[Any] | None = None
        self._window: Window = (0, 0, 1, 1)
        self._size = (1, 1)
        self._place = (0.0, 0.0, 1.0)
        self._piece: Piece | None = None
        self._before: Piece | None = None
        self._outlines: tuple[Outline, ...] = ()
        self._quiet = self._plain = self._split = False
        self._share, self._label = 0.5, ""
        self._hover = -1
        self._waiting = ""
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 120)
        self.setAccessibleName("The photo")

    # values in
    def set_photo(self, photo: NDArray[Any], ground: NDArray[Any], *, window: Window, size: tuple[int, int]) -> None:
        """What is on screen, untouched and with all that stays as it is while one face changes (uint8 HxWx3 both);
        `window` is the part of the photo that it shows, and `size` the whole photo's."""
        self._photo = to_qimage(photo)
        self._ground = self._photo if ground is photo else to_qimage(ground)
        self._window, self._size = window, size
        self._piece = self._before = None
        self._waiting = ""
        self.update()

    def set_waiting(self, words: str, overview: NDArray[Any] | None) -> None:
        """Nothing is there yet: the whole photo in small, where it is known, or `words`."""
        self.set_overview(overview)
        self._photo = self._ground = self._piece = self._before = None
        self._outlines, self._waiting = (), words
        self.update()

    def waiting(self) -> bool:
        """Whether there is no photo yet."""
        return bool(self._waiting)

    def set_overview(self, overview: NDArray[Any] | None) -> None:
        """The whole photo, small: for what a push uncovers before it is drawn."""
        if overview is not self._overview_array:
            self._overview_array = overview
            self._overview = None if overview is None else to_qimage(overview)

    def set_place(self, left: float, top: float, scale: float) -> None:
        """The photo's pixel at the upper left corner, and the screen's pixels to one of the photo's."""
        if (left, top, scale) != self._place:
            self._place = (left, top, scale)
            self.update()

    def set_piece(self, left: int, top: int, picture: NDArray[Any] | None) -> None:
        """The part that the current edit changes, at this place of the picture; None: nothing is changed."""
        dirty = self._piece_rect(self._piece)
        self._piece = None if picture is None else (left, top, to_qimage(picture))
        self.update(dirty.united(self._piece_rect(self._piece)))

    def set_before(self, left: int, top: int, picture: NDArray[Any] | None) -> None:
        """The same of what stands left of the split handle."""
        dirty = self._piece_rect(self._before)
        self._before = None if picture is None else (left, top, to_qimage(picture))
        self.update(dirty.united(self._piece_rect(self._before)))

    def set_outlines(self, outlines: Sequence[Outline]) -> None:
        """The faces; the active one has the frame in which a drag wanders."""
        self._outlines = tuple(outlines)
        self.update()

    def set_quiet(self, quiet: bool) -> None:
        """Whether a hand drags: the marks leave the photo alone meanwhile."""
        if quiet != self._quiet:
            self._quiet = quiet
            self.update()

    def set_plain(self, plain: bool) -> None:
        """The untouched photo, nothing on it."""
        if plain != self._plain:
            self._plain = plain
            self.update()

    def set_split(self, on: bool, share: float, label: str) -> None:
        """The handle in the active face's frame: `share` 0 at its left side, 1 at its right; `label`: what is left."""
        if (on, share, label) != (self._split, self._share, self._label):
            self._split, self._share, self._label = on, share, label
            self.update()

    # geometry
    def place_of(self, x: float, y: float) -> QPointF:
        """Where a place of the photo is, in pixels of the widget."""
        left, top, scale = self._place
        ratio = self.devicePixelRatioF()
        return QPointF((x - left) * scale / ratio, (y - top) * scale / ratio)

    def photo_rect(self) -> QRectF:
        """Where the whole photo is, in pixels of the widget; much of it may lie outside."""
        return QRectF(self.place_of(0, 0), self.place_of(*self._size))

    def split_line(self) -> SplitLine | None:
        """The handle's line in pixels of the screen; None without one."""
        active = self._active()
        return None if active is None or not self._split else SplitLine.across(self._spots(active), self._share)

    def room(self) -> tuple[int, int]:
        """Width and height in pixels of the screen."""
        ratio = self.devicePixelRatioF()
        return round(self.width() * ratio), round(self.height() * ratio)

    def sizeHint(self) -> QSize:
        return QSize(720, 540)

    def _active(self) -> Outline | None:
        return next((one for one in self._outlines if one.active), None)

    def _spots(self, outline: Outline) -> tuple[complex, ...]:
        """The corners on the screen."""
        left, top, scale = self._place
        return tuple(complex((x - left) * scale, (y - top) * scale) for x, y in outline.corners)

    def _picture_rect(self) -> tuple[float, float, float, float]:
        """Left, top on the screen, and what the picture is scaled by until one for this place comes."""
        left, top, scale = self._place
        x, y = (self._window[0] - left) * scale, (self._window[1] - top) * scale
        image = self._ground
        if image is None:
            return x, y, 1.0, 1.0
        across, down = self._window[2] * scale / image.width(), self._window[3] * scale / image.height()
        if abs(across * image.width() - image.width()) < 1 and abs(down * image.height() - image.height()) < 1:
            return round(x), round(y), 1.0, 1.0
        return x, y, across, down

    def _piece_rect(self, piece: Piece | None) -> QRect:
        if piece is None:
            return QRect()
        x, y, across, down = self._picture_rect()
        left, top, image = piece
        ratio = self.devicePixelRatioF()
        return (
            QRectF(
                (x + left * across) / ratio,
                (y + top * down) / ratio,
                image.width() * across / ratio,
                image.height() * down / ratio,
            )
            .toAlignedRect()
            .adjusted(-1, -1, 1, 1)
        )

    # painting
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        ratio = self.devicePixelRatioF()
        painter.scale(1 / ratio, 1 / ratio)
        width, height = self.room()
        if self._waiting:
            self._paint_waiting(painter, QRectF(0, 0, width, height), ratio)
            return
        x, y, across, down = self._picture_rect()
        ground = self._photo if self._plain else self._ground
        shown = QRectF(x, y, 0, 0)
        if ground is not None:
            shown = QRectF(x, y, ground.width() * across, ground.height() * down)
        if not shown.contains(QRectF(0, 0, width, height)):
            painter.fillRect(0, 0, width, height, color(tokens().window))
            left, top, scale = self._place
            whole = QRectF(-left * scale, -top * scale, self._size[0] * scale, self._size[1] * scale)
            if self._overview is not None and not shown.contains(whole.intersected(QRectF(0, 0, width, height))):
                painter.drawImage(whole, self._overview)
        if ground is not None:
            self._paint_picture(painter, ground, None if self._plain else self._piece)
            if not self._plain:
                self._paint_marks(painter, ratio)
        if paint.tabbed_to(self):
            paint.focus_ring(painter, QRectF(0, 0, width, height), 0.0)
        painter.end()

    def _paint_waiting(self, painter: QPainter, room: QRectF, ratio: float) -> None:
        painter.fillRect(room, color(tokens().window))
        if self._overview is None:
            middle, font = Qt.AlignmentFlag.AlignHCenter, ui_font(round(tokens().text_px * ratio))
            paint.text(painter, room, self._waiting, font=font, ink=tokens().muted, align=middle)
        else:
            size = self._overview.size().toSizeF().scaled(room.size(), Qt.AspectRatioMode.KeepAspectRatio)
            spot = QRectF((room.width() - size.width()) / 2, (room.height() - size.height()) / 2, 0, 0)
            spot.setSize(size)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(spot, self._overview)
        painter.end()

    def _paint_picture(self, painter: QPainter, ground: QImage, piece: Piece | None) -> None:
        x, y, across, down = self._picture_rect()
        if (across, down) == (1.0, 1.0):
            painter.drawImage(QPointF(x, y), ground)
        else:
            painter.drawImage(QRectF(x, y, ground.width() * across, ground.height() * down), ground)
        if piece is None:
            return
        left, top, image = piece
        if (across, down) == (1.0, 1.0):
            painter.drawImage(QPointF(x + left, y + top), image)
        else:
            spot = QRectF(x + left * across, y + top * down, image.width() * across, image.height() * down)
            painter.drawImage(spot, image)

    def _paint_marks(self, painter: QPainter, ratio: float) -> None:
        line, active = self.split_line(), self._active()
        if line is not None and active is not None and self._ground is not None:
            corners = self._spots(active)
            path = QPainterPath()
            # An edit fades out a little beyond the frame.
            across, down = BEYOND * (corners[1] - corners[0]), BEYOND * (corners[3] - corners[0])
            quad = (corners[0] - across - down, line.top - down, line.bottom + down, corners[3] - across + down)
            path.addPolygon(QPolygonF([QPointF(z.real, z.imag) for z in quad]))
            painter.save()
            painter.setClipPath(path)
            self._paint_picture(painter, self._ground, self._before)
            painter.restore()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        several = len(self._outlines) > 1
        for index, one in enumerate(() if self._quiet else self._outlines):
            room = QRectF(0, 0, *self.room())
            paint_outline(
                painter, self._spots(one), one, hovered=index == self._hover, several=several, ratio=ratio, room=room
            )
        if line is not None:
            paint_split(painter, line, self._label, ratio=ratio, room=QRectF(0, 0, *self.room()))
