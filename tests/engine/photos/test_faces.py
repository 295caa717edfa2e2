"""Faces are found where they are, the largest first, whatever the size of the photo."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from engine.photos.faces import candidates, likely
from tests.quick import quick

from .people import PORTRAITS, blurred, no_face, placed, plain, portrait


def find_faces(rgb: np.ndarray) -> tuple:
    """What the cascade alone takes for upright faces."""
    return likely(candidates(rgb))


@pytest.mark.parametrize("index", quick(range(len(PORTRAITS)), 0, 5, 10, 15))
def test_each_sample_portrait_has_one_face(index: int):
    faces = find_faces(portrait(index))
    assert len(faces) == 1
    face = faces[0]
    # A portrait's head: around the middle, in the upper half, a third to two thirds of the width.
    assert 0.3 < face.size / 512 < 0.65
    assert abs(face.x + face.size / 2 - 256) < 60
    assert 150 < face.y + face.size / 2 < 280


@pytest.mark.parametrize("factor", quick([0.25, 0.5, 2.0, 4.0], 0.5))
@pytest.mark.slow
def test_the_box_is_in_the_photos_own_pixels(factor: float):
    for index in (0, 7, 13):
        base = find_faces(portrait(index))[0]
        side = round(512 * factor)
        resized = np.asarray(Image.fromarray(portrait(index)).resize((side, side), Image.Resampling.LANCZOS))
        face = find_faces(resized)[0]
        for here, there in ((face.x, base.x), (face.y, base.y), (face.size, base.size)):
            assert abs(here / factor - there) < 0.12 * base.size


def test_two_people_come_largest_first():
    scene = placed(placed(plain(1000, 500), 3, 60, 120, 230), 9, 560, 80, 340)
    small, large = sorted(find_faces(np.asarray(scene)), key=lambda face: face.size)
    assert large == find_faces(np.asarray(scene))[0]
    assert large.x > 560 > small.x + small.size


@pytest.mark.parametrize("shape", [(1, 1), (1, 30000), (10, 30000), (30000, 10), (23, 23), (24, 24), (480, 640)])
def test_pictures_without_a_face_have_none(shape: tuple[int, int]):
    assert find_faces(no_face(shape[1], shape[0])) == ()


@pytest.mark.slow
def test_four_threads_find_what_one_finds():
    scenes = [portrait(i) for i in range(4)] + [np.asarray(placed(blurred(4, 700, 600), 4, 150, 90, 300))]
    alone = [find_faces(scene) for scene in scenes]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(find_faces, scenes * 2)) == alone * 2


@pytest.mark.slow
def test_a_large_photo_takes_no_longer_than_a_small_one():
    large = np.asarray(Image.fromarray(portrait(0)).resize((4000, 4000)))
    find_faces(large)
    started = time.perf_counter()
    find_faces(large)
    assert time.perf_counter() - started < 0.5
