"""Generative adversarial networks: sharp samples, no encoder, no density."""

from __future__ import annotations

from engine.knobs import MINUTES, Preset
from engine.models.family import Family
from engine.models.gan.config import DcganConfig
from engine.models.gan.dcgan import Dcgan
from engine.models.gan.frozen import FrozenDcgan
from engine.models.gan.growth import grown_config
from engine.models.gan.plots import plots

__all__ = ["FAMILY", "Dcgan", "DcganConfig"]

FAMILY = Family(
    name="gan",
    title="GAN",
    summary="Sharp samples from a game of two networks; no encoder, no likelihood.",
    config=DcganConfig,
    model=Dcgan,
    frozen=FrozenDcgan,
    sizes=(32, 64, 128),
    points=True,
    point_knobs=(
        "objective",
        "critic_steps",
        "regulariser",
        "r1_weight",
        "width",
        "discriminator_width",
        "code",
        "r1_every",
        "gradient_penalty",
        "weight_clip",
    ),
    training={"learning_rate": 2e-4, "momentum": 0.5, "ema": 0.998, "batch": 32, "clip": 0.0},
    presets={
        MINUTES: Preset(
            {"width": 24, "discriminator_width": 24, "code": 64, "fine": 16}, steps={32: 6000, 64: 3000, 128: 800}
        ),
        "Standard": Preset({"fine": 32}),
        "Large, for a GPU": Preset({"width": 128, "discriminator_width": 128, "fine": 64}),
    },
    # The discriminator must not see every image as it is (arXiv:2006.10738).
    few_images={"augment": True},
    grow=grown_config,
    plots=plots,
)
