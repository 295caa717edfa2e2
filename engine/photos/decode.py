"""A picture from a file or from bytes, decoded safely into plain RGB."""

from __future__ import annotations

import io
import stat
import struct
import threading
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from engine.errors import ImageError
from engine.photos.colours import grey_of_8_bits, srgb_of

FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
"""An allow-list: EPS starts another program, and rare formats are rarely tested."""
MAX_BYTES: Final = 256 * 2**20
MAX_PIXELS: Final = 64_000_000
# What Pillow raises for broken files, and for what it cannot or will not do.
DAMAGED: Final = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    struct.error,
    zlib.error,
)
UNFIT: Final = (NotImplementedError, MemoryError, OverflowError, RuntimeError)
GREYS: Final = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
WHITE: Final = (255, 255, 255)
UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes an EXIF orientation (Exif 3.0, tag 0x0112)."""

_filter_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class Photo:
    """`rgb` is (H, W, 3) uint8, contiguous, upright."""

    rgb: NDArray[np.uint8]
    name: str


def read_photo(source: str | Path | bytes) -> Photo:
    """The first frame of a picture, upright, in sRGB; transparency is laid on white, 16 bits are scaled to 8.

    Safe to call from several threads.

    Raises:
        ImageError: it is no picture, too large, damaged, or of a format that is not opened.
    """
    if isinstance(source, bytes):
        data, name = source, "the picture"
    else:
        data, name = _read(source)
    if not data:
        raise ImageError(f"{name} is empty: choose another picture.")
    if len(data) > MAX_BYTES:
        raise ImageError(_too_long(name))
    _hush_pillow()
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise ImageError(_too_large(name, f"{width * height / 1e6:.0f}"))
            image.load()
            rgb = np.array(_to_rgb(image), np.uint8)
    except Image.DecompressionBombError as error:
        raise ImageError(_too_large(name, f"more than {2 * (Image.MAX_IMAGE_PIXELS or 0) / 1e6:.0f}")) from error
    except UnidentifiedImageError as error:
        raise ImageError(f"{name} is no picture that can be opened: use JPEG, PNG, WebP, BMP, GIF or TIFF.") from error
    except UNFIT as error:
        raise ImageError(f"{name} cannot be opened ({_reason(error)}): save it as PNG or JPEG first.") from error
    except DAMAGED as error:
        raise ImageError(f"{name} is damaged or cut short ({_reason(error)}): try a fresh copy.") from error
    if rgb.ndim != 3 or 0 in rgb.shape:
        raise ImageError(f"{name} holds no pixels: choose another picture.")
    return Photo(rgb, name)


def _too_large(name: str, megapixels: str) -> str:
    limit = MAX_PIXELS // 10**6
    return f"{name} has {megapixels} megapixels and {limit} are the most that is opened: scale it down first."


def _too_long(name: str) -> str:
    return f"{name} is larger than {MAX_BYTES >> 20} MB: scale it down first."


def _line(text: object) -> str:
    """One printable line: a file's name may hold line breaks, and bytes that are no UTF-8."""
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(str(text).split()))


def _reason(error: BaseException) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else error
    return _line(text)[:120].rstrip(" .") or type(error).__name__


def _read(source: str | Path) -> tuple[bytes, str]:
    """The bytes of a file and its name for sentences."""
    name = _line(Path(source).name or source) or "The picture"
    try:
        path = Path(source).expanduser()
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise ImageError(f"{name} is a folder: choose a picture inside it.")
        if not stat.S_ISREG(found.st_mode):
            # A pipe would wait for ever, a device never ends.
            raise ImageError(f"{name} is no ordinary file: choose a picture on disk.")
        if found.st_size > MAX_BYTES:
            raise ImageError(_too_long(name))
        return path.read_bytes(), name
    except FileNotFoundError as error:
        raise ImageError(f"There is no picture at {_line(source)}: check the path.") from error
    except (OSError, ValueError, RuntimeError) as error:
        raise ImageError(f"{name} cannot be read ({_reason(error)}): check the path and its rights.") from error


def _hush_pillow() -> None:
    """Silences what Pillow says about odd files: the sentence of the ImageError is what a person reads.

    A filter that stays, because `warnings.catch_warnings` swaps the filters of all threads. It is put in front again
    where somebody else put theirs there.
    """
    pattern = warnings.filters[0][3] if warnings.filters else None
    if getattr(pattern, "pattern", None) != r"PIL\.":
        with _filter_lock:
            warnings.filterwarnings("ignore", module=r"PIL\.")


def _to_rgb(image: Image.Image) -> Image.Image:
    profile, form = image.info.get("icc_profile"), image.format
    upright: Image.Image = image
    turn = UPRIGHT.get(_orientation(image))
    if turn is not None:
        upright = image.transpose(turn)
    if upright.mode in GREYS:
        return Image.fromarray(grey_of_8_bits(upright, form)).convert("RGB")
    transparent = upright.has_transparency_data
    if transparent:
        upright = upright if upright.mode == "RGBA" else upright.convert("RGBA")
    elif upright.mode not in ("RGB", "L", "CMYK", "LAB"):
        upright = upright.convert("RGB")
    upright = srgb_of(upright, profile)
    if not transparent:
        return upright
    ground = Image.new("RGB", upright.size, WHITE)
    ground.paste(upright, mask=upright.getchannel("A"))
    return ground


def _orientation(image: Image.Image) -> int:
    """1 to 8; 1 where the picture does not say, or its EXIF is broken, which is no reason to refuse the picture."""
    try:
        found = image.getexif().get(ExifTags.Base.Orientation, 1)
    except (*DAMAGED, *UNFIT):
        return 1
    return found if isinstance(found, int) else 1
