"""The live plots of a flow."""

from typing import Final

from engine.plots import GRADIENTS, Plot, bits, update_ratio

PLOTS: Final = (
    bits("Bits/dim", "bits_per_dim", "Bits that a number of an image takes, exactly"),
    Plot(
        "Bits/dim in parts",
        ("prior_bits_per_dim", "log_det_bits_per_dim"),
        ("prior", "log-determinant"),
        unit="bits/dim",
        note="The two terms that add up to the bits/dim: the density of the codes under the prior, and how far the "
        "flow stretches space.",
    ),
    Plot(
        "Code norm / sqrt(D)",
        ("code_norm",),
        ("codes",),
        note="Length of the codes of images over that of codes from the prior: 1 where they agree.",
        guides=((1.0, "prior"),),
    ),
    Plot("Gradient norm", ("gradient_norm",), ("model",), log=True, note=GRADIENTS),
    update_ratio("model"),
)
"""In the order in which they are shown."""
