"""Morphing between corners, playing and exporting."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.explore.morph.panel import MorphPanel
from app.explore.morph.path import timeline_of
from engine.exploring.export import save_animation
from tests.gui.conftest import App, OpenApp, drag, drop, engine_model


@pytest.fixture
def morph(app: App) -> App:
    """The morph view with both corners filled, as the model sees it: photos are in test_whole_morph.py."""
    app.press("view.photo")
    app.explore.show_view("morph")
    app.wait(lambda: app.state.morph.strip is not None and all(slot.code is not None for slot in app.state.morph.slots))
    app.settle()
    return app


def test_it_moves_at_once(morph: App) -> None:
    view = morph.explore_view.morph
    assert view.strip.count() == 9
    assert view.picture.picture() is not None
    strip = morph.state.morph.strip
    assert not np.array_equal(strip[0], strip[-1])


def test_the_path_slider_shows_the_engines_picture(morph: App, home: Path) -> None:
    slider = morph.explore_view.morph.slider
    track = slider.track_rect()
    spots = [*np.linspace(0.1, 0.9, 60), 0.25]
    drag(slider, [QPoint(round(track.left() + s * track.width()), round(track.center().y())) for s in spots])
    morph.settle()
    model = engine_model(home, "Tiny VAE")
    codes = np.stack([slot.code for slot in morph.state.morph.slots])
    path = model.morph(codes, [morph.state.morph.fraction], method="slerp")
    assert morph.state.morph.fraction == pytest.approx(slider.value())
    np.testing.assert_array_equal(morph.explore_view.morph.picture.picture(), model.decode(path)[0])


def test_methods_differ_between_the_ends_only(morph: App) -> None:
    arc = morph.state.morph.strip
    panel(morph).method.changed.emit("lerp")
    morph.wait(lambda: morph.state.morph.strip is not arc and morph.state.morph.strip is not None)
    morph.settle()
    line = morph.state.morph.strip
    assert np.abs(arc[0].astype(int) - line[0]).max() <= 1
    assert np.abs(arc[-1].astype(int) - line[-1]).max() <= 1


@pytest.mark.slow
def test_a_photo_dropped_on_a_corner(morph: App, portrait: Path) -> None:
    old = morph.state.morph.slots[1]
    drop(morph.explore_view.morph.corners[1], [portrait])
    morph.wait(lambda: morph.state.morph.slots[1] is not old and morph.state.morph.slots[1].code is not None)
    assert morph.state.morph.slots[1].photo == str(portrait)
    assert morph.state.photo is None, "the current picture stays as it was"


@pytest.mark.slow
def test_three_corners_and_back(morph: App, portrait: Path) -> None:
    view = morph.explore_view.morph
    view.more.clicked.emit()
    assert view.corners[2].isVisible()
    assert morph.state.morph.chosen == 2
    view.slotCurrent.emit(2)
    morph.settle()
    assert morph.explore.morph.codes().shape[0] == 3
    view.slotRemoved.emit(2)
    morph.settle()
    assert not view.corners[2].isVisible()


@pytest.mark.slow
def test_play_runs_and_halts(morph: App) -> None:
    seen: list[float] = []
    morph.conductor.store.changed.connect(lambda before, now: seen.append(now.morph.fraction))
    morph.explore_view.morph.play.clicked.emit()
    morph.wait(lambda: len(set(seen)) > 10)
    assert morph.state.morph.playing
    morph.explore_view.morph.play.clicked.emit()
    at = morph.state.morph.fraction
    morph.settle()
    assert not morph.state.morph.playing
    assert morph.state.morph.fraction == at


def press(app: App, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """A key of the window itself."""
    app.window.activateWindow()
    app.window.setFocus()
    QTest.keyClick(app.window, key, modifiers)


def slow(morph: App) -> None:
    """A model whose pictures take longer than a frame: playing has to prepare them."""
    morph.conductor.store.update(decode_ms=500.0)


def test_a_slow_model_prepares_its_pictures_and_shows_them_in_time(morph: App, home: Path) -> None:
    slow(morph)
    morph.explore.morph.set_timing("frames", 20)
    morph.explore_view.morph.play.clicked.emit()
    assert any(job.key == "play" for job in morph.state.jobs)
    morph.wait(lambda: morph.state.morph.frames is not None)
    fraction = morph.state.morph.fraction
    morph.wait(lambda: morph.state.morph.fraction != fraction)
    morph.explore_view.morph.play.clicked.emit()
    morph.settle()
    model, state = engine_model(home, "Tiny VAE"), morph.state.morph
    code = model.morph(np.stack([slot.code for slot in state.slots]), [state.fraction])
    assert np.abs(state.picture.astype(int) - model.decode(code)[0]).max() <= 1
    assert not morph.state.jobs


def test_preparing_can_be_cancelled(morph: App, monkeypatch: pytest.MonkeyPatch) -> None:
    slow(morph)
    gate = threading.Event()
    model_host = morph.conductor.store.study_host
    inner = model_host.model

    def waits(*args: str):
        assert gate.wait(100)
        return inner(*args)

    monkeypatch.setattr(model_host, "model", waits)
    morph.explore_view.morph.play.clicked.emit()
    morph.wait(lambda: bool(morph.state.jobs))
    morph.window.jobs.stopClicked.emit("play")
    gate.set()
    morph.settle()
    assert not morph.state.jobs
    assert not morph.state.morph.playing
    assert morph.state.morph.frames is None


@pytest.mark.slow
def test_once_stops_at_the_end_and_starts_again(morph: App) -> None:
    morph.explore.morph.set_timing("loop", "once")
    morph.explore.morph.set_timing("frames", 10)
    view = morph.explore_view.morph
    for _ in range(2):
        press(morph, Qt.Key.Key_Space)
        morph.wait(lambda: morph.state.morph.playing)
        morph.wait(lambda: not morph.state.morph.playing)
        assert morph.state.morph.fraction == 1.0
    assert view.play.text() == "Play"


def test_leaving_the_view_halts(morph: App) -> None:
    morph.explore_view.morph.play.clicked.emit()
    morph.wait(lambda: morph.state.morph.playing)
    morph.explore.show_view("single")
    assert not morph.state.morph.playing


@pytest.mark.slow
def test_a_change_of_the_path_forgets_what_was_prepared(morph: App) -> None:
    slow(morph)
    morph.explore_view.morph.play.clicked.emit()
    morph.wait(lambda: morph.state.morph.frames is not None)
    panel(morph).method.changed.emit("norm")
    assert morph.state.morph.frames is None
    assert not morph.state.morph.playing


def panel(app: App) -> MorphPanel:
    return app.explore_view.morph_panel


def fill_four(app: App) -> None:
    """Four corners: two more samples."""
    view = app.explore_view.morph
    for index in (2, 3):
        view.more.clicked.emit()
        app.explore.looks.roll()
        app.settle()
        view.slotCurrent.emit(index)
        app.settle()
    assert app.explore.morph.codes().shape[0] == 4


@pytest.mark.slow
def test_the_pad_shows_what_the_engine_makes_of_its_place(morph: App, home: Path) -> None:
    fill_four(morph)
    view = morph.explore_view.morph
    view.mode.changed.emit("pad")
    morph.settle()
    assert view.pad.isVisible()
    assert not view.corners[0].isVisible()
    spots = [view.pad.spot_of(x, 0.3).toPoint() for x in np.linspace(0.2, 0.8, 20)]
    drag(view.pad, spots)
    morph.settle()
    assert morph.state.morph.pad == view.pad.at()
    assert morph.state.morph.pad == pytest.approx((0.8, 0.3), abs=0.02)
    model = engine_model(home, "Tiny VAE")
    code = model.morph_pad(morph.explore.morph.codes(), *morph.state.morph.pad)
    np.testing.assert_array_equal(view.picture.picture(), model.decode(code[None])[0])


@pytest.mark.slow
def test_the_pads_keys_reach_its_corners(morph: App) -> None:
    fill_four(morph)
    view = morph.explore_view.morph
    press(morph, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    view.pad.setFocus()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down):
        for _ in range(6):
            QTest.keyClick(view.pad, key, Qt.KeyboardModifier.ShiftModifier)
    morph.settle()
    assert morph.state.morph.pad == (1.0, 1.0)
    slot = morph.state.morph.slots[3]
    assert np.abs(view.picture.picture().astype(int) - slot.picture).max() <= 1
    view.take.clicked.emit()
    morph.settle()
    np.testing.assert_allclose(morph.state.drawn.code, slot.code, atol=1e-6)
    press(morph, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert morph.state.morph.pad is None


@pytest.mark.slow
def test_an_empty_corner_of_the_pad_is_the_current_code(morph: App, home: Path) -> None:
    view = morph.explore_view.morph
    assert morph.state.morph.pad is None
    press(morph, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    morph.settle()
    assert len(morph.state.morph.slots) == 3
    morph.explore.looks.roll()
    morph.settle()
    view.pad.placed.emit(0.5, 1.0)
    morph.settle()
    assert np.abs(view.picture.picture().astype(int) - morph.state.drawn.picture).max() <= 1


def test_the_pad_is_a_triangle_between_three_and_takes_a_drop(morph: App, portrait: Path) -> None:
    view = morph.explore_view.morph
    press(morph, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    foot = view.pad.spot_of(0.0, 1.0)
    assert foot == view.pad.spot_of(1.0, 1.0)
    drag(view.pad, [view.pad.spot_of(*view.pad.at()).toPoint(), view.pad.spot_of(0.25, 0.5).toPoint()])
    assert view.pad.at() == pytest.approx((0.25, 0.5), abs=0.03)
    drop(view.pad, [portrait])
    morph.wait(lambda: _code(morph, 0, str(portrait)))
    view.slotRemoved.emit(2)
    assert morph.state.morph.pad is None
    assert view.slider.isVisible()


@pytest.mark.slow
def test_corners_are_put_in_another_order_by_drag_and_by_key(morph: App) -> None:
    view = morph.explore_view.morph
    old = morph.state.morph.slots
    strip = view.strip
    drag(strip, [strip.item_rect(8).center(), strip.item_rect(5).center(), strip.item_rect(0).center()])
    morph.settle()
    now = morph.state.morph.slots
    assert now[0].code is old[1].code
    assert now[1].code is old[0].code
    strip.setFocus()
    QTest.keyClick(strip, Qt.Key.Key_Home)
    QTest.keyClick(strip, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    morph.settle()
    assert morph.state.morph.slots[0].code is old[0].code


def test_corners_that_a_session_brings_get_their_strip(morph: App) -> None:
    state, strip = morph.state.morph, morph.state.morph.strip
    morph.conductor.store.update(morph=replace(state, slots=state.slots[::-1], strip=None, norms=None))
    morph.settle()
    np.testing.assert_array_equal(morph.state.morph.strip[0], strip[-1])
    assert morph.state.morph.norms is not None


def test_dragging_between_corners_scrubs(morph: App) -> None:
    strip = morph.explore_view.morph.strip
    drag(strip, [strip.item_rect(2).center(), strip.item_rect(4).center(), strip.item_rect(6).center()])
    assert morph.state.morph.fraction == pytest.approx(6 / 8)


def test_rests_and_frames_make_the_timeline(morph: App) -> None:
    panel(morph).timingChanged.emit("frames", 50)
    panel(morph).hold.changed.emit(5)
    strip = morph.explore_view.morph.strip
    strip.setFocus()
    QTest.keyClick(strip, Qt.Key.Key_End)
    QTest.keyClick(strip, Qt.Key.Key_Up)
    assert [slot.hold for slot in morph.state.morph.slots] == [5, 10]
    fractions = timeline_of(morph.state.morph).fractions()
    assert len(fractions) == 50
    assert fractions.count(0.0) == 6
    assert fractions.count(1.0) == 11
    assert "50 frames" in panel(morph).length.text()
    panel(morph).timingChanged.emit("frames", 9999)
    assert morph.state.morph.timing.frames == 600


@pytest.mark.slow
def test_a_loop_ends_its_strip_where_it_began(morph: App) -> None:
    fill_four(morph)
    assert morph.explore_view.morph.strip.count() == 10
    panel(morph).loop.changed.emit("loop")
    morph.wait(lambda: len(morph.state.morph.strip) == 9)
    morph.settle()
    strip = morph.state.morph.strip
    np.testing.assert_array_equal(strip[0], strip[-1])
    assert [key.letter for key in morph.explore_view.morph.strip.keys()] == ["A", "B", "C", "D", "A"]


def test_the_plot_shows_every_way_and_where_one_is(morph: App) -> None:
    morph.wait(lambda: morph.state.morph.norms is not None)
    assert set(morph.state.morph.norms) == {"slerp", "lerp", "norm"}
    plot = panel(morph).plot
    a, b = (np.linalg.norm(slot.code) / np.sqrt(slot.code.size) for slot in morph.state.morph.slots)
    assert plot.value_at("slerp", 0.0) == pytest.approx(a, rel=1e-5)
    assert plot.value_at("slerp", 0.5) == pytest.approx((a + b) / 2, rel=1e-3)
    assert plot.value_at("lerp", 0.5) <= plot.value_at("slerp", 0.5)
    assert "▸ Arc" in plot.words_at(0.5)
    plot.setFocus()
    QTest.keyClick(plot, Qt.Key.Key_End)
    assert morph.state.morph.fraction == 1.0


@pytest.mark.slow
def test_levels_are_offered_where_there_are_several(morph: App) -> None:
    offered = [panel(morph).method.itemData(i) for i in range(panel(morph).method.count())]
    assert offered == ["slerp", "lerp", "norm"]
    morph.model("Tiny Glow")
    morph.wait(lambda: morph.state.morph.norms is not None)
    assert panel(morph).method.findData("levels") >= 0
    panel(morph).method.changed.emit("levels")
    morph.settle()
    assert len(morph.state.morph.norms["levels"]) == 1 + len(morph.state.info.groups)
    assert "level" in panel(morph).explanation.text()
    morph.model("Tiny VAE")
    morph.settle()
    assert morph.state.morph.method == "slerp"


def exported(morph: App, target: Path) -> Path:
    morph.window.notice.clear()
    morph.explore.morph.set_timing("frames", 24)
    morph.explore.morph.set_timing("fps", 24)
    morph.explore.morph.set_export("scale", 2)
    morph.explore.morph.export(target)
    assert any(job.key == "export" for job in morph.state.jobs)
    morph.wait(lambda: "Saved" in morph.said)
    assert not morph.state.jobs
    return target


@pytest.mark.slow
def test_export_of_animations_and_frames(morph: App, tmp_path: Path) -> None:
    for name in ("out.gif", "out.webp"):
        with Image.open(exported(morph, tmp_path / name)) as image:
            assert image.size == (64, 64)
            assert image.n_frames == 24
    assert len(list(exported(morph, tmp_path / "frames").glob("*.png"))) == 24


@pytest.mark.slow
def test_export_of_a_film(morph: App, tmp_path: Path) -> None:
    pytest.importorskip("imageio_ffmpeg")
    assert exported(morph, tmp_path / "out.mp4").stat().st_size > 1000


@pytest.mark.slow
def test_a_stopped_export_leaves_nothing(morph: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, gate = threading.Event(), threading.Event()

    def gated(path: Path, frames, **options):
        def some():
            for i, frame in enumerate(frames):
                if i == 3:
                    begun.set()
                    assert gate.wait(100)
                yield frame

        return save_animation(path, some(), **options)

    monkeypatch.setattr("app.explore.morph.export.save_animation", gated)
    morph.explore.morph.export(tmp_path / "out.webp")
    morph.wait(begun.is_set)
    morph.window.jobs.stopClicked.emit("export")
    gate.set()
    morph.wait(lambda: "stopped" in morph.said)
    assert not list(tmp_path.glob("*out*"))
    assert not morph.state.jobs
    morph.explore.morph.export(tmp_path / "again.webp")
    morph.wait(lambda: "again.webp" in morph.said)


def test_four_photos_the_pad_play_a_loop_and_export(morph: App, portrait: Path, tmp_path: Path) -> None:
    view = morph.explore_view.morph
    for index in range(4):
        photo = tmp_path / f"photo {index}.png"
        with Image.open(portrait) as image:
            image.rotate(90 * index, expand=True).save(photo)
        if index >= 2:
            view.more.clicked.emit()
        drop(view.corners[index], [photo])
        morph.wait(lambda at=index, key=str(photo): _code(morph, at, key))
    view.mode.changed.emit("pad")
    before = view.picture.picture().copy()
    drag(view.pad, [view.pad.spot_of(0.5, 0.5).toPoint(), view.pad.spot_of(0.9, 0.1).toPoint()])
    morph.settle()
    assert not np.array_equal(view.picture.picture(), before)
    panel(morph).loop.changed.emit("loop")
    panel(morph).timingChanged.emit("frames", 20)
    view.play.clicked.emit()
    seen: set[float] = set()
    morph.conductor.store.changed.connect(lambda old, now: seen.add(now.morph.fraction))
    morph.wait(lambda: len(seen) > 15)
    assert morph.state.morph.pad is None, "playing goes along the path"
    view.play.clicked.emit()
    morph.explore.morph.export(tmp_path / "loop.webp")
    morph.wait(lambda: "Saved" in morph.said)
    with Image.open(tmp_path / "loop.webp") as image:
        assert image.n_frames == 20


def _code(app: App, at: int, key: str) -> bool:
    slot = app.state.morph.slots[at]
    return slot is not None and slot.photo == key and slot.code is not None


def test_without_an_encoder_the_panel_says_how_to_get_it(morph: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.explore.morph.panel.mp4_missing", lambda: "MP4 needs an extra: install it.")
    panel(morph).exportChanged.emit("kind", ".mp4")
    assert "install" in panel(morph).about.text()
    assert not panel(morph).export.isEnabled()
    panel(morph).exportChanged.emit("kind", ".webp")
    assert panel(morph).export.isEnabled()


@pytest.mark.slow
def test_export_to_nowhere_is_a_sentence(morph: App, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    morph.explore.morph.export(tmp_path / "file" / "out.gif")
    morph.wait(lambda: bool(morph.said))
    assert "could not be written" in morph.said
    assert not morph.state.jobs


@pytest.mark.slow
def test_take_makes_it_current(morph: App) -> None:
    picture = morph.state.morph.picture.copy()
    morph.explore_view.morph.take.clicked.emit()
    morph.settle()
    assert np.abs(morph.state.drawn.picture.astype(int) - picture).max() <= 1


@pytest.mark.slow
def test_another_model_makes_new_corners(morph: App) -> None:
    morph.model("Tiny Glow")
    morph.wait(lambda: morph.state.morph.strip is not None)
    assert morph.state.morph.slots[0].code.shape == (morph.state.info.code_size,)


def test_a_model_that_searches_morphs_at_once(home: Path, open_app: OpenApp) -> None:
    app = open_app(model="Tiny GAN")
    app.explore.show_view("morph")
    app.wait(lambda: app.state.morph.strip is not None)
    assert not app.state.jobs
