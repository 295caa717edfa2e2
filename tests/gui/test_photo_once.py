"""A photo's way through the window: its file is read, its face looked for and its code drawn once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import engine.photos.align
import engine.photos.decode
import engine.photos.heads
from engine.exploring.open_model import OpenModel
from tests.gui.conftest import App, drop

ONCE = {"read": 1, "look for faces": 1, "cut": 1, "encode": 1, "decode": 1}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each step was taken."""
    counts: Counter[str] = Counter()

    def counted(owner: object, name: str, step: str) -> None:
        original = getattr(owner, name)

        def call(*args: object, **options: object) -> object:
            counts[step] += 1
            return original(*args, **options)

        monkeypatch.setattr(owner, name, call)

    counted(engine.photos.decode, "read_photo", "read")
    counted(engine.photos.heads, "find_heads", "look for faces")
    counted(engine.photos.align, "align", "cut")
    counted(OpenModel, "encode", "encode")
    counted(OpenModel, "decode", "decode")
    counted(OpenModel, "draw", "draw")
    return counts


@pytest.fixture
def dropped(app: App, portrait: Path, calls: Counter[str]) -> App:
    """The window with a photo that was dropped while somebody counted."""
    app.settle()
    calls.clear()
    drop(app.explore_view.single.picture, [portrait])
    app.wait(lambda: app.state.photo == str(portrait) and app.state.encoded is not None and not app.state.encoding)
    app.settle()
    return app


def test_a_dropped_photo_is_read_cut_encoded_and_drawn_once(dropped: App, calls: Counter[str]) -> None:
    assert calls == ONCE
    shown, state = dropped.explore_view.single.picture.picture(), dropped.state
    assert shown is state.encoded.reconstruction
    assert state.drawn.request == state.look.request()
    assert state.history.entries[-1].picture is shown


def test_what_was_encoded_is_not_drawn_again(dropped: App, portrait: Path, calls: Counter[str]) -> None:
    explore = dropped.explore.looks
    shown = dropped.explore_view.single.picture.picture()
    calls.clear()
    explore.undo()
    dropped.settle()
    assert calls == {"draw": 1, "decode": 1}
    calls.clear()
    explore.redo()
    dropped.settle()
    drop(dropped.explore_view.single.picture, [portrait])
    dropped.settle()
    assert not calls
    assert dropped.explore_view.single.picture.picture() is shown


def test_an_edit_of_a_photo_is_drawn_and_its_zero_is_the_reconstruction(dropped: App, calls: Counter[str]) -> None:
    explore = dropped.explore.looks
    calls.clear()
    explore.set_edit("Smiling", 2.0)
    dropped.settle()
    assert calls["draw"] == 1
    assert not np.array_equal(dropped.state.drawn.picture, dropped.state.encoded.reconstruction)
    explore.set_edit("Smiling", 1.0)
    explore.set_edit("Smiling", 0.0)
    dropped.settle()
    assert dropped.state.drawn.picture is dropped.state.encoded.reconstruction
    assert dropped.state.drawn.request == dropped.state.look.request()


def test_another_cut_reads_no_file_and_looks_for_no_face_again(dropped: App, calls: Counter[str]) -> None:
    framing = dropped.explore.framing
    calls.clear()
    framing.open()
    framing.take_middle()
    dropped.wait(lambda: not dropped.state.frame.busy)
    framing.start_clicking()
    for points in (((40.0, 60.0), (90.0, 60.0)), ((41.0, 60.0), (90.0, 60.0), (70.0, 100.0))):
        framing.set_points(points)
        dropped.wait(lambda: not dropped.state.frame.busy)
    assert calls == {"cut": 3}
    framing.use()
    dropped.settle()
    assert dropped.state.loaded.how == "points"
    assert calls == {"cut": 3, "encode": 1, "decode": 1}


def test_a_pasted_picture_is_cut_once_however_often_it_is_pasted(app: App, calls: Counter[str]) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (48, 48, 3), dtype=np.uint8)
    app.settle()
    calls.clear()
    for _ in range(2):
        app.explore.photos.add_picture(picture.copy())
        app.settle()
    assert calls == {name: count for name, count in ONCE.items() if name != "read"}


def test_improving_draws_nothing_beside_the_search(dropped: App, calls: Counter[str]) -> None:
    """It compares both pictures as it ends, so the better one is there."""
    calls.clear()
    dropped.explore.photos.improve()
    dropped.settle()
    assert calls == {"encode": 1}
