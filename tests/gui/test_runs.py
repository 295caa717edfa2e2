"""The library of runs in the real window: search, tags, attached folders, forms from runs, comparing, trash."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from engine.runs import directory as runs
from engine.runs import library as run_library
from tests.gui.conftest import SIZE, TINY, App, OpenApp, drop

STEPS = 500


def make_run(path: Path, *, title: str = "", family: str = "vae", state: str = "stopped", **training: object) -> Path:
    """A run as training leaves it, with figures and without weights."""
    knobs = {"steps": STEPS, "batch": 4, **training}
    runs.create(path, runs.RunConfig(family, TINY[family], knobs, str(path.parent), None, "f", (3, SIZE, SIZE), title))
    runs.write_status(path, state, 10, STEPS)
    return path


@pytest.fixture
def shelf(home: Path) -> Path:
    """Three runs; the newest is the VAE."""
    folder = home / "runs"
    for index, (family, title) in enumerate((("flow", ""), ("gan", "Night game"), ("vae", "Night faces"))):
        run = make_run(folder / f"0000{index}-{family}-x", title=title, family=family, learning_rate=1e-3 * (index + 1))
        runs.append_metrics(run, 10, {"heldout/bits_per_dim": 4.0 - index, "loss": 1.0})
        os.utime(run / "status.json", (index + 10, index + 10))
    return folder


def open_runs(open_app: OpenApp) -> App:
    app = open_app()
    app.conductor.store.update(workspace="train", train_panel="runs")
    app.wait(lambda: app.state.run_view is not None)
    app.settle()
    return app


def titles(app: App) -> list[str]:
    return [card.title for card in app.train_view.runs.runs.cards()]


def act(app: App, run: Path, action: str) -> None:
    """As the context menu does."""
    panel = app.train_view.runs.runs
    menu = panel.menu_for(str(run))
    next(item for item in menu.actions() if item.objectName() == action).trigger()
    menu.deleteLater()
    app.settle()


def test_search_tags_and_titles(shelf: Path, open_app: OpenApp) -> None:
    app = open_runs(open_app)
    panel = app.train_view.runs
    assert titles(app) == ["Night faces", "Night game", "00000-flow-x"]
    assert [card.subtitle.split(" · ")[0] for card in panel.runs.cards()] == ["VAE", "GAN", "Flow"]
    app.press("runs.find")
    assert app.window.focusWidget() is panel.search
    QTest.keyClicks(panel.search, "night gan")
    assert titles(app) == ["Night game"]
    assert panel.count.text() == "1 of 3 runs"
    panel.search.clear()
    assert len(titles(app)) == 3
    # tags of the run on show
    vae = shelf / "00002-vae-x"
    for text in ("best", "of  all"):
        QTest.keyClicks(panel.detail.tag, text)
        QTest.keyClick(panel.detail.tag, Qt.Key.Key_Return)
        app.wait(lambda text=text: " ".join(text.split()) in panel.runs.cards()[0].tags)
    assert run_library.read_tags(vae) == ("best", "of all")
    panel.tags.chip("best").click()
    assert titles(app) == ["Night faces"]
    panel.tags.chip("best").click()
    panel.detail.tags.chip("best").click()
    app.wait(lambda: panel.runs.cards()[0].tags == ("of all",))
    # F2 on another run shows it and edits its title
    panel.runs.set_selected(str(shelf / "00001-gan-x"))
    QTest.keyClick(panel.runs, Qt.Key.Key_F2)
    app.wait(lambda: panel.detail.key() == str(shelf / "00001-gan-x"))
    panel.detail.title.selectAll()
    QTest.keyClicks(panel.detail.title, "Day game")
    QTest.keyClick(panel.detail.title, Qt.Key.Key_Return)
    app.wait(lambda: "Day game" in titles(app))
    assert runs.read_config(shelf / "00001-gan-x").title == "Day game"
    panel.order.set_current("title")
    panel.order.changed.emit("title")
    assert titles(app) == ["00000-flow-x", "Day game", "Night faces"]


@pytest.mark.slow
def test_attached_folders_are_remembered_and_lost_ones_stay(shelf: Path, open_app: OpenApp, tmp_path: Path) -> None:
    far = tmp_path / "far disk"
    make_run(far / "away", title="Away")
    app = open_runs(open_app)
    panel = app.train_view.runs
    drop(panel, [far])
    app.wait(lambda: "Away" in titles(app))
    card = next(card for card in panel.runs.cards() if card.title == "Away")
    assert card.subtitle.startswith("attached")
    panel.runChosen.emit(card.key)
    app.wait(lambda: app.state.run_view.path == far / "away")
    app.close()
    shutil.move(far, tmp_path / "unmounted")
    again = open_runs(open_app)
    again.wait(lambda: any(card.dim for card in again.train_view.runs.runs.cards()))
    lost = next(card for card in again.train_view.runs.runs.cards() if card.dim)
    assert "cannot be reached" in lost.subtitle
    shutil.move(tmp_path / "unmounted", far)
    again.train.runs.refresh()
    again.wait(lambda: "Away" in titles(again))
    act(again, far / "away", "detach")
    again.wait(lambda: "Away" not in titles(again))
    assert (far / "away" / "config.json").is_file()
    assert again.conductor.preferences.now.attached == ()


@pytest.mark.slow
def test_broken_runs_are_listed_greyed(shelf: Path, open_app: OpenApp) -> None:
    (shelf / "00001-gan-x" / "config.json").write_text("{")
    (shelf / "loop").symlink_to(shelf / "loop")
    app = open_runs(open_app)
    cards = app.train_view.runs.runs.cards()
    assert [card.title for card in cards if not card.dim] == ["Night faces", "00000-flow-x"]
    (broken,) = [card for card in cards if card.dim]
    assert "damaged" in broken.subtitle
    QTest.keyClick(app.train_view.runs.runs, Qt.Key.Key_End)
    QTest.keyClick(app.train_view.runs.runs, Qt.Key.Key_Space)
    assert app.state.run_list.marked == ()


@pytest.mark.slow
def test_duplicate_with_changes(shelf: Path, open_app: OpenApp) -> None:
    app = open_runs(open_app)
    act(app, shelf / "00002-vae-x", "duplicate")
    form = app.train_view.form
    assert app.state.train_panel == "new"
    assert form.banner.isVisible()
    assert "no knob differs" in form.banner.words.text()
    request = form.request()
    config = runs.read_config(shelf / "00002-vae-x")
    assert config.model.items() <= request.model.items()
    assert config.training.items() <= request.training.items()
    assert (request.data, request.size, request.title) == (config.data, SIZE, "Night faces again")
    field = form.knob_form("steps").fields["steps"]
    field.set_value(123)
    field.changed.emit(123)
    label = form.knob_form("steps").labels["steps"]
    assert label.property("kind") == "changed"
    assert f"{STEPS} in the other run" in label.toolTip()
    assert "1 knob differs" in form.banner.words.text()
    assert form.request().training["steps"] == 123
    form.banner.dropped.emit()
    assert not form.banner.isVisible()
    assert label.property("kind") != "changed"
    assert form.request().training["steps"] == 123, "the knobs stay as they are"


@pytest.mark.slow
def test_a_form_to_continue_from_a_checkpoint(shelf: Path, open_app: OpenApp) -> None:
    run = shelf / "00002-vae-x"
    app = open_runs(open_app)
    act(app, run, "continue")
    assert "no checkpoint yet" in app.said
    for step in (10, 20):
        folder = run / "checkpoints" / f"step_{step:06d}"
        folder.mkdir()
        (folder / "manifest.json").write_text("{}")
    act(app, run, "continue")
    form = app.train_view.form
    assert form.banner.step.isVisible()
    assert form.request().checkpoint == run / "checkpoints" / "step_000020"
    assert not form.family.isEnabled()
    assert not form.knob_form("code").isEnabled()
    assert form.knob_form("learning_rate").isEnabled()
    form.banner.step.set_current("10")
    form.banner.step.changed.emit("10")
    assert form.request().checkpoint == run / "checkpoints" / "step_000010"
    act(app, shelf / "00001-gan-x", "duplicate")
    assert form.family.isEnabled()
    assert form.request().checkpoint is None
    assert form.request().family == "gan"


@pytest.mark.slow
def test_comparing(shelf: Path, open_app: OpenApp) -> None:
    app = open_runs(open_app)
    panel, page = app.train_view.runs, app.train_view.compare
    app.train.runs.compare()
    assert "two runs" in app.said
    panel.runs.setFocus()
    for key in (Qt.Key.Key_Home, Qt.Key.Key_Space, Qt.Key.Key_End, Qt.Key.Key_Space):
        QTest.keyClick(panel.runs, key)
    assert len(app.state.run_list.marked) == 2
    panel.compare.click()
    app.wait(lambda: app.state.run_list.table is not None)
    assert page.isVisible()
    rows = {row.name: row for row in page.rows()}
    assert rows["learning_rate"].differs
    assert not rows["batch"].differs
    assert rows["heldout/bits_per_dim"].best == (0,)
    page.only.click()
    assert "batch" not in {row.name for row in page.rows()}
    page.copy.click()
    assert QGuiApplication.clipboard().text().startswith(",Night faces,")
    head = QPoint(page.table.width() - 20, 20)
    QTest.mouseClick(page.table, Qt.MouseButton.LeftButton, pos=head)
    app.wait(lambda: app.state.run_view.path == shelf / "00000-flow-x")
    assert not page.isVisible()


def alive(run: Path, **changes: object) -> None:
    """As if a process of this machine were writing the run: the one that runs these tests is one."""
    values = json.loads((run / "status.json").read_text())
    (run / "status.json").write_text(json.dumps({**values, "state": "running", "heartbeat": time.time(), **changes}))


class NoTrash:
    """A disk that has no trash."""

    def __init__(self, path: str) -> None:
        self.path = path

    def moveToTrash(self) -> bool:
        return False


def test_trash_and_undo(shelf: Path, open_app: OpenApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    app = open_runs(open_app)
    vae = shelf / "00002-vae-x"
    # never a live one, also when the list does not know yet
    alive(vae)
    app.train.runs.delete(vae)
    app.settle()
    assert vae.is_dir()
    assert "stop it first" in app.said
    runs.write_status(vae, "stopped", 10, STEPS)
    app.train.runs.refresh()
    app.settle()
    act(app, vae, "delete")
    app.wait(lambda: not vae.exists() and "Night faces" not in titles(app))
    app.wait(lambda: app.state.run_view is not None and app.state.run_view.path != vae)
    assert app.window.notice.action() == "Undo"
    app.window.notice.acted.emit()
    app.wait(lambda: "Night faces" in titles(app))
    assert runs.read_config(vae).title == "Night faces"
    # a disk without a trash
    monkeypatch.setattr("app.train.runs.trash.QFile", NoTrash)
    act(app, vae, "delete")
    app.wait(lambda: not vae.exists())
    app.wait(lambda: str(shelf / ".trash") in app.said)
    app.train.runs.undo_delete()
    app.wait(lambda: vae.is_dir() and "Night faces" in titles(app))


@pytest.mark.slow
def test_a_run_of_another_process_is_paused_and_stopped_by_files(shelf: Path, open_app: OpenApp) -> None:
    run = shelf / "00002-vae-x"
    app = open_runs(open_app)
    alive(run)
    app.train.runs.refresh()
    app.wait(lambda: any(job.key == f"run:{run}" for job in app.state.jobs))
    card = next(card for card in app.train_view.runs.runs.cards() if card.key == str(run))
    assert card.live
    assert "delete" not in {name for name, _ in card.actions}
    app.window.jobs.pauseClicked.emit(f"run:{run}")
    app.wait(lambda: (run / "PAUSE").exists())
    app.window.jobs.resumeClicked.emit(f"run:{run}")
    app.wait(lambda: not (run / "PAUSE").exists())
    app.window.jobs.stopClicked.emit(f"run:{run}")
    app.wait(lambda: (run / "STOP").exists())
    # its process goes without a word
    alive(run, heartbeat=0)
    app.train.runs.refresh()
    app.wait(lambda: "not being trained any more" in app.said)
    app.wait(lambda: not app.state.jobs)
    assert "broke off" in app.train_view.runs.runs.cards()[0].subtitle


@pytest.mark.slow
def test_a_run_elsewhere_is_watched_once_its_heart_beats(shelf: Path, open_app: OpenApp) -> None:
    """Its clock is an hour behind: it is taken for dead until its heartbeat moves, then its curves follow."""
    run, behind = shelf / "00002-vae-x", time.time() - 3600
    alive(run, host="elsewhere", heartbeat=behind, pid=1)
    os.utime(run / "status.json", (behind, behind))
    app = open_runs(open_app)
    assert app.state.run_view.path == run
    assert not app.state.run_view.info.status.alive
    alive(run, host="elsewhere", heartbeat=behind + 5, pid=1, step=20)
    os.utime(run / "status.json", (behind + 5, behind + 5))
    app.wait(lambda: app.state.run_view.info.status.alive)
    assert not app.state.jobs, "what another machine does is no job of this one"
    runs.append_metrics(run, 20, {"loss": 0.5})
    app.wait(
        lambda: (
            list(app.state.run_view.series["loss"].steps)[-1:] == [20] if "loss" in app.state.run_view.series else False
        )
    )


@pytest.mark.slow
def test_the_torchrun_line(shelf: Path, open_app: OpenApp) -> None:
    app = open_runs(open_app)
    detail = app.train_view.runs.detail
    detail.devices.set_value(4)
    detail.nodes.set_value(2)
    detail.nodes.changed.emit(2)
    line = detail.line.toPlainText()
    assert "--nproc-per-node=4" in line
    assert "--nnodes=2" in line
    assert str(shelf / "00002-vae-x") in line
    detail.copy.click()
    assert QGuiApplication.clipboard().text() == line


@pytest.mark.slow
def test_five_hundred_runs_get_their_thumbnails_where_they_are_seen(home: Path, open_app: OpenApp) -> None:
    first = make_run(home / "runs" / "00000-vae-x")
    Image.fromarray(np.full((SIZE, SIZE, 3), 99, np.uint8)).save(first / "previews" / "000010.webp")
    for index in range(1, 500):
        shutil.copytree(first, home / "runs" / f"{index:05d}-vae-x")
    app = open_runs(open_app)
    panel = app.train_view.runs
    app.wait(lambda: len(panel.runs.cards()) == 500)
    app.wait(lambda: all(card.thumb is not None for card in app.state.runs[:30]))
    assert sum(card.thumb is None for card in app.state.runs) > 400
    shown = panel.runs.cards()[-1].key
    area = panel.runs.parentWidget().parentWidget().parentWidget()
    area.verticalScrollBar().setValue(area.verticalScrollBar().maximum())
    app.wait(lambda: next(c for c in app.state.runs if str(c.info.path) == shown).thumb is not None)
