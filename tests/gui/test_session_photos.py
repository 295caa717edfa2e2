"""Sessions keep their photos: on another machine, without the files, they are there at full size."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData
from PySide6.QtGui import QGuiApplication

from app.explore.sessions import files as session_files
from app.explore.sessions import originals
from app.widgets.pixels import to_qimage
from engine.blending import blended, prepare
from engine.checkpoints import load_loom
from tests.gui.conftest import App, OpenApp, drop
from tests.gui.test_fullsize import changes, click_face, composed, opened, pixels, rested, smile
from tests.gui.test_save_photo import save


@dataclass(frozen=True)
class Work:
    """A session of a window that is closed, and the whole photo with its edits."""

    session: Path
    picture: np.ndarray


WORK: list[tuple[bytes, np.ndarray]] = []
"""Once it is made."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("holiday")


@pytest.fixture
def here(folder: Path, two: Path) -> Path:
    """The photo of two, in every test at the same place, which sessions name."""
    shutil.copy(two, folder / "holiday.png")
    return folder / "holiday.png"


@pytest.fixture
def work(home: Path, open_app: OpenApp, here: Path) -> Work:
    """Both faces edited and kept in a session: by the first test's window, for all tests."""
    if not WORK:
        app = open_app()
        worked(app, here)
        before = made(app)
        WORK.append((kept(app, here).read_bytes(), before))
        app.close()
    session = here.with_name("work.loom")
    session.write_bytes(WORK[0][0])
    return Work(session, WORK[0][1])


def worked(app: App, here: Path) -> None:
    opened(app, here)
    smile(app)
    click_face(app, 2)
    smile(app, -1.5)


def made(app: App) -> np.ndarray:
    """The whole photo on show, with its edits."""
    rgb = app.conductor.store.photo_loader.whole(app.explore.full.active_face().source)
    edits = app.explore.full.edits_on_photo()
    return blended(rgb, [(prepare(rgb, edit.framing, edit.base), edit.picture) for edit in edits])


def kept(app: App, here: Path) -> Path:
    """The session, saved by hand; its words."""
    session = here.parent / "work.loom"
    app.explore.sessions.save(session)
    app.wait(lambda: "Saved" in app.said)
    app.settle()
    return session


def back(open_app: OpenApp, session: Path, *, edits: int = 2) -> App:
    again = open_app(model="Tiny GAN")
    drop(again.window, [session])
    again.wait(lambda: len(again.explore.full.edits_on_photo()) == edits)
    rested(again)
    return again


def test_without_the_file_the_photo_is_there_at_full_size(work: Work, open_app: OpenApp, here: Path) -> None:
    before, out = work.picture, here.with_name("out.png")
    here.unlink()
    again = back(open_app, work.session)
    assert not again.state.full.why
    assert again.state.full.size == (1000, 640)
    np.testing.assert_array_equal(made(again), before)
    assert changes(again, here) == (True, True)
    assert [frame.number for frame in again.explore_view.single.steps.strip._frames][-2:] == [2, 2]
    save(again, out)
    np.testing.assert_array_equal(pixels(out), before)
    click_face(again, 1)
    assert again.state.look.edit("Smiling") == 2.0


def test_the_next_session_keeps_it_too_and_so_does_the_window_by_itself(
    app: App, open_app: OpenApp, here: Path, home: Path
) -> None:
    worked(app, here)
    session, data = kept(app, here), here.read_bytes()
    autosave = session_files.own_file(home / "sessions")
    app.explore.sessions.autosave()
    app.settle()
    assert load_loom(autosave).originals == (), "the file is on this machine"
    app.close()
    here.unlink()
    again = back(open_app, session)
    again.explore.sessions.autosave()
    again.settle()
    own = session_files.own_file(home / "sessions")
    assert load_loom(own).originals == (data,)
    (photo,) = (home / "sessions" / "photos").iterdir()
    assert photo.read_bytes() == data
    assert photo.name == originals.hashlib.sha256(data).hexdigest()
    again.explore.looks.set_edit("Smiling", 1.0)
    again.explore.looks.settle()
    again.settle()
    written, inside = photo.stat().st_ino, own.stat().st_ino
    again.explore.sessions.autosave()
    again.settle()
    assert own.stat().st_ino != inside, "the session was written"
    assert photo.stat().st_ino == written, "and not its photo once more"
    with zipfile.ZipFile(own) as file:
        assert sum(one.file_size for one in file.infolist() if "originals" in one.filename) == 64
    again.press("edit.undo")
    again.settle()
    again.close()
    last = open_app(model="")
    last.wait(lambda: len(last.explore.full.edits_on_photo()) == 2)
    rested(last)
    assert changes(last, here) == (True, True)


def test_another_file_in_its_place_is_not_taken_for_it(work: Work, open_app: OpenApp, here: Path) -> None:
    Image.new("RGB", (1000, 640), (200, 30, 30)).save(here)
    again = back(open_app, work.session)
    np.testing.assert_array_equal(made(again), work.picture)


def test_a_file_that_stayed_is_used_itself(work: Work, open_app: OpenApp, here: Path) -> None:
    again = back(open_app, work.session)
    assert {item.source for item in again.state.photos if not item.shipped} == {here}


def test_a_pasted_picture_comes_back_whole(app: App, open_app: OpenApp, two: Path, tmp_path: Path) -> None:
    mime = QMimeData()
    mime.setImageData(to_qimage(pixels(two)))
    QGuiApplication.clipboard().setMimeData(mime)
    app.press("photo.paste")
    app.wait(lambda: (app.state.photo or "").startswith("pasted:") and app.state.encoded is not None)
    rested(app)
    smile(app)
    before = made(app)
    session = kept(app, tmp_path / "x")
    app.close()
    again = back(open_app, session, edits=1)
    np.testing.assert_array_equal(made(again), before)


def test_a_large_photo_is_kept_as_a_copy_and_that_is_said(
    app: App, open_app: OpenApp, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(originals, "MOST_BYTES", here.stat().st_size - 1)
    monkeypatch.setattr(originals, "COPIES_PX", (800,))
    worked(app, here)
    session = kept(app, here)
    assert "a copy of 800 × 512 pixels is kept" in app.said
    app.close()
    here.unlink()
    again = back(open_app, session)
    assert "copy of 800 × 512 pixels is open" in again.said
    assert again.state.full.size == (800, 512)
    assert changes(again, here) == (True, True)


def rewritten(session: Path, change: Callable[[dict[str, bytes]], object]) -> Path:
    """The session with other members."""
    with zipfile.ZipFile(session) as file:
        members = {name: file.read(name) for name in file.namelist()}
    change(members)
    with zipfile.ZipFile(session, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return session


def in_document(members: dict[str, bytes], change: Callable[[dict], object]) -> None:
    document = json.loads(members["session.json"])
    change(document)
    members["session.json"] = json.dumps(document).encode()


def giant(members: dict[str, bytes]) -> None:
    """A photo of 196 megapixels in a few bytes, with the right digest."""
    out = io.BytesIO()
    Image.new("1", (14_000, 14_000)).save(out, "PNG")
    swap(members, out.getvalue())


def swap(members: dict[str, bytes], data: bytes) -> None:
    members["originals/0"] = data

    def right(document: dict) -> None:
        for photo in document["session"]["photos"]:
            photo["original"]["sha256"] = originals.hashlib.sha256(data).hexdigest()

    in_document(members, right)


HOSTILE: dict[str, tuple[Callable[[dict[str, bytes]], object], str]] = {
    "giant": (giant, "megapixels and 64 are the most"),
    "too many bytes": (lambda m: swap(m, bytes(20_000_001)), "originals/0 is too large"),
    "another photo": (lambda m: m.update({"originals/0": b"else"}), "another one than was kept"),
    "a program": (lambda m: swap(m, b"MZ" + bytes(100)), "no picture"),
    "no file": (lambda m: m.pop("originals/0"), "the file of a photo is missing"),
    "a path": (lambda m: m.update({"originals/../../x": b""}), "no session has"),
}


def test_a_hostile_session_changes_nothing(app: App, here: Path) -> None:
    worked(app, here)
    good = kept(app, here)
    before, seen = (app.state.look, app.state.history, app.state.photos), composed(app)
    for number, (change, words) in enumerate(HOSTILE.values()):
        session = good.with_name(f"hostile {number}.loom")
        shutil.copy(good, session)
        drop(app.window, [rewritten(session, change)])
        app.wait(lambda name=session.name: name in app.said)
        assert words in app.said, app.said
        assert "\n" not in app.said
        app.settle()
        assert (app.state.look, app.state.history, app.state.photos) == before
        np.testing.assert_array_equal(composed(app), seen)


def test_a_session_of_before_still_opens(work: Work, open_app: OpenApp, here: Path) -> None:
    def older(members: dict[str, bytes]) -> None:
        del members["originals/0"]

        def fields(document: dict) -> None:
            document["version"] = 1
            for photo in document["session"]["photos"]:
                del photo["original"], photo["sha256"]
            looks = [entry["look"] for entry in document["session"]["history"]["entries"]]
            for look in (document["session"]["look"], *looks):
                del look["strength"]

        in_document(members, fields)

    again = back(open_app, rewritten(work.session, older))
    assert changes(again, here) == (True, True)
    assert again.state.look.strength == 1.0
