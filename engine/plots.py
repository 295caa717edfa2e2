"""What is drawn of a run while it trains: one row a plot, with the words that say how to read it."""

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

GRADIENTS: Final = (
    "Size of the gradient before it is clipped. It should neither fade to nothing nor leap by orders of magnitude."
)
"""The note of a family's gradient norms."""
TRAINING_AND_HELDOUT: Final = (
    "Each batch: the weights as they are, on changing images. Training and held-out: the averaged weights on fixed "
    "images, so that these two compare; where they part, the model learns its training images by heart."
)


def bits(title: str, metric: str, what: str) -> Plot:
    """What an image costs: each batch, training and held-out."""
    return Plot(
        title,
        (metric, "training/bits_per_dim", "heldout/bits_per_dim"),
        ("each batch", "training", "held-out"),
        unit="bits/dim",
        note=f"{what}; lower is better. {TRAINING_AND_HELDOUT}",
    )
