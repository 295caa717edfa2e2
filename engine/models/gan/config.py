"""The knobs of a GAN."""

from __future__ import annotations

from dataclasses import dataclass

from engine.knobs import knob
from engine.objectives.adversarial import OBJECTIVES


@dataclass(frozen=True, kw_only=True)
class DcganConfig:
    """The architecture and objective of a GAN."""

    code: int = knob(128, "Code size", "Numbers in a code.", low=2, high=1024)
    width: int = knob(64, "Width", "Channels at half resolution; deeper stages have more.", low=8, high=256)
    discriminator_width: int = knob(
        64, "Critic width", "The same for the discriminator.", low=8, high=256, advanced=True
    )
    fine: int = knob(
        0,
        "Fine width",
        "Channels of one more stage at full resolution, for skin and hair; 0 draws the last doubling with one layer.",
        low=0,
        high=256,
        advanced=True,
    )
    upsampling: str = knob(
        "nearest",
        "Upsampling",
        "Nearest then convolve draws evenly; transposed convolution is faster and leaves a grid early in training.",
        choices=("nearest", "transposed"),
        advanced=True,
    )
    objective: str = knob(
        "non-saturating",
        "Objective",
        "The game's losses. The Wasserstein ones bound the discriminator in their own way and pay no R1.",
        choices=OBJECTIVES,
    )
    critic_steps: int = knob(
        0,
        "Critic steps",
        "Updates of the discriminator for one of the generator; 0 takes the objective's own (Wasserstein 5, others 1, "
        "and none where batches are compared).",
        low=0,
        high=100,
        unit="steps",
        advanced=True,
    )
    gradient_penalty: float = knob(
        10.0, "Penalty weight", "Of the gradient penalty of wgan-gp.", low=0.0, high=1000.0, advanced=True
    )
    weight_clip: float = knob(
        0.01, "Weight clip", "Largest weight of a wgan critic.", low=1e-4, high=10.0, log=True, advanced=True
    )
    regulariser: str = knob(
        "r1",
        "Regulariser",
        "R1 punishes steep discriminators; spectral norm bounds every layer.",
        choices=("r1", "spectral", "none"),
    )
    r1_weight: float = knob(0.2, "R1 weight", "Higher: calmer, slower, less detail.", low=0.0, high=100.0)
    r1_every: int = knob(8, "R1 every", "Steps between two R1 penalties.", low=1, high=64, unit="steps", advanced=True)
    augment: bool = knob(
        False,
        "Augment",
        "Shifts and recolours what the discriminator sees: for small data sets, against learning by heart.",
        advanced=True,
    )
    grown: int = knob(
        0,
        "Grown by",
        "Doublings by which the model has grown; the stages before them are those of the smaller size.",
        low=0,
        high=4,
        advanced=True,
    )
    fade: int = knob(
        0,
        "Fade in",
        "Steps in which pictures gain the detail that is new to a grown model; before, it has them enlarged.",
        low=0,
        high=1_000_000,
        unit="steps",
        advanced=True,
    )
    critic_first: int = knob(
        0,
        "Critic first",
        "Steps at the start in which the discriminator learns alone: it is new, and the generator is not.",
        low=0,
        high=1_000_000,
        unit="steps",
        advanced=True,
    )
