"""A picture from a file or from bytes, decoded safely into plain RGB."""

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
from engine.files.disk import reason
from engine.photos.colours import grey_of_8_bits, srgb_of
from engine.photos.kinds import FORMATS

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
BAND_PIXELS: Final = 4_000_000
"""Colours are converted this many pixels at a time, so that a large picture is never copied whole."""

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
    hush_pillow()
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise ImageError(_too_large(name, f"{width * height / 1e6:.0f}"))
            image.load()
            rgb, turn = _pixels(image), _orientation(image)
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
    del image  # Its memory is needed to turn the picture.
    return Photo(_turned(rgb, turn), name)


def _too_large(name: str, megapixels: str) -> str:
    limit = MAX_PIXELS // 10**6
    return f"{name} has {megapixels} megapixels and {limit} are the most that is opened: scale it down first."


def _too_long(name: str) -> str:
    return f"{name} is larger than {MAX_BYTES >> 20} MB: scale it down first."


def _line(text: object) -> str:
    """One printable line: a file's name may hold line breaks, and bytes that are not UTF-8."""
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(str(text).split()))


def _reason(error: BaseException) -> str:
    return _line(reason(error)).rstrip(" .")


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


def hush_pillow() -> None:
    """Silences what Pillow says about odd files: the sentence of the ImageError is what a person reads.

    A filter that stays, because `warnings.catch_warnings` swaps the filters of all threads. It is put in front again
    where somebody else put theirs there.
    """
    pattern = warnings.filters[0][3] if warnings.filters else None
    if getattr(pattern, "pattern", None) != r"PIL\.":
        with _filter_lock:
            warnings.filterwarnings("ignore", module=r"PIL\.")


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    """(H, W, 3) in sRGB, transparency laid on white; not yet upright."""
    if image.mode in GREYS:
        return np.repeat(grey_of_8_bits(image, image.format)[..., None], 3, axis=2)
    profile, transparent = image.info.get("icc_profile"), image.has_transparency_data
    width, height = image.size
    rows = max(1, BAND_PIXELS // max(1, width))
    out = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, rows):
        band = image.crop((0, top, width, min(height, top + rows))) if rows < height else image
        out[top : top + rows] = np.asarray(_to_rgb(band, profile, transparent))
    return out


def _to_rgb(image: Image.Image, profile: bytes | None, transparent: bool) -> Image.Image:
    if transparent:
        image = image if image.mode == "RGBA" else image.convert("RGBA")
    elif image.mode not in ("RGB", "L", "CMYK", "LAB"):
        image = image.convert("RGB")
    image = srgb_of(image, profile)
    if not transparent:
        return image
    ground = Image.new("RGB", image.size, WHITE)
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def _turned(rgb: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """What undoes an EXIF orientation (Exif 3.0, tag 0x0112): 5 to 8 change rows with columns."""
    if orientation not in range(2, 9):
        return rgb
    if orientation >= 5:
        rgb = rgb.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        rgb = rgb[::-1]
    if orientation in (2, 3, 6, 7):
        rgb = rgb[:, ::-1]
    return np.ascontiguousarray(rgb)


def _orientation(image: Image.Image) -> int:
    """1 to 8; 1 where the picture does not say, or its EXIF is broken, which is no reason to refuse the picture."""
    try:
        found = image.getexif().get(ExifTags.Base.Orientation, 1)
    except (*DAMAGED, *UNFIT):
        return 1
    return found if isinstance(found, int) else 1
