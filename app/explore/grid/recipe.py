"""What the grid shows: the recipe that a state asks for, what its cells are, and what it is called."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from app.explore.grid.state import ACROSS, NEIGHBOURS, SAMPLES, SPAN_SIGMAS, UPWARDS, GridState
from app.look import Look
from app.state import AppState
from app.words import nice, source_text
from engine.api import DrawRequest, LevelRule, ModelInfo
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

    @property
    def count(self) -> int:
        """Cells."""
        return self.side * self.side


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
    if is_plane(info):
        return replace(base, seed=0, centre=grid.centre, span=grid.span)
    axes = axes_of(info, grid.axes)
    # What the two axes are set to now is no part of the recipe: a click moves them, and the grid stays.
    for axis in axes:
        plain = placed(plain, axis, 0.0)
    return replace(base, seed=0, request=plain.request(), axes=axes, centre=grid.centre, span=grid.span)


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
    if is_plane(info):
        return "All codes, by the inverse of the normal distribution", f"{grid.span:.0%} of each side"
    x, y = axes_of(info, grid.axes)
    reach = SPAN_SIGMAS * grid.span
    return f"Right {axis_name(x)}, up {axis_name(y)}", f"± {reach:.1f} σ"


def axis_name(axis: str) -> str:
    """What an axis is called in the window."""
    return {ACROSS: "wander right", UPWARDS: "wander up"}.get(axis) or nice(axis)
