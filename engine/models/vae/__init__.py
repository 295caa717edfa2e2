"""Variational autoencoders: an encoder that answers at once, and a bound on the density."""

from __future__ import annotations

from engine.knobs import MINUTES, Preset
from engine.models.family import Family
from engine.models.vae.config import VaeConfig
from engine.models.vae.frozen import FrozenVae
from engine.models.vae.plots import PLOTS
from engine.models.vae.points import PointVae
from engine.models.vae.vae import Vae

__all__ = ["FAMILY", "PointVae", "Vae", "VaeConfig"]

FAMILY = Family(
    name="vae",
    title="VAE",
    summary="Encodes at once, decodes smoothly; a bound on the likelihood.",
    config=VaeConfig,
    model=Vae,
    frozen=FrozenVae,
    sizes=(32, 64, 128),
    points=True,
    point_model=PointVae,
    point_knobs=(
        "code",
        "likelihood",
        "sigma",
        "posterior",
        "bound",
        "samples",
        "gradient",
        "beta",
        "kl_warmup",
        "width",
        "hidden_layers",
    ),
    training={"learning_rate": 1e-3, "momentum": 0.9, "ema": 0.998, "batch": 32},
    presets={
        MINUTES: Preset({"width": 24, "code": 64, "prior": 4}, steps={32: 4000, 64: 2000, 128: 600}),
        "Standard": Preset({"prior": 6}),
        "Large, for a GPU": Preset({"width": 96, "blocks": 2, "code": 256, "prior": 8}),
    },
    plots=lambda: PLOTS,
)
