"""A photo that was saved here, dropped on a morph."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from app.explore.fullsize import reopen
from tests.gui.conftest import App, OpenApp, drop
from tests.gui.test_reopen_photo import edited

__all__ = ["edited"]


@pytest.mark.parametrize("onto", ["window", "corner"])
def test_in_a_morph_a_saved_photo_is_the_original_with_its_edits(app: App, edited: Path, here: Path, onto: str) -> None:
    app.explore.show_view("morph")
    app.settle()
    before = app.state.look
    if onto == "window":
        drop(app.window, [edited])
    else:
        app.explore_view.morph.slotFilesDropped.emit(1, [str(edited)])
    app.wait(lambda: any(slot is not None and slot.edit_of == f"{here}#face 2" for slot in app.state.morph.slots))
    at = next(i for i, slot in enumerate(app.state.morph.slots) if slot.edit_of == f"{here}#face 2")
    assert onto == "window" or at == 1
    assert "holiday.png is a corner with the edits that were saved in edited.png" in app.said
    assert app.state.look == before, "a corner does not change what is explored"
    app.wait(lambda: app.state.morph.whole is not None and app.state.morph.whole.fine)
    app.settle()


def test_in_a_morph_of_what_the_model_sees_a_saved_photo_is_a_picture_like_others(app: App, edited: Path) -> None:
    app.explore.full.show("model")
    app.explore.show_view("morph")
    app.settle()
    drop(app.window, [edited])
    app.wait(lambda: any(slot is not None and slot.photo == str(edited) for slot in app.state.morph.slots))


def test_edited_by_another_model_it_is_a_corner_as_it_is(open_app: OpenApp, edited: Path) -> None:
    again = open_app(model="Tiny Glow")
    again.explore.show_view("morph")
    again.settle()
    drop(again.window, [edited])
    again.wait(lambda: any(slot is not None and slot.photo == str(edited) for slot in again.state.morph.slots))
    assert "was edited with Tiny VAE and a morph is of one model" in again.said


def test_a_model_that_opens_meanwhile_gets_no_code_of_the_one_before(
    app: App, edited: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.explore.show_view("morph")
    app.settle()
    go, there, check = threading.Event(), threading.Event(), reopen.check_face

    def held(*given: object) -> None:
        there.set()
        assert go.wait(30)
        check(*given)

    monkeypatch.setattr(reopen, "check_face", held)
    drop(app.window, [edited])
    app.wait(there.is_set)
    glow = next(card for card in app.state.models or () if card.title == "Tiny Glow")
    app.explore_view.library.modelChosen.emit(glow.key)
    app.wait(lambda: app.state.model == glow.key)
    go.set()
    app.wait(lambda: "was edited with Tiny VAE and a morph is of one model" in app.said)
    app.settle()
    assert all(slot is None or slot.edit_of is None for slot in app.state.morph.slots)
