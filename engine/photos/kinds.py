"""Which files are pictures: Pillow's name of each format that is opened, and the endings of its files."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

KINDS: Final = {
    "JPEG": (".jpg", ".jpeg"),
    "PNG": (".png",),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm"),
}
"""An allow-list: EPS starts another program, and rare formats are rarely tested. The first bytes of a file decide which
of them it is, whatever it is called."""
FORMATS: Final = tuple(KINDS)
ENDINGS: Final = tuple(ending for endings in KINDS.values() for ending in endings)
REFUSED: Final = (".heic", ".avif")
"""Pictures, too, but not opened: where somebody drops a folder of them, the refusal says so."""


def is_picture(name: str | PurePath, *, refused: bool = False) -> bool:
    """Whether a file of this name is taken for a picture; with `refused` also for one that is then refused in words."""
    return str(name).lower().endswith(ENDINGS + REFUSED if refused else ENDINGS)
