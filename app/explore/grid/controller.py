"""The grid: samples of the prior, neighbours of the current code, and the manifold, filled piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.core.file_kinds import PICTURES, ask_save
from app.core.notices import Message
from app.core.store import Store
from app.core.tasks import Task
from app.explore.controller import ExploreController
from app.explore.fullsize.close_up import CloseUpPhoto, CloseUps, close_up_photo
from app.explore.grid.recipe import (
    GridRecipe,
    at_place,
    axes_of,
    edit_names,
    edited,
    filling_order,
    is_plane,
    recipe_of,
)
from app.explore.grid.sheet import export_sheet, look_of, on_photo
from app.explore.grid.state import (
    EDITS,
    FEWEST_SIDE,
    GRID_KINDS,
    MANIFOLD,
    MOST_SIDE,
    NEIGHBOURS,
    SAMPLES,
    SPAN_SIGMAS,
    GridCell,
)
from app.explore.photos.controller import PhotoController
from app.state import AppState, moved
from app.words import nice
from engine.api import Coded, Codes, DrawRequest, Pictures
from engine.events import Failed
from engine.exploring import manifold_code
from engine.lanes import Context

if TYPE_CHECKING:
    from engine.session import OpenModel

NO_SHEET: Final = Message("A sheet is made of edits: choose Edits in the grid first.", "warning")
GONE: Final = "This photo is no longer in the library: drop it again to see it whole."
PARTS: Final = ("view", "grid", "look", "temperature", "info", "encoded", "full", "photo")
FIRST: Final = 4
PIECE: Final = 4
"""Pictures at a time: what a drag may have to wait for."""
ZOOM: Final = 1.25
SMALLEST_SPAN: Final = 0.05
LARGEST_SPAN: Final = 2.0


class GridController(QObject):
    """Fills the grid on the model lane behind everything else, the newest recipe first."""

    def __init__(
        self, store: Store, explore: ExploreController, photos: PhotoController, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._store, self._explore, self._photos = store, explore, photos
        self._close_ups = CloseUps(store.photo_loader)
        self._recipe: GridRecipe | None = None
        self._jobs: list[Task] = []
        self._fresh: set[int] = set()
        store.changed.connect(self._changed)
        store.modelOpened.connect(self._refresh)

    def _changed(self, before: AppState, now: AppState) -> None:
        other = now.photo != before.photo or now.full.wanted != before.full.wanted
        if other and now.grid.why:
            # Another photo, or perhaps it can be read again.
            self.change(why="")
        elif now.view == "grid" and moved(now, before, *PARTS):
            self._refresh()
        elif before.view == "grid" and now.view != "grid":
            # Nobody sees it: what is left is done when one comes back.
            self._stop()
            self._recipe = None

    # what is shown
    def show_kind(self, kind: str) -> None:
        """Samples, neighbours or manifold."""
        self.change(kind=kind)

    def next_kind(self) -> None:
        """By keyboard, one after the other."""
        if self._store.state.view == "grid":
            kinds = [key for key, _ in GRID_KINDS]
            self.show_kind(kinds[(kinds.index(self._store.state.grid.kind) + 1) % len(kinds)])

    def set_side(self, side: int) -> None:
        """How many in a row and in a column."""
        self.change(side=min(MOST_SIDE, max(FEWEST_SIDE, side)))

    def set_axis(self, which: int, name: str) -> None:
        """The direction to the right (0) or upwards (1); the same one twice swaps them."""
        info = self._store.state.info
        if info is None:
            return
        axes = list(axes_of(info, self._store.state.grid.axes))
        if axes[1 - which] == name:
            axes[1 - which] = axes[which]
        axes[which] = name
        self.change(axes=(axes[0], axes[1]))

    def show_direction(self, name: str, shown: bool) -> None:
        """Puts a direction among the rows of edits, or takes it out; one always stays."""
        info, grid = self._store.state.info, self._store.state.grid
        if info is None:
            return
        now = edit_names(info, grid)
        wanted = (*now, name) if shown else tuple(one for one in now if one != name)
        if wanted:
            self.change(names=wanted)

    def ask_export(self, parent: QWidget) -> None:
        """Asks where the sheet of edits goes to."""
        if self._recipe is None or self._recipe.kind != EDITS:
            self._store.notices.say(NO_SHEET)
            return
        ask_save(parent, "Export the sheet", PICTURES, suffix="png", use=self.export, name="edits.png")

    def export(self, path: Path) -> None:
        """Writes the sheet of edits, on the photo or as the model sees it, as is on show."""
        if self._recipe is not None and self._recipe.kind == EDITS:
            export_sheet(self._store, path, self._recipe, self._photo(self._recipe))

    def _photo(self, recipe: GridRecipe) -> CloseUpPhoto | None:
        return close_up_photo(recipe.photo, self._photos) if recipe.photo else None

    def pan(self, right: float, up: float) -> None:
        """Moves the window of the manifold, in window widths."""
        grid, info = self._store.state.grid, self._store.state.info
        if grid.kind != MANIFOLD or info is None:
            return
        step = grid.span * (1.0 if is_plane(info) else 2 * SPAN_SIGMAS)
        limit = 0.5 if is_plane(info) else 2 * SPAN_SIGMAS
        x, y = grid.centre[0] + right * step, grid.centre[1] + up * step
        self.change(centre=(min(limit, max(-limit, x)), min(limit, max(-limit, y))))

    def zoom(self, notches: float) -> None:
        """The wheel: a smaller or larger window of the manifold."""
        grid = self._store.state.grid
        if grid.kind == MANIFOLD:
            self.change(span=min(LARGEST_SPAN, max(SMALLEST_SPAN, grid.span / ZOOM**notches)))

    def whole(self) -> None:
        """The window of the manifold as at the start."""
        self.change(centre=(0.0, 0.0), span=1.0)

    def roll(self) -> None:
        """Other samples, or neighbours in other directions."""
        self.change(seed=self._store.state.grid.seed + 1)

    def change(self, **changes: Any) -> None:
        """Replaces fields of `GridState`: the radius in radians, the reach in sigmas, sides in pixels."""
        grid = self._store.state.grid
        changed = replace(grid, **changes)
        if any(getattr(grid, name) != value for name, value in changes.items()):
            self._store.update(grid=changed)

    # taking one
    def pick(self, index: int) -> None:
        """A cell becomes the current code; on the manifold of two directions their sliders go there."""
        state, recipe = self._store.state, self._recipe
        grid = state.grid
        if not 0 <= index < len(grid.cells) or recipe is None or state.info is None:
            return
        cell = grid.cells[index]
        if cell is None:
            return
        if recipe.kind == EDITS:
            if index in self._fresh:
                self._store.update(grid=replace(grid, chosen=index))
                name = nice(recipe.names[index // recipe.side])
                self._explore.change(lambda look: edited(look, recipe, index), name)
            return
        if recipe.kind == MANIFOLD and not is_plane(state.info):
            if index in self._fresh:
                self._store.update(grid=replace(grid, chosen=index))
                self._explore.change(lambda look: at_place(look, recipe, index), "Manifold")
            return
        self._store.update(grid=replace(grid, chosen=index))
        self._explore.take_code(cell.code, self._name(recipe, index, cell.code))

    def _name(self, recipe: GridRecipe, index: int, code: Codes) -> str:
        if recipe.kind == MANIFOLD:
            return f"({code[0]:+.2f}, {code[1]:+.2f})"
        return f"{'Sample' if recipe.kind == SAMPLES else 'Neighbour'} {recipe.seed}.{index + 1}"

    # filling
    def _stop(self) -> None:
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            self._store.tasks.cancel(job)

    def _refresh(self) -> None:
        store = self._store
        recipe = recipe_of(store.state)
        if recipe is None or recipe == self._recipe:
            return
        old, self._recipe = self._recipe, recipe
        self._stop()
        self._fresh = set()
        store.step_aside()
        grid = store.state.grid
        alike = old is not None and _shape(old) == _shape(recipe)
        kept = grid.cells if alike and len(grid.cells) == recipe.count else (None,) * recipe.count
        store.update(grid=replace(grid, cells=kept, missing=recipe.count, chosen=-1))
        memory: list[Codes] = []
        order = filling_order(recipe)
        starts = [0, *range(FIRST, len(order), PIECE)]
        for start, stop in zip(starts, [*starts[1:], len(order)], strict=True):
            self._ask(recipe, order[start:stop], memory)

    def _ask(self, recipe: GridRecipe, indices: Sequence[int], memory: list[Codes]) -> None:
        host, close_ups, photo = self._store.model_host, self._close_ups, self._photo(recipe)
        if recipe.photo and photo is None:
            self.change(why=GONE)
            return

        def work(context: Context) -> tuple[Codes, Pictures, tuple[Pictures, ...]]:
            context.check()
            model = host.model(recipe.ref, recipe.sha256)
            codes = codes_of(model, recipe, indices, memory)
            pictures = model.decode(codes)
            if photo is None:
                return codes, pictures, ()
            return codes, pictures, on_photo(recipe, indices, pictures, photo=photo, close_ups=close_ups)

        def done(found: tuple[Codes, Pictures, tuple[Pictures, ...]]) -> None:
            if self._recipe is recipe:
                self._filled(indices, *found)

        def failed(event: Failed) -> None:
            if self._recipe is recipe:
                self._stop()
                if photo is not None:
                    self.change(why=event.message)
                self._store.notices.failed(event)

        job = self._store.tasks.submit("model", "fill the grid", work, done=done, failed=failed, background=True)
        if job is not None:
            self._jobs.append(job)

    def _filled(self, indices: Sequence[int], codes: Codes, pictures: Pictures, whole: tuple[Pictures, ...]) -> None:
        grid = self._store.state.grid
        cells = list(grid.cells)
        for at, (index, code, picture) in enumerate(zip(indices, codes, pictures, strict=True)):
            cells[index] = GridCell(picture, code, whole[at] if whole else None)
            self._fresh.add(index)
        self._store.update(grid=replace(grid, cells=tuple(cells), missing=len(cells) - len(self._fresh)))


def _shape(recipe: GridRecipe) -> tuple[object, ...]:
    """What must stay for a cell to keep its old picture until its new one is there."""
    return recipe.ref, recipe.kind, recipe.side, recipe.count, recipe.photo


def codes_of(model: OpenModel, recipe: GridRecipe, indices: Sequence[int], memory: list[Codes]) -> Codes:
    """The codes (n, D) of some cells. `memory` keeps what all pieces of a recipe share. Runs on the model lane."""
    if recipe.kind == SAMPLES:
        if not memory:
            memory.append(model.sample(recipe.count, temperature=recipe.temperature, seed=recipe.seed))
        drawn = [DrawRequest(Coded(memory[0][i]), levels=recipe.levels) for i in indices]
        return np.stack([model.code_of(request) for request in drawn])
    if recipe.kind == MANIFOLD and model.info.code_size == 2:
        x, y = recipe.centre
        centre = (0.5 + x, 0.5 + y)
        return np.stack([manifold_code(i, recipe.side, centre=centre, span=recipe.span) for i in indices])
    assert recipe.request is not None
    request = recipe.request
    if recipe.kind == NEIGHBOURS:
        return np.stack(
            [model.neighbour(request, i, side=recipe.side, radius=recipe.radius, seed=recipe.seed) for i in indices]
        )
    look = look_of(request)
    if recipe.kind == EDITS:
        return np.stack([model.code_of(edited(look, recipe, i).request()) for i in indices])
    return np.stack([model.code_of(at_place(look, recipe, i).request()) for i in indices])
