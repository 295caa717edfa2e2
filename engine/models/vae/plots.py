"""The live plots of a VAE."""

from typing import Final

from engine.plots import GRADIENTS, Plot, bits, update_ratio

PLOTS: Final = (
    bits("ELBO, bits/dim", "elbo_bits_per_dim", "Upper bound on the bits that a number of an image takes"),
    Plot(
        "ELBO in parts, bits/dim",
        ("reconstruction_bits_per_dim", "kl_bits_per_dim"),
        ("reconstruction", "KL"),
        unit="bits/dim",
        note="The two terms that add up to the ELBO: what the picture costs once its code is known, and what the code "
        "costs.",
    ),
    Plot(
        "Reconstruction, dB",
        ("psnr_db", "heldout/psnr_db"),
        ("each batch", "held-out"),
        unit="dB",
        note="PSNR of a reconstruction; higher is better.",
    ),
    Plot(
        "KL, nats",
        ("kl_nats", "heldout/kl_nats"),
        ("each batch", "held-out"),
        unit="nats",
        note="What the code tells about an image. Near 0 the code is ignored: posterior collapse.",
    ),
    Plot(
        "Active units",
        ("active_units", "heldout/active_units"),
        ("each batch", "held-out"),
        note="Code numbers that differ from image to image (Burda et al. 2016); the others carry nothing.",
    ),
    Plot(
        "Standard deviations",
        ("posterior_std", "decoder_std"),
        ("posterior", "decoder"),
        note="Posterior: 1 where a code number is left at the prior. Decoder: the noise that it expects on a pixel, of "
        "a range of 2.",
        log=True,
    ),
    Plot(
        "KL of each code dimension",
        ("heldout/kl_per_dimension",),
        ("held-out",),
        unit="nats",
        kind="bars",
        note="Nats that each number of the code carries, on held-out images; a bar at 0 is a number left unused.",
    ),
    Plot("Gradient norm", ("gradient_norm",), ("model",), log=True, note=GRADIENTS),
    update_ratio("model"),
)
"""In the order in which they are shown."""
