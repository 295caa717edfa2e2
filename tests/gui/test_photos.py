"""Photos dropped, opened and pasted; one photo through several models; what is no photo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtGui import QGuiApplication

from app.core.notices import NO_MODEL
from app.widgets.pixels import to_qimage
from app.words import ERROR_TITLE
from engine.exploring.open_model import OpenModel
from engine.measures import ERROR_GAIN
from engine.session import Session
from tests.gui.conftest import SIZE, App, OpenApp, drop, engine_model


def shown(app: App) -> np.ndarray:
    picture = app.explore_view.single.picture.picture()
    assert picture is not None
    return picture


def encoded(app: App) -> None:
    app.wait(lambda: app.state.encoded is not None and not app.state.encoding)
    app.settle()


def test_a_dropped_photo_is_encoded_and_shown_with_its_error(app: App, home: Path, portrait: Path) -> None:
    app.explore.full.show("model")
    drop(app.explore_view.single.picture, [portrait])
    encoded(app)
    photo = Session(device="cpu", home=home).load_photo(portrait, size=SIZE)
    reference = engine_model(home, "Tiny VAE").encode(photo.picture)
    view = app.explore_view.single
    np.testing.assert_array_equal(view.photo.picture(), photo.picture)
    np.testing.assert_array_equal(view.error.picture(), reference.error_map)
    np.testing.assert_array_equal(shown(app), reference.reconstruction)
    assert view.photo.isVisible()
    assert view.error.isVisible()
    assert f"{reference.psnr_db:.1f} dB" in view.error.captions()[1]
    assert view.photo.captions()[0] == portrait.stem
    assert view.photo.toolTip() == photo.note
    assert app.state.look.photo == str(portrait)
    assert app.state.photos[0].key == str(portrait)


def test_the_error_is_enlarged_as_it_says() -> None:
    assert ERROR_TITLE.endswith(f"× {ERROR_GAIN:g}")


def test_edits_start_from_the_photo(app: App, portrait: Path) -> None:
    drop(app.explore_view.library.drop, [portrait])
    encoded(app)
    before = shown(app).copy()
    app.explore.looks.set_edit("Smiling", 2.0)
    app.explore.looks.settle()
    app.settle()
    assert not np.array_equal(before, shown(app))
    assert portrait.stem in app.explore_view.single.picture.captions()[0]
    app.explore.looks.undo()
    app.settle()
    np.testing.assert_array_equal(before, shown(app))
    assert app.state.encoded is not None


def test_paste(app: App) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (48, 48, 3), dtype=np.uint8)
    QGuiApplication.clipboard().setImage(to_qimage(picture))
    app.explore.files.paste()
    encoded(app)
    assert app.state.photos[0].name == "pasted picture"
    QGuiApplication.clipboard().clear()
    app.explore.files.paste()
    assert "clipboard" in app.said


def test_a_broken_photo_is_one_sentence_and_the_old_state_stays(app: App, tmp_path: Path) -> None:
    before, photos = shown(app).copy(), app.state.photos
    for number, content in enumerate((b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 30)):
        app.window.notice.clear()
        broken = tmp_path / f"broken {number}.png"
        broken.write_bytes(content)
        drop(app.explore_view.single.picture, [broken])
        app.wait(lambda: bool(app.said))
        assert broken.name in app.said
        assert app.said.count(". ") == 0
        assert app.window.notice.details() == ""
        assert app.state.photos == photos
        assert app.state.photo is None
        np.testing.assert_array_equal(shown(app), before)


def test_a_broken_photo_after_a_good_one_keeps_the_good_one(app: App, portrait: Path, tmp_path: Path) -> None:
    drop(app.explore_view.single.picture, [portrait])
    encoded(app)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no")
    drop(app.explore_view.single.picture, [broken])
    app.wait(lambda: bool(app.said))
    assert app.state.photo == str(portrait)
    assert app.state.encoded is not None


def test_a_folder_of_photos(app: App, tmp_path: Path) -> None:
    folder = tmp_path / "holiday"
    folder.mkdir()
    for index in range(3):
        Image.new("RGB", (40, 40), (40 * index, 90, 10)).save(folder / f"{index}.png")
    drop(app.explore_view.library.drop, [folder])
    encoded(app)
    names = {item.name for item in app.state.photos}
    assert {"0", "1", "2"} <= names
    assert app.state.photo == str(folder / "0.png")


def test_the_photo_goes_along_into_the_next_model(app: App, portrait: Path) -> None:
    drop(app.explore_view.single.picture, [portrait])
    encoded(app)
    sha = app.state.info.sha256
    app.model("Tiny Glow")
    app.wait(lambda: app.state.encoded is not None and app.state.look.photo == str(portrait))
    assert app.state.info.sha256 != sha
    assert app.state.look.source.code.shape == (app.state.info.code_size,)


@pytest.mark.slow
def test_compare_shows_every_model(app: App, portrait: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encode = OpenModel.encode

    def quick(self: OpenModel, *args: object, **options: object) -> object:
        return encode(self, *args, steps=4, **options)

    monkeypatch.setattr(OpenModel, "encode", quick)
    app.explore.show_view("compare")
    assert app.explore_view.compare.empty.isVisible()
    drop(app.explore_view.compare.board.photo, [portrait])
    app.wait(lambda: len(app.state.compare) == 3 and all(row.status == "done" for row in app.state.compare))
    rows = app.explore_view.compare.board.rows
    assert [row.title.text() for row in rows] == ["Tiny VAE", "Tiny GAN", "Tiny Glow"]
    for row, result in zip(rows, app.state.compare, strict=True):
        np.testing.assert_array_equal(row.picture.picture(), result.encoded.reconstruction)
        assert "SSIM" in row.figures()


@pytest.mark.slow
def test_a_search_can_be_cancelled_and_does_not_hold_up_drags(home: Path, open_app: OpenApp, portrait: Path) -> None:
    app = open_app(model="Tiny GAN")
    drop(app.explore_view.single.picture, [portrait])
    app.wait(lambda: any(job.key.startswith("encode") for job in app.state.jobs))
    app.explore.looks.set_edit("Smiling", 1.0)
    app.wait(lambda: app.state.drawn.request.edits == (("Smiling", 1.0),))
    key = app.state.jobs[0].key
    app.window.jobs.stopClicked.emit(key)
    app.wait(lambda: not app.state.jobs and not app.state.encoding)
    assert app.state.photo is None
    assert isinstance(app.state.look.photo, type(None))


def test_removing_a_photo_leaves_its_file(app: App, portrait: Path) -> None:
    drop(app.explore_view.single.picture, [portrait])
    encoded(app)
    app.explore_view.library.photos.removed.emit(str(portrait))
    assert all(item.key != str(portrait) for item in app.state.photos)
    assert portrait.exists()


def test_a_photo_that_comes_before_the_first_model_waits_for_it(home: Path, open_app: OpenApp, portrait: Path) -> None:
    app = open_app(ready=False)
    app.explore.files.open_files([str(portrait)])
    app.settle()
    app.wait(lambda: app.state.photo == str(portrait) and app.state.encoded is not None)
    assert app.said == ""


def test_that_there_is_no_model_is_not_said_once_there_is_one(app: App) -> None:
    app.conductor.notices.say(NO_MODEL)
    assert "Open a model first" in app.said
    app.model("Tiny Glow")
    assert app.said == ""
