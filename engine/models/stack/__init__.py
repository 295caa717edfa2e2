"""Flows that are written down layer by layer, on points of the plane and on flattened pictures."""

from __future__ import annotations

from engine.knobs import MINUTES, Preset
from engine.models.family import Family
from engine.models.stack.plots import PLOTS
from engine.models.stack.stack import Stack, StackConfig

__all__ = ["FAMILY", "Stack", "StackConfig"]

FAMILY = Family(
    name="stack",
    title="Flow (layers)",
    summary="A flow from a recipe: one line of text names its layers.",
    config=StackConfig,
    model=Stack,
    frozen=None,
    points=True,
    training={"learning_rate": 1e-3, "momentum": 0.9, "ema": 0.998, "batch": 256},
    presets={
        MINUTES: Preset({"recipe": "actnorm, 4 x (coupling(affine, 32, 32), swap)"}, steps={}),
        "NICE": Preset({"recipe": "actnorm, 4 x (coupling(additive, 64, 64), swap), diagonal"}),
        "RealNVP": Preset({"recipe": "5 x (coupling(affine, 32, 32), swap)"}),
        "MAF": Preset({"recipe": "actnorm, 4 x (maf(64, 64), swap)"}),
        "IAF": Preset({"recipe": "actnorm, 4 x (iaf(64, 64), swap)"}),
        "Planar": Preset({"recipe": "actnorm, 16 x planar"}),
        "Residual": Preset({"recipe": "actnorm, 6 x (residual(32, 32), actnorm)"}),
        "ODE": Preset({"recipe": "ode(64, 64, 64)"}),
        "ODE, flow matching": Preset({"recipe": "ode(matching, 64, 64, 64)"}),
        "Try 1: linear": Preset({"recipe": "8 x linear"}),
        "Try 2: each coordinate by itself": Preset({"recipe": "3 x (diagonal, sinh-arcsinh), diagonal"}),
    },
    plots=lambda: PLOTS,
)
