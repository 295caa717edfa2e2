"""Faces are framed by their landmarks, turned ones too; each of many can be chosen, and eyes can be clicked."""

from __future__ import annotations

import tracemalloc
from functools import cache

import numpy as np
import pytest
from PIL import Image

from engine.api import Cut
from engine.errors import UsageError
from engine.photos.align import Aligned, align
from tests.quick import quick

from .people import PORTRAITS, eyes_off, frame_of, portrait, turned


@cache
def upright_cut(index: int) -> Aligned:
    return align(portrait(index), Cut("face"))


@pytest.mark.parametrize("degrees", quick([-30, -25, -20, -15, -10, 10, 15, 20, 25, 30], -30, 15))
@pytest.mark.slow
def test_a_turned_portrait_gives_nearly_the_same_cut(degrees: float):
    """Three portraits for each angle, all of them over the angles."""
    for index in range(abs(degrees) // 5 % 5, len(PORTRAITS), 5):
        upright = upright_cut(index)
        scene, there = turned(portrait(index), degrees)
        found = align(scene, Cut("face"), size=64)
        assert found.note == ""
        assert eyes_off(frame_of(found), there.after(frame_of(upright))) < 0.04
        # The corners of the frame show the scene's plain colour, and the face itself shows the same.
        inside = np.abs(found.rgb[20:60, 16:48].astype(int) - upright.rgb[20:60, 16:48])
        assert inside.mean() < 6


@pytest.mark.slow
def test_a_mirrored_portrait_is_framed_as_in_a_mirror():
    for index in range(0, len(PORTRAITS), 3):
        upright = frame_of(upright_cut(index))
        other = frame_of(align(np.ascontiguousarray(portrait(index)[:, ::-1]), Cut("face")))
        # Back in the mirror, the right eye is the left one. The mean eyes are not quite symmetric.
        eyes = 512 - np.conj([other(0.635 + 0.521j), other(0.372 + 0.523j)])
        off = np.abs(eyes - [upright(0.372 + 0.523j), upright(0.635 + 0.521j)])
        assert off.mean() < 0.05 * 0.263 * upright.side


def test_the_framing_shows_the_whole_photo_and_its_faces():
    photo = np.asarray(Image.fromarray(portrait(4)).resize((1600, 1200)))
    framing = align(photo).framing
    assert framing.how == "face"
    assert framing.overview is not None
    assert framing.overview.shape == (480, 640, 3)
    assert framing.scale == pytest.approx(0.4)
    (box,) = framing.faces
    assert 0 < box.x < box.x + box.size < 1600


@pytest.mark.parametrize("mode", ["none", "centre"])
def test_without_looking_there_are_no_faces(mode: str):
    framing = align(portrait(2), Cut(mode)).framing
    assert (framing.how, framing.faces, framing.face) == (mode, (), -1)


def eyes_of(index: int) -> list[tuple[float, float]]:
    """Eyes and middle of the mouth as the framing has them."""
    frame = frame_of(upright_cut(index))
    points = [frame(complex(*z)) for z in ((0.372, 0.523), (0.635, 0.521), (0.503, 0.7995))]
    return [(z.real, z.imag) for z in points]


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.slow
def test_clicked_points_frame_the_face_whichever_eye_comes_first(count: int):
    for index in (0, 5, 10):
        points, automatic = eyes_of(index)[:count], upright_cut(index)
        found = align(portrait(index), Cut(points=tuple(points)))
        assert found.how == found.framing.how == "points"
        assert (found.note, found.framing.face, len(found.framing.faces)) == ("", -1, 1)
        assert eyes_off(frame_of(found), frame_of(automatic)) < 1e-3
        swapped = align(portrait(index), Cut(points=(points[1], points[0], *points[2:])))
        assert swapped.framing.corners == found.framing.corners
        np.testing.assert_array_equal(swapped.rgb, found.rgb)


def test_three_points_understand_a_face_on_its_head():
    points = eyes_of(3)
    over = np.ascontiguousarray(portrait(3)[::-1, ::-1])
    found = align(over, Cut("none", points=tuple((512 - x, 512 - y) for x, y in points)))
    wanted = align(portrait(3), Cut("none", points=tuple(points)))
    assert np.abs(found.rgb.astype(int) - wanted.rgb).max() <= 8


@pytest.mark.parametrize(
    ("points", "says"),
    [
        ([(10, 10)], "2 or 3"),
        ([(10, 10)] * 4, "2 or 3"),
        ([(10, 10), (10, 10)], "same place"),
        ([(10, 10), (11, 10)], "same place"),
        ([(10, 10), (60, 10), (35, 10)], "line of the eyes"),
        ([(10, 10), (60, 10), (10, 10)], "line of the eyes"),
        ([(10, float("nan")), (60, 10)], "finite"),
        ([(10, 10), (float("inf"), 10)], "finite"),
        ([(-5, 10), (60, 10)], "inside the photo"),
        ([(10, 10), (60, 1e300)], "inside the photo"),
    ],
)
def test_points_that_no_face_has(points: list[tuple[float, float]], says: str):
    with pytest.raises(UsageError, match=says) as caught:
        align(portrait(0), Cut(points=tuple(points)))
    assert str(caught.value).endswith(".")


def test_eyes_far_apart_in_a_long_photo_cost_no_padded_copy():
    photo = np.full((40, 20_000, 3), 77, np.uint8)
    tracemalloc.start()
    found = align(photo, Cut("none", points=((1, 20), (19_999, 20))))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found.rgb == 77).all()
    assert peak < 40 * photo.nbytes


@pytest.mark.slow
def test_sixteen_people_are_all_found_and_can_be_chosen():
    rows = [np.concatenate([portrait(4 * row + column) for column in range(4)], 1) for row in range(4)]
    crowd = np.concatenate(rows)
    faces = align(crowd).framing.faces
    assert len(faces) == len(PORTRAITS)
    assert [face.size for face in faces] == sorted((face.size for face in faces), reverse=True)
    met = set()
    for number in (0, 7, 15):
        found = align(crowd, Cut(face=number))
        middle = frame_of(found)(0.5 + 0.6j)
        column, row = int(middle.real // 512), int(middle.imag // 512)
        met.add((row, column))
        alone = upright_cut(4 * row + column)
        there = frame_of(alone)
        moved = type(there)(there.turn, there.shift + complex(512 * column, 512 * row))
        assert eyes_off(frame_of(found), moved) < 0.06
    assert len(met) == 3


@pytest.mark.slow
def test_one_covered_eye_leaves_the_framing_where_it_was():
    for index in (1, 6, 12):
        upright = upright_cut(index)
        (x, y), side = eyes_of(index)[0], int(0.16 * frame_of(upright).side)
        covered = portrait(index).copy()
        covered[int(y) - side // 2 : int(y) + side // 2, int(x) - side // 2 : int(x) + side // 2] = (30, 30, 35)
        found = align(covered, Cut("face"))
        assert eyes_off(frame_of(found), frame_of(upright)) < 0.12
