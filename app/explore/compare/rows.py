"""What a row of the comparison shows: its recipe from the state, and the picture from the recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.explore.compare.state import CompareRow, Recipe
from app.explore.library.groups import compared_first
from app.look import Look
from app.state import AppState
from app.words import nice
from engine.api import Coded, Drawn, DrawRequest, ModelInfo, Pictures, Wander

if TYPE_CHECKING:
    from engine.session import OpenModel


def chosen_models(state: AppState) -> tuple[CompareRow, ...]:
    """A fresh row for each model that is compared, in the library's order.

    By default those in the box that show what the open model does, or the user's own where the box is empty.
    """
    cards = state.models or ()
    wanted = state.comparison.models
    if wanted is None:
        wanted = compared_first(cards, state.model)
    return tuple(CompareRow(card.key, card.title, card.family_title) for card in cards if card.key in wanted)


def known_directions(info: ModelInfo | None) -> frozenset[str]:
    """The names of all directions of a model."""
    return frozenset(() if info is None else (item.name for item in (*info.attributes, *info.components)))


def _edits(look: Look | None, row: CompareRow) -> tuple[tuple[tuple[str, float], ...], tuple[str, ...]]:
    """The look's edits and holds as far as this row's model has directions of these names."""
    if look is None:
        return (), ()
    known = known_directions(row.info)
    edits = tuple((name, value) for name, value in look.edits if name in known)
    # A hold without an edit changes nothing, and must not make the same picture anew.
    return edits, tuple(name for name in look.locked if name in known) if edits else ()


def missing_directions(look: Look | None, row: CompareRow) -> tuple[str, ...]:
    """Names of the look's edits that this row's model has no direction for."""
    known = known_directions(row.info)
    return () if look is None or row.info is None else tuple(name for name, _ in look.edits if name not in known)


def recipe_of(row: CompareRow, state: AppState) -> Recipe | None:
    """What the row's picture should be made from now; None until its photo is encoded."""
    if row.encoded is None:
        return None
    edits, locked = _edits(state.look, row)
    at = state.comparison.fraction
    if row.other is None or at == 0.0:
        return Recipe(row.encoded, edits=edits, locked=locked)
    return Recipe(row.encoded, row.other, at, state.morph.method, edits, locked)


def recipe_of_drawn(row: CompareRow, drawn: Drawn) -> Recipe | None:
    """The recipe that a picture of the view Single follows, or None when it shows something other than this photo."""
    request = drawn.request
    if row.encoded is None or not _from_photo(request, row):
        return None
    return Recipe(row.encoded, edits=request.edits, locked=request.locked if request.edits else ())


def _from_photo(request: DrawRequest, row: CompareRow) -> bool:
    if not isinstance(request.source, Coded) or row.encoded is None:
        return False
    # Wandering and the levels' rules belong to one model, so the rows leave them out.
    shared = DrawRequest(request.source, request.edits, request.locked, Wander(request.wander.plane))
    return request == shared and request.source.means(row.encoded.code)


def drawn_anyway(row: CompareRow, state: AppState) -> bool:
    """Whether the picture that Single asks for is this row's, so that it need not be drawn twice."""
    look, recipe = state.look, recipe_of(row, state)
    if look is None or recipe is None or look.model != row.ref or recipe.other is not None:
        return False
    request = look.request()
    return request.edits == recipe.edits and _from_photo(request, row)


def row_note(row: CompareRow, state: AppState) -> str:
    """What this row cannot follow, in a few words."""
    missing = missing_directions(state.look, row)
    if missing:
        return f"no direction {', '.join(nice(name) for name in missing)}"
    waits = row.encoded is not None and row.other is None and state.comparison.other is not None
    return row.other_note if waits else ""


def draw(model: OpenModel, recipe: Recipe) -> Pictures:
    """The picture (S, S, 3) of a recipe. Runs on the lane that owns the model.

    Raises:
        UserError: the codes or directions are of another model.
    """
    code = recipe.photo.code
    if recipe.other is not None:
        ends = np.stack([recipe.photo.code, recipe.other.code])
        code = model.morph(ends, [recipe.fraction], method=recipe.method)[0]
    return model.draw(DrawRequest(Coded(code), recipe.edits, recipe.locked)).picture
