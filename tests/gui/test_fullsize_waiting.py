"""A photo in Single that is not there yet, or not any more: what is shown in its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.gui.conftest import SIZE, App, OpenApp, drop
from tests.gui.test_fullsize import changes, opened, panel, rested, smile


def test_a_photo_that_is_gone_falls_back_to_the_models_view(app: App, two: Path, tmp_path: Path) -> None:
    path = tmp_path / "gone.png"
    path.write_bytes(two.read_bytes())
    app.explore.full.show("model")
    opened_in_model = app.explore_view.single.picture
    drop(opened_in_model, [path])
    app.wait(lambda: app.state.encoded is not None and app.state.look.photo == str(path))
    app.settle()
    path.unlink()
    app.explore.full.show("photo")
    app.wait(lambda: bool(app.state.full.why))
    app.settle()
    single = app.explore_view.single
    assert single.picture.isVisible()
    assert not panel(app).isVisible()
    assert "gone.png" in app.state.full.why
    assert app.explore_view.photo_as.current() == "model"
    assert app.explore_view.hint.text() == app.state.full.why
    opened(app, two)
    assert panel(app).isVisible()
    assert not app.state.full.why


def test_a_photo_taken_out_of_the_library_stays_on_screen(app: App, two: Path) -> None:
    opened(app, two)
    smile(app)
    app.explore_view.library.photos.removed.emit(str(two))
    app.settle()
    assert panel(app).isVisible()
    assert changes(app, two) == (True, False)


def test_no_photo_is_shown_in_the_place_of_one_whose_file_is_gone(app: App, two: Path, portrait: Path) -> None:
    opened(app, two)
    app.explore.photos.add_files([str(portrait)])
    app.wait(lambda: app.state.photo == str(portrait) and app.state.encoded is not None)
    rested(app)
    app.explore.photos.choose(str(two))
    rested(app)
    # As it comes back with a session, whose file has left meanwhile.
    loaded = app.explore.photos._loaded
    loaded[str(portrait), SIZE] = replace(loaded[str(portrait), SIZE], framing=None)
    portrait.unlink()
    for _ in range(2):
        app.explore.photos.choose(str(portrait))
        app.wait(lambda: bool(app.state.full.why))
        assert app.state.blended is None
        app.explore.photos.choose(str(two))
        rested(app)


def stages(app: App) -> list[tuple[int, str, bool]]:
    """What Single shows from now on, at each change: its page, which switch is lit, whether a photo still comes."""
    seen: list[tuple[int, str, bool]] = []
    single = app.explore_view.single

    def look(*_: object) -> None:
        if app.state.look is not None and app.state.look.photo is not None and app.state.encoded is not None:
            current = app.explore_view.photo_as.current()
            seen.append((single.pages.currentIndex(), current, panel(app).photo.waiting()))

    app.conductor.store.changed.connect(look)
    return seen


def test_after_a_restart_the_photo_is_waited_for_where_photo_is_lit(home: Path, open_app: OpenApp, two: Path) -> None:
    app = open_app()
    opened(app, two)
    smile(app)
    app.close()
    again = open_app(model="", ready=False)
    seen = stages(again)
    again.wait(lambda: again.state.blended is not None)
    rested(again)
    assert (2, "photo", True) in seen, "it comes"
    assert (2, "photo", False) in seen, "it is there"
    assert not [one for one in seen if one[0] == 0], "the 64 pixels of the model are not what Photo says"


def test_a_photos_faces_come_with_it_and_not_on_the_one_before(app: App, two: Path, portrait: Path) -> None:
    opened(app, portrait)
    opened(app, two)
    assert len(app.state.full.faces) == 2
    wrong: list[str] = []

    def look(*_: object) -> None:
        full, blended = app.state.full, app.state.blended
        if blended is not None and blended.scene.key == str(two) and len(full.faces) != 2:
            wrong.append("the faces of the portrait on the photo of two")
        if blended is not None and blended.scene.key == str(portrait) and len(full.faces) != 1:
            wrong.append("the faces of the two on the portrait")

    app.conductor.store.changed.connect(look)
    for key in (portrait, two):
        app.explore.photos.choose(str(key))
        app.wait(lambda key=key: app.state.blended is not None and app.state.blended.scene.key == str(key))
        rested(app)
    assert not wrong
