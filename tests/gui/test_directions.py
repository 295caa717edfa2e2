"""Attributes made in the window, main axes found in it, locks, and files of directions dropped on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.explore.directions.maker_view import NewAttribute
from app.explore.directions.state import FEWEST
from app.widgets.direction_slider import DirectionSlider
from app.widgets.pixels import KEY_MIME
from engine.latent.direction_files import DirectionSet, save_directions
from engine.latent.directions import Direction
from engine.latent.user_directions import user_file
from tests.gui.conftest import App, OpenApp, drop, engine_model


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Six bright photos and six dark ones, and a file that is no photo among the bright."""
    rng = np.random.default_rng(0)
    for name, level in (("bright", 200), ("dark", 40)):
        (tmp_path / name).mkdir()
        for i in range(6):
            pixels = np.clip(level + rng.normal(0, 30, (40, 40, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{name} {i}.png")
    (tmp_path / "bright" / "broken.png").write_bytes(b"no picture")
    return tmp_path / "bright", tmp_path / "dark"


def panel(app: App) -> NewAttribute:
    return app.explore_view.new_attribute


def sliders(app: App) -> dict[str, DirectionSlider]:
    return app.explore_view.inspector.sliders


def collect(app: App, folders: tuple[Path, Path], name: str = "Bright") -> None:
    """Opens the panel with its button, types the name and drops both folders."""
    app.explore_view.inspector.attributes.new.click()
    assert panel(app).isVisible()
    for group, folder in zip(("a", "b"), folders, strict=True):
        drop(panel(app).groups[group], [folder])
    QTest.keyClicks(panel(app).name, name)
    app.wait(lambda: app.state.maker is not None and len(app.state.maker.b) == 6 and not app.state.maker.reading)


def make(app: App, folders: tuple[Path, Path], name: str = "Bright") -> DirectionSlider:
    collect(app, folders, name)
    panel(app).make.click()
    app.wait(lambda: name in sliders(app))
    app.settle()
    return sliders(app)[name]


def shown(app: App) -> np.ndarray:
    picture = app.explore_view.single.picture.picture()
    assert picture is not None
    return picture.copy()


def test_two_groups_become_a_slider_that_moves_the_picture_and_stays(
    home: Path, open_app: OpenApp, folders: tuple[Path, Path]
) -> None:
    app = open_app()
    collect(app, folders)
    assert panel(app).groups["a"].count.text() == "6 photos"
    assert "broken.png" in panel(app).message.text()
    panel(app).make.click()
    app.wait(lambda: "Bright" in sliders(app))
    app.settle()
    slider, info = sliders(app)["Bright"], app.state.info.attributes[-1]
    assert not panel(app).isVisible()
    assert slider.isVisible()
    assert (info.user_made, info.positives, info.negatives, info.method) == (True, 6, 6, "logistic")
    assert slider.note() == ("1.0" if info.auc >= 0.995 else f"{info.auc:.2f}"[1:])
    assert "yours, from 6 + 6 photos" in slider.toolTip()
    app.wait(lambda: "Bright was made from 6 + 6 photos" in app.said)
    assert "broken.png" in app.said
    before = shown(app)
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_End)
    app.settle()
    assert not np.array_equal(shown(app), before)
    np.testing.assert_array_equal(shown(app), engine_model(home, "Tiny VAE").draw(app.state.look.request()).picture)
    app.close()
    again = open_app()
    assert again.state.info.attributes[-1] == info
    assert sliders(again)["Bright"].isVisible()
    again.model("Tiny Glow")
    assert "Bright" not in sliders(again)


def test_thumbnails_of_the_library_go_into_one_group_at_a_time(app: App) -> None:
    app.explore.directions.maker.open()
    key = app.state.photos[0].key
    mime = QMimeData()
    mime.setData(KEY_MIME, key.encode())
    held = (Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    for group in ("a", "b"):
        # As a hand does it: over the dashed zone, which leaves thumbnails to the group around it.
        over = QDragEnterEvent(QPoint(9, 9), *held)
        QApplication.sendEvent(panel(app).groups[group].zone, over)
        assert over.isAccepted()
        QApplication.sendEvent(panel(app).groups[group].zone, QDropEvent(QPointF(9, 9), *held))
    assert (app.state.maker.a, [p.key for p in app.state.maker.b]) == ((), [key])
    QTest.keyClicks(panel(app).name, "Hat")
    assert f"{FEWEST} more in A and {FEWEST - 1} more in B" in panel(app).message.text()
    assert not panel(app).make.isEnabled()
    thumbs = panel(app).groups["b"].thumbs
    thumbs.setFocus()
    QTest.keyClick(thumbs, Qt.Key.Key_Delete)
    assert app.state.maker.b == ()
    QTest.keyClick(panel(app), Qt.Key.Key_Escape)
    assert app.state.maker is None
    assert not panel(app).isVisible()


def test_a_name_that_is_taken_and_a_stop_leave_the_photos(app: App, folders: tuple[Path, Path]) -> None:
    collect(app, folders, "smiling")
    panel(app).make.click()
    app.wait(lambda: bool(app.state.maker.message))
    assert "already" in panel(app).message.text()
    assert len(app.state.maker.a) == 6
    panel(app).name.selectAll()
    QTest.keyClicks(panel(app).name, "Bright")
    panel(app).make.click()
    app.wait(lambda: app.state.maker.busy)
    app.conductor.store.cancel_job("make-attribute")
    app.wait(lambda: app.state.maker is None or not app.state.maker.busy)
    app.settle()
    assert app.state.maker is not None
    assert app.state.maker.message == "Stopped."
    assert app.state.jobs == ()
    assert "Bright" not in sliders(app)


@pytest.mark.slow
def test_a_search_model_makes_one_too(home: Path, open_app: OpenApp, folders: tuple[Path, Path], monkeypatch) -> None:
    monkeypatch.setattr("engine.exploring.user_attributes.SEARCH_STEPS", 2)
    app = open_app(model="Tiny GAN")
    app.explore.directions.maker.open()
    assert "is searched for" in panel(app).explained.text()
    make(app, folders)
    assert app.state.info.attributes[-1].user_made


@pytest.mark.slow
def test_a_csv_of_labels(app: App, folders: tuple[Path, Path], tmp_path: Path) -> None:
    rows = "".join(
        f"{p.name},{1 if p.parent.name == 'bright' else 0},0\n" for f in folders for p in sorted(f.iterdir())
    )
    (tmp_path / "own.csv").write_text(f"file,light_side,Other\n{rows}", "utf-8")
    app.explore.directions.maker.open()
    panel(app).way.changed.emit("labels")
    drop(panel(app).labels, [tmp_path / "own.csv"])
    drop(panel(app).data, [tmp_path])
    app.wait(lambda: app.state.maker.column == "light_side")
    assert panel(app).name.text() == "Light side"
    assert "(7 / 6)" in panel(app).column.currentText()
    panel(app).make.click()
    app.wait(lambda: "Light side" in sliders(app))
    assert app.state.info.attributes[-1].positives == 6
    panel(app).labels.changed.emit(str(folders[0] / "broken.png"))


@pytest.mark.slow
def test_renamed_deleted_and_gone_from_the_look(app: App, home: Path, folders: tuple[Path, Path]) -> None:
    slider = make(app, folders)
    app.explore.looks.set_edit("Bright", 1.0)
    app.explore.looks.settle()
    app.settle()
    assert [a.objectName() for a in slider.menu().actions()] == ["rename", "export", "reset", "delete"]
    assert not sliders(app)["Smiling"].menu().actions()
    field = slider.begin_rename()
    field.selectAll()
    QTest.keyClicks(field, "Light")
    QTest.keyClick(field, Qt.Key.Key_Return)
    app.wait(lambda: "Light" in sliders(app))
    app.settle()
    assert app.state.look.edits == (("Light", 1.0),)
    assert sliders(app)["Light"].value() == 1.0
    app.explore.looks.undo()
    app.explore.looks.redo()
    app.settle()
    assert app.state.picture_message == ""
    sliders(app)["Light"].actionTriggered.emit("delete")
    app.wait(lambda: "Light" not in sliders(app))
    app.settle()
    assert app.state.look.edits == ()
    assert app.state.picture_message == ""
    assert not user_file(home, app.state.info.sha256).exists()


@pytest.mark.slow
def test_a_directions_file_dropped_on_the_window(
    app: App, home: Path, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    make(app, folders)
    file = tmp_path / "given.directions.safetensors"
    app.explore.directions.export("Bright", file)
    app.wait(file.exists)
    app.explore.directions.delete("Bright")
    app.wait(lambda: "Bright" not in sliders(app))
    drop(app.window, [file])
    app.wait(lambda: "Bright" in sliders(app))
    assert app.state.model.endswith("vae.safetensors")
    app.model("Tiny Glow")
    drop(app.window, [file])
    app.wait(lambda: "another model" in app.said)
    app.settle()
    assert "Bright" not in sliders(app)
    file.write_bytes(file.read_bytes()[:60])
    drop(app.window, [file])
    app.wait(lambda: "make it again" in app.said)


def test_a_half_written_file_of_ones_own_is_told_and_the_model_opens(home: Path, open_app: OpenApp) -> None:
    sha = engine_model(home, "Tiny VAE").info.sha256
    path = user_file(home, sha)
    path.parent.mkdir(parents=True, exist_ok=True)
    size = engine_model(home, "Tiny VAE").info.code_size
    save_directions(path, DirectionSet(sha, (Direction("Own", np.eye(size, dtype=np.float32)[0], 1.0),)))
    path.write_bytes(path.read_bytes()[:80])
    app = open_app()
    app.wait(lambda: "set aside" in app.said)
    assert "Own" not in sliders(app)
    assert app.state.drawn is not None


@pytest.mark.parametrize(
    ("title", "third"), [("Tiny VAE", "weights"), pytest.param("Tiny Glow", "jacobian", marks=pytest.mark.slow)]
)
def test_main_axes_are_found_on_demand_and_kept(home: Path, open_app: OpenApp, title: str, third: str) -> None:
    app = open_app(model=title)
    inspector = app.explore_view.inspector
    inspector._components.set_collapsed(False)
    assert sliders(app)["PCA 1"].isVisible()
    for kind in ("features", third):
        inspector._components.switch.changed.emit(kind)
        app.wait(lambda kind=kind: app.state.axes == kind)
        app.settle()
        rows = [c.name for c in app.state.info.components if c.method == kind]
        assert rows
        assert all(sliders(app)[name].isVisible() for name in rows)
        assert not sliders(app)["PCA 1"].isVisible()
        assert inspector._components.switch.current() == kind
    before = shown(app)
    app.explore.looks.set_edit(rows[0], 3.0)
    app.explore.looks.settle()
    app.settle()
    assert not np.array_equal(before, shown(app))
    assert app.state.jobs == ()
    found = {c.name: c for c in engine_model(home, title).info.components}
    assert set(rows) <= set(found)


def test_a_kind_that_is_not_to_be_had_says_why_and_nothing_changes(home: Path, open_app: OpenApp) -> None:
    (home / "models" / "gan.directions.safetensors").unlink()
    app = open_app(model="Tiny GAN")
    app.explore_view.inspector._components.switch.changed.emit("pca")
    app.wait(lambda: "white noise" in app.said)
    app.settle()
    assert app.state.axes_busy == ""
    assert app.state.jobs == ()


def test_a_lock_says_what_it_takes_and_puts_a_copy_to_rest(app: App, home: Path) -> None:
    model = engine_model(home, "Tiny VAE")
    smile = model.directions["Smiling"]
    mixed = smile.vector + np.roll(smile.vector, 1)
    made = (
        Direction("Mixed", (mixed / np.linalg.norm(mixed)).astype(np.float32), 1.0),
        Direction("Copy", smile.vector, 1.0),
    )
    save_directions(user_path(home, model.info.sha256), DirectionSet(model.info.sha256, made))
    app.explore.directions._renew()
    app.wait(lambda: "Copy" in sliders(app))
    app.explore_view.inspector.lockChanged.emit("Smiling", True)
    app.wait(lambda: bool(app.state.lost))
    share = float(made[0].vector @ smile.vector) ** 2
    assert f"{100 * share:.0f} % of Mixed is along Smiling" in sliders(app)["Mixed"].toolTip()
    assert "nothing but Smiling" in sliders(app)["Copy"].toolTip()
    assert not sliders(app)["Copy"].isEnabled()
    assert sliders(app)["Mixed"].isEnabled()
    before = app.state.drawn.code.copy()
    app.explore.looks.set_edit("Mixed", 2.0)
    app.settle()
    moved = app.state.drawn.code - before
    assert np.linalg.norm(moved) > 0.1
    assert abs(float(moved @ smile.vector)) < 1e-4
    app.explore_view.inspector.lockChanged.emit("Smiling", False)
    app.wait(lambda: not app.state.lost)
    assert sliders(app)["Copy"].isEnabled()


def user_path(home: Path, sha256: str) -> Path:
    path = user_file(home, sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def test_the_figure_stands_on_the_row_and_turns_amber_when_weak(app: App) -> None:
    strong, weak = sliders(app)["Smiling"], sliders(app)["Pale_Skin"]
    assert (strong.note(), weak.note()) == (".93", ".61")
    assert strong.warning() == ""
    assert "Weak" in weak.warning()
    assert sliders(app)["PCA 1"].note() == ""
    with_note = strong.grab().toImage()
    strong.set_note("")
    assert strong.grab().toImage() != with_note


def test_the_key_opens_the_panel_and_nothing_hangs_over(app: App) -> None:
    actions = {action.objectName(): action for action in app.window.actions()}
    actions["attribute.new"].trigger()
    assert panel(app).isVisible()
    app.window.resize(1120, 640)
    QApplication.processEvents()
    inside = panel(app).rect()
    for part in (panel(app).make, panel(app).way, panel(app).method, *panel(app).groups.values()):
        corner = part.mapTo(panel(app), QPoint(part.width(), part.height()))
        assert inside.contains(corner - QPoint(1, 1))
