"""Session files: what goes in comes out, and nothing hostile or broken does anything but say so."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.checkpoints import loom_file
from engine.checkpoints.loom_file import LoomFile, load_loom, save_loom
from engine.errors import CheckpointError

HEAD = {"format": loom_file.FORMAT, "version": 1}


@pytest.fixture
def content() -> LoomFile:
    rng = np.random.default_rng(0)
    arrays = {"a0": rng.standard_normal(12).astype(np.float32), "a1": rng.integers(0, 256, (4, 4, 3), np.uint8)}
    photos = (rng.integers(0, 256, (16, 16, 3), np.uint8), rng.integers(0, 256, (8, 8, 3), np.uint8))
    return LoomFile({"session": {"name": "Zoë"}}, arrays, photos, (b"a file", b"", bytes(range(256))))


@pytest.fixture
def file(tmp_path: Path, content: LoomFile) -> Path:
    path = tmp_path / "Arbeit å.loom"
    save_loom(path, content)
    return path


def zipped(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as out:
        for name, data in members.items():
            out.writestr(name, data)
    return path


def npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def test_comes_back_as_it_was(file: Path, content: LoomFile):
    back = load_loom(file)
    assert back.document["session"] == {"name": "Zoë"}
    assert set(back.arrays) == {"a0", "a1"}
    for name, array in content.arrays.items():
        np.testing.assert_array_equal(back.arrays[name], array)
        assert back.arrays[name].dtype == array.dtype
    for ours, theirs in zip(content.photos, back.photos, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert back.originals == content.originals


def test_one_of_before_files_were_kept_opens(tmp_path: Path):
    path = zipped(tmp_path / "x.loom", {"session.json": json.dumps({**HEAD, "session": {}}).encode()})
    assert load_loom(path).originals == ()


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(loom_file, "MAX_ORIGINAL_BYTES", 1000)
    path = zipped(tmp_path / "x.loom", {"session.json": json.dumps(HEAD).encode(), "originals/0": bytes(1001)})
    with pytest.raises(CheckpointError, match="originals/0 is too large"):
        load_loom(path)


def test_holds_json_arrays_and_pictures_alone(file: Path):
    with zipfile.ZipFile(file) as inside:
        files = [f"originals/{index}" for index in range(3)]
        pictures = ["photos/0.png", "photos/1.png"]
        assert sorted(inside.namelist()) == ["arrays.npz", *files, *pictures, "session.json"]
        json.loads(inside.read("session.json"))


@pytest.mark.parametrize(
    "name",
    [
        "../evil.txt",
        "/etc/passwd",
        "photos/../../x.png",
        "run.py",
        "originals/0.exe",
        "originals/../1",
        "photos/1.png.exe",
        "C:\\x",
    ],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str):
    path = zipped(tmp_path / "x.loom", {"session.json": json.dumps(HEAD).encode(), name: b"hello"})
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(CheckpointError, match="no session has"):
        load_loom(path)
    assert sorted(tmp_path.rglob("*")) == before


def test_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(loom_file, "MAX_BYTES", 2**20)
    bomb = zipped(tmp_path / "x.loom", {"session.json": json.dumps(HEAD).encode(), "arrays.npz": bytes(2**22)})
    assert bomb.stat().st_size < 2**14
    with pytest.raises(CheckpointError, match="unpacks to more"):
        load_loom(bomb)


def test_bomb_that_lies_about_its_size_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(loom_file, "MAX_DOCUMENT_BYTES", 1000)
    path = zipped(tmp_path / "x.loom", {"session.json": b" " * 5000})
    with pytest.raises(CheckpointError, match="too large"):
        load_loom(path)


def test_pickled_arrays_are_refused(tmp_path: Path):
    flag = tmp_path / "ran"

    class Payload:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {flag}",)

    array = np.empty(1, object)
    array[0] = Payload()
    buffer = io.BytesIO()
    np.savez(buffer, a0=array)
    path = zipped(tmp_path / "x.loom", {"session.json": json.dumps(HEAD).encode(), "arrays.npz": buffer.getvalue()})
    with pytest.raises(CheckpointError, match="damaged"):
        load_loom(path)
    assert not flag.exists()


@pytest.mark.parametrize(
    "array",
    [np.zeros(3, np.float64), np.array([1, 2]), np.array([np.nan], np.float32), np.zeros((1,) * 5, np.uint8)],
    ids=["float64", "int64", "not finite", "five axes"],
)
def test_other_arrays_are_refused(tmp_path: Path, array: np.ndarray):
    path = zipped(tmp_path / "x.loom", {"session.json": json.dumps(HEAD).encode(), "arrays.npz": npz(a0=array)})
    with pytest.raises(CheckpointError, match="damaged"):
        load_loom(path)


def test_array_that_promises_more_than_it_holds_is_refused(tmp_path: Path):
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {"descr": "<f4", "fortran_order": False, "shape": (10**9,)})
    inner = zipped(tmp_path / "inner", {"a0.npy": member.getvalue()})
    path = zipped(tmp_path / "x.loom", {"session.json": json.dumps(HEAD).encode(), "arrays.npz": inner.read_bytes()})
    with pytest.raises(CheckpointError, match="cut short"):
        load_loom(path)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"[1, 2]", "not a session"),
        (b'{"format": "something"}', "not a session"),
        (b"{", "damaged"),
        (b"[" * 100_000, "damaged"),
        (json.dumps({**HEAD, "version": 99}).encode(), "newer"),
    ],
)
def test_other_documents_are_refused(tmp_path: Path, document: bytes, words: str):
    with pytest.raises(CheckpointError, match=words):
        load_loom(zipped(tmp_path / "x.loom", {"session.json": document}))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"not a zip at all" * 100])
def test_no_zip_is_refused(tmp_path: Path, data: bytes):
    path = tmp_path / "x.loom"
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="only a part of one"):
        load_loom(path)


def test_half_written_session_is_refused_wherever_it_ends(file: Path):
    data = file.read_bytes()
    for share in (0.1, 0.5, 0.9, 0.999):
        file.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(CheckpointError):
            load_loom(file)


@settings(max_examples=60, deadline=None)
@given(place=st.floats(0, 1), value=st.integers(0, 255), cut=st.booleans())
def test_flipped_bytes_never_crash(tmp_path_factory: pytest.TempPathFactory, place: float, value: int, cut: bool):
    path = tmp_path_factory.mktemp("loom") / "x.loom"
    save_loom(path, LoomFile({"session": {}}, {"a0": np.ones(5, np.float32)}, (np.zeros((4, 4, 3), np.uint8),)))
    data = bytearray(path.read_bytes())
    at = min(int(place * len(data)), len(data) - 1)
    data[at] = value
    path.write_bytes(data[:at] if cut else data)
    with suppress(CheckpointError):  # Anything else fails the test.
        assert isinstance(load_loom(path), LoomFile)


def test_full_disk_leaves_the_old_session(file: Path, content: LoomFile, monkeypatch: pytest.MonkeyPatch):
    before = file.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CheckpointError, match="No space left"):
        save_loom(file, content)
    assert file.read_bytes() == before
    assert [p.name for p in file.parent.iterdir()] == [file.name]


def test_photos_beside_a_session_are_written_once_and_guarded(tmp_path: Path) -> None:
    data, session = b"a photo", tmp_path / f"own{loom_file.SUFFIX}"
    digest = hashlib.sha256(data).hexdigest()
    photo = tmp_path / loom_file.BESIDE / digest
    content = loom_file.LoomFile({}, originals=(data, data))
    for _ in range(2):
        loom_file.save_loom(session, content, beside=True)
        assert loom_file.load_loom(session).originals == (data, data)
    assert [file.name for file in photo.parent.iterdir()] == [digest]
    loom_file.save_loom(tmp_path / "hand.loom", content)
    moved = tmp_path / "elsewhere" / session.name
    moved.parent.mkdir()
    shutil.copy(session, moved)
    with pytest.raises(CheckpointError, match="lacks a photo of the folder photos beside it"):
        loom_file.load_loom(moved)
    photo.write_bytes(b"another")
    with pytest.raises(CheckpointError, match="another one than was kept"):
        loom_file.load_loom(session)
    assert loom_file.load_loom(tmp_path / "hand.loom").originals == (data, data)


def test_photos_that_no_session_names_are_forgotten(tmp_path: Path) -> None:
    session = tmp_path / f"own{loom_file.SUFFIX}"
    for data in (b"old", b"new"):
        loom_file.save_loom(session, loom_file.LoomFile({}, originals=(data,)), beside=True)
    folder = tmp_path / loom_file.BESIDE
    loom_file.forget_photos(tmp_path, older_s=100.0)
    assert len(list(folder.iterdir())) == 2, "another window may be about to name it"
    (tmp_path / "broken.loom").write_bytes(b"no zip")
    loom_file.forget_photos(tmp_path, older_s=-1.0)
    assert len(list(folder.iterdir())) == 2, "what it names is not known"
    (tmp_path / "broken.loom").unlink()
    loom_file.forget_photos(tmp_path, older_s=-1.0)
    assert [file.read_bytes() for file in folder.iterdir()] == [b"new"]
