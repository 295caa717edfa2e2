"""A picture from a file or from bytes, decoded safely into plain RGB."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from engine.errors import ImageError

FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
"""An allow-list: EPS starts another program, and rare formats are rarely tested."""
MAX_BYTES: Final = 256 * 2**20
MAX_PIXELS: Final = 64_000_000
# What Pillow raises: eight types for broken files, five for what it cannot or will not do.
DAMAGED: Final = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    KeyError,
    IndexError,
    struct.error,
    zlib.error,
)
UNFIT: Final = (
    NotImplementedError,
    Image.DecompressionBombError,
    MemoryError,
    OverflowError,
    RuntimeError,
)
WHITE: Final = (255, 255, 255)


@dataclass(frozen=True, eq=False)
class Photo:
    """`rgb` is (H, W, 3) uint8, contiguous, upright."""

    rgb: NDArray[np.uint8]
    name: str


def read_photo(source: str | Path | bytes) -> Photo:
    """The first frame of a picture, upright, in sRGB; transparency is laid on white, 16 bits are scaled to 8.

    Raises:
        ImageError: it is no picture, too large, damaged, or of a format that is not opened.
    """
    if isinstance(source, bytes):
        data, name = source, "the picture"
    else:
        path = Path(source).expanduser()
        data, name = _read(path), path.name
    if len(data) > MAX_BYTES:
        raise ImageError(f"{name} is larger than {MAX_BYTES >> 20} MB: scale it down first.")
    try:
        with warnings.catch_warnings():
            # Pillow's own bomb warning comes first at 89 megapixels; ours is stricter, so its word is not needed.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise ImageError(
                        f"{name} has {width * height / 1e6:.0f} megapixels and {MAX_PIXELS // 10**6} are the most "
                        "that is opened: scale it down first."
                    )
                image.load()
                rgb = _to_rgb(image)
    except UnidentifiedImageError as error:
        raise ImageError(f"{name} is no picture that can be opened: use JPEG, PNG, WebP, BMP, GIF or TIFF.") from error
    except DAMAGED as error:
        raise ImageError(f"{name} is damaged or cut short ({_reason(error)}): try a fresh copy.") from error
    except UNFIT as error:
        raise ImageError(f"{name} cannot be opened ({_reason(error)}): save it as PNG or JPEG first.") from error
    return Photo(np.ascontiguousarray(np.asarray(rgb, np.uint8)), name)


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ImageError(f"{path.name} is larger than {MAX_BYTES >> 20} MB: scale it down first.")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(f"There is no picture at {path}: check the path.") from error
    except (OSError, ValueError) as error:
        raise ImageError(f"{path.name} cannot be read ({_reason(error)}): check the path and its rights.") from error


def _to_rgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    upright = ImageOps.exif_transpose(image)
    if upright.mode in ("I", "F", "I;16", "I;16B", "I;16L", "I;16N"):
        return _scaled_to_8_bits(upright).convert("RGB")
    if upright.mode == "CMYK" or (profile and upright.mode in ("RGB", "L")):
        upright = _to_srgb(upright, profile)
    if upright.has_transparency_data:
        layer = upright.convert("RGBA")
        ground = Image.new("RGBA", layer.size, (*WHITE, 255))
        return Image.alpha_composite(ground, layer).convert("RGB")
    return upright.convert("RGB")


def _scaled_to_8_bits(image: Image.Image) -> Image.Image:
    """16-bit and float greys by their range: 16-bit files use 0..65535, floats 0..1 or what they hold."""
    values = np.nan_to_num(np.asarray(image, np.float64))
    if image.mode == "F":
        low, high = min(0.0, float(values.min())), max(1.0, float(values.max()))
    else:
        low, high = 0.0, 65535.0 if values.max() > 255 or image.mode != "I" else 255.0
        high = max(high, float(values.max()))
    return Image.fromarray(np.clip((values - low) / (high - low) * 255 + 0.5, 0, 255).astype(np.uint8))


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Through the picture's own colour profile; without a usable one, Pillow's plain conversion."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            return image.convert("RGB")  # A broken profile is no reason to refuse the picture.
    return image.convert("RGB")
