"""Files and folders appear whole or not at all, whoever looks and whatever happens meanwhile."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from engine.checkpoints.atomic import publish_folder, sweep, write_bytes

MEGABYTE = 2**20


def test_a_reader_sees_the_old_bytes_or_the_new_ones(tmp_path: Path) -> None:
    path, versions = tmp_path / "file", (b"a" * MEGABYTE, b"b" * MEGABYTE)
    write_bytes(path, versions[0])
    done = threading.Event()

    def write() -> None:
        for i in range(12):
            write_bytes(path, versions[i % 2])
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    seen = {path.read_bytes()}
    while not done.is_set():
        seen.add(path.read_bytes())
    thread.join()
    assert seen <= set(versions)
    assert [p.name for p in tmp_path.iterdir()] == ["file"], "no draft is left"


def test_a_folder_that_cannot_be_filled_leaves_the_one_before(tmp_path: Path) -> None:
    folder = tmp_path / "step_1"
    with publish_folder(folder) as work:
        (work / "weights").write_bytes(b"old")
        assert not folder.exists()

    def fail(work: Path) -> None:
        (work / "weights").write_bytes(b"new")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"), publish_folder(folder) as work:
        fail(work)
    assert (folder / "weights").read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["step_1"]


def test_what_a_killed_writer_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".file.1234.tmp").write_bytes(b"half")
    (tmp_path / ".step_1.1234.tmp").mkdir()
    (tmp_path / "file").write_bytes(b"whole")
    sweep(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
