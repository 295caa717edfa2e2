"""The steps under the picture: whose face a step is of."""

from __future__ import annotations

import numpy as np

from app.explore.history.steps_view import face_numbers
from app.explore.photos.state import NO_THUMB, PhotoItem
from engine.api import Cut


def test_numbers_are_of_photos_with_several_faces_alone() -> None:
    def item(key: str, **changes: object) -> PhotoItem:
        return PhotoItem(key, key, NO_THUMB, np.zeros((2, 2, 3), np.uint8), **changes)

    found = face_numbers(
        [
            item("alone", faces=1),
            item("group", faces=3),
            item("group#face 3", faces=3, base="group", cut=Cut(face=2)),
            item("group#eyes", faces=3, base="group", cut=Cut(points=((1.0, 1.0), (2.0, 1.0)))),
            item("unknown"),
        ]
    )
    assert found == {"group": 1, "group#face 3": 3}
