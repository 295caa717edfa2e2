"""A family's row: all that the program knows of it beside the contract. Each folder of a family holds its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.knobs import Preset, Value
from engine.models.base import Frozen, LatentModel
from engine.plots import Plot


class Freeze(Protocol):
    """Makes a frozen form of a model of one family; `packed` asks for weights in the layout of `engine.nn.packed`."""

    def __call__(self, model: Any, /, *, packed: bool) -> Frozen: ...


class Grow(Protocol):
    """The config of the model of twice the size that one of `config` grows into, trained for `steps` steps.

    It must have every tensor of the smaller one, by its name and in its shape, and as built add nothing to what they
    do. `complete` says whether the weights of `training_only` are there too.
    """

    def __call__(self, config: Any, /, *, steps: int, complete: bool) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class Family:
    """One row: the words, the config and model classes, and how this family is best trained.

    A family that is only explored leaves out what is below `frozen`.
    """

    name: str
    title: str
    summary: str
    config: type
    model: type[LatentModel]
    """Made from a config of the class above and an image shape (C, H, W)."""
    frozen: Freeze | None
    """The form that draws and encodes alone, with copies of the weights; None where the module itself does. Whoever
    wants one calls `engine.frozen.freeze_model`, which tests it."""
    sizes: tuple[int, ...] = ()
    """Sides in pixels of the pictures that it can be trained on."""
    points: bool = False
    """Whether it is also made for points of R^d, images of shape (d, 1, 1)."""
    point_model: type[LatentModel] | None = None
    """The class for points, where it is another one; made from the same config."""
    point_knobs: tuple[str, ...] = ()
    """The knobs that mean something for points, those that change most first; empty: all of them."""
    training: Mapping[str, Value] = field(default_factory=dict)
    """Knobs of training where this family's defaults differ."""
    presets: Mapping[str, Preset] = field(default_factory=dict)
    few_images: Mapping[str, Value] = field(default_factory=dict)
    """Knobs that a small data set asks for, see `Preset.values`."""
    grow: Grow | None = None
    """How a trained model becomes one of pictures twice the size; None where it cannot."""
    plots: Callable[[], tuple[Plot, ...]] = tuple

    @property
    def curves(self) -> tuple[Plot, ...]:
        """The live plots of this family; those of every family are `plots.COMMON`."""
        return self.plots()
