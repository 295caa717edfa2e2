"""The sample photos are real, square, shippable pictures."""

from __future__ import annotations

from PIL import Image

import resources


def test_sample_photos_open_and_say_where_they_are_from() -> None:
    photos = sorted(resources.path("samples").glob("*.webp"))
    assert 12 <= len(photos) <= 20
    for photo in photos:
        with Image.open(photo) as picture:
            picture.load()
            assert picture.format == "WEBP"
            assert min(picture.size) >= 512
    assert "CC0" in resources.path("samples/README.md").read_text("utf-8")
