"""The benchmark of the window on tiny models: what it counts is right; how fast they are is not asked here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from app.__main__ import open_window
from app.bench import tools as bench_tools
from app.bench import window as bench
from app.conductor import Conductor
from app.explore.workspace import Explore
from app.settings import Settings
from app.shot import close, wait_until
from engine.api import ModelCard
from engine.families import FAMILIES
from engine.session import Session
from tests.contract.tiny import folder_of_pictures, save

TINY = bench.Extent(moves=6, rests=1, flood=12, gap_ms=200, trained=1, starts=1)


@pytest.fixture
def models() -> Path:
    """A tiny model of each family among the user's."""
    folder = Path(os.environ["LATENT_LOOM_HOME"]) / "models"
    folder.mkdir(parents=True)
    for family in FAMILIES:
        save(folder / f"{family}.safetensors", family, title=f"Tiny {family}", size=16)
    return folder


@pytest.fixture
def only_tiny(models: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No large models, and a data set of a few pictures instead of the one in the box."""
    data = folder_of_pictures(tmp_path / "pictures", 48)
    monkeypatch.setattr("engine.library.shipped_models", list)
    monkeypatch.setattr(Session, "_data_sets", lambda self: ((str(data), "A few"),))
    return data


@pytest.fixture
def window(qtbot: QtBot, only_tiny: Path) -> Iterator[Conductor]:
    """The real window with its first picture on screen."""
    controller = open_window(Settings(), remember=False)
    controller.window.show()
    controller.start()
    wait_until(lambda: controller.state.drawn is not None and not controller.state.drawing, controller)
    yield controller
    close(controller)


@pytest.mark.slow
def test_a_drag_ends_on_the_picture_of_its_last_value(window: Conductor, models: Path):
    watcher = bench_tools.PaintWatcher(window)
    slider = bench_tools.sliders(window)["temperature"]
    values: list[float] = []
    slider.changed.connect(values.append)
    times = bench_tools.drag(watcher, bench_tools.Mouse(window.window, slider), 30)
    assert len(times) == len(values) == 30
    assert all(a != b for a, b in pairwise(values))
    assert min(times) > 0
    assert watcher.pictures >= 30
    watcher.close()

    wanted = watcher.wanted()
    assert wanted is not None
    assert wanted == watcher.seen
    assert window.state.model is not None
    picture = Session().open(window.state.model).draw(wanted).picture
    assert np.array_equal(window.of(Explore).view.single.picture.picture(), picture)


@pytest.mark.slow
def test_a_flood_of_moves_ends_on_the_newest_picture_and_draws_no_more_than_moves(window: Conductor):
    watcher = bench_tools.PaintWatcher(window)
    mouse = bench_tools.Mouse(window.window, bench_tools.sliders(window)["temperature"])
    found = bench_tools.flood(watcher, mouse, 25)
    assert found["last_is_newest"]
    assert watcher.caught_up()
    assert 1 <= found["pictures"] <= 26
    assert found["age"]["p50_ms"] <= found["age"]["p99_ms"] <= found["age"]["max_ms"]
    watcher.close()


@pytest.mark.slow
def test_a_picture_that_does_not_come_is_said(window: Conductor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bench_tools, "LIMIT_MS", 100)
    watcher = bench_tools.PaintWatcher(window)
    mouse = bench_tools.Mouse(window.window, bench_tools.sliders(window)["temperature"])
    bench_tools.drag(watcher, mouse, 1)
    monkeypatch.setattr(window.of(Explore).looks, "_redraw", lambda **_: None)
    with pytest.raises(bench.UserError, match="No picture came"):
        bench_tools.drag(watcher, mouse, 1)
    monkeypatch.undo()
    watcher.close()


@pytest.mark.slow
def test_a_slider_that_cannot_move_is_said(window: Conductor):
    slider = bench_tools.sliders(window)["temperature"]
    mouse = bench_tools.Mouse(window.window, slider)
    slider.setEnabled(False)
    with pytest.raises(bench.UserError, match="does not follow"):
        mouse.move()


def test_heartbeat_hears_a_gui_thread_that_stands_still(qtbot: QtBot):
    heart = bench_tools.Heartbeat()
    assert len(heart.listen(150)) >= 5
    QTimer.singleShot(50, lambda: bench.time.sleep(0.12))
    assert max(heart.listen(300)) >= 110


@pytest.mark.slow
def test_the_whole_window_is_measured_and_leaves_nothing(
    qtbot: QtBot, only_tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bench, "EVERY", {**bench.EVERY, "batch": 2})
    monkeypatch.setattr(bench, "WARM_UP_MS", 100)
    home = Path(os.environ["LATENT_LOOM_HOME"])
    values = bench._measure_window(TINY, tmp_path / "runs")
    assert list(values["slider_to_picture"]) == list(FAMILIES)
    for family, found in values["slider_to_picture"].items():
        assert found["model"] == f"Tiny {family}"
        assert found["idle"]["n"] == found["training"]["n"] == TINY.moves
        assert found["idle"]["aim"] == {"p99_ms": 50.0 if family == "flow" else 33.0}
        assert isinstance(found["training"]["met"], bool)
    gaps = values["gui_gap"]
    assert gaps["training vae"]["aim"] == bench.GAP_AIMS
    assert gaps["idle"]["max_ms"] >= gaps["idle"]["p50_ms"] > 0
    # Its run was saved in order, and the person's own folder got none.
    assert list((tmp_path / "runs").glob("*/checkpoints/step_*/manifest.json"))
    assert [path.name for path in home.iterdir()] == ["models"]


@pytest.mark.slow  # Another process with the whole window.
def test_a_fresh_window_tells_when_it_was_there(only_tiny: Path):
    found = bench.measure_start_up(1)
    assert 0 < found["window_painted_seconds"] < found["first_picture_seconds"]
    assert found["peak_memory_mib"] > 50


def _card(family: str, size: int, title: str) -> ModelCard:
    return ModelCard(title, title, family, family, size, 3, 1, "", Path(title), shipped=False)


def test_models_of_64_pixels_are_measured_before_others():
    small, first, second = _card("vae", 32, "a"), _card("vae", 64, "b"), _card("vae", 64, "c")
    other = _card("flow", 32, "d")
    assert bench.one_of_each((small, first, second, other)) == {"vae": first, "flow": other}
    assert bench.one_of_each(()) == {}
