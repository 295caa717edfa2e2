"""Saving a photo where it cannot go, stopping it, and a large one: the window goes on and nothing is half written."""

from __future__ import annotations

import errno
import itertools
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from app.explore.fullsize import saver
from engine.checkpoints import load_loom
from engine.files import disk
from engine.photos import read_recipe, recipe_from, write
from tests.gui.conftest import App, drop
from tests.gui.test_fullsize import LEFT, click_face, opened, pixels, rested, smile
from tests.gui.test_save_photo import dialog, expected, save


def refuse(monkeypatch: pytest.MonkeyPatch, number: int, where: str) -> None:
    """The disk says no: while bytes are written, or when the file is to take its name."""

    def no(*args: Any) -> int:
        if where == "write":
            with args[0].open("wb") as file:
                file.write(args[1][:100])
        raise OSError(number, os.strerror(number))

    if where == "write":
        monkeypatch.setattr(disk.Path, "write_bytes", no)
    else:
        monkeypatch.setattr(disk.os, "replace", no)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_disk_that_says_no_leaves_nothing_behind(
    app: App, two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(app, two)
    smile(app)
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "old.jpg").write_bytes(b"old")
    app.explore.sessions._timer.blockSignals(True)  # What autosave says of the disk would come over it.
    for number, where in itertools.product((errno.ENOSPC, errno.EROFS, errno.EIO), ("write", "rename")):
        with monkeypatch.context() as broken:
            refuse(broken, number, where)
            for name in ("old.jpg", "new.webp"):
                app.window.notice.clear()
                save(app, folder / name)
                told = f"{folder / name} could not be written ({os.strerror(number)}): choose another place."
                assert told in app.said, where
        assert files(folder) == ["old.jpg"]
        assert (folder / "old.jpg").read_bytes() == b"old"
        assert app.state.look.edit("Smiling") == 2.0
    save(app, folder / "old.jpg")
    assert "Saved" in app.said
    assert recipe_from(read_recipe(folder / "old.jpg") or "", "old.jpg").faces[0].edits == (("Smiling", 2.0),)


def test_a_folder_without_rights_is_told(app: App, two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(app, two)
    smile(app)
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o500)
    if os.access(closed, os.W_OK):
        # An administrator may write everywhere.
        refuse(monkeypatch, errno.EACCES, "write")
        monkeypatch.setattr(disk.Path, "write_bytes", _denied)
    try:
        save(app, closed / "out.png")
        assert "could not be written (Permission denied): choose another place" in app.said
        assert files(closed) == []
        assert not app.state.jobs
    finally:
        closed.chmod(0o700)


def _denied(path: Path, data: bytes) -> int:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def test_a_place_that_is_no_folder_is_told(app: App, two: Path, tmp_path: Path) -> None:
    opened(app, two)
    (tmp_path / "file").write_text("mine")
    save(app, tmp_path / "file" / "out.png")
    assert "could not be written" in app.said
    assert (tmp_path / "file").read_text() == "mine"


def test_a_webp_by_the_dialog_has_its_pixels_colours_and_recipe(app: App, two: Path, tmp_path: Path) -> None:
    opened(app, two)
    smile(app)
    asked = dialog(app)
    assert any("*.webp" in one for one in asked.nameFilters())
    path = tmp_path / "out.webp"
    asked.selectNameFilter(next(one for one in asked.nameFilters() if "*.webp" in one))
    asked.fileSelected.emit(str(path))
    asked.done(0)
    app.settle()
    app.wait(lambda: not app.state.jobs)
    with Image.open(path) as image:
        assert (image.format, image.size) == ("WEBP", (1000, 640))
        assert "icc_profile" in image.info
    assert np.abs(pixels(path).astype(int) - expected(app, two)).mean() < 2
    assert recipe_from(read_recipe(path) or "", "out.webp").original.name == "two.png"
    app.explore.looks.reset_sliders()
    rested(app)
    drop(app.explore_view.single.picture, [path])
    app.wait(lambda: "edits that were saved in out.webp" in app.said)
    rested(app)
    assert app.explore_view.inspector.sliders["Smiling"].value() == 2.0


class Gate:
    """Holds a step of the saving until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> None:
        self.reached, self.open = threading.Event(), threading.Event()
        self.threads: list[threading.Thread] = []
        step: Callable[..., Any] = getattr(owner, name)

        def held(*args: Any, **options: Any) -> Any:
            self.threads.append(threading.current_thread())
            self.reached.set()
            assert self.open.wait(60), "nobody let it go"
            return step(*args, **options)

        monkeypatch.setattr(owner, name, held)


def begin(app: App, path: Path) -> None:
    app.press("picture.save")
    asked = app.window.findChildren(QFileDialog)[-1]
    asked.fileSelected.emit(str(path))
    asked.done(0)


def test_a_save_is_stopped_from_the_bar(app: App, two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(app, two)
    smile(app)
    click_face(app, 2)
    smile(app)
    folder = tmp_path / "out"
    folder.mkdir()
    gate = Gate(monkeypatch, saver, "prepare")
    begin(app, folder / "out.png")
    app.wait(gate.reached.is_set)
    bar = app.window.jobs
    assert bar._text.text() == "Saving out.png"
    QTest.mouseClick(bar._stop, LEFT)
    gate.open.set()
    app.wait(lambda: not app.state.jobs)
    app.settle()
    assert len(gate.threads) == 1, "the second face was not begun"
    assert files(folder) == []
    assert "stopped" in app.state.status
    save(app, folder / "out.png")
    np.testing.assert_array_equal(pixels(folder / "out.png"), expected(app, two))


def test_a_large_photo_is_saved_beside_the_window(
    app: App, two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of its steps waits for the window's event loop, which therefore goes on during all of them."""
    large = tmp_path / "large.jpg"
    with Image.open(two) as image:
        image.resize((2400, 1800)).save(large, quality=90)
    opened(app, large)
    smile(app)
    gates = {
        name: Gate(monkeypatch, owner, name)
        for owner, name in ((saver, "prepare"), (saver, "patch"), (saver, "over"), (write, "photo_bytes"))
    }
    gates["write_bytes"] = Gate(monkeypatch, write, "write_bytes")
    begin(app, tmp_path / "out.jpg")
    for gate in gates.values():
        app.wait(gate.reached.is_set)
        QTimer.singleShot(0, gate.open.set)
    app.wait(lambda: "Saved" in app.said)
    threads = {thread.name for gate in gates.values() for thread in gate.threads}
    assert threads == {"lane-study"}
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.size == (2400, 1800)
    assert (pixels(tmp_path / "out.jpg")[-50:].astype(int) - pixels(large)[-50:]).__abs__().mean() < 3


def test_a_session_that_cannot_be_written_says_so(
    app: App, two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(app, two)
    session = tmp_path / "work.loom"
    app.explore.sessions.save(session)
    app.settle()
    before = session.read_bytes()
    smile(app)
    with monkeypatch.context() as broken:
        refuse(broken, errno.ENOSPC, "rename")
        app.explore.sessions.save(session)
        app.wait(lambda: "No space left on device" in app.said)
        app.settle()
    assert session.read_bytes() == before
    assert load_loom(session).originals == (two.read_bytes(),)
