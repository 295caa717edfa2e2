"""A photo is cut to the framing of the training faces, and says how."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from PIL import Image

from engine.api import Cut
from engine.errors import ImageError, UsageError
from engine.photos.align import MODES, Aligned, align
from engine.photos.faces import candidates, likely
from tests.quick import quick

from .people import PORTRAITS, blurred, crop, no_face, placed, plain, portrait


def box_of(found: Aligned) -> tuple[float, float, float]:
    """(left, top, side) of the upright square with the cut's middle and size."""
    corners = np.array(found.framing.corners)
    side = float(np.linalg.norm(corners[1] - corners[0]))
    left, top = corners.mean(0) - side / 2
    return float(left), float(top), side


@pytest.mark.parametrize("size", quick([32, 64, 128], 64))
@pytest.mark.parametrize("mode", MODES)
def test_the_result_is_a_square_of_the_size_asked_for(mode: str, size: int):
    found = align(portrait(0), Cut(mode), size=size)
    assert found.rgb.shape == (size, size, 3)
    assert found.rgb.dtype == np.uint8
    assert found.how == {"auto": "face", "none": "none", "face": "face", "centre": "centre"}[mode]
    assert found.note == ""


@pytest.mark.parametrize("index", quick(range(len(PORTRAITS)), 0, 5, 10, 15))
@pytest.mark.slow
def test_each_sample_portrait_is_framed(index: int):
    found = align(portrait(index))
    left, top, side = box_of(found)
    face = likely(candidates(portrait(index)))[0]
    assert found.how == "face"
    # The cascade's box errs by some percent; the points inside it decide.
    room = 0.06 * side
    assert left - room < face.x < face.x + face.size < left + side + room
    assert top - room < face.y < face.y + face.size < top + side + room
    assert 0.6 < face.size / side < 0.9


@pytest.mark.slow
def test_a_face_at_a_known_place_is_framed_there_again():
    """The crop of each portrait, at a random size and place in another scene, comes back as the same crop."""
    rng = np.random.default_rng(0)
    worst = []
    for index in range(len(PORTRAITS)):
        side = int(rng.integers(150, 420))
        width, height = (int(v) for v in rng.integers(side + 60, 900, 2))
        left, top = int(rng.integers(0, width - side)), int(rng.integers(0, height - side))
        scene = blurred(index, width, height) if index % 2 else plain(width, height)
        found = align(np.asarray(placed(scene, index, left, top, side)), Cut("face"))
        worst.append(max(abs(a - b) for a, b in zip(box_of(found), (left, top, side), strict=True)) / side)
    assert max(worst) < 0.12
    assert np.mean(worst) < 0.04


@pytest.mark.parametrize("factor", quick([0.5, 1.7, 3.0], 0.5))
@pytest.mark.slow
def test_the_picture_does_not_depend_on_the_photos_resolution(factor: float):
    side = round(512 * factor)
    for index in (1, 6, 11):
        other = np.asarray(Image.fromarray(portrait(index)).resize((side, side), Image.Resampling.LANCZOS))
        difference = np.abs(align(other, Cut("face")).rgb.astype(int) - align(portrait(index), Cut("face")).rgb)
        assert difference.mean() < 14


@pytest.mark.parametrize(("width", "height"), [(640, 480), (300, 700), (260, 260)])
def test_without_a_face_the_middle_is_used_and_said(width: int, height: int):
    picture = no_face(width, height)
    found = align(picture)
    side = min(width, height)
    assert found.how == "centre"
    assert "No face was found" in found.note
    assert found.note.endswith(".")
    assert box_of(found) == ((width - side) / 2, (height - side) / 2, side)
    np.testing.assert_array_equal(found.rgb, align(picture, Cut("centre")).rgb)
    assert align(picture, Cut("centre")).note == ""


def test_face_insists_on_one():
    with pytest.raises(ImageError, match="No face was found"):
        align(no_face(640, 480), Cut("face"))


@pytest.mark.slow
def test_of_two_people_the_larger_is_used_and_the_other_can_be_chosen():
    scene = np.asarray(placed(placed(plain(1000, 500), 3, 60, 120, 230), 9, 560, 80, 340))
    first, second = (align(scene, Cut(face=k)) for k in (0, 1))
    assert first.note == "2 faces were found; the largest is used."
    assert "number 2" in second.note
    assert (first.framing.face, second.framing.face) == (0, 1)
    with pytest.raises(UsageError, match="choose one from 1 to 2"):
        align(scene, Cut(face=7))
    np.testing.assert_allclose(box_of(first), (560, 80, 340), atol=0.12 * 340)
    np.testing.assert_allclose(box_of(second), (60, 120, 230), atol=0.12 * 230)


@pytest.mark.parametrize(("px", "size"), [(32, 64), (64, 64), (64, 32), (128, 64), (178, 128), (256, 64)])
@pytest.mark.slow
def test_a_small_aligned_crop_is_only_resized(px: int, size: int):
    for index in range(0, len(PORTRAITS), 3):
        small = Image.fromarray(crop(index)).resize((px, px), Image.Resampling.LANCZOS)
        found = align(np.asarray(small), size=size)
        assert found.how == "none"
        assert found.note == ""
        assert box_of(found) == (0, 0, px)
        wanted = np.asarray(small.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0))
        np.testing.assert_array_equal(found.rgb, wanted)


def test_a_small_photo_with_room_around_the_face_is_framed():
    scene = placed(plain(250, 250), 8, 60, 50, 130)
    found = align(np.asarray(scene))
    assert found.how == "face"
    np.testing.assert_allclose(box_of(found), (60, 50, 130), atol=0.12 * 130)


def test_what_lies_outside_repeats_the_edge():
    """A face in the corner of a bright scene: nothing of the frame is black."""
    face = likely(candidates(portrait(14)))[0]
    x, y = int(face.x), int(face.y)
    corner = portrait(14)[y : y + int(face.size * 1.3), x : x + int(face.size * 1.3)]
    scene = np.pad(corner, ((0, 300), (0, 300), (0, 0)), mode="edge")
    scene[:3] = scene[:, :3] = (250, 200, 150)
    found = align(scene, Cut("face"), size=128)
    assert box_of(found)[0] < -10
    assert box_of(found)[1] < -10
    np.testing.assert_allclose(found.rgb[:4, :4].astype(int), np.broadcast_to((250, 200, 150), (4, 4, 3)), atol=6)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (30000, 10), (3, 5000), (2, 1)])
@pytest.mark.parametrize("mode", ["auto", "none", "centre"])
def test_extreme_shapes(width: int, height: int, mode: str):
    picture = np.full((height, width, 3), (9, 99, 199), np.uint8)
    assert (align(picture, Cut(mode), size=32).rgb == (9, 99, 199)).all()


@pytest.mark.parametrize(("width", "height"), [(300, 120), (121, 300)])
def test_the_middle_square_is_cut_exactly(width: int, height: int):
    picture = no_face(width, height)
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    exact = align(picture, Cut("none"), size=side).rgb
    shift = np.abs(exact.astype(int) - picture[top : top + side, left : left + side])
    assert shift.max() <= (0 if (width - side) % 2 == (height - side) % 2 == 0 else 4)


def test_a_square_of_the_right_size_stays_as_it_is():
    np.testing.assert_array_equal(align(crop(2), Cut("none"), size=256).rgb, crop(2))


@pytest.mark.slow
def test_the_photo_is_neither_changed_nor_copied_whole():
    photo = np.asarray(Image.fromarray(portrait(14)).resize((3000, 3000)))
    before = photo.copy()
    tracemalloc.start()
    found = align(photo)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.how == "face"
    # The frame is larger than the face, so at most about the photo itself, and never it and a padded copy.
    assert peak < 2.5 * photo.nbytes
    np.testing.assert_array_equal(photo, before)


@pytest.mark.parametrize(("cut", "size"), [(Cut("middle"), 64), (Cut(), 0), (Cut(face=-1), 64)])
def test_impossible_wishes(cut: Cut, size: int):
    with pytest.raises(UsageError):
        align(portrait(0), cut, size=size)


@pytest.mark.slow
def test_the_same_photo_gives_the_same_result():
    first, second = align(portrait(5)), align(portrait(5))
    assert isinstance(first, Aligned)
    assert box_of(first) == box_of(second)
    np.testing.assert_array_equal(first.rgb, second.rgb)
