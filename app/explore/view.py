"""The Explore workspace: library, canvas with its four views, inspector."""

from __future__ import annotations

from PySide6.QtWidgets import QSizePolicy

from app.core.workspace import WorkspaceView
from app.explore.check.view import ModelCheckPanel
from app.explore.compare.view import CompareView
from app.explore.directions.maker_view import NewAttribute
from app.explore.fullsize.view import MODES, MODES_TIP
from app.explore.grid.view import GridView
from app.explore.importing.view import ImportPanel
from app.explore.inspector.view import Inspector
from app.explore.library.view import Library
from app.explore.morph.panel import MorphPanel
from app.explore.morph.view import MorphView
from app.explore.shortcuts import keys_text
from app.explore.shown_as import photo_choice
from app.explore.single.view import MARGIN_PX, SingleView
from app.state import VIEWS, AppState, moved
from app.widgets.empty import EmptyState
from app.widgets.labels import ElidedLabel
from app.widgets.layout import hbox, held, stacked, vbox
from app.widgets.segmented import Segmented


class ExploreView(WorkspaceView):
    """Puts the parts side by side; controllers connect to the parts."""

    def __init__(self) -> None:
        super().__init__()
        self.library, self.inspector = Library(), Inspector()
        self.single, self.compare = SingleView(), CompareView()
        self.grid, self.morph = GridView(), MorphView()
        self.morph_panel = MorphPanel()
        self.switch = Segmented(VIEWS, tooltip="How to look at the model", short={"compare": "Compare"})
        self.hint = ElidedLabel(whole=True)
        self.hint.setProperty("kind", "muted")
        self.hint.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._views: dict[str, SingleView | CompareView | GridView | MorphView] = {
            "single": self.single,
            "compare": self.compare,
            "grid": self.grid,
            "morph": self.morph,
        }
        self._stack = stacked(*self._views.values())
        beside = (MARGIN_PX, 0, MARGIN_PX, 0)
        for view in (self.compare, self.grid, self.morph):
            view.setContentsMargins(*beside)
        self.photo_as = Segmented(MODES, tooltip=f"{MODES_TIP} ({keys_text('view.photo')})", short={"model": "Model"})
        self.empty = EmptyState(
            "No model yet",
            "Train one on the cartoon faces in the box (minutes on two cores), or drop a model file on the window.",
            "Train a model",
        )
        head = hbox(self.switch, self.hint, self.photo_as, gap_px=16, margins=beside, stretch={1: 1})
        canvas = held(vbox(head, self._stack, gap_px=12, margins=(0, 16, 0, 12), stretch={1: 1}))
        self.new_attribute, self.import_panel, self.check = NewAttribute(), ImportPanel(), ModelCheckPanel()
        self._pages = stacked(canvas, self.empty, self.new_attribute, self.import_panel, self.check)
        self.setLayout(hbox(self.library, self._pages, self.inspector, self.morph_panel, gap_px=0, stretch={1: 1}))

    def show_state(self, now: AppState, before: AppState | None) -> None:
        """Shows the state; hidden views are kept up to date too, so that switching costs nothing."""
        if moved(now, before, "models", "info", "opening", "view", "maker", "importing", "check"):
            nothing = now.models == () and now.info is None and now.opening is None
            page = 1 if nothing else 2 if now.maker is not None else 4 if now.check is not None else 0
            self._pages.setCurrentIndex(3 if now.importing is not None else page)
            self.inspector.setVisible(not nothing and now.view != "morph")
            self.morph_panel.setVisible(not nothing and now.view == "morph")
        if moved(now, before, "view"):
            self.switch.set_current(now.view)
            self._stack.setCurrentWidget(self._views[now.view])
        if moved(now, before, "view", "reach", "full", "blended", "look", "morph", "comparison", "photo", "grid"):
            self._show_head(now)
        self.library.show_state(now, before)
        self.inspector.show_state(now, before)
        self.new_attribute.show_state(now, before)
        self.import_panel.show_state(now, before)
        self.check.show_state(now, before)
        self.morph_panel.show_state(now, before)
        for view in self._views.values():
            view.show_state(now, before)

    def _show_head(self, now: AppState) -> None:
        """The line beside the views, and whether photos are shown, where there are any."""
        offered, why, words = photo_choice(now)
        self.photo_as.setVisible(offered)
        self.photo_as.set_option_enabled("photo", not why, why)
        wanted = "model" if why else now.full.wanted
        if self.photo_as.current() != wanted:
            self.photo_as.set_current(wanted)
        if self.hint.text() != words:
            self.hint.setText(words)
