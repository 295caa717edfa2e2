"""Morphing between corners, playing and exporting."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint

from tests.gui.conftest import App, OpenApp, drag, drop, engine_model


@pytest.fixture
def morph(app: App) -> App:
    """The morph view with both corners filled."""
    app.controller.show_view("morph")
    app.wait(lambda: app.state.morph.strip is not None and all(slot.code is not None for slot in app.state.morph.slots))
    app.settle()
    return app


def test_it_moves_at_once(morph: App) -> None:
    view = morph.window.explore.morph
    assert view.strip.count() == 9
    assert view.picture.picture() is not None
    strip = morph.state.morph.strip
    assert not np.array_equal(strip[0], strip[-1])


def test_the_path_slider_shows_the_engines_picture(morph: App, home: Path) -> None:
    slider = morph.window.explore.morph.slider
    track = slider.track_rect()
    spots = [*np.linspace(0.1, 0.9, 60), 0.25]
    drag(slider, [QPoint(round(track.left() + s * track.width()), round(track.center().y())) for s in spots])
    morph.settle()
    model = engine_model(home, "Tiny VAE")
    codes = np.stack([slot.code for slot in morph.state.morph.slots])
    path = model.morph(codes, [morph.state.morph.fraction], method="slerp")
    assert morph.state.morph.fraction == pytest.approx(slider.value())
    np.testing.assert_array_equal(morph.window.explore.morph.picture.picture(), model.decode(path)[0])


def test_methods_differ_between_the_ends_only(morph: App) -> None:
    arc = morph.state.morph.strip
    morph.window.explore.morph.methodChanged.emit("lerp")
    morph.wait(lambda: morph.state.morph.strip is not arc and morph.state.morph.strip is not None)
    morph.settle()
    line = morph.state.morph.strip
    assert np.abs(arc[0].astype(int) - line[0]).max() <= 1
    assert np.abs(arc[-1].astype(int) - line[-1]).max() <= 1


def test_a_photo_dropped_on_a_corner(morph: App, portrait: Path) -> None:
    old = morph.state.morph.slots[1]
    drop(morph.window.explore.morph.corners[1], [portrait])
    morph.wait(lambda: morph.state.morph.slots[1] is not old and morph.state.morph.slots[1].code is not None)
    assert morph.state.morph.slots[1].photo == str(portrait)
    assert morph.state.photo is None, "the current picture stays as it was"


def test_three_corners_and_back(morph: App, portrait: Path) -> None:
    view = morph.window.explore.morph
    view.slotAdded.emit()
    assert view.corners[2].isVisible()
    assert morph.state.morph.chosen == 2
    view.slotCurrent.emit(2)
    morph.settle()
    assert morph.controller.morph.codes().shape[0] == 3
    view.slotRemoved.emit(2)
    morph.settle()
    assert not view.corners[2].isVisible()


def test_play_runs_to_and_fro_and_halts(morph: App) -> None:
    seen: set[float] = set()
    morph.controller.hub.changed.connect(lambda before, now: seen.add(now.morph.fraction))
    morph.window.explore.morph.playWanted.emit()
    morph.wait(lambda: len(seen) > 10)
    assert morph.state.morph.playing
    morph.window.explore.morph.playWanted.emit()
    at = morph.state.morph.fraction
    morph.settle()
    assert not morph.state.morph.playing
    assert morph.state.morph.fraction == at


def test_leaving_the_view_halts(morph: App) -> None:
    morph.window.explore.morph.playWanted.emit()
    morph.wait(lambda: morph.state.morph.frames is not None)
    morph.controller.show_view("single")
    assert not morph.state.morph.playing


@pytest.mark.parametrize("name", ["out.gif", "out.webp", "frames"])
def test_export(morph: App, tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    morph.controller.morph.export(target)
    assert any(job.key == "export" for job in morph.state.jobs)
    morph.wait(lambda: "Saved" in morph.said)
    assert not morph.state.jobs
    if target.is_dir():
        assert len(list(target.glob("*.png"))) == 118
    else:
        with Image.open(target) as image:
            assert image.size == (128, 128)
            # WebP joins frames that look the same, and an untrained model's do.
            assert image.n_frames > (10 if name.endswith("gif") else 0)


def test_export_to_nowhere_is_a_sentence(morph: App, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    morph.controller.morph.export(tmp_path / "file" / "out.gif")
    morph.wait(lambda: bool(morph.said))
    assert "could not be written" in morph.said
    assert not morph.state.jobs


def test_take_makes_it_current(morph: App) -> None:
    picture = morph.state.morph.picture.copy()
    morph.window.explore.morph.takeWanted.emit()
    morph.settle()
    assert np.abs(morph.state.drawn.picture.astype(int) - picture).max() <= 1


def test_another_model_makes_new_corners(morph: App) -> None:
    morph.model("Tiny Glow")
    morph.wait(lambda: morph.state.morph.strip is not None)
    assert morph.state.morph.slots[0].code.shape == (morph.state.info.code_size,)


def test_a_model_that_searches_morphs_at_once(home: Path, open_app: OpenApp) -> None:
    app = open_app(model="Tiny GAN")
    app.controller.show_view("morph")
    app.wait(lambda: app.state.morph.strip is not None)
    assert not app.state.jobs
