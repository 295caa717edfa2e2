"""The data set browser: what a person sees of a data set before training on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.train.form.view import OTHER
from tests.gui.conftest import App


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """150 pictures in two folders with labels; one is a copy of another, one is broken."""
    rng = np.random.default_rng(5)
    folder = tmp_path / "people å"
    lines = ["file,who,Smiling"]
    for i in range(150):
        name = f"{'ab'[i % 2]}/{i:03d}.png"
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8))
        coarse.resize((32, 32), Image.Resampling.BICUBIC).save(path)
        lines.append(f"{name},{i % 40},{1 if i % 5 == 0 else -1}")
    (folder / "b/149.png").write_bytes((folder / "b/001.png").read_bytes())
    (folder / "bad.png").write_bytes(b"junk")
    (folder / "labels.csv").write_text("\n".join(lines), "utf-8")
    return folder


def look_at(app: App, folder: Path) -> None:
    app.show_workspace("train")
    train = app.train_view
    train.panel.changed.emit("data")
    train.data.data.set_current(OTHER)
    train.data.side.set_current("32")
    train.data.path.set_path(str(folder))
    train.data.path.changed.emit(str(folder))
    train.data.look.click()
    app.wait(lambda: app.state.data.survey is not None or bool(app.state.data.message))
    app.settle()


@pytest.mark.slow
def test_look_narrow_page_and_see_copies(app: App, people: Path) -> None:
    look_at(app, people)
    page = app.train_view.data_page
    assert page.isVisible()
    assert page.title.text() == people.name
    assert "150 images" in page.line.text()
    app.wait(lambda: page.grid.count() == 120)
    page.next.click()
    app.wait(lambda: page.grid.count() == 30)
    assert not page.next.isEnabled()
    page.attributes.chosen.emit("Smiling")
    app.wait(lambda: app.state.data.total == 30 and page.grid.count() == 30)
    page.show_what.changed.emit("duplicates")
    app.wait(lambda: page.grid.count() == 2)
    page.show_what.changed.emit("broken")
    app.wait(lambda: page.broken.isVisible())
    assert page.broken.text() == "bad.png"
    assert "1 of 151 files could not be read" in app.train_view.data.notes.text()
    assert not app.state.jobs


@pytest.mark.slow
def test_split_by_a_column_and_train_on_it(app: App, people: Path) -> None:
    look_at(app, people)
    panel = app.train_view.data
    assert app.state.data.survey is not None
    assert app.state.data.survey.groups == 0
    panel.group.set_current("who")
    panel.group.changed.emit("who")
    assert "press Look" in panel.notes.text()
    panel.look.click()
    app.wait(lambda: app.state.data.survey is not None and app.state.data.survey.groups == 40)
    app.settle()
    panel.train.click()
    assert app.state.train_panel == "new"
    request = app.train_view.form.request()
    assert (request.data, request.group, request.size) == (str(people), "who", 32)


@pytest.mark.slow
def test_what_cannot_be_looked_at_is_said_and_the_last_one_stays(app: App, people: Path, tmp_path: Path) -> None:
    look_at(app, people)
    shown = app.state.data.survey
    panel = app.train_view.data
    panel.path.set_path(str(tmp_path / "nothing"))
    panel.path.changed.emit("")
    panel.look.click()
    app.wait(lambda: bool(app.state.data.message))
    assert "There is no data set" in panel.notes.text()
    assert app.state.data.survey is shown
    assert panel.look.isEnabled()
