"""The live plots of a flow from a recipe."""

from __future__ import annotations

from typing import Final

from engine.plots import GRADIENTS, Plot, update_ratio

PLOTS: Final = (
    Plot(
        "Loss",
        ("loss",),
        ("each batch",),
        note="Of pictures bits/dim, of points nats; with flow matching the squared error of the field, whose least "
        "value is above zero.",
    ),
    Plot("Gradient norm", ("gradient_norm",), ("model",), log=True, note=GRADIENTS),
    update_ratio("model"),
)
"""In the order in which they are shown."""
