"""Which files are pictures: Pillow's name of each format that is opened, and the endings of its files."""

from collections.abc import Sequence
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
"""Also pictures, but never opened: whoever drops a folder of them is told so."""


def is_picture(name: str | PurePath, *, refused: bool = False) -> bool:
    """Whether a file with this name counts as a picture; `refused` includes those that are then refused in words."""
    return str(name).lower().endswith(ENDINGS + REFUSED if refused else ENDINGS)


def left_out(skipped: Sequence[str], *, most: int = 3) -> str:
    """``2 photos could not be read: a.jpg, b.jpg``; empty where all could."""
    if not skipped:
        return ""
    names = ", ".join(skipped[:most]) + (f" and {len(skipped) - most} more" if len(skipped) > most else "")
    return f"{len(skipped)} photo{'s' if len(skipped) > 1 else ''} could not be read: {names}"
