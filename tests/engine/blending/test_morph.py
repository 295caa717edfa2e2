"""A morph of photos begins and ends with them and keeps their sharpness between."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from engine.api import Pictures
from engine.blending import BACKGROUNDS, Canvas, Corner, corner_of, drawn_canvas, morphed, pad_shares, prepare, shares
from engine.errors import UsageError
from engine.photos.align import align
from engine.photos.similarity import cut_out

from .test_blend import portrait

SIDE = 256


def made(index: int) -> tuple[Canvas, Corner]:
    rgb = portrait(index)
    found = align(rgb, size=64)
    canvas = prepare(rgb, found.framing, found.rgb)
    return canvas, corner_of(canvas, SIDE)


def mixed(pair: list[tuple[Canvas, Corner]], share: float, background: str = "faded") -> Pictures:
    """On the way between two photos, for a model whose code is the picture."""
    (one, first), (two, last) = pair
    decoded = np.clip((1 - share) * one.base.astype(float) + share * two.base, 0, 255).astype(np.uint8)
    return morphed([first, last], decoded, (1 - share, share), background=background)


def sharpness(picture: Pictures) -> float:
    middle = picture[SIDE // 2 : SIDE * 9 // 10, SIDE // 4 : SIDE * 3 // 4]
    return float(cv2.Laplacian(cv2.cvtColor(middle, cv2.COLOR_RGB2GRAY), cv2.CV_32F).std())


@pytest.fixture(scope="module")
def pair() -> list[tuple[Canvas, Corner]]:
    return [made(0), made(5)]


def test_a_morph_begins_and_ends_with_the_photos(pair: list[tuple[Canvas, Corner]]):
    for share, (canvas, corner) in zip((0.0, 1.0), pair, strict=True):
        picture = mixed(pair, share)
        photo = cut_out(canvas.picture, canvas.face.frame, SIDE)
        assert picture.shape == (SIDE, SIDE, 3)
        # Beyond the photo's edge there is nothing to be like.
        same = np.abs(corner.photo.astype(int) - photo).max(-1) < 1
        assert same.mean() > 0.8
        assert np.abs(picture.astype(int) - photo)[same].max() <= 1


def test_half_way_it_is_as_sharp_as_a_photo(pair: list[tuple[Canvas, Corner]]):
    """A model's picture, enlarged, is not."""
    photos = min(sharpness(mixed(pair, share)) for share in (0.0, 1.0))
    half = mixed(pair, 0.5)
    plain = np.asarray(cv2.resize((pair[0][0].base // 2 + pair[1][0].base // 2), (SIDE, SIDE)), np.uint8)
    assert sharpness(half) > 0.5 * photos
    assert sharpness(half) > 1.5 * sharpness(plain)


def test_the_background_is_that_of_the_photo_that_was_chosen(pair: list[tuple[Canvas, Corner]]):
    corner = np.s_[4:30, 4:20]
    wanted = {"first": pair[0][1].behind[corner].astype(float), "last": pair[1][1].behind[corner].astype(float)}
    wanted["faded"] = (wanted["first"] + wanted["last"]) / 2
    pictures = {background: mixed(pair, 0.5, background)[corner].astype(float) for background in BACKGROUNDS}
    for background, picture in pictures.items():
        apart = {name: np.abs(picture - one).mean() for name, one in wanted.items()}
        assert min(apart, key=apart.__getitem__) == background


def test_four_photos_and_a_share_of_each():
    corners = [made(index) for index in (1, 2, 3, 4)]
    decoded = np.mean([canvas.base for canvas, _ in corners], 0).astype(np.uint8)
    picture = morphed([corner for _, corner in corners], decoded, (0.25,) * 4)
    assert picture.shape == (SIDE, SIDE, 3)
    twice = morphed([corner for _, corner in corners], decoded, (2, 2, 2, 2))
    assert np.array_equal(picture, twice)


def test_shares_of_the_way():
    assert shares(0.0, 3) == (1, 0, 0)
    assert shares(0.25, 3) == (0.5, 0.5, 0)
    assert shares(1.0, 3) == (0, 0, 1)
    assert shares(1.0, 2, loop=True) == (1, 0)
    assert shares(0.75, 2, loop=True) == (0.5, 0.5)


def test_shares_of_a_place_on_the_pad():
    assert pad_shares(0.0, 0.0, 4) == (1, 0, 0, 0)
    assert pad_shares(0.25, 1.0, 4) == (0, 0, 0.75, 0.25)
    assert pad_shares(0.25, 1.0, 3) == (0, 0, 1)
    assert pad_shares(0.25, 0.5, 2) == (0.75, 0.25)


def test_a_picture_of_the_model_is_a_corner_as_soft_as_it_is(pair: list[tuple[Canvas, Corner]]):
    drawn = pair[1][0].base
    corners = [pair[0][1], corner_of(drawn_canvas(drawn), SIDE)]
    end = morphed(corners, drawn, (0, 1))
    large = np.asarray(cv2.resize(drawn, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC))
    assert np.abs(end.astype(int) - large).mean() < 2
    assert sharpness(end) < 0.7 * sharpness(morphed(corners, pair[0][0].base, (1, 0)))


def test_a_frame_is_the_same_in_bands_of_any_height(pair: list[tuple[Canvas, Corner]], monkeypatch: pytest.MonkeyPatch):
    whole = mixed(pair, 0.4)
    monkeypatch.setattr("engine.blending.morph.BAND_PIXELS", 40 * SIDE)
    again = [(canvas, corner_of(canvas, SIDE)) for canvas, _ in pair]
    # Half a thirty-second of a cell, of what is enlarged.
    assert np.abs(mixed(again, 0.4).astype(int) - whole).max() <= 2


def test_what_cannot_be_asked_for(pair: list[tuple[Canvas, Corner]]):
    decoded, both = pair[0][0].base, [corner for _, corner in pair]
    with pytest.raises(UsageError, match="no background called 'sea'"):
        morphed(both, decoded, (1, 0), background="sea")
    for wrong in ((1.0,), (0.0, 0.0), (-1.0, 2.0)):
        with pytest.raises(UsageError, match="a share of each"):
            morphed(both, decoded, wrong)
    with pytest.raises(UsageError, match="16 to 4096"):
        corner_of(pair[0][0], 8)
