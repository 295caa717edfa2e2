"""Scenes with faces at known places, made from the sample portraits."""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image, ImageFilter

import resources
from engine.api import Cut
from engine.photos.align import Aligned, align
from engine.photos.decode import read_photo
from engine.photos.landmarks import EYE_DISTANCE, MEAN
from engine.photos.similarity import UNIT_CORNERS, Similarity, fit

PORTRAITS = tuple(sorted(resources.path("samples").glob("*.webp")))


@cache
def portrait(index: int) -> np.ndarray:
    return read_photo(PORTRAITS[index]).rgb


@cache
def crop(index: int) -> np.ndarray:
    """An aligned face, (256, 256, 3)."""
    return align(portrait(index), Cut("face"), size=256).rgb


def plain(width: int, height: int) -> Image.Image:
    return Image.new("RGB", (width, height), (128, 140, 150))


def blurred(index: int, width: int, height: int) -> Image.Image:
    """The portrait's own colours without its features."""
    return Image.fromarray(crop(index)).resize((width, height)).filter(ImageFilter.GaussianBlur(90))


def placed(scene: Image.Image, index: int, left: int, top: int, side: int) -> Image.Image:
    face = Image.fromarray(crop(index)).resize((side, side), Image.Resampling.LANCZOS)
    scene.paste(face, (left, top))
    return scene


def no_face(width: int, height: int) -> np.ndarray:
    """Slow waves of colour."""
    down, across = np.mgrid[0:height, 0:width]
    waves = [np.sin(across / 37 + k) + np.cos(down / 53 - k) for k in range(3)]
    return np.stack([(w * 55 + 127).astype(np.uint8) for w in waves], -1)


def frame_of(found: Aligned) -> Similarity:
    """From the unit square to the photo."""
    corners = np.array([complex(x, y) for x, y in found.framing.corners])
    return fit(np.array(UNIT_CORNERS), corners)


def eyes_off(found: Similarity, true: Similarity) -> float:
    """How far the mean eyes of two framings are apart, as a share of the eye distance."""
    off = np.abs((found.turn * MEAN + found.shift) - (true.turn * MEAN + true.shift))[:2].mean()
    return float(off / (EYE_DISTANCE * true.side))


def turned(photo: np.ndarray, degrees: float) -> tuple[np.ndarray, Similarity]:
    """The photo turned about its middle in a plain scene, and the similarity from the photo into it."""
    height, width = photo.shape[:2]
    turn = complex(np.exp(1j * np.radians(degrees)))
    middle = complex(width, height) / 2
    there = Similarity(turn, middle - turn * middle)
    back = Similarity(1 / turn, -there.shift / turn)
    t, z = back.turn, back.shift
    coefficients = (t.real, -t.imag, z.real, t.imag, t.real, z.imag)
    picture = Image.fromarray(photo).transform(
        (width, height), Image.Transform.AFFINE, coefficients, Image.Resampling.BICUBIC, fillcolor=(128, 140, 150)
    )
    return np.asarray(picture), there
