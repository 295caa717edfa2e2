"""Photos pinned to a run: pictures in its folder pins/ that it re-encodes and reconstructs at every preview.

Anybody may put them there, this window or a person at another machine, also while the run trains.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from engine.api import Pictures
from engine.errors import ImageError, RunError, UsageError
from engine.files.disk import replacing, told_as

MOST: Final = 4
COLUMNS: Final = 3
"""Of a sheet: photo, reconstruction, error."""
MAX_FILE_BYTES: Final = 32 * 2**20
MAX_SIDE_PX: Final = 4096
_HOSTILE: Final = (OSError, ValueError, SyntaxError, TypeError, EOFError, ArithmeticError, Image.DecompressionBombError)


def pinned(run: Path) -> tuple[tuple[int, Path], ...]:
    """(number, file) of the pinned photos, at most four, by number."""
    try:
        files = [p for p in (run / "pins").iterdir() if p.suffix == ".png" and p.stem.isdecimal() and len(p.stem) == 2]
    except OSError:
        return ()
    return tuple(sorted((int(p.stem), p) for p in files)[:MOST])


def read_pin(file: Path, *, size: int) -> Pictures:
    """A pinned photo (size, size, 3); one of another size is cut to its middle and scaled.

    Raises:
        ImageError: it is no PNG, too large, or damaged.
    """
    wrong = f"The pinned photo {file.name} is damaged or no PNG, and is passed over: pin it again."
    try:
        known = file.stat()
        if not stat.S_ISREG(known.st_mode):
            raise ValueError("a pipe or a device would be waited for")
        if known.st_size > MAX_FILE_BYTES:
            raise ImageError(f"The pinned photo {file.name} is too large, and is passed over: pin a smaller one.")
        with Image.open(file, formats=("PNG",)) as image:
            if max(image.size) > MAX_SIDE_PX:
                raise ImageError(f"The pinned photo {file.name} is too large, and is passed over: pin a smaller one.")
            rgb = image.convert("RGB")
        if rgb.size != (size, size):
            side = min(rgb.size)
            left, top = (rgb.width - side) // 2, (rgb.height - side) // 2
            box = (left, top, left + side, top + side)
            rgb = rgb.resize((size, size), Image.Resampling.LANCZOS, box, reducing_gap=3.0)
        return np.ascontiguousarray(np.asarray(rgb, np.uint8))
    except _HOSTILE as error:
        raise ImageError(wrong) from error


def pin(run: Path, picture: Pictures) -> int:
    """Pins a photo (S, S, 3) of the model's size; gives its number, 1 to 4. The file appears whole.

    Raises:
        UsageError: four photos are pinned already.
        RunError: the run cannot be written.
    """
    taken = {number for number, _ in pinned(run)}
    free = [number for number in range(1, MOST + 1) if number not in taken]
    if len(taken) >= MOST or not free:
        raise UsageError(f"{MOST} photos are pinned to {run.name} already: unpin one first.")
    file = run / "pins" / f"{free[0]:02d}.png"
    with told_as(RunError, f"{file.parent} cannot be written", "check the disk and its permissions."):
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as temporary:
            Image.fromarray(np.ascontiguousarray(picture)).save(temporary, format="PNG")
    return free[0]


def unpin(run: Path, number: int) -> None:
    """Takes a pinned photo away; one that is gone already is no error.

    Raises:
        RunError: the run cannot be written.
    """
    with told_as(RunError, f"{run / 'pins'} cannot be written", "check the disk and its permissions."):
        (run / "pins" / f"{number:02d}.png").unlink(missing_ok=True)


def sheet_file(run: Path, step: int) -> Path:
    """Where the pinned photos of a preview are."""
    return run / "previews" / f"{step:06d}-pins.webp"


def sheets(run: Path) -> list[tuple[int, Path]]:
    """(step, picture) of the sheets of pinned photos, oldest first."""
    names = ((p.name.removesuffix("-pins.webp"), p) for p in (run / "previews").glob("*-pins.webp"))
    return sorted((int(name), p) for name, p in names if name.isdecimal() and len(name) <= 12)


def read_sheet(file: Path, size: int) -> Pictures:
    """The rows (n, 3, S, S, 3) of a sheet: photo, reconstruction and error of each pinned photo.

    Raises:
        RunError: the file is damaged, or no such sheet.
    """
    try:
        with Image.open(file, formats=("WEBP",)) as image:
            width, height = image.size
            if width != COLUMNS * size or height % size or not size <= height <= MOST * size:
                raise ValueError("another size")
            rgb = np.asarray(image.convert("RGB"), np.uint8)
    except _HOSTILE as error:
        raise RunError(f"The pinned photos {file.name} are damaged: they are left out.") from error
    tiles = rgb.reshape(height // size, size, COLUMNS, size, 3).swapaxes(1, 2)
    return np.ascontiguousarray(tiles)


@dataclass(frozen=True, eq=False)
class PinnedPhoto:
    """A photo pinned to the run on show; `picture` is (S, S, 3), `mark` tells one version of the file from another."""

    number: int
    picture: Pictures
    mark: tuple[int, int]
