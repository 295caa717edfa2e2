"""The colours of a decoded picture in 8-bit sRGB: profiles, CMYK, L*a*b*, and greys of 16 bits or more."""

from __future__ import annotations

import functools
import io
import threading
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

ROWS: Final = 512
"""Deep greys are scaled in bands of this many rows, so that a large picture is never whole in float64."""

_local = threading.local()


def grey_of_8_bits(image: Image.Image, form: str | None) -> NDArray[np.uint8]:
    """A grey picture of mode I, I;16 or F as (H, W) uint8.

    16-bit files use 0..65535. Numbers of 32 bits carry no range of their own: the smallest of 0..255, 0..65535 and
    0..maximum that holds them is taken. Floats are 0..1 or what they hold; what is not finite becomes black or white.
    """
    values = np.asarray(image)
    if values.dtype.kind == "f":
        usable = values[np.isfinite(values)]
        low = min(0.0, float(usable.min())) if usable.size else 0.0
        high = max(1.0, float(usable.max())) if usable.size else 1.0
    else:
        top = float(values.max())
        deep = image.mode != "I" or form in ("PNG", "PPM")
        low, high = 0.0, max(65535.0 if deep or top > 255 else 255.0, top)
    out = np.empty(values.shape, np.uint8)
    for start in range(0, len(values), ROWS):
        with np.errstate(invalid="ignore"):  # A signalling NaN warns when it is only copied.
            band = values[start : start + ROWS].astype(np.float64)
        band = np.nan_to_num(band, nan=low, posinf=high, neginf=low)
        out[start : start + ROWS] = np.clip((band - low) / (high - low) * 255 + 0.5, 0, 255)
    return out


def srgb_of(image: Image.Image, profile: bytes | None) -> Image.Image:
    """A picture of mode L, RGB, RGBA, CMYK or LAB as sRGB: RGBA stays RGBA, all others become RGB.

    Colours go through the picture's own profile; without a usable one, by Pillow's plain conversion.
    """
    target = "RGBA" if image.mode == "RGBA" else "RGB"
    if image.mode == "LAB":
        return _from_lab().apply(image)
    if isinstance(profile, bytes) and profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if not (source.profile.profile_description or "").startswith("sRGB"):
                done = ImageCms.profileToProfile(image, source, _srgb(), outputMode=target)
                if done is not None:
                    return done
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            return image.convert(target)  # A broken profile is no reason to refuse the picture.
    return image if image.mode == target else image.convert(target)


@functools.cache
def srgb_profile() -> bytes:
    """The ICC profile of sRGB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _srgb() -> ImageCms.ImageCmsProfile:
    """One profile a thread: Little CMS reads tags into the profile as it is used."""
    if not hasattr(_local, "srgb"):
        _local.srgb = ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile()))
    found: ImageCms.ImageCmsProfile = _local.srgb
    return found


def _from_lab() -> ImageCms.ImageCmsTransform:
    if not hasattr(_local, "lab"):
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        _local.lab = ImageCms.buildTransform(lab, _srgb(), "LAB", "RGB")
    found: ImageCms.ImageCmsTransform = _local.lab
    return found
