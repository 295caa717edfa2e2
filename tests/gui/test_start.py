"""Starting and closing: settings, the picture of the window, the shortcuts, the hooks."""

from __future__ import annotations

import gc
import sys
import threading
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtWidgets import QApplication

from app import shot
from app.__main__ import main
from app.core.shot_request import ShotRequest
from app.settings import load_settings, settings_file
from app.train.shortcuts import SHORTCUTS as TRAIN_KEYS
from engine.errors import UsageError
from engine.preload import preload_torch
from tests.gui.conftest import App, OpenApp
from tests.quick import quick


def test_broken_settings_are_said_and_the_window_starts(home: Path, open_app: OpenApp) -> None:
    file = settings_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{broken")
    app = open_app()
    assert "settings file was damaged" in app.said
    assert file.with_name("settings.json.broken").exists()
    assert app.state.drawn is not None


@pytest.mark.slow
def test_the_last_model_and_theme_come_back(home: Path, open_app: OpenApp) -> None:
    app = open_app(model="Tiny GAN")
    app.conductor.switch_theme()
    key = app.state.model
    app.close()
    assert load_settings(settings_file())[0].model == key
    again = open_app(model="")
    assert again.state.model == key
    assert again.state.theme == "light"


def test_a_model_that_is_gone_falls_back_to_the_first(home: Path, open_app: OpenApp) -> None:
    app = open_app(model="no such model")
    assert app.state.info.title == "Tiny VAE"


def test_closing_gives_everything_back(home: Path, open_app: OpenApp) -> None:
    hooks, collecting = (sys.excepthook, threading.excepthook), gc.isenabled()
    app = open_app()
    assert not gc.isenabled(), "cyclic garbage must not be collected in a lane"
    assert sys.excepthook is not hooks[0]
    app.close()
    assert (sys.excepthook, threading.excepthook) == hooks
    assert gc.isenabled() == collecting
    assert not [t for t in threading.enumerate() if t.name.startswith("lane-")]


def test_closing_before_the_first_picture(home: Path, open_app: OpenApp) -> None:
    app = open_app(ready=False)
    app.close()
    assert app.conductor.tasks.closed
    assert not [t for t in threading.enumerate() if t.name.startswith("lane-")]


def test_a_bug_in_a_thread_is_said_with_its_details(app: App, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise ValueError("oops")

    thread = threading.Thread(target=broken)
    thread.start()
    thread.join()
    app.wait(lambda: "oops" in app.said)
    assert "Traceback" in app.window.notice.details()
    assert app.window.notice.level() == "error"
    # It was meant: nothing is left that should fail this test.
    caplog.clear()


def test_keys_open_and_close(app: App) -> None:
    app.window.top.helpClicked.emit()
    panels = [w for w in QApplication.topLevelWidgets() if w.windowTitle() == "Keys" and w.isVisible()]
    assert len(panels) == 1
    panels[0].close()
    QApplication.processEvents()


def test_workspaces_by_action(app: App) -> None:
    actions = {action.objectName(): action for action in app.window.actions()}
    actions["workspace.train"].trigger()
    assert app.train_view.isVisible()
    actions["workspace.explore"].trigger()
    seed = app.state.seed
    actions["sample.random"].trigger()
    app.settle()
    assert app.state.seed != seed


def test_keys_that_act_only_in_train_make_no_view_of_it_from_explore(app: App) -> None:
    for action in sorted(TRAIN_KEYS.when_shown):
        app.press(action)
    assert (app.state.workspace, list(app.window.views())) == ("explore", ["explore"])
    assert (app.state.curves.log, app.state.pictures.tab, app.said) == (False, "samples", "")
    app.press("runs.find")
    assert (app.state.workspace, list(app.window.views())) == ("train", ["explore", "train"])
    app.press("curves.log")
    assert app.state.curves.log


SHOTS = [("explore", "single"), ("explore", "morph"), ("train", "single")]


@pytest.mark.parametrize("shown", quick(SHOTS, ("explore", "morph"), ("train", "single")))
def test_shot(home: Path, qapp: QApplication, tmp_path: Path, portrait: Path, shown: tuple[str, str]) -> None:
    workspace, view = shown
    out = tmp_path / "window.png"
    photo = portrait if view == "single" and workspace == "explore" else None
    shot.render(out, workspace=workspace, asked=ShotRequest(view), photo=photo, size=(1280, 720), model="Tiny VAE")
    with Image.open(out) as image:
        assert image.size == (1280, 720)
        assert len(image.convert("RGB").getcolors(1 << 24)) > 500


def test_shot_refuses_what_is_not_there(home: Path, qapp: QApplication, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="workspace"):
        shot.render(tmp_path / "x.png", workspace="cellar")
    with pytest.raises(UsageError, match="size"):
        shot.render(tmp_path / "x.png", size=(10, 10))


def test_without_a_display_it_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Qt itself would abort the process."""
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert main([]) == 1
    assert "latent-loom shot" in capsys.readouterr().err


@pytest.mark.parametrize("train_ahead", [True])
def test_train_is_not_there_before_the_first_picture_and_then_made_in_parts(home: Path, open_app: OpenApp) -> None:
    app = open_app(ready=False)
    assert "train" not in app.window.views()
    app.wait(lambda: app.state.drawn is not None)
    app.wait(lambda: "train" in app.window.views())
    form = app.train_view.form
    app.window.top.workspaceChanged.emit("train")
    assert app.train_view.isVisible()
    assert app.train_view.form is form


def test_train_asked_for_at_once_is_there_at_once(home: Path, open_app: OpenApp) -> None:
    app = open_app(ready=False)
    app.window.top.workspaceChanged.emit("train")
    assert app.train_view.isVisible()
    app.train_view.panel.changed.emit("runs")
    assert app.state.train_panel == "runs", "it is connected"
    app.wait(lambda: app.state.catalogue is not None)
    assert app.train_view.form.data.current() is not None


def test_torch_libraries_that_are_not_there_are_left_to_the_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "torch"
    (package / "lib").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "lib" / "libtorch.so").write_text("no library")
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.syspath_prepend(tmp_path)
    thread = preload_torch()
    if sys.platform.startswith("linux"):
        assert thread is not None
        thread.join(10)
        assert not thread.is_alive()
