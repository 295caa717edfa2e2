"""Measures of pictures: PSNR, SSIM, sharpness, spread of a set, the error as a heat map; and the norms of a code.

Pictures are (H, W) or (H, W, C), sets are (N, H, W) or (N, H, W, C). uint8 pictures have the range 0 to 255;
for float pictures the caller states `value_range` (1.0 for [0, 1], 2.0 for [-1, 1]).
"""

import math
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[Any]
Doubles = npt.NDArray[np.float64]

ERROR_GAIN: Final = 4.0
"""Of every error map beside a photo; the window's title of it says so."""

_WINDOW = 11
_WINDOW_SIGMA = 1.5


def psnr(a: Picture, b: Picture, *, value_range: float | None = None) -> float:
    """Peak signal-to-noise ratio of two pictures of one shape, in dB; infinity where they are equal."""
    x, y, peak = _pair(a, b, value_range)
    error = float(np.mean((x - y) ** 2))
    return math.inf if error == 0 else 10 * math.log10(peak * peak / error)


def ssim(a: Picture, b: Picture, *, value_range: float | None = None) -> float:
    """Mean structural similarity, in [-1, 1] (Wang et al. 2004): Gaussian window 11x11, sigma 1.5, K1 0.01,
    K2 0.03.

    Only windows that lie wholly inside count; a colour picture gets the mean of its channels.

    Raises:
        ValueError: a side is shorter than the window of 11 px.
    """
    x, y, peak = _pair(a, b, value_range)
    if min(x.shape[:2]) < _WINDOW:
        raise ValueError(f"SSIM needs sides of at least {_WINDOW} px, got {x.shape[1]}x{x.shape[0]}")
    mean_x, mean_y = _window_mean(x), _window_mean(y)
    var_x = _window_mean(x * x) - mean_x**2
    var_y = _window_mean(y * y) - mean_y**2
    both = _window_mean(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    top = (2 * mean_x * mean_y + c1) * (2 * both + c2)
    bottom = (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    return float(np.mean(top / bottom))


def norm_ratios(codes: Picture, sizes: Sequence[int] = ()) -> Doubles:
    """|z| / sqrt(D) of codes (..., D), then of the stretches of `sizes` that a code is made of, one after the other:
    (1 + len(sizes), ...). 1 is typical of the normal prior."""
    squares, ends = np.square(codes, dtype=np.float64), np.cumsum([0, *sizes])
    spans = [slice(0, codes.shape[-1]), *(slice(start, stop) for start, stop in pairwise(ends))]
    return np.stack([np.sqrt(squares[..., span].mean(axis=-1)) for span in spans])


def sharpness(picture: Picture, *, value_range: float | None = None) -> float:
    """Mean absolute Laplacian (4 neighbours, inner pixels, mean of channels), as a share of the value range.

    0 is flat; a blurred picture has less than its original.

    Raises:
        ValueError: a side is shorter than 3 px.
    """
    x, _, peak = _pair(picture, picture, value_range)
    if min(x.shape[:2]) < 3:
        raise ValueError(f"sharpness needs sides of at least 3 px, got {x.shape[1]}x{x.shape[0]}")
    around = x[:-2, 1:-1] + x[2:, 1:-1] + x[1:-1, :-2] + x[1:-1, 2:]
    return float(np.mean(np.abs(around - 4 * x[1:-1, 1:-1]))) / peak


def pairwise_spread(images: Picture, *, value_range: float | None = None, block: int = 1024) -> float:
    """Mean over all pairs of the RMS pixel distance, as a share of the value range; 0 where all are the same.

    `block` bounds the memory: only block x block distances exist at a time.

    Raises:
        ValueError: fewer than two images.
    """
    count = images.shape[0]
    if count < 2:
        raise ValueError(f"a spread needs at least two images, got {count}")
    peak = _range_of(images, value_range)
    rows = images.reshape(count, -1)
    # Centred first, so that the expanded square loses no digits on images that are nearly the same.
    centre = rows.mean(axis=0, dtype=np.float64)
    total = 0.0
    for top in range(0, count, block):
        x = rows[top : top + block].astype(np.float64) - centre
        for left in range(top, count, block):
            y = x if left == top else rows[left : left + block].astype(np.float64) - centre
            squares = np.sum(x * x, axis=1)[:, None] + np.sum(y * y, axis=1)[None] - 2 * (x @ y.T)
            distances = np.sqrt(np.maximum(squares, 0.0) / rows.shape[1])
            total += float(np.triu(distances, 1).sum() if left == top else distances.sum())
    pairs = count * (count - 1) / 2
    return float(total / pairs / peak)


def diversity(samples: Picture, real: Picture, *, value_range: float | None = None) -> float | None:
    """Spread of samples over spread of real images (sets of one dtype and image shape).

    Near 1 they are as varied as the real images, near 0 collapsed; None where the real images are all the same.

    Raises:
        ValueError: fewer than two images in either set.
    """
    ours = pairwise_spread(samples, value_range=value_range)
    theirs = pairwise_spread(real, value_range=value_range)
    return ours / theirs if theirs > 1e-9 else None


def error_map(a: Picture, b: Picture, *, gain: float = 1.0, value_range: float | None = None) -> npt.NDArray[np.uint8]:
    """|a - b| (mean of channels) as a heat map, uint8 (H, W, 3): dark is equal, light yellow far off.

    An error of 1 / `gain` of the value range, or more, gets the lightest colour.
    """
    x, y, peak = _pair(a, b, value_range)
    error = np.abs(x - y).mean(axis=2) / peak * gain
    picture: npt.NDArray[np.uint8] = heat_colours()[np.rint(np.clip(error, 0, 1) * 255).astype(np.intp)]
    return picture


@cache
def heat_colours() -> npt.NDArray[np.uint8]:
    """The 256 heat colours (256, 3), uint8 sRGB, from near black through magenta to light yellow.

    Made in OKLab (Ottosson 2020): lightness rises linearly, hue turns from violet to yellow, and chroma is
    lowered where sRGB cannot show it. The array is read-only.
    """
    step = np.linspace(0, 1, 256)
    lightness = 0.08 + 0.87 * step
    hue = np.deg2rad(290 + 175 * step)
    wanted = 0.21 * np.sin(np.pi * (0.12 + 0.72 * step))
    low, high = np.zeros(256), wanted.copy()
    for _ in range(24):
        middle = (low + high) / 2
        linear = _oklab_to_linear(lightness, middle * np.cos(hue), middle * np.sin(hue))
        fits = np.all((linear >= 0) & (linear <= 1), axis=1)
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    linear = np.clip(_oklab_to_linear(lightness, low * np.cos(hue), low * np.sin(hue)), 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    colours: npt.NDArray[np.uint8] = np.rint(encoded * 255).astype(np.uint8)
    colours.flags.writeable = False
    return colours


def _oklab_to_linear(lightness: Doubles, a: Doubles, b: Doubles) -> Doubles:
    """Linear sRGB (N, 3), not clipped, of OKLab values (N,) each."""
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short
    return np.stack([red, green, blue], axis=1)


def _window_mean(x: Doubles) -> Doubles:
    """Gaussian-weighted means of all 11x11 windows inside (H, W, C)."""
    offsets = np.arange(_WINDOW) - _WINDOW // 2
    weights = np.exp(-(offsets**2) / (2 * _WINDOW_SIGMA**2))
    weights /= weights.sum()
    height, width = x.shape[0] - _WINDOW + 1, x.shape[1] - _WINDOW + 1
    down = sum((w * x[i : i + height] for i, w in enumerate(weights)), start=np.zeros((height, *x.shape[1:])))
    start = np.zeros((height, width, x.shape[2]))
    return sum((w * down[:, i : i + width] for i, w in enumerate(weights)), start=start)


def _pair(a: Picture, b: Picture, value_range: float | None) -> tuple[Doubles, Doubles, float]:
    """Both pictures as float64 (H, W, C), and the value range."""
    if a.shape != b.shape or a.ndim not in (2, 3):
        raise ValueError(f"pictures must have one shape, (H, W) or (H, W, C), got {a.shape} and {b.shape}")
    if a.dtype != b.dtype and np.uint8 in (a.dtype, b.dtype):
        raise ValueError(f"pictures must have one dtype, got {a.dtype} and {b.dtype}")
    peak = _range_of(a, value_range)
    shape = (*a.shape[:2], -1)
    return a.astype(np.float64).reshape(shape), b.astype(np.float64).reshape(shape), peak


def _range_of(images: Picture, value_range: float | None) -> float:
    if value_range is None:
        if images.dtype != np.uint8:
            raise ValueError("float pictures need value_range: 1.0 for [0, 1], 2.0 for [-1, 1]")
        return 255.0
    if not value_range > 0:
        raise ValueError(f"value_range must be positive, got {value_range}")
    return value_range
