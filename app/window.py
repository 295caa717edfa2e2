"""The window: top bar, workspaces, the notice line and the jobs bar."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QMainWindow, QStackedWidget

from app.core.model_host import run_of, run_ref
from app.core.notices import Message
from app.core.workspace import Workspace, WorkspaceView
from app.state import AppState, moved
from app.widgets.jobs import JobsBar
from app.widgets.layout import held, vbox
from app.widgets.notice import NoticeLine
from app.widgets.pixels import take_drop
from app.widgets.topbar import TopBar

NAME: Final = "Latent Loom"
SMALLEST: Final = (1120, 640)
FIRST_SIZE: Final = (1440, 900)


class Window(QMainWindow):
    """Closes only when `let_close` was called: until then it says `closeWanted`.

    The first of the workspaces is made at once, another when it is first asked for, or part by part before.
    `viewMade` (its key, its view) is the time to connect it.
    """

    closeWanted = Signal()
    filesDropped = Signal(list)
    imageDropped = Signal(object)
    addressDropped = Signal()
    viewMade = Signal(str, object)

    def __init__(self, rows: Sequence[Workspace]) -> None:
        super().__init__()
        self.setWindowTitle(NAME)
        self.setMinimumSize(*SMALLEST)
        self.resize(*FIRST_SIZE)
        self.setAcceptDrops(True)
        self._may_close = False
        self.top = TopBar(NAME, [(row.key, row.title) for row in rows])
        self.notice = NoticeLine()
        self._act: Callable[[], None] | None = None
        self.notice.acted.connect(self._act_on_notice)
        self._rows = {row.key: row for row in rows}
        self._views: dict[str, WorkspaceView] = {}
        self._making: dict[str, Generator[None, None, WorkspaceView]] = {}
        self._now: AppState | None = None
        self.jobs = JobsBar()
        self._stack = QStackedWidget()
        self.view(rows[0].key)
        centre = held(vbox(self.top, self.notice, self._stack, self.jobs, gap_px=0, stretch={2: 1}))
        self.setCentralWidget(centre)

    def view(self, key: str) -> WorkspaceView:
        """A workspace by its key, made now if it is not there yet; raises KeyError when there is none."""
        while key not in self._views:
            self._make_part(key)
        return self._views[key]

    def views(self) -> Mapping[str, WorkspaceView]:
        """The workspaces that are there already."""
        return self._views

    def make_part(self) -> bool:
        """Makes the next part of a workspace that is not there yet; False when all of them are."""
        key = next((key for key in self._rows if key not in self._views), None)
        if key is not None:
            self._make_part(key)
        return key is not None

    def _make_part(self, key: str) -> None:
        making = self._making.pop(key, None) or self._rows[key].make_view(self)
        try:
            next(making)
        except StopIteration as end:
            view: WorkspaceView = end.value
        else:
            self._making[key] = making
            return
        self._views[key] = view
        self._stack.addWidget(view)
        self.viewMade.emit(key, view)
        if self._now is not None:
            view.show_state(self._now, None)

    def show_state(self, now: AppState, before: AppState | None) -> None:
        if moved(now, before, "workspace"):
            self.top.set_workspace(now.workspace)
            self._stack.setCurrentWidget(self.view(now.workspace))
        if moved(now, before, "models", "model", "opening", "info", "runs"):
            self._show_models(now)
        if moved(now, before, "live", "workspace"):
            self.top.set_live(*_live(now))
        if moved(now, before, "decode_ms", "device", "info"):
            self.top.set_readout(_readout(now))
        for view in tuple(self._views.values()):
            view.show_state(now, before)
        self._now = now
        if moved(now, before, "jobs"):
            self.jobs.set_jobs(now.jobs)
        if moved(now, before, "status", "closing"):
            self.jobs.set_status("Saving before closing…" if now.closing else now.status)
        if moved(now, before, "closing"):
            self._stack.setEnabled(not now.closing)

    def _show_models(self, now: AppState) -> None:
        rows = [(card.key, card.title) for card in now.models or ()]
        lives = (card.info for card in now.runs if card.info.status.alive)
        rows += [(run_ref(info.path), f"{info.title}, live") for info in lives]
        shown = now.opening or now.model
        run = run_of(shown)
        if shown is not None and not any(key == shown for key, _ in rows):
            title = now.info.title if now.info is not None and now.opening is None else ""
            rows.append((shown, title or (f"Run {run.name}" if run is not None else shown.rsplit("/", 1)[-1])))
        self.top.set_models(rows)
        if shown is not None:
            self.top.models.set_current(shown)

    def show_notice(self, notice: Message) -> None:
        """Says one sentence in the notice line."""
        self._act = notice.act
        self.notice.show_notice(notice.text, level=notice.level, details=notice.details, action=notice.action)

    def _act_on_notice(self) -> None:
        act, self._act = self._act, None
        self.notice.clear()
        if act is not None:
            act()

    def toggle_full_screen(self) -> None:
        """Fills the screen, or goes back."""
        self.showNormal() if self.isFullScreen() else self.showFullScreen()

    def let_close(self) -> None:
        """From now on closing closes."""
        self._may_close = True

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._may_close:
            event.accept()
        else:
            event.ignore()
            self.closeWanted.emit()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        mime = event.mimeData()
        if mime.hasUrls() or mime.hasImage():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Whatever no part of the window took for itself: a browser gives a picture, or only its address."""
        event.acceptProposedAction()
        if not take_drop(event, self.filesDropped.emit, self.imageDropped.emit):
            self.addressDropped.emit()


def _live(now: AppState) -> tuple[str, str]:
    """``step 12,500, live`` and what that means, for the weights of a run."""
    if now.live is None or now.workspace != "explore":
        return "", ""
    if now.live.live:
        return f"step {now.live.step:,}, live", "The run trains: newer weights come at each preview, your look stays."
    return f"step {now.live.step:,}", "The newest weights of this run; nobody trains it now."


def _readout(now: AppState) -> str:
    """``CPU · 12 ms``: the kind of processor and the time of a picture."""
    device = now.device or "…"
    short = "CPU" if "core" in device else device.removeprefix("NVIDIA ")
    return short if now.decode_ms is None else f"{short} · {now.decode_ms:.0f} ms"
