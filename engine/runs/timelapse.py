"""A run as a film: its previews one after the other, enlarged, with the step in a corner."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from engine.api import Pictures
from engine.errors import UsageError, UserError
from engine.exploring.export import save_animation
from engine.progress import SILENT, Progress
from engine.runs import directory as runs
from engine.runs import pins

WHAT: Final = ("samples", "pins")
MOST_SIDE_PX: Final = 4096
GROUND: Final = (24, 24, 24)
_HOSTILE: Final = (OSError, ValueError, SyntaxError, TypeError, EOFError, ArithmeticError, Image.DecompressionBombError)


@dataclass(frozen=True)
class Timelapse:
    """Which previews become frames, all of `size` (width, height) in pixels before they are enlarged.

    The last one stands `hold` frames longer. `stamp` draws the step in a corner.
    """

    previews: tuple[tuple[int, Path], ...]
    size: tuple[int, int]
    scale: int = 2
    hold: int = 0
    stamp: bool = True

    @property
    def count(self) -> int:
        """Frames in all."""
        return len(self.previews) + self.hold


def plan(run: Path, what: str = "samples", *, scale: int = 2, hold: int = 0, stamp: bool = True) -> Timelapse:
    """The film of a run; previews that cannot be read are left out.

    Raises:
        UsageError: an unknown kind of picture.
        RunError: no run there.
        UserError: it has no such previews yet.
    """
    if what not in WHAT:
        raise UsageError(f"what must be one of {', '.join(WHAT)}, got {what!r}.")
    runs.read_config(run)
    files = runs.previews(run) if what == "samples" else pins.sheets(run)
    sizes = [(step, file, size) for step, file in files if (size := _size(file)) is not None]
    if not sizes:
        none = {"samples": "preview yet: wait for the first one", "pins": "preview of pinned photos: pin one"}
        raise UserError(f"{run.name} has no {none[what]}.")
    widest, tallest = (max(size[axis] for _, _, size in sizes) for axis in (0, 1))
    return Timelapse(tuple((step, file) for step, file, _ in sizes), (widest, tallest), scale, hold, stamp)


def _size(file: Path) -> tuple[int, int] | None:
    try:
        with Image.open(file, formats=("WEBP",)) as image:
            return image.size if max(image.size) <= MOST_SIDE_PX else None
    except _HOSTILE:
        return None


def frames(film: Timelapse) -> Iterator[Pictures]:
    """The frames (H, W, 3), one at a time; a preview that broke since it was planned is the one before once more."""
    canvas = Image.new("RGB", film.size, GROUND)
    last: Pictures | None = None
    for step, file in film.previews:
        try:
            with Image.open(file, formats=("WEBP",)) as image:
                if image.width <= film.size[0] and image.height <= film.size[1]:
                    picture = image.convert("RGB")
                    canvas = Image.new("RGB", film.size, GROUND)
                    canvas.paste(picture, (0, 0))
        except _HOSTILE:
            pass
        last = _finished(canvas, step, film)
        yield last
    assert last is not None
    for _ in range(film.hold):
        yield last


def _finished(canvas: Image.Image, step: int, film: Timelapse) -> Pictures:
    size = (canvas.width * film.scale, canvas.height * film.scale)
    # Enlarged first, so that the figures are drawn in full size.
    large = canvas.resize(size, Image.Resampling.BICUBIC) if film.scale > 1 else canvas.copy()
    if film.stamp:
        _stamp(large, f"step {step:,}")
    return np.ascontiguousarray(np.asarray(large, np.uint8))


def _stamp(image: Image.Image, text: str) -> None:
    """The text in the lower right corner, light on a dark plate, so that it is read on any picture."""
    from PIL import ImageDraw, ImageFont  # Not at the start: the window imports this file with the run's others.

    height = max(10, min(28, min(image.size) // 20))
    font = ImageFont.load_default(size=height)
    draw = ImageDraw.Draw(image)
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    pad = height // 3
    width, tall = int(right - left) + 2 * pad, int(bottom - top) + 2 * pad
    x, y = max(0, image.width - width), max(0, image.height - tall)
    draw.rectangle((x, y, image.width, image.height), fill=(12, 12, 14))
    draw.text((x + pad - left, y + pad - top), text, font=font, fill=(236, 236, 240))


def save_timelapse(film: Timelapse, path: Path, *, frames_per_second: int = 10, progress: Progress = SILENT) -> Path:
    """Writes the film by the path's suffix, see `engine.exploring.export`; it appears whole or not at all.

    Raises:
        UsageError, UserError: as there.
        Cancelled: from `progress`.
    """
    return save_animation(path, frames(film), count=film.count, frames_per_second=frames_per_second, progress=progress)
