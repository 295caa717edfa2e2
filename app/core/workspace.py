"""What a workspace is: a row of the table of workspaces, and what becomes of the row in an open window."""

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.core.bridge import Bridge
from app.core.model_host import Inventory, ModelHost
from app.core.palette import Offer
from app.core.requests import Requests
from app.core.run_follower import RunFollower
from app.core.shortcuts import Shortcut, ShortcutTable
from app.core.shot_request import ShotRequest
from app.core.startup import Startup
from app.core.store import Store
from app.settings import Preferences
from app.state import AppState

Actions = Mapping[str, Callable[[], object]]
"""What keys do, by the id of their shortcut."""


class Wait(Protocol):
    """Patience while a picture of the window is prepared: the event loop runs meanwhile."""

    def until(self, there: Callable[[], bool]) -> None:
        """Waits until `there()`; raises UserError when it takes too long."""

    def rest(self) -> None:
        """Waits for timers that paint."""


class WorkspaceView(QWidget):
    """A workspace on screen."""

    def show_state(self, now: AppState, before: AppState | None) -> None:
        """Shows the state; `before` is what is shown already, None at the first time."""
        raise NotImplementedError


NO_KEYS: Final = ShortcutTable()
View = TypeVar("View", bound=WorkspaceView)


@dataclass(frozen=True, eq=False)
class Services:
    """What the window has for every workspace. `window` is the owner of dialogs, `parent` that of controllers."""

    window: QWidget
    parent: QObject
    store: Store
    bridge: Bridge
    train_host: ModelHost
    preferences: Preferences
    requests: Requests
    startup: Startup
    follower: RunFollower


@dataclass(frozen=True, eq=False)
class Opening:
    """The library was looked through. `model` is to be opened first: `asked` for by name, or that of last time."""

    inventory: Inventory
    model: str
    asked: bool


class Controllers(Generic[View]):
    """A workspace in an open window, made with the window: a subclass makes its controllers and connects them.

    Only `connect` has to be written; what else is here does nothing by itself.
    """

    def __init__(self, services: Services) -> None:
        self.services = services

    def connect(self, view: View) -> Actions:
        """Connects the view, which has just been made, and gives what each key of the workspace does."""
        raise NotImplementedError

    def begin(self, opening: Opening) -> None:
        """What the window starts with."""

    def offers(self, state: AppState) -> Iterable[Offer]:
        """What the command palette lists beside the actions."""
        return ()

    def show(self, asked: ShotRequest, wait: Wait) -> None:
        """Shows what a picture of the window is to show, and waits until it is there."""

    def may_close(self) -> bool:
        """Whether the window may close; False once, where the person is to be asked first."""
        return True

    def close(self) -> None:
        """The window closes: the last word before the lanes are asked to stop."""

    def closed(self) -> None:
        """The lanes have ended."""


@dataclass(frozen=True, eq=False)
class Workspace:
    """A row: the window, its keys, the palette, the help and `latent-loom shot` are made from it.

    `make_view` makes the view in parts, with a `yield` after each that takes some tens of milliseconds, and returns it;
    the parts are children of the widget that it is given. Beside the first row they are made after the first picture,
    when the modules of `ahead` have been imported on another thread, or at first need. `state` makes what the workspace
    keeps in `AppState.parts`; `views` are what a picture of it can show.
    """

    key: str
    title: str
    help: str
    make_view: Callable[[QWidget], Generator[None, None, WorkspaceView]]
    controllers: Callable[[Services], Controllers[Any]]
    shortcuts: ShortcutTable = NO_KEYS
    ahead: tuple[str, ...] = ()
    state: Callable[[], object] | None = None
    views: tuple[str, ...] = ()


def shortcut_to(row: Workspace, number: int) -> Shortcut:
    """The key that goes to the workspace; `number` counts from 1."""
    return Shortcut(f"workspace.{row.key}", (f"Ctrl+{number}",), row.title, row.help, "Workspaces")
