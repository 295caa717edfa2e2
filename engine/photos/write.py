"""A photo written for other programs: its colours named, upright, and with the recipe by which it was made."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import UserError
from engine.files.disk import TooLarge, read_bytes, reason, write_bytes

# Pillow is imported where it is used: a first picture does not wait for it.

QUALITY: Final = 95
MOST_RECIPE: Final = 60_000
"""Bytes of a recipe: EXIF in a JPEG holds 64 KiB."""
WEBP_LONGEST: Final = 16_383
JPEG_LONGEST: Final = 65_500
KEY: Final = "latent-loom"
_TAG: Final = b"\0" * 8 + KEY.encode() + b":"
"""Begins the EXIF user comment: an undefined character set, then our name, then UTF-8."""


def photo_bytes(rgb: NDArray[np.uint8], suffix: str, *, recipe: str = "") -> bytes:
    """A picture (H, W, 3) in sRGB as the bytes of a file: PNG, JPEG of quality 95, or WebP of quality 95.

    sRGB is what `read_photo` gives, and the file says so by its profile. The pixels are upright, and no orientation is
    written. Nothing else of the photo's own metadata comes along, neither its place nor its date. `recipe` is any text.

    Raises:
        UserError: another suffix, a side that the format does not know, or a recipe beyond 60,000 bytes.
    """
    from PIL import Image, PngImagePlugin

    from engine.photos.colours import srgb_profile

    suffix = suffix.lower()
    text = recipe.encode()
    if len(text) > MOST_RECIPE:
        raise UserError(f"The recipe has {len(text)} bytes and a photo keeps {MOST_RECIPE}: take fewer steps.")
    longest = {".webp": WEBP_LONGEST, ".jpg": JPEG_LONGEST, ".jpeg": JPEG_LONGEST}.get(suffix, max(rgb.shape))
    if max(rgb.shape) > longest:
        raise UserError(f"A {suffix} file is at most {longest} pixels long and this photo {max(rgb.shape)}: use .png.")
    image, buffer, profile = Image.fromarray(rgb), io.BytesIO(), srgb_profile()
    if suffix == ".png":
        notes = PngImagePlugin.PngInfo()
        if recipe:
            notes.add_itxt(KEY, recipe)
        image.save(buffer, "PNG", icc_profile=profile, pnginfo=notes)
    elif suffix in (".jpg", ".jpeg"):
        # Without subsampling: colour is what an edit changes.
        image.save(buffer, "JPEG", quality=QUALITY, subsampling=0, icc_profile=profile, exif=_exif(text))
    elif suffix == ".webp":
        image.save(buffer, "WEBP", quality=QUALITY, icc_profile=profile, exif=_exif(text))
    else:
        raise UserError(f"Photos are written as .png, .jpg or .webp, not as {suffix or 'a file without a suffix'}.")
    return buffer.getvalue()


def write_photo(path: Path, rgb: NDArray[np.uint8], *, recipe: str = "") -> int:
    """Writes `photo_bytes` by the path's suffix and says how many bytes; the file appears whole or not at all.

    Raises:
        UserError: as there, or the place cannot be written.
    """
    data = photo_bytes(rgb, path.suffix, recipe=recipe)
    try:
        write_bytes(path, data, sync=False)
    except OSError as error:
        raise UserError(f"{path} could not be written ({reason(error)}): choose another place.") from error
    return len(data)


def read_recipe(source: str | Path | bytes) -> str | None:
    """The recipe in a photo that `write_photo` wrote; None where there is none that can be read.

    No pixel is decoded. The text is at most 60,000 bytes of UTF-8 and as little to be trusted as the file.

    Raises:
        UserError: the recipe is longer than that.
    """
    from PIL import ExifTags, Image

    from engine.photos.decode import DAMAGED, MAX_BYTES, UNFIT, hush_pillow

    try:
        data = source if isinstance(source, bytes) else read_bytes(Path(source).expanduser(), most=MAX_BYTES)
        if len(data) > MAX_BYTES:
            return None
        hush_pillow()
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as image:
            if image.format == "PNG":
                found = image.info.get(KEY, "")
                text = found.encode() if isinstance(found, str) else b""
            else:
                comment = image.getexif().get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment, b"")
                kept = isinstance(comment, bytes) and comment.startswith(_TAG)
                text = comment[len(_TAG) :] if kept else b""
        recipe = text[: MOST_RECIPE + 1].decode(errors="strict" if len(text) <= MOST_RECIPE else "ignore")
    except (TooLarge, *DAMAGED, *UNFIT, Image.DecompressionBombError):
        return None
    if len(text) > MOST_RECIPE:
        name = "this photo" if isinstance(source, bytes) else Path(source).name
        raise UserError(
            f"The recipe in {name} has {len(text):,} bytes and at most {MOST_RECIPE:,} are read, so it is open as a "
            "photo of its own."
        )
    return recipe or None


def _exif(recipe: bytes) -> bytes:
    from PIL import ExifTags, Image

    if not recipe:
        return b""
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = _TAG + recipe
    return exif.tobytes()
