"""The families: one row each. A new family is one folder under models/ and its name here."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from typing import Final

from engine.errors import UsageError
from engine.knobs import Knob, from_json, knobs_of
from engine.models import flow, gan, linear, stack, vae
from engine.models.base import LatentModel, are_points
from engine.models.family import Family
from engine.models.imported import autoencoder, dcgan, glow

FAMILIES: Final[dict[str, Family]] = {module.FAMILY.name: module.FAMILY for module in (vae, gan, flow, stack)}

IMPORTED: Final[dict[str, Family]] = {module.FAMILY.name: module.FAMILY for module in (dcgan, glow, autoencoder)}
"""Architectures of files that others made: they are opened and explored, never trained here."""

LINEAR: Final[dict[str, Family]] = {linear.FAMILY.name: linear.FAMILY}
"""Models that are computed at once: they stand beside the families and are never trained."""

KNOWN: Final[Mapping[str, Family]] = ChainMap(IMPORTED, LINEAR, FAMILIES)
"""Everything that a model file may be of, in the order of the library: the last map comes first."""


def family(name: str) -> Family:
    """The family of this name, also one that is only explored.

    Raises:
        UsageError: there is none.
    """
    found = KNOWN.get(name)
    if found is None:
        raise UsageError(f"family must be one of {', '.join(FAMILIES)}, got {name!r}.")
    return found


def row_of(model: LatentModel) -> Family | None:
    """The row of a model's class, or of the nearest class that it is derived from; None where it has none."""
    rows = {kind: row for row in KNOWN.values() for kind in (row.model, row.point_model) if kind is not None}
    return next((rows[kind] for kind in type(model).__mro__ if kind in rows), None)


def sizes() -> tuple[int, ...]:
    """Sides in pixels that one or another family can be trained on, rising."""
    return tuple(sorted({size for row in FAMILIES.values() for size in row.sizes}))


def build(name: str, config: Mapping[str, object], image_shape: tuple[int, int, int]) -> LatentModel:
    """A model of this family with fresh weights.

    Raises:
        UsageError: an unknown family or knob, a value out of range, or points for a family of pictures.
    """
    row = family(name)
    if are_points(image_shape) and not row.points:
        raise UsageError(f"{row.title} takes pictures, and a point is none: choose a family of points.")
    model = row.point_model if are_points(image_shape) and row.point_model is not None else row.model
    return model(from_json(row.config, config), image_shape)


def model_knobs(name: str) -> tuple[Knob, ...]:
    """The knobs of a family's architecture and objective."""
    return knobs_of(family(name).config)
