"""What is drawn of a run while it trains: one row a plot, with the words that say how to read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

PlotKind = Literal["line", "bars", "histogram"]


@dataclass(frozen=True)
class Plot:
    """One live plot.

    `metrics` are names in metrics.jsonl (`kind` "line") or in figures.jsonl ("bars" and "histogram"; several
    histograms share their edges and are drawn over each other). `labels` are their words for a legend, one each.
    `note` tells how to read it and is worth a tooltip; `guides` are (value, word) of lines to compare with.
    A plot with a `knob` belongs only to runs whose model knob has one of `choices`, or that do not know the knob where
    `or_missing`: ask `shown`.
    """

    title: str
    metrics: tuple[str, ...]
    labels: tuple[str, ...] = ()
    unit: str = ""
    log: bool = False
    kind: PlotKind = "line"
    note: str = ""
    guides: tuple[tuple[float, str], ...] = ()
    knob: str = ""
    choices: tuple[str, ...] = ()
    or_missing: bool = False

    def label(self, metric: str) -> str:
        """The legend's word for one of `metrics`."""
        at = self.metrics.index(metric)
        return self.labels[at] if at < len(self.labels) else metric.replace("_", " ")

    def shown(self, config: Mapping[str, object]) -> bool:
        """Whether a run with this model config (`RunConfig.model`) draws it."""
        if not self.knob:
            return True
        return config[self.knob] in self.choices if self.knob in config else self.or_missing


def update_ratio(*networks: str) -> Plot:
    """How far a step moves the weights, for the networks of a family."""
    return Plot(
        "Update / weight",
        tuple(f"{name}/update_ratio" for name in networks),
        networks,
        log=True,
        note="Size of one step over the size of the weights. Near 0.001 is usual; far above it the learning rate is "
        "too high, far below it little is learned.",
        guides=((1e-3, "usual"),),
    )


DIVERSITY: Final = Plot(
    "Diversity of samples",
    ("heldout/diversity",),
    ("samples",),
    note="Spread of the samples over the spread of held-out images: 1 is as varied as real images, near 0 all "
    "samples are alike.",
    guides=((1.0, "real images"),),
)

COMMON: Final = (
    DIVERSITY,
    Plot(
        "Learning rate",
        ("training/learning_rate",),
        ("rate",),
        log=True,
        note="Rises in the warm-up, falls in the decay; a roll-back halves it.",
    ),
    Plot("Speed", ("images_per_second",), ("images/s",), unit="images/s", note="Training images a second."),
    Plot(
        "Waiting for images",
        ("system/input_share",),
        ("share",),
        note="Share of a step that is spent waiting for its batch; above a half, training is held up by reading.",
        guides=((0.5, "held up"),),
    ),
    Plot(
        "Memory",
        ("system/memory_mb", "system/gpu_memory_mb"),
        ("process", "GPU"),
        unit="MB",
        note="Memory of this process, and what its tensors take on the GPU where there is one.",
    ),
)
"""Drawn for every family, after its own."""

_GRADIENTS: Final = (
    "Size of the gradient before it is clipped. It should neither fade to nothing nor leap by orders of magnitude."
)
_TWINS: Final = (
    "Each batch: the weights as they are, on changing images. Training and held-out: the averaged weights on fixed "
    "images, so that these two compare; where they part, the model learns its training images by heart."
)


def _bits(title: str, metric: str, what: str) -> Plot:
    """What an image costs: each batch, and the twins."""
    return Plot(
        title,
        (metric, "training/bits_per_dim", "heldout/bits_per_dim"),
        ("each batch", "training", "held-out"),
        unit="bits/dim",
        note=f"{what}; lower is better. {_TWINS}",
    )


WASSERSTEIN: Final = ("wgan", "wgan-gp")
GAMES: Final = ("non-saturating", "hinge", "least-squares")

VAE: Final = (
    _bits("ELBO, bits/dim", "elbo_bits_per_dim", "Upper bound on the bits that a number of an image takes"),
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
    Plot(
        "Gradient norm",
        ("gradient_norm",),
        ("model",),
        log=True,
        note=_GRADIENTS,
    ),
    update_ratio("model"),
)

GAN: Final = (
    Plot(
        "Losses",
        ("generator_loss", "discriminator_loss"),
        ("generator", "discriminator"),
        note="A game: neither loss tells how good the samples are. The discriminator's near 0 means that it has won "
        "and teaches the generator little.",
        knob="objective",
        choices=GAMES,
        or_missing=True,
    ),
    Plot(
        "Distance that the critic estimates",
        ("critic_distance", "training/critic_distance", "heldout/critic_distance"),
        ("each batch", "training", "held-out"),
        note="-loss of the critic: how far the samples are from real images, in the critic's own unit (Arjovsky et al. "
        "2017). It falls as samples get better; while it rises, the critic itself is still learning. Where training "
        "and held-out part, the critic knows its training images by heart.",
        knob="objective",
        choices=WASSERSTEIN,
    ),
    Plot(
        "What the critic still gains",
        ("critic/lag",),
        ("gain",),
        note="Rise of the estimate over the critic's steps while the generator holds still, as a share of it. Near 0 "
        "the critic is optimal and the distance can be trusted; far above, give it more steps.",
        guides=((0.0, "optimal"), (0.3, "behind")),
        knob="objective",
        choices=WASSERSTEIN,
    ),
    Plot(
        "D(x) and D(G(z))",
        ("d_real", "d_fake"),
        ("real", "generated"),
        note="What the discriminator says of real and of generated images: probabilities for the non-saturating loss "
        "(both near 0.5: it cannot tell), targets 1 and 0 for least squares, scores without a scale for the others.",
    ),
    Plot(
        "Overfitting of the discriminator",
        ("heldout/overfitting",),
        ("held-out",),
        note="Where it places held-out images between training images (0) and samples (1): near 1 it knows its "
        "training images by heart (Karras et al. 2020).",
        guides=((0.6, "too much"),),
    ),
    Plot(
        "D on held-out images and samples",
        ("discriminator/on_heldout", "discriminator/on_samples"),
        ("held-out", "samples"),
        kind="histogram",
        note="How often the discriminator gives which answer; the more the two overlap, the less it can tell.",
    ),
    Plot(
        "Gradient norm",
        ("generator_gradient_norm", "discriminator_gradient_norm"),
        ("generator", "discriminator"),
        log=True,
        note=_GRADIENTS,
    ),
    update_ratio("generator", "discriminator"),
)

FLOW: Final = (
    _bits("Bits/dim", "bits_per_dim", "Bits that a number of an image takes, exactly"),
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
    Plot("Gradient norm", ("gradient_norm",), ("model",), log=True, note=_GRADIENTS),
    update_ratio("model"),
)
