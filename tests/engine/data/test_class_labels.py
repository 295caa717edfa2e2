"""Classes beside an idx file or in an npz become attributes, one a class; labels that do not fit are passed over."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from engine.data import open_dataset

N = 12
CLASSES = np.arange(N, dtype=np.uint8) % 3


@pytest.fixture
def grey() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (N, 32, 32)).astype(np.uint8)


def write_images(path: Path, grey: np.ndarray) -> Path:
    data = b"\x00\x00\x08\x03" + struct.pack(">III", *grey.shape) + grey.tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def write_labels(
    path: Path, classes: np.ndarray, *, count: int | None = None, magic: bytes = b"\x00\x00\x08\x01"
) -> None:
    data = magic + struct.pack(">I", len(classes) if count is None else count) + classes.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.mark.parametrize("images", ["train-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz", "own-images.idx3-ubyte"])
@pytest.mark.parametrize("packed", ["", ".gz"])
def test_classes_beside_an_idx_file_become_attributes(tmp_path: Path, grey: np.ndarray, images: str, packed: str):
    path = write_images(tmp_path / images, grey)
    name = images.removesuffix(".gz").replace("images", "labels").replace("idx3", "idx1")
    write_labels(tmp_path / (name + packed), CLASSES)
    data = open_dataset(path, size=32, channels=1)
    assert data.attributes == ("class 0", "class 1", "class 2")
    assert ((data.labels > 0).argmax(1) == CLASSES).all()
    assert (np.abs(data.labels) == 1).all()


def test_the_same_pictures_with_and_without_classes_share_a_cache(tmp_path: Path, grey: np.ndarray):
    path = write_images(tmp_path / "train-images-idx3-ubyte", grey)
    bare = open_dataset(path, size=32, channels=1)
    write_labels(tmp_path / "train-labels-idx1-ubyte", CLASSES)
    assert bare.attributes == ()
    assert open_dataset(path, size=32, channels=1).fingerprint == bare.fingerprint


def broken(path: Path, how: str) -> None:
    if how == "other count":
        write_labels(path, CLASSES[:-1])
    elif how == "cut":
        write_labels(path, CLASSES[:-2], count=N)
    elif how == "too long":
        write_labels(path, np.append(CLASSES, 1), count=N)
    elif how == "magic":
        write_labels(path, CLASSES, magic=b"\x00\x00\x08\x03")
    elif how == "one class":
        write_labels(path, np.zeros(N))
    elif how == "a class each":
        write_labels(path, np.arange(N))
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"\x1f\x8b" + b"broken gzip")


@pytest.mark.parametrize(
    "how", ["other count", "cut", "too long", "magic", "one class", "a class each", "empty", "folder", "gzip"]
)
def test_labels_that_do_not_fit_are_passed_over(tmp_path: Path, grey: np.ndarray, how: str):
    path = write_images(tmp_path / "train-images-idx3-ubyte", grey)
    broken(tmp_path / "train-labels-idx1-ubyte", how)
    data = open_dataset(path, size=32, channels=1)
    assert data.attributes == ()
    assert len(data.images) == N


def test_classes_in_an_npz(tmp_path: Path, grey: np.ndarray):
    np.savez(tmp_path / "set.npz", images=grey, labels=CLASSES.astype(np.int64) + 5)
    data = open_dataset(tmp_path / "set.npz", size=32, channels=1)
    assert data.attributes == ("class 5", "class 6", "class 7")
    np.savez(tmp_path / "other.npz", images=grey, labels=CLASSES[:-1])
    assert open_dataset(tmp_path / "other.npz", size=32, channels=1).attributes == ()
