"""A model that others made, dropped on the window: the report, the questions, the refusals, and the open model."""

from __future__ import annotations

import shutil

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from app.core.knob_forms import KnobForm
from app.widgets.form import Combo, IntField
from engine.checkpoints.importing import child, reading
from tests.engine.checkpoints.importing import files
from tests.engine.checkpoints.importing.conftest import in_this_process
from tests.gui.conftest import SIZE, drop


@pytest.fixture
def quick(monkeypatch):
    """The child's work in the lane itself: a new process takes seconds."""
    monkeypatch.setattr(child, "limit_memory", lambda extra: None)
    monkeypatch.setattr(reading, "_run_child", in_this_process)


def stage(app):
    return app.state.importing.stage if app.state.importing is not None else None


def panel(app):
    return app.explore_view.import_panel


def fields(app):
    """The questions on show, by name."""
    return {name: w for form in panel(app).findChildren(KnobForm) for name, w in form.fields.items() if w.isVisible()}


def press(button):
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_a_dropped_generator_is_reported_imported_and_explored(app, home, tmp_path):
    """From the drop to a drag, with the real child."""
    path = files.write_torch(tmp_path / "netG_epoch_9.pth", {"module." + k: v for k, v in files.dcgan().items()})
    drop(app.window, [path])
    assert stage(app) == "reading"
    assert panel(app).isVisible()
    assert app.state.jobs[0].text == "Reading netG_epoch_9.pth"
    app.wait(lambda: stage(app) == "asking")
    assert app.state.importing.report.layout == "DCGAN of pytorch/examples"
    assert fields(app) == {}
    press(panel(app).accept)
    target = home / "models" / "netg-epoch-9.safetensors"
    app.wait(lambda: app.state.model == str(target) and app.state.drawn is not None)
    app.settle()
    assert target.is_file()
    assert not panel(app).isVisible()
    assert app.state.jobs == ()
    assert app.state.info.family == "imported_dcgan"
    assert any(card.title == "netG epoch 9" for card in app.state.models)
    before = app.state.drawn.picture
    app.explore.looks.set_seed(5)
    app.settle()
    assert (app.state.drawn.picture != before).any()
    assert app.state.drawn.picture.shape == (SIZE, SIZE, 3)


@pytest.mark.usefixtures("quick")
def test_a_flow_asks_in_the_panel_and_encodes_the_photo(app, home, portrait, tmp_path):
    drop(app.explore_view.library.drop, [files.write_torch(tmp_path / "model_1.pt", files.rosinality())])
    app.wait(lambda: stage(app) == "asking")
    asked = fields(app)
    assert set(asked) == {"image_size", "bits"}
    assert isinstance(asked["image_size"], Combo)
    assert isinstance(asked["bits"], IntField)
    asked["image_size"].set_current("16")
    panel(app).title.setText("Their Glow")
    press(panel(app).accept)
    target = home / "models" / "their-glow.safetensors"
    app.wait(lambda: app.state.model == str(target) and app.state.drawn is not None)
    app.settle()
    assert (app.state.info.image_size, app.state.info.bits, app.state.info.encode) == (16, 5, "exact")
    drop(app.window, [portrait])
    app.wait(lambda: app.state.encoded is not None and not app.state.encoding)
    assert app.state.encoded.psnr_db > 40
    assert app.state.encoded.bits_per_dim is not None


@pytest.mark.usefixtures("quick")
def test_a_refusal_is_shown_in_the_panel_and_the_picture_comes_back(app, tmp_path):
    shown = app.state.drawn
    path = tmp_path / "ffhq.pkl"
    path.write_bytes(b"\x80\x04 torch_utils.persistence")
    drop(app.window, [path])
    app.wait(lambda: stage(app) == "refused")
    assert "StyleGAN's pickles carry source code" in panel(app).message.text()
    assert not panel(app).accept.isVisible()
    assert panel(app).close_button.text() == "Close"
    QTest.keyClick(panel(app), Qt.Key.Key_Escape)
    assert app.state.importing is None
    assert app.explore_view.single.isVisible()
    assert app.state.drawn is shown
    assert app.state.jobs == ()


@pytest.mark.usefixtures("quick")
def test_a_refusal_leaves_when_another_model_is_opened(app, tmp_path):
    path = tmp_path / "weights.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    drop(app.window, [path])
    app.wait(lambda: stage(app) == "refused")
    assert "HDF5" in panel(app).message.text()
    app.model("Tiny Glow")
    assert app.state.importing is None
    assert app.explore_view.single.isVisible()


@pytest.mark.usefixtures("quick")
def test_the_key_asks_for_a_file_and_takes_one_of_any_suffix(app, tmp_path):
    path = files.write_torch(tmp_path / "checkpoint_9", files.dcgan())
    action = next(a for a in app.window.actions() if a.text().startswith("Import model"))
    action.trigger()
    dialog = app.window.findChild(QFileDialog)
    assert dialog.windowTitle() == "Import model"
    dialog.fileSelected.emit(str(path))
    dialog.reject()
    app.wait(lambda: stage(app) == "asking")


@pytest.mark.usefixtures("quick")
def test_a_title_that_is_taken_is_said_and_can_be_changed(app, home, tmp_path):
    shutil.copy(home / "models" / "vae.safetensors", home / "models" / "mine.safetensors")
    drop(app.window, [files.write_torch(tmp_path / "mine.pt", files.dcgan())])
    app.wait(lambda: stage(app) == "asking")
    press(panel(app).accept)
    app.wait(lambda: bool(app.state.importing.message))
    assert "already a model called mine" in panel(app).message.text()
    assert stage(app) == "asking"
    panel(app).title.setText("Mine too")
    QTest.keyClick(panel(app), Qt.Key.Key_Return)
    app.wait(lambda: app.state.model == str(home / "models" / "mine-too.safetensors"))


@pytest.mark.usefixtures("quick")
def test_a_diffusers_folder_is_known_by_its_config(app, tmp_path):
    drop(app.window, [files.write_folder(tmp_path / "kl", files.autoencoder_kl(), files.KL_CONFIG)])
    app.wait(lambda: stage(app) == "asking")
    assert panel(app).known.isVisible()
    assert not panel(app).asked.isVisible()
    press(panel(app).accept)
    app.wait(lambda: app.state.info is not None and app.state.info.family == "imported_autoencoder")
    app.settle()
    assert app.state.info.image_size == 16


def test_our_own_files_and_runs_open_as_before(app, home, tmp_path):
    mine = tmp_path / "elsewhere.safetensors"
    shutil.copy(home / "models" / "gan.safetensors", mine)
    drop(app.window, [mine])
    app.wait(lambda: app.state.model == str(mine) and app.state.drawn is not None)
    assert app.state.importing is None


def test_cancel_while_reading_stops_the_child(app, tmp_path):
    drop(app.window, [files.write_torch(tmp_path / "a.pt", files.dcgan())])
    assert stage(app) == "reading"
    press(panel(app).close_button)
    assert app.state.importing is None
    app.settle()
    assert app.state.importing is None
    assert app.state.jobs == ()


@pytest.mark.usefixtures("quick")
def test_the_newest_drop_is_the_one_that_is_shown(app, tmp_path):
    first = files.write_torch(tmp_path / "first.pt", files.dcgan())
    second = files.write_torch(tmp_path / "second.pt", files.dcgan(nc=1))
    drop(app.window, [first])
    drop(app.window, [second])
    app.wait(lambda: stage(app) == "asking")
    app.settle()
    assert app.state.importing.path == second
    assert app.state.importing.report.channels == 1
