"""A workspace of a test's own: one row in the table is all that the window needs to show it."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QVBoxLayout, QWidget
from shiboken6 import isValid

from app import shot, workspaces
from app.core.palette import Offer, PaletteController
from app.core.shortcuts import Shortcut, ShortcutTable
from app.core.shot_request import ShotRequest
from app.core.store import Store
from app.core.workspace import Actions, Controllers, Services, Wait, Workspace, WorkspaceView
from app.state import AppState, moved
from app.widgets.palette import PaletteItem
from engine.errors import UsageError
from engine.lanes import Context

from .conftest import App, OpenApp

RED = (200, 30, 40)


@dataclass(frozen=True)
class CellarState:
    """Its own state: bottles counted on a lane."""

    bottles: int = 0
    page: str = ""


class CellarView(WorkspaceView):
    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.label = QLabel()
        self.label.setStyleSheet("background: rgb({}, {}, {});".format(*RED))
        QVBoxLayout(self).addWidget(self.label)
        self.rendered = 0

    def show_state(self, now: AppState, before: AppState | None) -> None:
        if moved(now, before, CellarState):
            self.rendered += 1
            self.label.setText(f"{now.part(CellarState).bottles} bottles")


class CellarController(QObject):
    def __init__(self, store: Store, parent: QObject) -> None:
        super().__init__(parent)
        self._store = store

    def add(self) -> None:
        def work(context: Context) -> int:
            return 1

        def done(more: int) -> None:
            bottles = self._store.state.part(CellarState).bottles
            self._store.update_part(CellarState, bottles=bottles + more)

        self._store.tasks.submit("files", "fetch a bottle", work, done=done)


MADE: list[str] = []
ENDED: list[str] = []


class Cellar(Controllers[CellarView]):
    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self.cellar = CellarController(services.store, services.parent)

    def connect(self, view: CellarView) -> Actions:
        self.view = view
        return {"cellar.add": self.cellar.add}

    def offers(self, state: AppState) -> Iterable[Offer]:
        yield Offer(PaletteItem("bottle|1", "A good year", "Bottle"), self.cellar.add)

    def show(self, asked: ShotRequest, wait: Wait) -> None:
        store = self.services.store
        store.update_part(CellarState, page=asked.view)
        self.cellar.add()
        wait.until(lambda: store.state.part(CellarState).bottles > 0)

    def close(self) -> None:
        ENDED.append("close")

    def closed(self) -> None:
        ENDED.append("closed")


def make_view(window: QWidget) -> Generator[None, None, CellarView]:
    MADE.append("part")
    yield
    MADE.append("view")
    return CellarView(parent=window)


CELLAR = Workspace(
    "cellar",
    "Cellar",
    "Go to the bottles.",
    make_view,
    Cellar,
    shortcuts=ShortcutTable(Shortcut("cellar.add", ("Ctrl+Alt+B",), "Add a bottle", "One bottle more.", "Cellar")),
    state=CellarState,
    views=("shelf", "floor"),
)


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspaces, "WORKSPACES", (*workspaces.WORKSPACES, CELLAR))
    MADE.clear()
    ENDED.clear()


@pytest.fixture
def cellar(rows: None, app: App) -> App:
    return app


def test_its_tab_and_its_key_show_it(cellar: App) -> None:
    assert cellar.state.workspace == "explore"
    cellar.window.activateWindow()
    QTest.keyClick(cellar.window, Qt.Key.Key_4, Qt.KeyboardModifier.ControlModifier)
    view = cellar.window.view("cellar")
    assert (cellar.state.workspace, view.isVisible(), view.label.text()) == ("cellar", True, "0 bottles")
    cellar.show_workspace("explore")
    assert not view.isVisible()
    tab = next(tab for tab in cellar.window.top.findChildren(QAbstractButton) if tab.text() == "4 Cellar")
    QTest.mouseClick(tab, Qt.MouseButton.LeftButton)
    assert view.isVisible()


def test_its_keys_change_its_state_which_is_rendered_and_no_other_view_is(cellar: App) -> None:
    cellar.show_workspace("cellar")
    view, model = cellar.window.view("cellar"), cellar.state.info
    rendered = view.rendered
    cellar.window.activateWindow()
    QTest.keyClick(cellar.window, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
    cellar.wait(lambda: cellar.state.part(CellarState).bottles == 1)
    assert (view.label.text(), view.rendered) == ("1 bottles", rendered + 1)
    cellar.conductor.store.update(status="something else")
    assert view.rendered == rendered + 1
    assert cellar.state.info is model


@pytest.mark.parametrize("train_ahead", [True])
def test_it_is_made_part_by_part_after_the_first_picture(rows: None, home: Path, open_app: OpenApp) -> None:
    app = open_app(ready=False)
    assert MADE == []
    app.wait(lambda: "cellar" in app.window.views())
    assert app.state.drawn is not None
    assert MADE == ["part", "view"]
    assert app.state.workspace == "explore"


def test_palette_and_help_list_what_it_brings(cellar: App) -> None:
    palette = cellar.conductor.findChild(PaletteController)
    items = {item.key: item for item in palette.items()}
    assert items["do|cellar.add"].title == "Add a bottle"
    assert items["do|workspace.cellar"].keys == "Ctrl+4"
    palette.palette.chosen.emit("bottle|1")
    cellar.wait(lambda: cellar.state.part(CellarState).bottles == 1)
    cellar.window.top.helpClicked.emit()
    panel = next(w for w in QApplication.topLevelWidgets() if w.windowTitle() == "Keys" and w.isVisible())
    words = {label.text() for label in panel.findChildren(QLabel)}
    assert {"CELLAR", "Add a bottle: One bottle more.", "Ctrl+Alt+B", "Cellar: Go to the bottles."} <= words
    panel.close()


def test_a_picture_of_it_can_be_drawn(rows: None, home: Path, qapp: QApplication, tmp_path: Path) -> None:
    out = tmp_path / "cellar.png"
    shot.render(out, workspace="cellar", asked=ShotRequest("floor"), size=(800, 600), model="Tiny VAE")
    with Image.open(out) as image:
        assert image.convert("RGB").getpixel((400, 500)) == RED
    with pytest.raises(UsageError, match="shelf, floor"):
        shot.render(out, workspace="cellar", asked=ShotRequest("attic"))


def test_closing_tells_it_and_leaves_nothing(cellar: App) -> None:
    cellar.show_workspace("cellar")
    view = cellar.window.view("cellar")
    cellar.close()
    assert ENDED == ["close", "closed"]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lane-")]
    assert not isValid(view)


def test_without_its_row_there_is_no_such_workspace(app: App) -> None:
    with pytest.raises(ValueError, match="explore, train, lab"):
        app.conductor.store.update(workspace="cellar")
    with pytest.raises(KeyError):
        app.state.part(CellarState)


def test_a_key_that_nobody_connected_is_said(rows: None, monkeypatch: pytest.MonkeyPatch, app: App) -> None:
    monkeypatch.setattr(Cellar, "connect", lambda self, view: {})
    with pytest.raises(ValueError, match=r"Keys of Cellar .*cellar\.add"):
        app.conductor._view_made("cellar", CellarView())


def test_two_workspaces_cannot_share_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspaces, "WORKSPACES", (*workspaces.WORKSPACES, workspaces.WORKSPACES[0]))
    with pytest.raises(ValueError, match="more than once"):
        workspaces.shortcuts()
