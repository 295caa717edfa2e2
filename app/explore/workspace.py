"""The Explore workspace: its row in the table of workspaces, and its features put together."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from functools import partial
from typing import Final

from PySide6.QtWidgets import QWidget

from app.core.model_host import Inventory, run_of, run_ref
from app.core.palette import Offer
from app.core.shot_request import ShotRequest
from app.core.workspace import Actions, Controllers, Opening, Services, Wait, Workspace
from app.diagnosis.host import DiagnosisHost
from app.explore.check import connect as check
from app.explore.check.controller import ModelCheckController
from app.explore.compare import connect as compare
from app.explore.compare.controller import CompareController
from app.explore.controller import ExploreController
from app.explore.directions import connect as directions
from app.explore.directions.controller import DirectionsController
from app.explore.files import connect as files
from app.explore.files.controller import FilesController
from app.explore.files.whole import WholeFiles
from app.explore.framing import connect as framing
from app.explore.framing.controller import FramingController
from app.explore.fullsize import connect as fullsize
from app.explore.fullsize.controller import FullSizeController
from app.explore.fullsize.reopen import PhotoReopener
from app.explore.fullsize.saver import PhotoSaver
from app.explore.grid import connect as grid
from app.explore.grid.controller import GridController
from app.explore.history import connect as history
from app.explore.history.bookmarks import BookmarksController
from app.explore.importing import connect as importing
from app.explore.importing.controller import ImportController
from app.explore.inspector import connect as inspector
from app.explore.levels import connect as levels
from app.explore.levels.controller import LevelsController
from app.explore.library import connect as library
from app.explore.live.controller import LiveWeights
from app.explore.morph import connect as morph
from app.explore.morph.controller import MorphController
from app.explore.photos import connect as photos
from app.explore.photos.controller import PhotoController
from app.explore.sessions import connect as sessions
from app.explore.sessions.controller import SessionController
from app.explore.shortcuts import SHORTCUTS
from app.explore.shown_as import shown_in_full
from app.explore.single import connect as single
from app.explore.view import ExploreView
from app.state import VIEWS, AppState
from app.widgets.palette import PaletteItem
from app.words import nice
from engine.errors import UsageError

FIRST_MODEL: Final = "Faces Glow 64"


class Explore(Controllers[ExploreView]):
    """The controllers of Explore."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        store, parent, preferences = services.store, services.parent, services.preferences
        self.looks = ExploreController(store, parent)
        self.photos = PhotoController(store, self.looks, parent)
        self.full = FullSizeController(
            store, self.looks, self.photos, parent, remember=lambda wanted: preferences.change(photo_as=wanted)
        )
        self.imports = ImportController(store, self.looks, parent)
        self.photos.take_model = self.imports.take
        self.bookmarks = BookmarksController(store, self.looks, parent)
        self.directions = DirectionsController(store, self.looks, self.photos, parent)
        self.framing = FramingController(store, self.photos, parent)
        self.compare = CompareController(store, self.looks, self.photos, parent)
        self.grid = GridController(store, self.looks, self.photos, parent)
        self.levels = LevelsController(store, self.looks, self.photos, parent)
        self.morph = MorphController(store, self.looks, self.photos, parent)
        self.check = ModelCheckController(
            store, DiagnosisHost(store.study_host), show_run=services.requests.diagnosisWanted.emit, parent=parent
        )
        self.live = LiveWeights(store, self.looks, self.photos, services.follower, parent)
        self.sessions = SessionController(store, self.looks, self.photos, parent)
        self.files = FilesController(
            store,
            services.window,
            looks=self.looks,
            photos=self.photos,
            morph=self.morph,
            directions=self.directions,
            sessions=self.sessions,
            whole=WholeFiles(store, self.photos, full=self.full, saver=PhotoSaver(store, self.full, self.photos)),
            reopener=PhotoReopener(
                store, services.window, looks=self.looks, photos=self.photos, recent=lambda: preferences.now.recent
            ),
            used=preferences.use_file,
            parent=parent,
        )
        services.requests.modelWanted.connect(self.looks.open_model)
        store.modelOpened.connect(lambda: preferences.change(model=store.state.model or ""))

    def connect(self, view: ExploreView) -> Actions:
        """Connects the features with their parts of the view."""
        window, self.view = self.services.window, view
        view.switch.changed.connect(self.show_view)
        view.empty.actionClicked.connect(self._show_train)
        library.connect(
            self.photos, view.library, files=self.files, open_model=self.looks.open_model, show_train=self._show_train
        )
        single.connect(self.looks, view.single, photos=self.photos, files=self.files)
        compare.connect(self.compare, view.compare, inspector=view.inspector, photos=self.photos, files=self.files)
        return {
            **files.connect(self.files, self.services.requests),
            **sessions.connect(self.sessions, window, files=self.files),
            **inspector.connect(self.looks, view.inspector, roll=self.roll),
            **photos.connect(self.photos, view.single),
            **framing.connect(self.framing, view.single),
            **fullsize.connect(
                self.full,
                view.single,
                switch=view.photo_as,
                looks=self.looks,
                photos=self.photos,
                files=self.files,
                marks=self.bookmarks,
            ),
            **history.connect(self.bookmarks, view.library.bookmarks, single=view.single),
            **grid.connect(self.grid, view.grid, show_single=partial(self.show_view, "single"), window=window),
            **levels.connect(self.levels, view.inspector.levels, photos=self.photos),
            **directions.connect(self.directions, view.inspector, panel=view.new_attribute),
            **importing.connect(self.imports, view.import_panel, window=window),
            **morph.connect(
                self.morph, view.morph, panel=view.morph_panel, photos=self.photos, files=self.files, window=window
            ),
            **check.connect(self.check, view.check),
        }

    def show_view(self, key: str) -> None:
        """Single, compare, grid or morph."""
        self.services.store.update(workspace="explore", view=key)

    def _show_train(self) -> None:
        self.services.store.update(workspace="train")

    def roll(self) -> None:
        """Other samples in the grid, another seed elsewhere."""
        if self.services.store.state.view == "grid":
            self.grid.roll()
        else:
            self.looks.roll()

    # opening and closing
    def begin(self, opening: Opening) -> None:
        """The model and the session of last time; a model that was asked for by name comes before them."""
        inventory, store = opening.inventory, self.services.store
        self.photos.show_samples(inventory.photos)
        ref, folder = _first_model(inventory, opening.model), inventory.runs_folder.parent / "sessions"

        def fresh() -> None:
            if ref is None:
                self.services.startup.end()
            elif store.state.opening is None and store.state.model is None:
                self.looks.open_model(ref)

        kept = self.services.preferences.kept
        if kept and not opening.asked:
            self.sessions.begin(folder, fresh)
            return
        if kept:
            self.sessions.keep_in(folder)
        fresh()

    def close(self) -> None:
        """Writes the session."""
        self.sessions.close()

    # the palette, and pictures of the window
    def offers(self, state: AppState) -> Iterable[Offer]:
        """Views, models, runs, photos, sliders and bookmarks."""
        for key, title in VIEWS:
            item = PaletteItem(f"view|{key}", title, "View", "How to look at the model")
            yield Offer(item, partial(self.show_view, key))
        for card in state.models or ():
            item = PaletteItem(f"model|{card.key}", card.title, "Model", card.family_title)
            yield Offer(item, partial(self._open, card.key))
        for run in state.runs:
            ref = run_ref(run.info.path)
            item = PaletteItem(f"model|{ref}", run.info.title, "Run", "Explore it")
            yield Offer(item, partial(self._open, ref))
        for photo in state.photos:
            item = PaletteItem(f"photo|{photo.key}", photo.name, "Photo", "Put it into the model")
            yield Offer(item, partial(self.files.use_photo, photo.key))
        for one in (*state.info.attributes, *state.info.components) if state.info is not None else ():
            item = PaletteItem(f"slider|{one.name}", nice(one.name), "Slider", "Left and Right move it")
            yield Offer(item, partial(self._focus, one.name))
        for index, mark in enumerate(state.bookmarks):
            item = PaletteItem(f"bookmark|{index}", mark.name, "Bookmark", mark.look.text())
            yield Offer(item, partial(self.bookmarks.go, index))

    def _open(self, ref: str) -> None:
        self.services.store.update(workspace="explore")
        self.looks.open_model(ref)

    def _focus(self, slider: str) -> None:
        self.services.store.update(workspace="explore")
        self.view.inspector.show_slider(slider)

    def show(self, asked: ShotRequest, wait: Wait) -> None:
        """One of the four views, with sliders moved as by hand."""
        store = self.services.store
        if store.state.info is None:
            return
        self._edit(asked.edits, wait)
        view = asked.view or store.state.view
        if view == "compare" and store.state.photo is None and store.state.photos:
            self.photos.choose(store.state.photos[0].key)
            wait.until(lambda: store.state.encoded is not None or not store.state.encoding)
        self.show_view(view)
        wait.until(lambda: shown_in_full(store.state))

    def _edit(self, edits: Iterable[tuple[str, float]], wait: Wait) -> None:
        store, info = self.services.store, self.services.store.state.info
        assert info is not None
        known = {direction.name.lower(): direction.name for direction in (*info.attributes, *info.components)}
        for name, value in edits:
            if name.lower() not in known:
                raise UsageError(f"{info.title} has no direction {name!r}: it has {', '.join(known.values())}.")
            # Each step gets its picture, so that the history shows it.
            wait.until(lambda: not store.state.drawing)
            wait.rest()
            self.looks.set_edit(known[name.lower()], value)
            self.looks.settle()
        wait.until(lambda: not store.state.drawing)


def make_view(window: QWidget) -> Generator[None, None, ExploreView]:
    """All at once: it is what the window starts with."""
    yield from ()
    return ExploreView()


def _first_model(inventory: Inventory, wanted: str) -> str | None:
    """The model of last time if it is still there, else the first in the box."""
    keys = {card.key for card in inventory.models}
    run = run_of(wanted)
    if wanted in keys or (run is not None and run.is_dir()):
        return wanted
    by_title = {card.title: card.key for card in reversed(inventory.models)}
    if wanted in by_title:
        return by_title[wanted]
    return by_title.get(FIRST_MODEL) or (inventory.models[0].key if inventory.models else None)


EXPLORE: Final = Workspace(
    "explore",
    "Explore",
    "Go to pictures, sliders and photos.",
    make_view,
    Explore,
    shortcuts=SHORTCUTS,
    views=tuple(key for key, _ in VIEWS),
)
