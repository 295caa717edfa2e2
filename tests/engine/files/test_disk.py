"""Files appear whole or not at all, and reading one never waits, never floods the memory and always says why."""

import json
import os
import threading
import tracemalloc
from pathlib import Path

import pytest

from engine.files import disk
from engine.files.disk import (
    MALFORMED,
    TooLarge,
    publish_folder,
    read_bytes,
    read_json,
    read_text,
    reason,
    replacing,
    size_words,
    sweep,
    write_bytes,
    write_json,
)


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "note.json"
    path.write_text("old")
    return path


def left_over(folder):
    return [file.name for file in folder.iterdir() if file.name.startswith(".")]


@pytest.mark.parametrize("act", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(old, act, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk.os, act, full)
    with pytest.raises(OSError, match="No space left"):
        write_bytes(old, b"new")
    assert old.read_text() == "old"
    assert left_over(old.parent) == []


@pytest.mark.parametrize("writer", [replacing, publish_folder])
@pytest.mark.parametrize("place", [".", "/"])
def test_a_place_without_a_name_is_an_error_of_the_disk(place, writer):
    with pytest.raises(IsADirectoryError), writer(Path(place)):
        pass


def test_whoever_reads_meanwhile_sees_the_old_file(old):
    with replacing(old) as temporary:
        temporary.write_text("half of the")
        assert old.read_text() == "old"
        temporary.write_text("new")
    assert old.read_text() == "new"
    assert left_over(old.parent) == []


def test_readers_beside_a_writer_see_only_whole_files(tmp_path):
    path = tmp_path / "big"
    write_bytes(path, b"0" * 200_000)
    seen, done = set(), threading.Event()

    def read():
        while not done.is_set():
            data = path.read_bytes()
            seen.add((len(data), len(set(data))))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for digit in range(20):
            write_bytes(path, str(digit % 10).encode() * 200_000, sync=False)
    finally:
        done.set()
        thread.join()
    assert seen == {(200_000, 1)}


def test_an_error_in_the_block_keeps_what_was_there(old):
    def write() -> None:
        with replacing(old) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write()
    assert old.read_text() == "old"
    assert left_over(old.parent) == []


def test_a_folder_appears_whole_and_takes_the_place_of_an_older_one(tmp_path):
    folder = tmp_path / "step_1"
    folder.mkdir()
    (folder / "of before").write_text("x")
    with publish_folder(folder) as work:
        (work / "a").write_text("1")
        assert [file.name for file in folder.iterdir()] == ["of before"]
    assert [file.name for file in folder.iterdir()] == ["a"]

    def publish() -> None:
        with publish_folder(folder) as work:
            (work / "b").write_text("2")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        publish()
    assert [file.name for file in folder.iterdir()] == ["a"]
    assert left_over(tmp_path) == []


def test_what_a_killed_writer_left_is_swept(tmp_path):
    (tmp_path / ".a.json.1234.tmp").write_text("half")
    (tmp_path / ".step_1.1234.tmp").mkdir()
    (tmp_path / ".step_1.1234.tmp" / "x").write_text("half")
    write_json(tmp_path / "a.json", {"ü": 1})
    sweep(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_text("utf-8") == '{\n "ü": 1\n}\n'


def test_a_file_of_just_its_cap_is_read_and_one_byte_more_is_not(tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes(b"1" * 1000)
    assert read_bytes(path, most=1000) == b"1" * 1000
    with pytest.raises(TooLarge, match=r"x\.json is larger than 999 bytes"):
        read_bytes(path, most=999)


def test_a_large_cap_costs_a_small_file_no_memory(tmp_path):
    (tmp_path / "x").write_text("1")
    tracemalloc.start()
    try:
        assert read_bytes(tmp_path / "x", most=4 * 2**30) == b"1"
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("most", "words"), [(2**20, "1 MiB"), (4 * 2**30, "4 GiB"), (10**6, "1 MB"), (3072, "3 KiB"), (999, "999 bytes")]
)
def test_caps_are_said_in_their_own_unit(most, words):
    assert size_words(most) == words


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("link", [False, True], ids=["itself", "through a link"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_plain_file_is_not_even_opened(tmp_path, kind, link, monkeypatch):
    path = tmp_path / "x"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    if link:
        (tmp_path / "y").symlink_to(path)
        path = tmp_path / "y"
    monkeypatch.setattr(disk.os, "open", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(OSError, match="directory" if kind == "folder" else "no regular file"):
        read_bytes(path, most=100)


def test_a_link_to_a_plain_file_is_followed(tmp_path):
    (tmp_path / "x").write_text("[1]")
    (tmp_path / "y").symlink_to(tmp_path / "x")
    assert read_json(tmp_path / "y") == [1]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_that_takes_the_file_s_place_in_between_is_not_waited_for(tmp_path, monkeypatch):
    plain, path = tmp_path / "plain", tmp_path / "x"
    plain.write_text("1")
    os.mkfifo(path)
    real = os.stat(plain)
    monkeypatch.setattr(disk.os, "stat", lambda _: real)
    with pytest.raises(OSError, match="no regular file"):
        read_bytes(path, most=100)


@pytest.mark.parametrize("text", [b"", b'{"a": ', b"[" * 100_000, b"\xff\xfe", b"nothing"])
def test_torn_and_hostile_json_raises_only_what_is_announced(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_bytes(text)
    with pytest.raises(MALFORMED):
        read_json(path)


def test_text_that_is_none_is_refused(tmp_path):
    (tmp_path / "x").write_bytes(b"\xff")
    with pytest.raises(ValueError, match="utf-8"):
        read_text(tmp_path / "x")


def _json_error() -> Exception:
    try:
        json.loads("{")
    except ValueError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "No space left on device", "/a/b"), "No space left on device"),
        (OSError("cannot identify the file"), "cannot identify the file"),
        (OSError(), "OSError"),
        (ValueError("first\nsecond"), "first"),
        (KeyError("title"), "'title' is missing"),
        (KeyError(), "KeyError"),
        (RecursionError(), "RecursionError"),
        (ValueError("x" * 1000), "x" * 120),
    ],
)
def test_the_reason_is_always_words(error, words):
    assert reason(error) == words


def test_no_sentence_says_none():
    error = OSError("an encoder failed")
    assert error.strerror is None
    assert "None" not in f"x could not be written ({reason(error)})"
    assert reason(_json_error()).startswith("Expecting property name")
