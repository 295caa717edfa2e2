"""Arrays to Qt images and back, resampling, and what a drop carries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMimeData, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QDropEvent, QImage, QImageWriter, QPainter, QTransform

Picture8 = NDArray[np.uint8]
KEY_MIME: Final = "application/x-latent-loom-key"
"""A drag of our own: it carries the key of a thumbnail."""


def checked(array: NDArray[Any]) -> Picture8:
    """``array`` as contiguous uint8 (H, W, 3); raises ValueError for any other shape or type."""
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
        raise ValueError(f"A picture must be uint8 HxWx3, not {array.dtype} {array.shape}.")
    return np.ascontiguousarray(array)


def to_qimage(array: NDArray[Any]) -> QImage:
    """A QImage (RGB32) that owns its pixels; raises ValueError unless uint8 (H, W, 3)."""
    rgb = checked(array)
    height, width, _ = rgb.shape
    view = QImage(rgb.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    # The conversion copies: the view must not outlive the array. RGB32 is also the fast format.
    return view.convertToFormat(QImage.Format.Format_RGB32)


def from_qimage(image: QImage) -> Picture8:
    """A contiguous uint8 (H, W, 3) copy, transparency laid on white; raises ValueError when null."""
    if image.isNull():
        raise ValueError("The image holds no pixels.")
    if image.hasAlphaChannel():
        flat = QImage(image.size(), QImage.Format.Format_RGB32)
        flat.fill(QColor("white"))
        painter = QPainter(flat)
        painter.drawImage(0, 0, image)
        painter.end()
        image = flat
    rgb = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(rgb.constBits(), np.uint8).reshape(rgb.height(), rgb.bytesPerLine())
    # A copy, always: the buffer dies with the image.
    return rows[:, : 3 * rgb.width()].reshape(rgb.height(), rgb.width(), 3).copy()


def resized(array: NDArray[Any], width_px: int, height_px: int, *, smooth: bool = True) -> QImage:
    """``array`` scaled to device pixels, bicubic; ``smooth=False`` keeps square pixels when larger."""
    rgb = checked(array)
    size = (max(1, width_px), max(1, height_px))
    if size == (rgb.shape[1], rgb.shape[0]):
        return to_qimage(rgb)
    method = Image.Resampling.BICUBIC if smooth or size[0] < rgb.shape[1] else Image.Resampling.NEAREST
    return to_qimage(np.asarray(Image.fromarray(rgb).resize(size, method)))


def paint_rounded(painter: QPainter, rect: QRectF, image: QImage, radius_px: float) -> None:
    """Paint ``image`` (in device pixels of ``rect``) with smooth round corners.

    A textured brush is used because a clip path has hard, jagged edges in Qt's raster engine.
    """
    if rect.isEmpty() or image.isNull():
        return
    brush = QBrush(image)
    fit = QTransform.fromTranslate(rect.x(), rect.y())
    brush.setTransform(fit.scale(rect.width() / image.width(), rect.height() / image.height()))
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(brush)
    painter.drawRoundedRect(rect, radius_px, radius_px)
    painter.restore()


def square_cover(array: NDArray[Any]) -> Picture8:
    """The largest centred square of a picture, for thumbnails."""
    rgb = checked(array)
    side = min(rgb.shape[:2])
    top, left = (rgb.shape[0] - side) // 2, (rgb.shape[1] - side) // 2
    return np.ascontiguousarray(rgb[top : top + side, left : left + side])


K = TypeVar("K")
SmallImages = dict[tuple[K, int], QImage]
"""Square images by what they show and their side in device pixels."""


def small_image(kept: SmallImages[K], key: K, array: NDArray[Any], side_px: float) -> QImage:
    """The largest centred square of ``array``, scaled to ``side_px`` device pixels once and kept."""
    side = round(side_px)
    if (key, side) not in kept:
        kept[key, side] = resized(square_cover(array), side, side)
    return kept[key, side]


def dropped_files(mime: QMimeData) -> list[str]:
    """The local paths in a drop; remote addresses are left out because the program fetches nothing."""
    return [url.toLocalFile() for url in mime.urls() if url.isLocalFile()]


def take_drop(event: QDropEvent, files: Callable[[list[str]], object], picture: Callable[[Picture8], object]) -> bool:
    """Hands on the files of a drop, else its picture, and accepts it; False where it carries neither."""
    names = dropped_files(event.mimeData())
    array = None if names else dropped_image(event.mimeData())
    if names:
        files(names)
    elif array is not None:
        picture(array)
    else:
        return False
    event.acceptProposedAction()
    return True


def dropped_key(mime: QMimeData) -> str | None:
    """The key of the thumbnail in a drop, or None."""
    return bytes(mime.data(KEY_MIME).data()).decode("utf-8", "replace") if mime.hasFormat(KEY_MIME) else None


def dropped_image(mime: QMimeData) -> Picture8 | None:
    """The picture in a drop or on a clipboard, or None."""
    if not mime.hasImage():
        return None
    image = mime.imageData()
    return from_qimage(image) if isinstance(image, QImage) and not image.isNull() else None


def png_bytes(image: QImage) -> bytes:
    """The image as PNG."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(image)
    return bytes(buffer.data().data())
