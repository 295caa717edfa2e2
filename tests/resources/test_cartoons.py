"""The data set in the box is complete, its labels fit its pictures, and both follow from the drawn parts."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

import resources

COUNT = 4000
MOST_BYTES = 8_000_000


@pytest.fixture(scope="module")
def archive() -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(resources.path("data/cartoons64.zip")) as opened:
        yield opened


def rows(archive: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read(name).decode())))


def picture(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with Image.open(io.BytesIO(archive.read(name))) as opened:
        assert opened.size == (64, 64)
        return np.asarray(opened.convert("RGB"))


def attributes(row: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in row.items() if name not in ("file", "identity")}


def test_archive_is_whole_and_small(archive: zipfile.ZipFile) -> None:
    assert resources.path("data/cartoons64.zip").stat().st_size <= MOST_BYTES
    assert archive.testzip() is None


def test_every_picture_has_one_row_in_both_tables(archive: zipfile.ZipFile) -> None:
    pictures = sorted(name for name in archive.namelist() if name.endswith(".webp"))
    assert len(pictures) == COUNT
    for table in ("labels.csv", "parts.csv"):
        assert sorted(row["file"] for row in rows(archive, table)) == pictures
    assert len({row["identity"] for row in rows(archive, "labels.csv")}) == COUNT


def test_no_two_faces_have_the_same_parts(archive: zipfile.ZipFile) -> None:
    table = rows(archive, "parts.csv")
    parts = [tuple(value for name, value in row.items() if name != "file") for row in table]
    assert len(set(parts)) == COUNT


def test_attributes_are_signs_and_common_enough_to_learn(archive: zipfile.ZipFile) -> None:
    labels = [attributes(row) for row in rows(archive, "labels.csv")]
    assert {value for row in labels for value in row.values()} == {"1", "-1"}
    for name in labels[0]:
        share = sum(row[name] == "1" for row in labels) / COUNT
        assert 0.04 <= share <= 0.6, name


def test_labels_follow_from_the_parts(archive: zipfile.ZipFile) -> None:
    tables = zip(rows(archive, "labels.csv"), rows(archive, "parts.csv"), strict=True)
    hair_colors = ("Black_Hair", "Brown_Hair", "Blond_Hair", "Red_Hair", "Gray_Hair", "Pink_Hair")
    for label, part in tables:
        on = {name for name, value in attributes(label).items() if value == "1"}
        assert ("Eyeglasses" in on) == bool(part["accessory"])
        assert ("Hat" in on) == bool(part["hat"]) == (not part["hair"])
        assert ("Beard" in on or "Mustache" in on) == bool(part["facial_hair"])
        assert len(on.intersection(hair_colors)) == bool(part["hair_color"])
        assert not {"Smiling", "Sad_Mouth"} <= on
        assert not {"Pale_Skin", "Dark_Skin"} <= on
        if "Sunglasses" in on:
            assert "Eyeglasses" in on
            assert not {"Eyes_Closed", "Surprised_Eyes"} & on


@pytest.mark.slow
def test_pictures_show_what_their_labels_say(archive: zipfile.ZipFile) -> None:
    labels = rows(archive, "labels.csv")[:600]
    pictures = np.stack([picture(archive, row["file"]) for row in labels]).astype(np.float32)

    def brightness(name: str, value: str, box: tuple[slice, slice]) -> float:
        chosen = [index for index, row in enumerate(labels) if row[name] == value]
        return float(pictures[chosen][:, box[0], box[1]].mean())

    cheeks = (slice(38, 44), slice(20, 44))
    eyes = (slice(31, 36), slice(21, 44))
    assert brightness("Dark_Skin", "1", cheeks) < brightness("Dark_Skin", "-1", cheeks) - 50
    assert brightness("Pale_Skin", "1", cheeks) > brightness("Pale_Skin", "-1", cheeks) + 30
    assert brightness("Sunglasses", "1", eyes) < brightness("Sunglasses", "-1", eyes) - 30
    # The block of one colour that a faulty part leaves has almost no spread.
    assert pictures.std(axis=(1, 2, 3)).min() > 15
    assert len({face.tobytes() for face in pictures}) == len(labels)
