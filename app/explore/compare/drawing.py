"""Keeps the pictures of Compare in step with sliders and path: the model on show first, the others after it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject

from app.core.store import Store
from app.core.tasks import LaneName
from app.explore.compare.rows import draw, drawn_anyway, recipe_of, recipe_of_drawn, row_note
from app.explore.compare.state import CompareRow, Recipe
from app.state import AppState, moved
from engine.api import Pictures
from engine.events import Failed

PARTS = ("view", "look", "comparison", "morph", "compare", "drawn", "drawing", "model", "models")


class RowDrawing(QObject):
    """Draws the first row (`state.model`) on the model lane and the others on the study lane, each row newest wins.

    The others are asked for only when a picture of the first row has come, so that they never delay it.
    """

    def __init__(self, store: Store, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._epoch = 0
        self._turn = 0
        self._asked: dict[str, Recipe] = {}
        self._failed: dict[str, Recipe] = {}
        self._shown: dict[str, int] = {}
        self._served: dict[str, int] = {}
        store.changed.connect(self._changed)

    def forget(self) -> None:
        """Another photo: answers that are still on their way belong to no row any more."""
        self._epoch += 1
        self._turn += 1
        self._shown = {row.ref: self._turn for row in self._store.state.compare}
        self._asked.clear()
        self._failed.clear()

    def _changed(self, before: AppState, now: AppState) -> None:
        if before.history.current != now.history.current:
            # A jump or a settled drag: pictures asked before it are stale unless they are still wanted.
            self._epoch += 1
        if now.view != "compare" or now.closing or not moved(now, before, *PARTS):
            return
        self._show_known()
        state = self._store.state
        first = self._first(state)
        came = moved(now, before, "drawn") or (before.drawing and not now.drawing)
        if first is None or came or recipe_of(first, state) == first.recipe:
            self._ask_others()
        elif not drawn_anyway(first, state):
            self._ask(first, "model", "compare")

    @staticmethod
    def _first(state: AppState) -> CompareRow | None:
        return next((row for row in state.compare if row.ref == state.model and row.encoded is not None), None)

    # what needs no drawing
    def _show_known(self) -> None:
        """Reconstructions, the picture of Single where it is the same, notes and busy marks."""
        state = self._store.state
        rows = tuple(self._known(row, state) for row in state.compare)
        if any(new is not old for new, old in zip(rows, state.compare, strict=True)):
            self._store.update(compare=rows)

    def _known(self, row: CompareRow, state: AppState) -> CompareRow:
        recipe, changes = recipe_of(row, state), dict[str, Any]()
        if recipe is not None and row.encoded is not None and recipe != row.recipe:
            if recipe.plain():
                changes = {"recipe": recipe, "picture": row.encoded.reconstruction}
            elif drawn_anyway(row, state) and state.drawn is not None:
                found = recipe_of_drawn(row, state.drawn)
                if found is not None and found != row.recipe:
                    changes = {"recipe": found, "picture": state.drawn.picture}
            if changes:
                self._turn += 1
                self._shown[row.ref] = self._turn
                self._asked.pop(row.ref, None)
        late = recipe is not None and recipe not in (changes.get("recipe", row.recipe), self._failed.get(row.ref))
        if row.drawing != late:
            changes["drawing"] = late
        note = row_note(row, state)
        if row.status == "done" and note != row.note:
            changes["note"] = note
        return replace(row, **changes) if changes else row

    # asking
    def _ask_others(self) -> None:
        state = self._store.state
        first = self._first(state)
        if first is not None and not drawn_anyway(first, state):
            self._ask(first, "model", "compare")
        # Whoever was drawn longest ago comes first: a drag asks faster than all rows can answer, and none may starve.
        others = [row for row in state.compare if row is not first]
        for row in sorted(others, key=lambda row: self._served.get(row.ref, 0)):
            self._ask(row, "study", f"compare {row.ref}")

    def _ask(self, row: CompareRow, lane: LaneName, latest: str) -> None:
        store, recipe = self._store, recipe_of(row, self._store.state)
        if recipe is None or row.info is None or recipe.plain():
            return
        if recipe in (row.recipe, self._asked.get(row.ref), self._failed.get(row.ref)):
            return
        self._asked[row.ref] = recipe
        self._turn += 1
        turn, epoch, ref, sha = self._turn, self._epoch, row.ref, row.info.sha256
        host = store.model_host if lane == "model" else store.study_host

        def done(picture: Pictures) -> None:
            self._answered(ref, recipe, picture, turn=turn, epoch=epoch)

        def failed(event: Failed) -> None:
            if self._asked.get(ref) is recipe:
                self._asked.pop(ref)
            self._failed[ref] = recipe
            store.notices.failed(event)
            self._show_known()
            self._ask_others()

        store.tasks.submit(
            lane,
            "draw a row",
            lambda context: draw(host.model(ref, sha), recipe),
            done=done,
            failed=failed,
            latest=latest,
        )

    def _answered(self, ref: str, recipe: Recipe, picture: Pictures, *, turn: int, epoch: int) -> None:
        state = self._store.state
        if self._asked.get(ref) is recipe:
            self._asked.pop(ref)
        row = next((row for row in state.compare if row.ref == ref), None)
        if row is None or turn < self._shown.get(ref, 0):
            return
        self._served[ref] = self._turn
        if recipe == recipe_of(row, state) or (epoch == self._epoch and recipe.photo is row.encoded):
            self._shown[ref] = turn
            new = replace(row, picture=picture, recipe=recipe, drawing=recipe != recipe_of(row, state))
            self._store.update(compare=tuple(new if old is row else old for old in state.compare))
        if ref == self._store.state.model:
            self._ask_others()
