"""The conductor: starts and closes the window with its lanes and workspaces, and changes what the settings say."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from PySide6.QtCore import QObject, QRect, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from app import workspaces
from app.core.bridge import Bridge
from app.core.help_panel import HelpPanel
from app.core.model_host import Inventory, ModelHost
from app.core.notices import ONLY_ADDRESS, Notices
from app.core.palette import Offer, PaletteController
from app.core.requests import Requests
from app.core.run_follower import RunFollower
from app.core.runtime import Collector
from app.core.shortcuts import make_actions, take_turns
from app.core.startup import Prebuild, Startup
from app.core.store import Store
from app.core.tasks import LaneName, Tasks
from app.core.workspace import Controllers, Opening, Services, Workspace, WorkspaceView
from app.explore.fullsize.state import FullState
from app.settings import Preferences
from app.state import AppState
from app.theme import apply_theme
from app.widgets.palette import PaletteItem
from app.window import Window

DEVICE_LABELS: Final = {
    "auto": "Chosen by itself",
    "cpu": "Processor (CPU)",
    "cuda": "NVIDIA GPU (CUDA)",
    "mps": "Apple GPU (Metal)",
}
CLOSE_MS: Final = 30
C = TypeVar("C", bound=Controllers[Any])


class Conductor(QObject):
    """Everything behind the window. `closed` comes when all threads have ended and the window is gone."""

    closed = Signal()

    def __init__(self, window: Window, preferences: Preferences) -> None:
        super().__init__()
        self.window, self.preferences = window, preferences
        settings, rows = preferences.now, workspaces.WORKSPACES
        self._devices: tuple[str, ...] = ()
        self.notices = Notices(self)
        self.bridge = Bridge(self)
        model_host, study_host, train_host = (ModelHost(device=settings.device) for _ in range(3))
        self._hosts: dict[LaneName, ModelHost] = {"model": model_host, "study": study_host, "train": train_host}
        self.tasks = Tasks(
            self.bridge,
            set_ups={
                "model": model_host.use_threads(lambda: 1),
                "study": study_host.use_threads(lambda: 1, behind=True),
                "train": train_host.use_threads(_training_threads),
                "lab": ModelHost().use_threads(lambda: 1, behind=True),
                "look": ModelHost().use_threads(lambda: 1, behind=True),
            },
            on_failed=self.notices.failed,
            parent=self,
        )
        own = [row.state() for row in rows if row.state is not None]
        state = AppState(
            workspace=rows[0].key,
            theme=settings.theme,
            train_in=settings.train_in,
            on_close=settings.on_close,
            full=FullState(wanted=settings.photo_as),
            parts={type(part): part for part in own},
        )
        self.store = Store(
            state,
            self.tasks,
            notices=self.notices,
            model_host=model_host,
            study_host=study_host,
            workspaces=[row.key for row in rows],
        )
        self.requests = Requests(self)
        self._startup = Startup(self)
        services = Services(
            window=window,
            parent=self,
            store=self.store,
            bridge=self.bridge,
            train_host=train_host,
            preferences=preferences,
            requests=self.requests,
            startup=self._startup,
            follower=RunFollower(self.store, self.bridge, self),
        )
        self._controllers = {row.key: row.controllers(services) for row in rows}
        self._slots: dict[str, Any] = {}
        self._collector = Collector(self)
        self._close_timer = QTimer(self, interval=CLOSE_MS)
        self._close_timer.timeout.connect(self._close_when_idle)
        ahead = [name for row in rows for name in row.ahead]
        prebuild = Prebuild(self.store, ahead, make_part=window.make_part, parent=self)
        self._startup.over.connect(prebuild.start)
        self._connect()
        window.show_state(self.store.state, None)

    def of(self, kind: type[C]) -> C:
        """The controllers of a workspace by their class.

        Raises:
            StopIteration: no workspace of the window has these.
        """
        return next(one for one in self._controllers.values() if isinstance(one, kind))

    def controllers(self, key: str) -> Controllers[Any]:
        """The controllers of a workspace by its key; raises KeyError when there is none."""
        return self._controllers[key]

    @property
    def state(self) -> AppState:
        """What the window shows."""
        return self.store.state

    # the window itself, and its keys
    def _connect(self) -> None:
        window, store, requests = self.window, self.store, self.requests
        self.notices.said.connect(window.show_notice)
        self.notices.over.connect(window.notice.clear)
        store.modelOpened.connect(self.notices.model_opened)
        store.changed.connect(lambda before, now: window.show_state(now, before))
        store.changed.connect(self._startup.changed)
        window.viewMade.connect(self._view_made)
        window.closeWanted.connect(self.close)
        window.filesDropped.connect(requests.filesWanted)
        window.imageDropped.connect(requests.pictureWanted)
        window.addressDropped.connect(lambda: self.notices.say(ONLY_ADDRESS))
        window.jobs.stopClicked.connect(store.cancel_job)
        window.jobs.pauseClicked.connect(store.pause_job)
        window.jobs.resumeClicked.connect(lambda key: store.pause_job(key, False))
        top, table, rows = window.top, workspaces.shortcuts(), workspaces.WORKSPACES
        top.workspaceChanged.connect(lambda key: store.update(workspace=key))
        top.models.changed.connect(requests.modelWanted)
        top.themeClicked.connect(self.switch_theme)
        top.deviceChanged.connect(self.choose_device)
        top.helpClicked.connect(lambda: HelpPanel(table, parent=window).show())
        slots: dict[str, Any] = {f"workspace.{row.key}": partial(store.update, workspace=row.key) for row in rows}
        slots |= {
            "view.theme": self.switch_theme,
            "view.fullscreen": window.toggle_full_screen,
            "help.palette": top.paletteClicked.emit,
            "help.shortcuts": top.helpClicked.emit,
            "app.quit": self.close,
        }
        slots |= {key.id: partial(self._press, row, key.id) for row in rows for key in row.shortcuts}
        actions = make_actions(window, slots, table=table)

        def take_keys(before: AppState | None, now: AppState) -> None:
            if before is None or before.workspace != now.workspace:
                take_turns(actions, table, shown=next(r for r in rows if r.key == now.workspace).shortcuts.when_shown)

        take_keys(None, store.state)
        store.changed.connect(take_keys)
        palette = PaletteController(window, actions, shortcuts=table, more=self._offers, parent=self)
        top.paletteClicked.connect(palette.toggle)
        for key, view in window.views().items():
            self._view_made(key, view)

    def _view_made(self, key: str, view: WorkspaceView) -> None:
        slots, row = self._controllers[key].connect(view), next(r for r in workspaces.WORKSPACES if r.key == key)
        wrong = {shortcut.id for shortcut in row.shortcuts} ^ slots.keys()
        if wrong:
            raise ValueError(f"Keys of {row.title} and what they do are not the same: {', '.join(sorted(wrong))}.")
        self._slots |= slots

    def _press(self, row: Workspace, action: str) -> None:
        """A key of a workspace, whose view is made where it is not there yet; where the key does nothing it is not."""
        if action not in row.shortcuts.when_shown or (self.state.workspace == row.key and not self.state.closing):
            self.window.view(row.key)
            self._slots[action]()

    def _offers(self) -> Iterator[Offer]:
        for controllers in self._controllers.values():
            yield from controllers.offers(self.state)
        open_file = self.requests.filesWanted.emit
        for path in map(Path, self.preferences.now.recent):
            item = PaletteItem(f"recent|{path}", path.name, "Recent", str(path.parent))
            yield Offer(item, partial(open_file, [str(path)]))

    # opening
    def start(self, *, model: str = "") -> None:
        """Looks for models and opens the one of last time. The window is on screen already."""
        self.notices.install()
        self._collector.start()
        wanted = model or self.preferences.now.model

        def found(inventory: Inventory) -> None:
            self.store.update(models=inventory.models, device=inventory.device)
            self._devices = ("auto", *inventory.devices)
            self._offer_devices()
            for controllers in self._controllers.values():
                controllers.begin(Opening(inventory, wanted, asked=bool(model)))

        host = self.store.model_host
        self.tasks.submit("model", "look for models", lambda context: host.inventory(), done=found)

    def place_window(self) -> None:
        """Where it was last time, if that is still on a screen."""
        if len(self.preferences.now.geometry) == 4:
            wanted = QRect(*self.preferences.now.geometry)
            if any(screen.availableGeometry().intersects(wanted) for screen in QGuiApplication.screens()):
                self.window.setGeometry(wanted)

    # settings
    def _offer_devices(self) -> None:
        devices = [(key, DEVICE_LABELS[key]) for key in self._devices]
        self.window.top.set_devices(devices, self.preferences.now.device)

    def choose_device(self, device: str) -> None:
        """Computes elsewhere: every lane changes when it comes to it, a run in training when it has ended."""

        def changed(name: str) -> None:
            self.preferences.change(device=device)
            self._offer_devices()
            self.store.update(device=name)
            if self.state.model is not None:
                self.requests.modelWanted.emit(self.state.model)

        def move(lane: LaneName, host: ModelHost) -> None:
            done = changed if lane == "model" else lambda name: None
            self.tasks.submit(lane, "change device", lambda context: host.use_device(device), done=done)

        for lane, host in self._hosts.items():
            move(lane, host)

    def switch_theme(self) -> None:
        """Dark to light, and back."""
        name = "light" if self.state.theme == "dark" else "dark"
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        apply_theme(application, "light" if name == "light" else "dark")
        self.preferences.change(theme=name)
        self.store.update(theme=name)

    # closing
    def close(self) -> None:
        """Stops everything; a training run writes its checkpoint first, and the window says so meanwhile."""
        if self.state.closing or not all([one.may_close() for one in self._controllers.values()]):
            return
        at = self.window.normalGeometry()
        geometry = (at.x(), at.y(), at.width(), at.height()) if at.isValid() else ()
        self.preferences.change(geometry=geometry, maximised=self.window.isMaximized())
        self.preferences.write()
        self.store.update(closing=True)
        for controllers in self._controllers.values():
            controllers.close()
        if self.state.training is None:
            self.window.hide()
        self.tasks.stop()
        self._close_timer.start()
        self._close_when_idle()

    def _close_when_idle(self) -> None:
        if self.tasks.busy() or not self._close_timer.isActive():
            return
        self._close_timer.stop()
        self.tasks.close()
        for controllers in self._controllers.values():
            controllers.closed()
        self.bridge.watch_training(False)
        self.bridge.flush()
        self._collector.stop()
        self.notices.restore()
        self.window.let_close()
        self.window.close()
        self.closed.emit()


def _training_threads() -> int:
    from engine.session import training_threads

    return training_threads()
