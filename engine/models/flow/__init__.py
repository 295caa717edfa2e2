"""Normalizing flows: exact codes and exact densities."""

from engine.knobs import MINUTES, Preset
from engine.models.family import Family
from engine.models.flow.frozen import FrozenGlow
from engine.models.flow.glow import Glow, GlowConfig
from engine.models.flow.plots import PLOTS

__all__ = ["FAMILY", "Glow", "GlowConfig"]

FAMILY = Family(
    name="flow",
    title="Flow (Glow)",
    summary="Exact codes and exact likelihood by invertible layers.",
    config=GlowConfig,
    model=Glow,
    frozen=FrozenGlow,
    sizes=(32, 64, 128),
    training={"learning_rate": 1e-3, "momentum": 0.9, "ema": 0.998, "batch": 16, "warmup": 300},
    presets={
        MINUTES: Preset({"depth": 4, "extra_depth": 2, "hidden": 48}, steps={32: 4000, 64: 2000, 128: 600}),
        "Standard": Preset({}),
        "Large, for a GPU": Preset({"depth": 16, "extra_depth": 8, "hidden": 256}),
    },
    plots=lambda: PLOTS,
)
