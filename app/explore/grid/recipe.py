"""What the grid shows: the recipe that a state asks for, what its cells are, and what it is called."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from app.explore.grid.shown import whole_shows
from app.explore.grid.state import (
    ACROSS,
    EDITS,
    FEW_ROWS,
    MOST_ROWS,
    NEIGHBOURS,
    SAMPLES,
    SPAN_SIGMAS,
    UPWARDS,
    GridState,
)
from app.look import Look
from app.state import AppState
from app.words import nice, signed, source_text
from engine.api import DrawRequest, Encoded, LevelRule, ModelInfo
from engine.exploring import offsets

RADIANS_A_SIGMA: Final = 0.5
"""How far the wandering plane goes for what the two axes call a sigma."""


@dataclass(frozen=True)
class GridRecipe:
    """All that decides what the cells show; another recipe means other pictures."""

    ref: str
    sha256: str
    kind: str
    side: int
    seed: int
    temperature: tuple[float, ...] = ()
    request: DrawRequest | None = None
    levels: tuple[LevelRule, ...] = ()
    radius: float = 0.0
    axes: tuple[str, str] = ("", "")
    centre: tuple[float, float] = (0.0, 0.0)
    span: float = 1.0
    names: tuple[str, ...] = ()
    reach: float = 0.0
    photo: str = ""
    encoded: Encoded | None = None
    room: int = 0
    strength: float = 1.0

    @property
    def count(self) -> int:
        """Cells."""
        return self.side * (len(self.names) if self.kind == EDITS else self.side)


def recipe_of(state: AppState) -> GridRecipe | None:
    """What the grid shows in this state; None where it is not on show."""
    info, look, grid = state.info, state.look, state.grid
    if state.view != "grid" or info is None or look is None or state.model is None:
        return None
    base = GridRecipe(state.model, info.sha256, grid.kind, grid.shown_side, grid.seed)
    if grid.kind == SAMPLES:
        return replace(base, temperature=state.temperature, levels=look.from_elsewhere().levels)
    plain = replace(look, precision="float32", solo=-1)
    if grid.kind == NEIGHBOURS:
        return replace(base, request=plain.request(), radius=grid.radius)
    if grid.kind == EDITS:
        return _edits(state, replace(base, seed=0, names=edit_names(info, grid), reach=grid.reach), plain)
    if is_plane(info):
        return replace(base, seed=0, centre=grid.centre, span=grid.span)
    axes = axes_of(info, grid.axes)
    # What the two axes are set to now is no part of the recipe: a click moves them, and the grid stays.
    for axis in axes:
        plain = placed(plain, axis, 0.0)
    return replace(base, seed=0, request=plain.request(), axes=axes, centre=grid.centre, span=grid.span)


def _edits(state: AppState, base: GridRecipe, plain: Look) -> GridRecipe:
    """Each cell moves one direction from where the others, but those of the rows, are."""
    for name in base.names:
        plain = plain.with_edit(name, 0.0)
    found = replace(base, request=plain.request())
    encoded = state.encoded
    if not whole_shows(state) or encoded is None or plain.photo is None or not state.grid.room:
        return found
    return replace(found, photo=plain.photo, encoded=encoded, room=state.grid.room, strength=plain.strength)


def edit_names(info: ModelInfo, grid: GridState) -> tuple[str, ...]:
    """The directions of the rows of edits, in the model's order: those wanted that it has, else its first few."""
    every = [d.name for d in (*info.attributes, *info.components)]
    wanted = tuple(name for name in every if grid.names is not None and name in grid.names)
    return wanted[:MOST_ROWS] or tuple(every[:FEW_ROWS])


def strength_of(recipe: GridRecipe, column: int) -> float:
    """Sigmas of a column of edits; 0 in the middle."""
    return round((2 * column / (recipe.side - 1) - 1) * recipe.reach, 2)


def strength_words(reach: float, column: int, columns: int) -> str:
    """What stands above a column."""
    value = (2 * column / (columns - 1) - 1) * reach
    return f"{signed(value)} σ" if value else "0"


def edited(look: Look, recipe: GridRecipe, index: int) -> Look:
    """The look at a cell of edits."""
    row, column = divmod(index, recipe.side)
    for name in recipe.names:
        look = look.with_edit(name, 0.0)
    return look.with_edit(recipe.names[row], strength_of(recipe, column))


def is_plane(info: ModelInfo) -> bool:
    """Whether the code has two numbers, so that the manifold is all of it."""
    return info.code_size == 2


def axis_options(info: ModelInfo) -> tuple[str, ...]:
    """What an axis of the manifold may be: directions by name, and the wandering plane."""
    return (*(d.name for d in (*info.attributes, *info.components)), ACROSS, UPWARDS)


def axes_of(info: ModelInfo, wanted: tuple[str, str]) -> tuple[str, str]:
    """The two axes that this model has, as wanted where it has them."""
    options = axis_options(info)
    found = [name for name in wanted if name in options]
    found += [name for name in options if name not in found]
    if wanted[0] not in options and wanted[1] in options:
        found[0], found[1] = found[1], found[0]
    return found[0], found[1]


def values_of(recipe: GridRecipe, index: int) -> tuple[float, float]:
    """(right, up) in sigmas of a cell of the manifold of two directions."""
    right, up = offsets(index, recipe.side)
    reach = SPAN_SIGMAS * recipe.span
    return recipe.centre[0] + reach * right, recipe.centre[1] + reach * up


def placed(look: Look, axis: str, value: float) -> Look:
    """The look with one axis at a value in sigmas; the wandering plane's axes count half a radian each."""
    if axis == ACROSS:
        return replace(look, wander=replace(look.wander, x=RADIANS_A_SIGMA * value))
    if axis == UPWARDS:
        return replace(look, wander=replace(look.wander, y=RADIANS_A_SIGMA * value))
    return look.with_edit(axis, round(value, 3))


def at_place(look: Look, recipe: GridRecipe, index: int) -> Look:
    """The look at a cell of the manifold."""
    right, up = values_of(recipe, index)
    return placed(placed(look, recipe.axes[0], right), recipe.axes[1], up)


def filling_order(recipe: GridRecipe) -> list[int]:
    """Samples come in reading order, the others from the middle outwards."""
    if recipe.kind == SAMPLES:
        return list(range(recipe.count))
    middle = (recipe.side - 1) / 2
    if recipe.kind == EDITS:
        return sorted(range(recipe.count), key=lambda index: abs(index % recipe.side - middle))

    def away(index: int) -> float:
        row, column = divmod(index, recipe.side)
        return max(abs(row - middle), abs(column - middle))

    return sorted(range(recipe.count), key=away)


def caption(grid: GridState, info: ModelInfo, state: AppState) -> tuple[str, str]:
    """The line under the grid."""
    if grid.kind == SAMPLES:
        mean = sum(state.temperature) / len(state.temperature)
        return "Samples of the prior", f"temperature {mean:.2f} · set {grid.seed}"
    if grid.kind == NEIGHBOURS:
        name = source_text(state.look.source) if state.look is not None else ""
        return f"Neighbours of {name}", f"up to {grid.radius:.2f} rad away · set {grid.seed}"
    if grid.kind == EDITS:
        return "A row a direction, a column a strength", f"± {grid.reach:.1f} σ"
    if is_plane(info):
        return "All codes, by the inverse of the normal distribution", f"{grid.span:.0%} of each side"
    x, y = axes_of(info, grid.axes)
    reach = SPAN_SIGMAS * grid.span
    return f"Right {axis_name(x)}, up {axis_name(y)}", f"± {reach:.1f} σ"


def axis_name(axis: str) -> str:
    """What an axis is called in the window."""
    return {ACROSS: "wander right", UPWARDS: "wander up"}.get(axis) or nice(axis)
