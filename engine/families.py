"""The families: one row each. A new family is one file under models/ and one row here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from engine import plots
from engine.errors import UsageError
from engine.knobs import Knob, Value, from_json, knobs_of
from engine.models.base import LatentModel
from engine.models.flow import Glow, GlowConfig
from engine.models.gan import Dcgan, DcganConfig
from engine.models.imported.autoencoder import ImportedAutoencoder, ImportedAutoencoderConfig
from engine.models.imported.dcgan import ImportedDcgan, ImportedDcganConfig
from engine.models.imported.glow import ImportedGlow, ImportedGlowConfig
from engine.models.linear import Pca, PcaConfig
from engine.models.vae import Vae, VaeConfig
from engine.plots import Plot


@dataclass(frozen=True)
class Family:
    """One row: the words, the config and model classes, and how this family likes to be trained."""

    name: str
    title: str
    summary: str
    config: type
    model: type[LatentModel]
    """Made from a config of the class above and an image shape (C, H, W)."""
    training: Mapping[str, Value]
    presets: Mapping[str, Mapping[str, Value]]
    curves: tuple[Plot, ...]
    """The live plots of this family; those of every family are `plots.COMMON`."""


FAMILIES: Final[dict[str, Family]] = {
    family.name: family
    for family in (
        Family(
            name="vae",
            title="VAE",
            summary="Encodes at once, decodes smoothly; a bound on the likelihood.",
            config=VaeConfig,
            model=Vae,
            training={"learning_rate": 1e-3, "momentum": 0.9, "ema": 0.998, "batch": 32},
            presets={
                "Small, minutes on a CPU": {"width": 24, "code": 64, "prior": 4},
                "Standard": {"prior": 6},
                "Large, for a GPU": {"width": 96, "blocks": 2, "code": 256, "prior": 8},
            },
            curves=plots.VAE,
        ),
        Family(
            name="gan",
            title="GAN",
            summary="Sharp samples from a game of two networks; no encoder, no likelihood.",
            config=DcganConfig,
            model=Dcgan,
            training={"learning_rate": 2e-4, "momentum": 0.5, "ema": 0.998, "batch": 32, "clip": 0.0},
            presets={
                "Small, minutes on a CPU": {"width": 24, "discriminator_width": 24, "code": 64, "fine": 16},
                "Standard": {"fine": 32},
                "Large, for a GPU": {"width": 128, "discriminator_width": 128, "fine": 64},
            },
            curves=plots.GAN,
        ),
        Family(
            name="flow",
            title="Flow (Glow)",
            summary="Exact codes and exact likelihood by invertible layers.",
            config=GlowConfig,
            model=Glow,
            training={"learning_rate": 1e-3, "momentum": 0.9, "ema": 0.998, "batch": 16, "warmup": 300},
            presets={
                "Small, minutes on a CPU": {"depth": 4, "extra_depth": 2, "hidden": 48},
                "Standard": {},
                "Large, for a GPU": {"depth": 16, "extra_depth": 8, "hidden": 256},
            },
            curves=plots.FLOW,
        ),
    )
}


IMPORTED: Final[dict[str, Family]] = {
    row.name: row
    for row in (
        Family(
            name="imported_dcgan",
            title="GAN (imported)",
            summary="A DCGAN generator that others trained.",
            config=ImportedDcganConfig,
            model=ImportedDcgan,
            training={},
            presets={},
            curves=(),
        ),
        Family(
            name="imported_glow",
            title="Flow (imported)",
            summary="A Glow that others trained: exact codes and exact likelihood.",
            config=ImportedGlowConfig,
            model=ImportedGlow,
            training={},
            presets={},
            curves=(),
        ),
        Family(
            name="imported_autoencoder",
            title="VAE (imported)",
            summary="The autoencoder of a latent diffusion model.",
            config=ImportedAutoencoderConfig,
            model=ImportedAutoencoder,
            training={},
            presets={},
            curves=(),
        ),
    )
}
"""Architectures of files that others made: they are opened and explored, never trained here."""


LINEAR: Final[dict[str, Family]] = {
    "pca": Family(
        name="pca",
        title="PCA",
        summary="Principal components, computed in seconds: what every family has to beat.",
        config=PcaConfig,
        model=Pca,
        training={},
        presets={"Standard": {}},
        curves=(),
    )
}
"""Models that are computed at once: they stand beside the families and are never trained."""

KNOWN: Final[dict[str, Family]] = {**FAMILIES, **LINEAR, **IMPORTED}
"""Everything that a model file may be of, in the order of the library."""


def family(name: str) -> Family:
    """The family of this name, also one that is only explored.

    Raises:
        UsageError: there is none.
    """
    found = KNOWN.get(name)
    if found is None:
        raise UsageError(f"family must be one of {', '.join(FAMILIES)}, got {name!r}.")
    return found


def build(name: str, config: Mapping[str, object], image_shape: tuple[int, int, int]) -> LatentModel:
    """A model of this family with fresh weights.

    Raises:
        UsageError: an unknown family or knob, or a value out of range.
    """
    row = family(name)
    return row.model(from_json(row.config, config), image_shape)


def model_knobs(name: str) -> tuple[Knob, ...]:
    """The knobs of a family's architecture and objective."""
    return knobs_of(family(name).config)
