"""Copies are found whatever was done to them; different pictures are not taken for copies."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from engine.data.duplicates import find_duplicates
from engine.errors import Cancelled
from engine.progress import Progress

SIZE = 32


def scenes(count: int, seed: int = 0, channels: int = 3) -> NDArray[np.uint8]:
    """Different soft pictures with detail everywhere."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 6, 6, 3), np.uint8)
    found = [np.asarray(Image.fromarray(c).resize((SIZE, SIZE), Image.Resampling.BICUBIC)) for c in coarse]
    return np.stack(found)[..., :channels].copy()


def recompressed(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def test_different_pictures_are_not_copies() -> None:
    assert find_duplicates(scenes(400)) == ()


@pytest.mark.parametrize("channels", [1, 3])
def test_equal_pictures_are_one_group(channels: int) -> None:
    images = scenes(50, channels=channels)
    images[7] = images[3]
    images[31] = images[3]
    images[40] = images[12]
    found = find_duplicates(images)
    assert [same.rows for same in found] == [(3, 7, 31), (12, 40)]
    assert all(same.exact for same in found)


@pytest.mark.parametrize("quality", [75, 95])
def test_a_recompressed_copy_is_found_and_called_near(quality: int) -> None:
    images = scenes(60)
    images[50] = recompressed(images[4], quality)
    (same,) = find_duplicates(images)
    assert same.rows == (4, 50)
    assert not same.exact


def test_brighter_by_a_little_is_a_copy_and_another_corner_is_none() -> None:
    images = scenes(30)
    images[10] = np.clip(images[2].astype(int) + 6, 0, 255)
    images[20] = images[5]
    images[20, :8, :8] = 255 - images[20, :8, :8]
    assert [same.rows for same in find_duplicates(images)] == [(2, 10)]


def test_other_colours_of_equal_brightness_are_no_copy() -> None:
    """Their hashes agree, for these see how bright a place is: the pixels decide."""
    images = scenes(30)
    images[20] = images[5][..., ::-1]
    assert find_duplicates(images) == ()


def test_flat_pictures_count_only_when_equal() -> None:
    images = np.stack([np.full((SIZE, SIZE, 3), value, np.uint8) for value in (10, 11, 10, 200)])
    assert [same.rows for same in find_duplicates(images)] == [(0, 2)]


@pytest.mark.slow
def test_many_flat_pictures_do_not_explode() -> None:
    images = np.zeros((3000, 8, 8, 1), np.uint8)
    images[:, 0, 0, 0] = np.arange(3000) % 251
    calls: list[int] = []
    find_duplicates(images, progress=Progress(tell=lambda step: calls.append(step.done)))
    assert calls == [0, 2048]


def test_it_can_be_cancelled() -> None:
    def cancel() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        find_duplicates(scenes(10), progress=Progress(cancel))
