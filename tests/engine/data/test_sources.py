"""The same pictures in any wrapping give the same data set; what is broken is skipped, listed or refused in words."""

from __future__ import annotations

import gzip
import io
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.data import Split, open_dataset
from engine.data.dataset import cache_folder
from engine.errors import Cancelled, DataError
from engine.progress import Progress
from tests.contract.tiny import picture

N = 12


@pytest.fixture
def pictures() -> np.ndarray:
    return np.stack([picture(i) for i in range(N)])


def png(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG")
    return buffer.getvalue()


def write_folder(path: Path, pictures: np.ndarray) -> Path:
    path.mkdir(parents=True)
    for i, array in enumerate(pictures):
        (path / f"{i:03d}.png").write_bytes(png(array))
    return path


def write_zip(path: Path, pictures: np.ndarray) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for i, array in enumerate(pictures):
            archive.writestr(f"faces/{i:03d}.png", png(array))
    return path


def write_npz(path: Path, pictures: np.ndarray) -> Path:
    np.savez_compressed(path, images=pictures)
    return path


def write_npz_channels_first(path: Path, pictures: np.ndarray) -> Path:
    np.savez(path, labels=np.arange(len(pictures)), pictures=pictures.transpose(0, 3, 1, 2))
    return path


def write_idx(path: Path, grey: np.ndarray) -> Path:
    data = b"\x00\x00\x08\x03" + struct.pack(">III", *grey.shape) + grey.tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


COLOUR = {"a.zip": write_zip, "folder": write_folder, "b.npz": write_npz, "c.npz": write_npz_channels_first}


@pytest.mark.parametrize("name", list(COLOUR))
def test_every_wrapping_gives_the_same_pictures(name, tmp_path, pictures):
    data = open_dataset(COLOUR[name](tmp_path / name, pictures), size=32)
    np.testing.assert_array_equal(data.images, pictures)
    assert data.image_shape == (3, 32, 32)
    assert data.skipped == ()
    assert len(data.names) == N == len(set(data.names))
    assert sum(len(data.indices(split)) for split in Split) == N


@pytest.mark.parametrize("name", ["d-idx3-ubyte", "d-idx3-ubyte.gz", "folder", "e.zip", "f.npz"])
def test_grey_pictures_are_the_same_in_every_wrapping(name, tmp_path, pictures):
    grey = np.ascontiguousarray(pictures[..., 1])
    writer = write_idx if "idx" in name else {"folder": write_folder, "e.zip": write_zip, "f.npz": write_npz}[name]
    data = open_dataset(writer(tmp_path / name, grey), size=32, channels=1)
    np.testing.assert_array_equal(data.images[..., 0], grey)
    colour = open_dataset(tmp_path / name, size=32, channels=3)
    np.testing.assert_array_equal(colour.images, np.repeat(grey[..., None], 3, 3))


def test_other_sizes_are_cut_to_the_middle_square_and_scaled(tmp_path):
    wide = np.zeros((64, 128, 3), np.uint8)
    wide[:, 32:96] = (200, 100, 50)
    data = open_dataset(write_folder(tmp_path / "wide", wide[None]), size=32)
    # The filter reaches a pixel or two beyond the cut.
    assert (np.abs(data.images[0].astype(int) - (200, 100, 50)) <= (12, 6, 4)).all()
    assert (np.abs(data.images[0, :, 3:-3].astype(int) - (200, 100, 50)) <= 2).all()
    small = open_dataset(write_folder(tmp_path / "small", np.full((1, 9, 9, 3), 77, np.uint8)), size=64)
    assert (small.images == 77).all()


def test_what_cannot_be_read_is_skipped_and_listed(tmp_path, pictures):
    folder = write_folder(tmp_path / "mixed", pictures)
    (folder / "000a.png").write_bytes(b"not a picture at all")
    (folder / "005a.jpg").write_bytes((folder / "003.png").read_bytes()[:60])
    (folder / "empty.webp").write_bytes(b"")
    (folder / "notes.txt").write_text("no picture, and none of ours")
    (folder / ".hidden.png").write_bytes(b"")
    data = open_dataset(folder, size=32)
    assert sorted(data.skipped) == ["000a.png", "005a.jpg", "empty.webp"]
    np.testing.assert_array_equal(data.images, pictures)
    assert data.names == tuple(f"{i:03d}.png" for i in range(N))


def test_a_damaged_member_of_a_zip_is_skipped_and_listed(tmp_path, pictures):
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for i, array in enumerate(pictures):
            archive.writestr(f"{i:03d}.png", png(array))
    with zipfile.ZipFile(path) as archive:
        place = archive.getinfo("004.png").header_offset + 60
    data = bytearray(path.read_bytes())
    data[place : place + 400] = bytes(400)
    path.write_bytes(data)
    found = open_dataset(path, size=32)
    assert found.skipped == ("004.png",)
    assert len(found.images) == N - 1


def test_unicode_names_and_folders_are_kept(tmp_path, pictures):
    folder = tmp_path / "Fotos 写真 🙂"
    folder.mkdir()
    names = ["脸.png", "é.png", "e\u0301.png", "-dash.png", "with space.png"]
    for name, array in zip(names, pictures, strict=False):
        (folder / name).write_bytes(png(array))
    data = open_dataset(folder, size=32)
    assert sorted(data.names) == sorted(names)
    with zipfile.ZipFile(tmp_path / "目.zip", "w") as archive:
        for name, array in zip(names, pictures, strict=False):
            archive.writestr(name, png(array))
    assert sorted(open_dataset(tmp_path / "目.zip", size=32).names) == sorted(names)


def test_one_picture_is_a_data_set(tmp_path, pictures):
    assert len(open_dataset(write_folder(tmp_path / "one", pictures[:1]), size=32).images) == 1


def empty_folder(path: Path) -> None:
    path.mkdir()


def only_text(path: Path) -> None:
    path.mkdir()
    (path / "a.txt").write_text("x")


def only_broken(path: Path) -> None:
    path.mkdir()
    (path / "a.png").write_bytes(b"x")


def object_array(path: Path) -> None:
    np.savez(path, images=np.array([Canary(path.parent / "canary"), None], dtype=object))


class Canary:
    """Writes a file if anybody unpickles it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def huge_claim(path: Path) -> None:
    """An .npy of few bytes that says it holds a trillion pictures."""
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000, 64, 64, 3), }"
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"few")


def lying_directory(path: Path) -> None:
    """A zip whose directory says that a member unpacks to 4 GB."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", b"\x93NUMPY")
    data = path.read_bytes()
    at = data.rindex(b"PK\x01\x02") + 24
    path.write_bytes(data[:at] + struct.pack("<I", 0xFFFFFFF0) + data[at + 4 :])


def huge_idx(path: Path) -> None:
    path.write_bytes(b"\x00\x00\x08\x03" + struct.pack(">III", 2**31, 2**15, 2**15))


def short_idx(path: Path) -> None:
    path.write_bytes(b"\x00\x00\x08\x03" + struct.pack(">III", 10, 28, 28) + bytes(100))


def cut_gzip(path: Path) -> None:
    path.write_bytes(gzip.compress(b"\x00\x00\x08\x03" + struct.pack(">III", 10, 28, 28) + bytes(7840))[:40])


def flipped_gzip(path: Path) -> None:
    data = bytearray(gzip.compress(np.random.default_rng(0).bytes(4000)))
    data[12:40] = bytes(28)
    path.write_bytes(data)


def encrypted(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("labels.csv", "file\n")
        archive.writestr("a.png", b"x")
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := data.find(mark, at + 1)) >= 0:
            data[at + offset] |= 1
    path.write_bytes(data)


REFUSED = {
    "nothing": lambda path: None,
    "empty": empty_folder,
    "text": only_text,
    "broken": only_broken,
    "binary.bin": lambda path: path.write_bytes(bytes(range(256)) * 9),
    "zero.zip": lambda path: path.write_bytes(b""),
    "picture.png": lambda path: path.write_bytes(png(picture(0))),
    "pickle.npz": object_array,
    "cut.zip": lambda path: path.write_bytes(b"PK\x03\x04" + bytes(30)),
    "floats.npz": lambda path: np.savez(path, images=np.zeros((4, 8, 8, 3))),
    "shape.npz": lambda path: np.savez(path, images=np.zeros((4, 8, 8, 7), np.uint8)),
    "flat.npz": lambda path: np.savez(path, images=np.zeros((4, 0, 8, 3), np.uint8)),
    "none.npz": lambda path: np.savez(path, images=np.zeros((0, 8, 8, 3), np.uint8)),
    "claim.npz": huge_claim,
    "lie.npz": lying_directory,
    "huge-idx": huge_idx,
    "short-idx": short_idx,
    "cut.gz": cut_gzip,
    "flipped.gz": flipped_gzip,
    "secret.zip": encrypted,
    "x" * 5000: lambda path: None,
}


@pytest.mark.parametrize("name", list(REFUSED), ids=lambda name: name[:20])
def test_what_is_no_data_set_is_refused_in_one_sentence(name, tmp_path):
    path = tmp_path / name
    REFUSED[name](path)
    with pytest.raises(DataError) as caught:
        open_dataset(path, size=32)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    assert not (tmp_path / "canary").exists()
    assert not list((cache_folder() / "data").glob("*"))


def test_names_that_climb_out_of_a_zip_write_nothing_outside(tmp_path, pictures):
    path = tmp_path / "in" / "climb.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../evil.png", png(pictures[0]))
        archive.writestr("/abs/evil.png", png(pictures[1]))
        archive.writestr("ok.png", png(pictures[2]))
    before = {p for p in tmp_path.rglob("*") if "own-" not in str(p)}
    data = open_dataset(path, size=32)
    assert len(data.images) == 3
    assert {p for p in tmp_path.rglob("*") if "own-" not in str(p)} == before
    assert not Path("/abs").exists()


def test_sizes_that_no_model_has_are_refused(tmp_path, pictures):
    folder = write_folder(tmp_path / "f", pictures)
    for size, channels in ((33, 3), (64, 2), (0, 3), (256, 3)):
        with pytest.raises(DataError, match="32, 64 or 128"):
            open_dataset(folder, size=size, channels=channels)


# --- the cache ------------------------------------------------------------------------------------------------------


def test_the_cache_is_used_again_and_knows_when_the_data_changed(tmp_path, pictures, monkeypatch):
    folder = write_folder(tmp_path / "f", pictures)
    first = open_dataset(folder, size=32)
    monkeypatch.setattr("engine.data.dataset.to_square", None)
    again = open_dataset(folder, size=32)
    assert again.fingerprint == first.fingerprint
    np.testing.assert_array_equal(again.images, first.images)
    assert isinstance(again.images, np.memmap)
    monkeypatch.undo()
    monkeypatch.setenv("LATENT_LOOM_CACHE", str(tmp_path / "own-cache"))
    (folder / "new.png").write_bytes(png(pictures[0]))
    changed = open_dataset(folder, size=32)
    assert changed.fingerprint != first.fingerprint
    assert len(changed.images) == N + 1
    assert open_dataset(folder, size=64).fingerprint != changed.fingerprint


DAMAGES = {
    "cut": lambda f: (f / "images.npy").write_bytes((f / "images.npy").read_bytes()[:500]),
    "gone": lambda f: (f / "images.npy").unlink(),
    "no json": lambda f: (f / "info.json").write_text("{"),
    "other names": lambda f: (f / "info.json").write_text('{"names": ["a"], "skipped": []}'),
    "no names": lambda f: (f / "info.json").write_text("{}"),
    "floats": lambda f: np.save(f / "images.npy", np.zeros((N, 32, 32, 3))),
    "objects": lambda f: np.save(f / "images.npy", np.array([{}] * N, dtype=object)),
}


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_a_damaged_cache_is_told_removed_and_made_again(damage, tmp_path, pictures):
    folder = write_folder(tmp_path / "f", pictures)
    open_dataset(folder, size=32)
    (cache,) = (cache_folder() / "data").iterdir()
    DAMAGES[damage](cache)
    with pytest.raises(DataError, match="has been removed: try again"):
        open_dataset(folder, size=32)
    assert not cache.exists()
    np.testing.assert_array_equal(open_dataset(folder, size=32).images, pictures)


def test_a_cancelled_build_leaves_nothing(tmp_path, pictures):
    folder = write_folder(tmp_path / "f", np.concatenate([pictures] * 6))
    seen = []

    def cancel() -> None:
        seen.append(1)
        if len(seen) == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        open_dataset(folder, size=32, progress=Progress(cancel))
    assert not list((cache_folder() / "data").iterdir())
    told = []
    open_dataset(folder, size=32, progress=Progress(tell=lambda step: told.append((step.done, step.total))))
    assert told == [(0, 72), (64, 72)]


def test_a_cache_that_has_no_room_is_refused_before_it_is_written(tmp_path, pictures, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=100))
    with pytest.raises(DataError, match="free some space"):
        open_dataset(write_folder(tmp_path / "f", pictures), size=32)
    assert not list((cache_folder() / "data").iterdir())


def test_a_cache_that_cannot_be_written_is_told(tmp_path, pictures, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("LATENT_LOOM_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match="LATENT_LOOM_CACHE"):
        open_dataset(write_folder(tmp_path / "f", pictures), size=32)


# --- labels ---------------------------------------------------------------------------------------------------------


def test_labels_are_read_by_name_and_what_is_predicted_is_not_trusted(tmp_path, pictures):
    folder = write_folder(tmp_path / "f", pictures)
    (folder / "labels.csv").write_text(
        "\ufefffile,identity,label_source,Smiling,Young,Comment\n"
        "000.png,7,celeba,1,-1,hello\n"
        "001.png,7,predicted,1,1,\n"
        "002.png,8,celeba,-1,0,\n"
        "003.png,9,celeba,+1,,\n"
        "not-there.png,9,celeba,1,1,\n",
        "utf-8",
    )
    data = open_dataset(folder, size=32)
    assert data.attributes == ("Smiling", "Young")
    expected = [[1, -1], [0, 0], [-1, -1], [1, 0], *[[0, 0]] * 8]
    np.testing.assert_array_equal(data.labels, expected)
    assert data.splits[0] == data.splits[1]


def test_no_person_is_in_two_splits(tmp_path):
    n = 800
    np.savez(tmp_path / "many.npz", images=np.zeros((n, 8, 8, 3), np.uint8))
    people = [f"person {i % 400}" for i in range(n)]
    labels = tmp_path / "mine.csv"
    labels.write_text("file,identity\n" + "".join(f"{i:06d},{p}\n" for i, p in enumerate(people)))
    data = open_dataset(tmp_path / "many.npz", size=32, labels=labels)
    for person in set(people):
        assert len({int(s) for s, p in zip(data.splits, people, strict=True) if p == person}) == 1
    counts = [len(data.indices(split)) / n for split in Split]
    assert counts == pytest.approx([0.9, 0.04, 0.06], abs=0.03)
    again = open_dataset(tmp_path / "many.npz", size=32, labels=labels)
    np.testing.assert_array_equal(again.splits, data.splits)


def test_labels_inside_a_zip_are_found(tmp_path, pictures):
    path = write_zip(tmp_path / "z.zip", pictures)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("faces/labels.csv", "file,Smiling\n" + "".join(f"{i:03d}.png,{i % 2}\n" for i in range(N)))
    data = open_dataset(path, size=32)
    assert data.attributes == ("Smiling",)
    np.testing.assert_array_equal(data.labels[:, 0], [-1, 1] * (N // 2))


BAD_LABELS = {"no column": b"colour,Smiling\na,1\n", "empty": b"", "binary": bytes(range(128, 256)), "gone": None}
BAD_LABELS["huge field"] = b"file,x\n" + b"a" * 200_000 + b",1\n"


@pytest.mark.parametrize("name", list(BAD_LABELS))
def test_labels_that_do_not_fit_are_told(name, tmp_path, pictures):
    labels = tmp_path / "labels of mine.csv"
    if BAD_LABELS[name] is not None:
        labels.write_bytes(BAD_LABELS[name])
    with pytest.raises(DataError, match="labels"):
        open_dataset(write_folder(tmp_path / "f", pictures), size=32, labels=labels)
